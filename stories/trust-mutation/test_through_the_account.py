"""A sample of the mistakes, made in roles of an emulated account that real tokens ask for: denied,
explained, patched, admitted; and a foreign subject is denied before and after. The exchange is
boto3's, the tokens are signed by an issuer that is not ours."""

from __future__ import annotations

import json
import subprocess

import pytest
from botocore.exceptions import ClientError
from harness.account import emulate, provider
from harness.peer_issuer import PeerIssuer
from harness.programs import ROLECALL
from mistakes import MISTAKES
from setups import ACCOUNT, SETUPS

SAMPLE = {
    "a_literal_word_of_the_format": "prefect-pool",
    "a_tail_star_that_the_subject_lacks": "prefect-pool",
    "the_tail_forgotten": "cube-acme",
    "a_star_under_string_equals": "cube-acme",
    "letter_case": "spacelift-infra",
    "another_audience_in_the_policy": "pulumi-development",
    "an_authorized_party": "pulumi-development",
    "a_key_without_the_path": "prefect-pool",
    "a_condition_on_the_issuer": "spacelift-infra",
    "an_external_id": "cube-acme",
    "another_provider": "pulumi-development",
    "the_action_of_signed_callers": "spacelift-infra",
    "tags_without_their_action": "cube-acme",
    "a_source_identity_without_its_action": "prefect-pool",
    "a_placeholder_in_the_subject": "cube-acme",
}
MADE = {mistake.name: mistake for mistake in MISTAKES}


@pytest.fixture(scope="module", params=sorted(set(SAMPLE.values())))
def world(request, module_programs, tmp_path_factory, ledger):
    """A set-up's issuer, and an account that knows it."""
    setup = next(one for one in SETUPS if one.name == request.param)
    with PeerIssuer(setup.issuer, ledger) as issuer:
        clients = [setup.audience, "client-7"]
        seed = {ACCOUNT: {"oidc_providers": [provider(setup.issuer, *clients)]}}
        accounts = emulate(
            module_programs, tmp_path_factory.mktemp(setup.name), seed, connect_to={issuer.origin: issuer.address}
        )
        yield setup, issuer, accounts


def test_denied_explained_patched_admitted(world, tmp_path):
    setup, issuer, accounts = world
    iam, sts = accounts.admin("iam"), accounts.anyone()
    told = 0

    def exchange(subject: str, claims: dict):
        extra = {name: value for name, value in claims.items() if name not in ("iss", "iat", "exp", "sub", "aud")}
        token = issuer.token(sub=subject, aud=claims["aud"], **extra)
        return sts.assume_role_with_web_identity(
            RoleArn=setup.role, RoleSessionName="sample", WebIdentityToken=token
        )

    def denied(subject: str, claims: dict) -> str:
        with pytest.raises(ClientError) as refused:
            exchange(subject, claims)
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
        return str(refused.value)

    iam.create_role(RoleName=setup.name, AssumeRolePolicyDocument=json.dumps(setup.policy()))
    for name in [name for name, of in SAMPLE.items() if of == setup.name]:
        case = MADE[name].make(setup)
        folder = tmp_path / name
        folder.mkdir()
        trust = folder / "trust.json"
        trust.write_text(json.dumps(case.policy, indent=2) + "\n")
        iam.update_assume_role_policy(RoleName=setup.name, PolicyDocument=trust.read_text())
        error = denied(case.claims["sub"], case.claims)

        (folder / "claims.json").write_text(json.dumps(case.claims))
        explain = [ROLECALL, "trust", "explain", "--error", error, "--claims", "claims.json", "--policy", "trust.json"]
        explain += ["--role-arn", setup.role, "--output", "json"]
        report = json.loads(subprocess.run(explain, cwd=folder, capture_output=True, check=True, timeout=60).stdout)
        finding = report["findings"][0]
        assert finding["cause"] in MADE[name].causes, name
        (folder / "change.patch").write_text(finding["patch"]["diff"])
        subprocess.run(["git", "apply", "change.patch"], cwd=folder, check=True, timeout=60)

        for foreign in setup.foreign:
            denied(foreign, case.claims)
        iam.update_assume_role_policy(RoleName=setup.name, PolicyDocument=trust.read_text())
        session = exchange(case.claims["sub"], case.claims)
        assert session["AssumedRoleUser"]["Arn"].endswith(f":assumed-role/{setup.name}/sample"), name
        for foreign in setup.foreign:
            denied(foreign, case.claims)
        told += 1
    assert told >= 2
