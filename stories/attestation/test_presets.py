"""AWS's own outbound tokens, judged by keys from a file, and jobs of a GitLab instance."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from harness.evidence import EvidenceIssuer, exchange, forgeries, verified
from harness.issuer import serve
from harness.peer_issuer import _jwk

ISSUER = "https://acme.cubecloud.dev"
HOST = "acme.cubecloud.dev"
ACCOUNT_ISSUER = "https://11111111-2222-3333-4444-555555555555.tokens.sts.global.api.aws"
ROLE = "arn:aws:iam::111122223333:role/batch"


class Account(EvidenceIssuer):
    """Shaped as the issuer of an AWS account; nobody can reach it, its keys lie in a file."""

    def shape(self):
        principal = {"aws_account": "111122223333", "source_region": "eu-central-1", "org_id": "o-acme"}
        return {"sub": ROLE, "https://sts.amazonaws.com/": principal}

    def token(self, **changes):
        """Signed with ES384, one of the two algorithms that `sts:GetWebIdentityToken` offers."""
        return self.sign(self.claims(**changes), self.keys["es384"], "ES384", {"kid": "es384"})


class Gitlab(EvidenceIssuer):
    """Shaped as a GitLab instance."""

    def shape(self):
        return {
            "sub": "project_path:platform/app:ref_type:branch:ref:main",
            "project_path": "platform/app",
            "namespace_path": "platform",
            "pipeline_source": "push",
            "ref": "main",
            "ref_type": "branch",
            "ref_protected": "true",
        }


@pytest.fixture(scope="module")
def world(module_programs, ledger):
    folder = module_programs.folder / "presets"
    folder.mkdir()
    with Account(ledger, ISSUER) as account, Gitlab(ledger, ISSUER) as gitlab:
        account.url = ACCOUNT_ISSUER
        account.keys["es384"] = ec.generate_private_key(ec.SECP384R1())
        (folder / "account.json").write_text(json.dumps({"keys": [_jwk("es384", account.keys["es384"])]}))
        tenant = {
            "name": "acme",
            "issuer": ISSUER,
            "token_configs": [
                {"name": "aws", "audience": "sts.amazonaws.com", "algorithm": "ES256", "subject": "w:{name}:{place}"}
            ],
            "trusted_issuers": [
                {"name": "account", "preset": "aws", "issuer": ACCOUNT_ISSUER, "jwks_file": "./account.json"},
                {"name": "gitlab", "preset": "gitlab", "issuer": gitlab.url, "maximum_age": "10m", "leeway": "10s"},
            ],
            "workloads": [
                {
                    "name": "batch",
                    "token_configs": ["aws"],
                    "evidence": [
                        {
                            "from": "account",
                            "where": {"principal": ROLE, "account": "111122223333", "organization": "o-acme"},
                            "attributes": {"place": "source_region"},
                        }
                    ],
                },
                {
                    "name": "deploy",
                    "token_configs": ["aws"],
                    "evidence": [
                        {
                            "from": "gitlab",
                            "where": {"project_path": {"like": "platform/*"}, "ref": ["main", "stable"]},
                            "attributes": {"place": "project_path"},
                        }
                    ],
                },
            ],
        }
        issuer = serve(module_programs, folder, [tenant])

        def ask(token, **form):
            return exchange(issuer.address, HOST, token, ledger, **form)

        def subject(token):
            status, answer = ask(token)
            assert status == 200, answer
            return verified(issuer.address, HOST, ISSUER, answer["access_token"])["sub"]

        yield account, gitlab, ask, subject


def test_a_role_of_the_account_by_keys_from_a_file(world):
    account, _, ask, subject = world
    assert subject(account.token()) == "w:batch:eu-central-1"
    other = {"aws_account": "444455556666", "source_region": "eu-central-1", "org_id": "o-acme"}
    for changes in ({"sub": f"{ROLE}2"}, {"https://sts.amazonaws.com/": other}, {"https://sts.amazonaws.com/": "x"}):
        assert ask(account.token(**changes))[1]["error"] == "invalid_request"
    assert account.fetched == []


def test_a_job_on_a_protected_branch(world):
    _, gitlab, ask, subject = world
    assert subject(gitlab.token()) == "w:deploy:platform/app"
    for changes in (
        {"pipeline_source": "merge_request_event"},
        {"ref_protected": "false"},
        {"project_path": "platform-evil/app"},
        {"ref": "topic"},
    ):
        status, answer = ask(gitlab.token(**changes))
        assert (status, answer["error"]) == (400, "invalid_request")
    for what, token in forgeries(gitlab).items():
        assert ask(token)[0] == 400, what


def test_the_evidence_of_one_is_nothing_to_the_other(world):
    account, gitlab, ask, _ = world
    assert ask(account.token(), client_id="deploy")[1]["error"] == "invalid_request"
    assert ask(gitlab.token(iss=ACCOUNT_ISSUER, sub=ROLE))[1]["error"] == "invalid_request"
