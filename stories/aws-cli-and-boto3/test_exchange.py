"""A token from our issuer becomes an AWS session through the aws CLI and boto3, by every way in
which they take one."""

import boto3
import pytest
from harness.account import provider_arn
from harness.acme import EXTERNAL_ID, ISSUER, ROLE
from harness.programs import AWS, PYTHON, ROLECALL

IDENTITY = """
import boto3, json
print(json.dumps(boto3.client("sts").get_caller_identity()["Arn"]))
"""


@pytest.mark.parametrize("token_config", ["aws", "es256"])
def test_the_aws_cli_assumes_the_role_with_our_token(acme, token_config):
    answer = acme.programs.aws(
        "sts", "assume-role-with-web-identity",
        "--role-arn", ROLE, "--role-session-name", "by-hand",
        "--web-identity-token", acme.token(token_config),
        env=acme.environment(), prints_secrets=True,
    ).json()  # fmt: skip

    assert answer["SubjectFromWebIdentityToken"] == "cube:deployment:42:component:cube_api"
    assert answer["Audience"] == "sts.amazonaws.com"
    assert answer["Provider"] == provider_arn(ISSUER)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/cube-deployment-acme/by-hand"
    keys = answer["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA")
    identity = acme.programs.aws(
        "sts", "get-caller-identity",
        env=acme.environment(
            AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
            AWS_SESSION_TOKEN=keys["SessionToken"],
        ),
    ).json()  # fmt: skip
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert identity["Account"] == "123456789012"
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_boto3_assumes_the_role_with_our_token(acme):
    answer = acme.accounts.anyone().assume_role_with_web_identity(
        RoleArn=ROLE, RoleSessionName="by-boto3", WebIdentityToken=acme.token(), DurationSeconds=900
    )
    identity = acme.accounts.session("sts", answer["Credentials"]).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/cube-deployment-acme/by-boto3"


@pytest.fixture
def token_file(acme, tmp_path):
    path = tmp_path / "token"
    acme.rolecall("token", "mint", "athena", "--to", path).done()
    acme.programs.ledger.learn_file(path)
    return path


def test_the_token_file_is_private_and_ends_in_no_newline(token_file):
    assert token_file.stat().st_mode & 0o777 == 0o600
    assert not token_file.read_text().endswith("\n")
    assert token_file.read_text().count(".") == 2


@pytest.mark.parametrize("program", ["aws", "boto3"])
def test_sdks_exchange_the_token_file_by_themselves(acme, token_file, program):
    environment = acme.environment(
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token_file), AWS_ROLE_ARN=ROLE, AWS_ROLE_SESSION_NAME="hidden"
    )
    if program == "aws":
        arn = acme.programs.aws("sts", "get-caller-identity", env=environment).json()["Arn"]
    else:
        arn = acme.programs.python(IDENTITY, env=environment).json()
    assert arn == "arn:aws:sts::123456789012:assumed-role/cube-deployment-acme/hidden"


def test_a_profile_names_rolecall_as_its_credential_process(acme, tmp_path):
    profile = tmp_path / "config"
    profile.write_text(
        f"[profile athena]\ncredential_process = {ROLECALL} credentials athena --config {acme.config} --format process\n"
    )
    environment = acme.environment(AWS_CONFIG_FILE=str(profile), AWS_PROFILE="athena")
    by_cli = acme.programs.aws("sts", "get-caller-identity", env=environment).json()["Arn"]
    by_boto3 = acme.programs.python(IDENTITY, env=environment).json()
    # The session's name says which workload this is.
    assert by_cli == by_boto3 == "arn:aws:sts::123456789012:assumed-role/cube-deployment-acme/cube-api-rolecall"


def test_every_printed_form_carries_the_same_kind_of_session(acme):
    def credentials(form):
        return acme.rolecall("credentials", "athena", "--format", form, prints_secrets=True).done()

    process = credentials("process").json()
    assert process["Version"] == 1
    assert set(process) >= {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    script = 'eval "$1"; exec "$2" "$3" --output json sts get-caller-identity'
    by_shell = acme.programs.run(
        "sh", "-c", script, "sh", credentials("env").stdout, PYTHON, AWS, env=acme.environment()
    )
    assert by_shell.json()["Arn"].endswith(":assumed-role/cube-deployment-acme/cube-api-rolecall")
    dotenv = dict(line.split("=", 1) for line in credentials("dotenv").stdout.splitlines() if line)
    keys = {name.lower(): dotenv[name].strip("\"'") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")}
    session = boto3.session.Session(**keys).client("sts", region_name="us-east-1", endpoint_url=acme.accounts.url)
    assert session.get_caller_identity()["Account"] == "123456789012"
    assert isinstance(credentials("json").json(), dict)


def test_the_plan_is_printed_before_any_call(acme):
    before = len(acme.accounts.records())
    plan = acme.rolecall("credentials", "reader", "--explain-plan").done()
    told = plan.stdout + plan.stderr
    for word in (ROLE, "arn:aws:iam::222222222222:role/Reader", "AssumeRoleWithWebIdentity", acme.accounts.url):
        assert word in told, f"{word} is not in the plan:\n{told}"
    # It says that an external ID is sent, and keeps it to itself.
    assert "external" in told and EXTERNAL_ID not in told
    steps = acme.rolecall("credentials", "reader", "--explain-plan", "--output", "json").json()
    assert "arn:aws:iam::222222222222:role/Reader" in str(steps)
    assert len(acme.accounts.records()) == before
