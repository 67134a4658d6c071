"""`--policy` with a role's ARN, or `iam://` for all roles: the live policy is judged, whatever the
files say."""

import json
import socket

import pytest
from harness.account import OTHER_ACCOUNT, role_arn


def check(live, programs, policy, *arguments, token=None, **environment):
    token_file = programs.folder / "token"
    token_file.write_text(token or live.token())
    return programs.rolecall(
        "trust", "check", "--policy", policy, "--token", token_file, *arguments,
        env=live.environment(programs, **environment),
    )  # fmt: skip


def test_a_live_policy_decides_about_a_token(live, programs):
    allowed = check(live, programs, role_arn("good"))
    assert allowed.code == 0, allowed.stderr
    assert "allowed" in allowed.stdout
    denied = check(live, programs, role_arn("wrong"))
    assert denied.code == 9
    # The answer shows the line of the live document, under the role's name.
    assert f"{role_arn('wrong')}:" in denied.stdout
    assert live.wrong_subject in denied.stdout and live.subject in denied.stdout
    assert denied.stderr == ""


def test_the_answer_is_that_of_sts(live, programs):
    for role in ("good", "wrong"):
        for token in (live.token(), live.token(sub="org:acme:cloud:43")):
            refused = live.exchange(role, token)
            judged = check(live, programs, role_arn(role), token=token)
            assert (judged.code, refused) in [(0, ""), (9, "AccessDenied")]


def test_one_of_the_accounts_250_roles_is_picked_over_pages(live, programs):
    # Role names come in order: this one is on the third page.
    picked = check(live, programs, "iam://", "--role", "wrong")
    assert picked.code == 9, picked.stderr
    assert live.wrong_subject in picked.stdout
    many = check(live, programs, "iam://")
    assert many.code == 2
    assert f"there are {live.roles} trust policies" in many.stderr


def test_a_missing_permission_is_named_with_the_way_to_mend_it(live, programs):
    refused = check(live, programs, role_arn("good"), **live.user("reads-nothing"))
    assert refused.code == 5
    assert "these credentials may not iam:GetRole" in refused.stderr
    assert "user/reads-nothing" in refused.stderr and "docs/live.md" in refused.stderr
    refused = check(live, programs, "iam://", **live.user("reads-one", "iam:GetRole"))
    assert refused.code == 5 and "these credentials may not iam:ListRoles" in refused.stderr


def test_the_least_permission_is_enough(live, programs):
    assert check(live, programs, role_arn("good"), **live.user("get-role", "iam:GetRole")).code == 0
    picked = check(live, programs, "iam://", "--role", "good", **live.user("list-roles", "iam:ListRoles"))
    assert picked.code == 0, picked.stderr


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAUNKNOWNUNKNOWN12"}, "InvalidClientTokenId"),
        ({"AWS_SECRET_ACCESS_KEY": "not-the-secret"}, "SignatureDoesNotMatch"),
    ],
)
def test_wrong_credentials_are_told_apart_from_missing_permissions(live, programs, environment, told):
    refused = check(live, programs, role_arn("good"), **environment)
    assert refused.code == 5
    assert "AWS does not take the credentials" in refused.stderr and told in refused.stderr
    assert "not-the-secret" not in refused.stderr


def test_no_credentials_at_all(live, programs):
    refused = check(live, programs, role_arn("good"), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert refused.code == 3
    assert "no AWS credentials could be had" in refused.stderr and "AWS_PROFILE" in refused.stderr


def test_nobody_at_the_address(live, programs):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
    refused = check(live, programs, role_arn("good"), AWS_ENDPOINT_URL_IAM=url)
    assert refused.code == 6
    assert f"IAM at {url} cannot be reached" in refused.stderr
    assert "AWS_ENDPOINT_URL_IAM" in refused.stderr


def test_a_role_that_is_not_there_and_one_of_another_account(live, programs):
    absent = check(live, programs, role_arn("nobody"))
    assert absent.code == 3
    assert "there is no role `nobody`" in absent.stderr
    # The name exists here, so IAM would answer; the account does not fit.
    other = check(live, programs, role_arn("good", OTHER_ACCOUNT))
    assert other.code == 3
    assert f"is in account {OTHER_ACCOUNT}" in other.stderr
    moved = check(live, programs, role_arn("team/good"))
    assert moved.code == 3 and f"the role of that name is `{role_arn('good')}`" in moved.stderr


def test_what_is_no_role_is_refused_before_anything_is_called(live, programs):
    refused = check(live, programs, "arn:aws:sts::123456789012:assumed-role/good/session", AWS_ENDPOINT_URL_IAM="http://127.0.0.1:1")
    assert refused.code == 2
    assert "it names a session of a role, not the role" in refused.stderr


def test_a_profile_with_a_credential_process_and_an_address_of_its_own(live, programs, tmp_path):
    keys = live.accounts.admin_keys()
    script = tmp_path / "keys.sh"
    script.write_text(
        "#!/bin/sh\n"
        f'echo \'{{"Version": 1, "AccessKeyId": "{keys["aws_access_key_id"]}", '
        f'"SecretAccessKey": "{keys["aws_secret_access_key"]}"}}\'\n'
    )
    script.chmod(0o700)
    config = tmp_path / "config"
    config.write_text(
        "[profile reader]\nregion = eu-central-1\n"
        f"credential_process = {script}\nservices = emulated\n"
        f"[services emulated]\niam =\n  endpoint_url = {live.accounts.url}\n"
    )
    token = tmp_path / "token"
    token.write_text(live.token())
    environment = programs.environment(AWS_PROFILE="reader", AWS_CONFIG_FILE=str(config))
    del environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]
    judged = programs.rolecall("trust", "check", "--policy", role_arn("good"), "--token", token, env=environment)
    assert judged.code == 0, judged.stderr


def test_reading_writes_nothing(live, programs):
    before = len(live.accounts.records())
    check(live, programs, role_arn("good"))
    check(live, programs, "iam://", "--role", "good")
    records = live.accounts.records()[before:]
    assert records and all(record["readOnly"] for record in records)


def test_a_live_policy_is_compared_with_a_file(live, programs, tmp_path):
    def compare(old, new):
        return programs.rolecall("trust", "compare", old, new, "--output", "json", env=live.environment(programs))

    printed = programs.aws(
        "iam", "get-role", "--role-name", "good", "--query", "Role.AssumeRolePolicyDocument", env=live.environment(programs)
    ).done()  # fmt: skip
    same = tmp_path / "trust.json"
    same.write_text(printed.stdout)
    assert compare(role_arn("good"), same).code == 0
    wider = tmp_path / "wider.json"
    wider.write_text(printed.stdout.replace("StringEquals", "StringLike").replace(live.subject, "org:acme:*"))
    assert compare(role_arn("good"), wider).code == 9
    assert compare(wider, role_arn("good")).code == 0


def test_who_may_assume_which_of_the_accounts_250_roles(live, programs, tmp_path):
    subjects = tmp_path / "subjects"
    subjects.write_text(f"{live.subject}\n{live.wrong_subject}\norg:acme:cloud:43\n")
    told = programs.rolecall(
        "trust", "who", "--policy", "iam://", "--subjects", subjects, "--format", "json", env=live.environment(programs)
    ).json()  # fmt: skip
    reached = {tuple(group["subjects"]): group["roles"] for group in told["groups"]}
    assert reached[(live.wrong_subject,)] == [role_arn("wrong")]
    assert len(reached[(live.subject,)]) == live.roles - 1
    assert role_arn("other-247") in reached[(live.subject,)]


def test_a_fix_of_a_live_policy_is_a_patch_and_nothing_is_written(live, programs, tmp_path):
    token = tmp_path / "token"
    token.write_text(live.token())
    before = len(live.accounts.records())
    fix = ["trust", "fix", "--policy", role_arn("wrong"), "--token", token]
    mended = programs.rolecall(*fix, env=live.environment(programs)).done()
    assert mended.stdout.startswith("--- a/trust-policy.json")
    assert live.subject in mended.stdout and "nobody else" in mended.stderr
    refused = programs.rolecall(*fix, "--in-place", env=live.environment(programs))
    assert refused.code == 2 and "nothing is written to AWS" in refused.stderr
    assert all(record["readOnly"] for record in live.accounts.records()[before:])


def test_a_role_may_be_called_like_a_file(live, programs):
    iam = live.accounts.admin("iam")
    document = iam.get_role(RoleName="good")["Role"]["AssumeRolePolicyDocument"]
    iam.create_role(RoleName="deploy.py", AssumeRolePolicyDocument=json.dumps(document))
    try:
        assert check(live, programs, role_arn("deploy.py")).code == 0
        assert check(live, programs, "iam://", "--role", role_arn("deploy.py")).code == 0
    finally:
        iam.delete_role(RoleName="deploy.py")


def test_lint_reads_the_whole_account(live, programs):
    iam = live.accounts.admin("iam")
    document = iam.get_role(RoleName="good")["Role"]["AssumeRolePolicyDocument"]
    del document["Statement"][0]["Condition"]["StringEquals"][f"{live.url.split('://')[1]}:sub"]
    iam.create_role(RoleName="without-subject", AssumeRolePolicyDocument=json.dumps(document))
    try:
        linted = programs.rolecall("trust", "lint", "iam://", "--output", "json", env=live.environment(programs))
        assert linted.code == 9, linted.stderr
        assert role_arn("without-subject") in linted.stdout
        one = programs.rolecall("trust", "lint", role_arn("without-subject"), env=live.environment(programs))
        assert one.code == 9 and role_arn("without-subject") in one.stdout
    finally:
        iam.delete_role(RoleName="without-subject")
