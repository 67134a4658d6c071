"""A subject format changed under the roles of an emulated account: before, between and after, real
tokens of both forms are exchanged, and nobody is ever locked out."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from harness.account import ACCOUNT, emulate, provider
from harness.peer_issuer import PeerIssuer

ISSUER = "https://token.actions.githubusercontent.com"
PREFIX = ISSUER.removeprefix("https://")
OLD = "repo:octo/app:ref:refs/heads/main"
NEW = "repo:octo@65/app@4242:ref:refs/heads/main"
STRANGER = "repo:octo@66/app@4242:ref:refs/heads/main"
MAP = "owner=octo owner_id=65\nowner=octo repository=app repository_id=4242\n"
TERRAFORM = f"""\
resource "aws_iam_role" "deploy" {{
  name = "deploy"
  assume_role_policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [{{
      Effect    = "Allow"
      Principal = {{ Federated = "arn:aws:iam::{ACCOUNT}:oidc-provider/{PREFIX}" }}
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {{
        StringEquals = {{
          "{PREFIX}:aud" = "sts.amazonaws.com" # always
          "{PREFIX}:sub" = "{OLD}"
        }}
      }}
    }}]
  }})
}}
"""


def policy_of(programs, path) -> str:
    """The policy that the file makes, taken out of it by its own quotes: HCL objects are near JSON."""
    import re

    text = path.read_text()
    body = text[text.index("jsonencode(") + len("jsonencode(") : text.rindex(")")]
    body = re.sub(r"#[^\n]*", "", body)
    body = re.sub(r'^(\s*)"?([\w.:/-]+?)"?\s*=\s*', r'\1"\2": ', body, flags=re.M)
    body = re.sub(r'\{ (\w+) = ', r'{ "\1": ', body)
    body = re.sub(r'(["\]}])\s*\n(\s*")', r"\1,\n\2", body)
    return json.dumps(json.loads(body))


def test_nobody_is_locked_out(programs, ledger):
    folder = programs.folder / "infra"
    folder.mkdir()
    (folder / "main.tf").write_text(TERRAFORM)
    (programs.folder / "ids.txt").write_text(MAP)
    migrate = ["trust", "migrate", "--preset", "github-immutable", "--map", "ids.txt", "--policy", "infra"]

    with PeerIssuer(ISSUER, ledger) as issuer:
        seed = {ACCOUNT: {"oidc_providers": [provider(ISSUER, "sts.amazonaws.com")]}}
        accounts = emulate(programs, programs.folder / "aws", seed, connect_to={issuer.origin: issuer.address})
        iam, sts = accounts.admin("iam"), accounts.anyone()
        iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=policy_of(programs, folder / "main.tf"))

        def admitted(*subjects: str) -> list[bool]:
            answers = []
            for subject in subjects:
                try:
                    sts.assume_role_with_web_identity(
                        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/deploy",
                        RoleSessionName="run",
                        WebIdentityToken=issuer.token(sub=subject),
                    )
                    answers.append(True)
                except ClientError as error:
                    assert error.response["Error"]["Code"] == "AccessDenied"
                    answers.append(False)
            return answers

        def apply():
            iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=policy_of(programs, folder / "main.tf"))

        seen = programs.rolecall(*migrate)
        assert seen.code == 9 and "breaks" in seen.stdout and NEW in seen.stdout
        assert admitted(OLD, NEW, STRANGER) == [True, False, False]

        early = programs.rolecall(*migrate, "--narrow", "--in-place")
        assert early.code == 9 and "widen first" in early.stderr
        assert (folder / "main.tf").read_text() == TERRAFORM

        diff = programs.rolecall(*migrate, "--widen").done()
        assert "proved that only the form" in diff.stderr
        programs.run("git", "apply", stdin=diff.stdout).done()
        assert "# always" in (folder / "main.tf").read_text()
        apply()
        assert admitted(OLD, NEW, STRANGER) == [True, True, False]
        assert programs.rolecall(*migrate).done().stdout.startswith("ready")

        programs.rolecall(*migrate, "--narrow", "--in-place").done()
        apply()
        assert admitted(OLD, NEW, STRANGER) == [False, True, False]
        assert programs.rolecall(*migrate).done().stdout.startswith("done")


@pytest.mark.parametrize("wrong, said", [
    (["--preset", "github-immutabel"], "Did you mean `github-immutable`?"),
    (["--from", "a:{b", "--to", "c"], "has no partner"),
    (["--from", "a:{b}", "--to", "a:{c}", "--map", "ids.txt"], "line 1 of the map"),
])  # fmt: skip
def test_what_is_no_change_is_refused(programs, wrong, said):
    (programs.folder / "ids.txt").write_text("nonsense\n")
    (programs.folder / "trust.json").write_text('{"Statement": []}')
    ended = programs.rolecall("trust", "migrate", *wrong, "--policy", "trust.json")
    assert ended.code == 2 and said in ended.stderr, ended.stderr


def test_identifiers_that_are_not_known_block_everything(programs):
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{PREFIX}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {f"{PREFIX}:sub": [OLD, "repo:octo/new:*"]}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
    (programs.folder / "trust.json").write_text(text)
    (programs.folder / "ids.txt").write_text(MAP)
    migrate = ["trust", "migrate", "--preset", "github-immutable", "--map", "ids.txt", "--policy", "trust.json"]
    ended = programs.rolecall(*migrate, "--widen", "--in-place", "--output", "json")
    assert ended.code == 9
    assert "`repository_id`" in json.loads(ended.stdout)["refused"][0]["why"]
    assert (programs.folder / "trust.json").read_text() == text
