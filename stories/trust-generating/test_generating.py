"""Generated commands, run by a shell and the aws CLI in an emulated account: a real token is
admitted and a foreign one denied. Generated Terraform is what `terraform fmt` would write."""

import json

import pytest
from botocore.exceptions import ClientError
from harness.account import ACCOUNT, emulate, role_arn
from harness.peer_issuer import PeerIssuer
from harness.terraform import terraform

SPACE = "legacy-01KJMM56VS4W3AL9YZWVCXBX8D"
CHOICES = {
    "cube": (
        "https://acme.cubecloud.dev",
        ["--with", "tenant=acme", "--with", "deployment_id=42", "--any", "component"],
        "cube:deployment:42:component:cube_api",
        ["cube:deployment:43:component:cube_api", "cube:deployment:42"],
    ),
    "spacelift": (
        "https://demo.app.spacelift.io",
        ["--with", "account=demo", "--with", f"spaceId={SPACE}", "--with", "callerType=stack"]
        + ["--with", "callerId=infra", "--any", "runType", "--with", "scope=write"],
        f"space:{SPACE}:stack:infra:run_type:TRACKED:scope:write",
        [f"space:{SPACE}:stack:infra:run_type:PROPOSED:scope:read", "space:x:stack:infra:run_type:TASK:scope:write"],
    ),
    "prefect": (
        "https://api.prefect.cloud/oidc-provider",
        ["--with", "account_id=9b7c1c1e-0000-4000-8000-5f1e8d6a2b10"],
        "prefect:account:9b7c1c1e-0000-4000-8000-5f1e8d6a2b10",
        ["prefect:cloud:9b7c1c1e-0000-4000-8000-5f1e8d6a2b10"],
    ),
    "github": (
        "https://token.actions.githubusercontent.com",
        ["--with", "owner=octo-org", "--with", "repo=app", "--like", "ref=refs/tags/*"],
        "repo:octo-org/app:ref:refs/tags/v1",
        ["repo:octo-org-evil/app:ref:refs/tags/v1", "repo:octo-org/app:ref:refs/heads/main"],
    ),
}
ALL = ["--part", "provider", "--part", "trust", "--part", "permissions"]


@pytest.mark.parametrize("preset", CHOICES)
def test_the_commands_set_up_a_role_that_admits_its_own_tokens(preset, programs, tmp_path, ledger):
    issuer_url, choice, subject, foreign = CHOICES[preset]
    with PeerIssuer(issuer_url, ledger) as issuer:
        accounts = emulate(programs, tmp_path / "account", {ACCOUNT: {}}, connect_to={issuer.origin: issuer.address})
        script = programs.rolecall(
            "trust", "generate", preset, *choice, "--account", ACCOUNT, "--role", "made", *ALL,
            "--permit", "s3-read:bucket=exports,prefix=daily/", "--format", "aws-cli",
        ).done()  # fmt: skip
        assert f"admits `{subject.rsplit(':', 1)[0].split(':')[0]}:" in script.stderr
        keys = {name.upper(): value for name, value in accounts.admin_keys().items()}
        environment = programs.environment(AWS_ENDPOINT_URL=accounts.url, **keys)
        programs.run("sh", "-e", stdin=script.stdout, env=environment).done()

        audience = accounts.admin("iam").get_open_id_connect_provider(
            OpenIDConnectProviderArn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer_url.removeprefix('https://')}"
        )["ClientIDList"][0]
        stored = accounts.admin("iam").get_role_policy(RoleName="made", PolicyName="s3-read")["PolicyDocument"]
        assert [statement["Sid"] for statement in stored["Statement"]] == ["BucketLocation", "BucketList", "BucketRead"]

        def exchange(subject, audience=audience):
            return accounts.anyone().assume_role_with_web_identity(
                RoleArn=role_arn("made"), RoleSessionName="story",
                WebIdentityToken=issuer.token(sub=subject, aud=audience),
            )  # fmt: skip

        assert exchange(subject)["SubjectFromWebIdentityToken"] == subject
        for other in foreign:
            with pytest.raises(ClientError) as refused:
                exchange(other)
            assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_choice_that_is_not_whole_is_refused_with_what_to_do(programs):
    cube = ["trust", "generate", "cube", "--account", ACCOUNT, "--with", "tenant=acme"]
    refused = programs.rolecall(*cube, "--with", "deployment_id=42")
    assert refused.code == 2 and refused.stdout == ""
    assert "`component`" in refused.stderr and "--any component" in refused.stderr
    refused = programs.rolecall(*cube, "--with", "deployment_id=<deployment-id>", "--any", "component")
    assert refused.code == 2 and "placeholder" in refused.stderr
    refused = programs.rolecall(
        "trust", "generate", "github", "--account", ACCOUNT, "--any", "owner", "--any", "repo", "--with", "ref=main"
    )
    assert refused.code == 2 and "many customers" in refused.stderr
    many = [part for at in range(60) for part in ("--with", f"deployment_id={at}")]
    refused = programs.rolecall(*cube, *many, "--any", "component")
    assert refused.code == 9 and "ACLSizePerRole" in refused.stderr


def test_what_was_generated_decides_alike_in_every_language(programs, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(claims("repo:octo-org/app:ref:refs/tags/v1")))
    (tmp_path / "foreign.json").write_text(json.dumps(claims("repo:evil/app:ref:refs/tags/v1")))
    names = {"json": "a.json", "terraform": "a.tf", "terraform-document": "b.tf", "cloudformation": "a.yaml"}
    for language, name in names.items():
        made = programs.rolecall(
            "trust", "generate", "github", *CHOICES["github"][1], "--account", ACCOUNT, "--format", language
        )
        (tmp_path / name).write_text(made.done().stdout)
        for who, code in (("mine", 0), ("foreign", 9)):
            decided = programs.rolecall(
                "trust", "check", "--policy", tmp_path / name, "--claims", tmp_path / f"{who}.json"
            )
            assert decided.code == code, f"{language} {who}: {decided.stderr}"


@pytest.mark.skipif(terraform() is None, reason="terraform is not on PATH")
@pytest.mark.parametrize("language", ["terraform", "terraform-document"])
def test_terraform_finds_nothing_to_format(language, programs, tmp_path):
    permits = [
        "athena:region=eu-central-1,workgroup=primary,database=sales,results=r,data=d1,data=d2",
        "bedrock:region=us-east-1,region=us-west-2,model=anthropic.claude-v2:1,profile=us.anthropic.claude-v2:1",
    ]
    made = programs.rolecall(
        "trust", "generate", "spacelift", *CHOICES["spacelift"][1], "--account", ACCOUNT, "--tags", *ALL,
        *(part for text in permits for part in ("--permit", text)), "--format", language,
    )  # fmt: skip
    (tmp_path / "main.tf").write_text(made.done().stdout)
    formatted = programs.run(terraform(), "fmt", "-check", "-diff", "main.tf", cwd=tmp_path)
    assert formatted.code == 0, formatted.stdout + formatted.stderr


def claims(subject):
    return {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": subject,
        "iat": 1_790_000_000,
        "exp": 1_790_003_600,
    }
