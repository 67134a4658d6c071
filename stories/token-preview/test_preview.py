"""`rolecall token preview` says beforehand what tokens say: for every preset against its vectors, and
for a workload whose token is then minted for real."""

import base64
import json
from pathlib import Path

import pytest
import yaml
from harness.acme import ISSUER
from harness.issuer import asking, serve, workload_key

VECTORS = json.loads((Path(__file__).parents[2] / "crates/path/mint/vectors/presets.json").read_text())


def flags(attributes: dict) -> list[str]:
    return [part for name, value in attributes.items() for part in ("--attribute", f"{name}={value}")]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["preset"])
def test_every_preset_renders_its_vectors(vector, programs):
    audience = ["--audience", vector["audience"]] if "audience" in vector else []
    listed = [part for name in vector.get("subject_attributes", []) for part in ("--subject-attribute", name)]
    previewed = programs.rolecall(
        "token", "preview", "--preset", vector["preset"], *audience, *listed, *flags(vector["attributes"]), "--output", "json"
    )  # fmt: skip
    if "refused" in vector:
        assert previewed.code == 2 and previewed.stdout == ""
        assert vector["refused"] in previewed.stderr
        return
    told = previewed.json()
    assert told["subject"] == told["claims"]["sub"] == vector["subject"]
    for name, value in vector.get("claims", {}).items():
        assert told["claims"][name] == value
    assert not set(vector.get("without", [])) & set(told["claims"])


def test_one_run_has_two_tokens(programs):
    run = ["--attribute", "spaceId=legacy", "--attribute", "callerType=stack", "--attribute", "callerId=infra"]
    run += ["--attribute", "runType=TRACKED", "--attribute", "autodeploy=false"]
    spacelift = ["token", "preview", "--preset", "spacelift", "--audience", "demo.app.spacelift.io", "--output", "json"]
    scopes = {
        phase: programs.rolecall(*spacelift, *run, "--attribute", f"phase={phase}").json()["claims"]["scope"]
        for phase in ("plan", "apply")
    }
    assert scopes == {"plan": "read", "apply": "write"}


def test_the_presets_are_listed(programs):
    listed = programs.rolecall("token", "presets", "--output", "json").json()
    assert {preset["name"] for preset in listed} == {vector["preset"] for vector in VECTORS}
    one = programs.rolecall("token", "presets", "cube").done().stdout
    assert "`control-plane` where it is missing" in one


def tenant(workload) -> dict:
    tags = {"session_tags": {"team": "{team}", "attempts": 3}, "transitive_tag_keys": ["team"], "source_identity": "{name}"}
    return {
        "name": "acme",
        "issuer": ISSUER,
        "attributes": {"team": {"description": "who pays", "values": ["data", "web"]}, "tagged": {"values": ["true", "false"]}},
        "reserved_claims": ["acme:"],
        "token_lifetimes": {"shortest": "10m", "longest": "2h"},
        "token_configs": [
            {"name": "aws", "preset": "cube", "kind": "aws", "aws": {**tags, "opt_in": {"source_identity": "tagged"}}},
            {
                "name": "run", "preset": "spacelift", "audience": "demo.app.spacelift.io", "lifetime": "20m",
                "subject": "space:{spaceId}:{callerType}:{callerId}:run_type:{runType}:scope:{scope}",
                "claims": {"groups": "data,web", "one": "data,", "text": "a\\, b"}, "target_variable": "SPACELIFT_OIDC_TOKEN_FILE",
            },
        ],
        "workloads": [
            {
                "name": workload.name,
                "attributes": {
                    "deployment_id": "42", "team": "data", "spaceId": "legacy", "callerType": "stack",
                    "callerId": "infra", "runType": "TRACKED", "autodeploy": "false",
                },
                "may_claim": {"component": ["cube_api", "cube_store"], "phase": ["plan", "apply"]},
                "token_configs": ["aws", "run"],
                "keys": [workload.jwk],
            }
        ],
    }  # fmt: skip


def claims_of(token: str) -> dict:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.mark.parametrize(
    ("config", "chosen"),
    [("aws", {"component": "cube_api"}), ("aws", {}), ("run", {"phase": "plan"}), ("run", {"phase": "apply"})],
)
def test_a_minted_token_says_what_was_previewed(config, chosen, programs, tmp_path):
    workload = workload_key(programs, tmp_path, "cube-api")
    issuer = serve(programs, tmp_path, [tenant(workload)])
    asks = asking(tmp_path / "cube-api.yaml", workload, ISSUER, {}, address=issuer.address)
    previewed = programs.rolecall(
        "token", "preview", "--config", issuer.config, "--workload", "cube-api", "--token-config", config,
        *flags(chosen), "--output", "json",
    ).json()  # fmt: skip
    minted = programs.rolecall(
        "token", "mint", "--config", asks, "--token-config", config, *flags(chosen), prints_secrets=True
    )
    claims = claims_of(minted.done().stdout.strip())
    moving = ("jti", "iat", "nbf", "exp")
    assert {**claims, **dict.fromkeys(moving)} == {**previewed["claims"], **dict.fromkeys(moving)}
    assert claims["exp"] - claims["iat"] == (3600 if config == "aws" else 1200)
    if config == "aws":
        assert claims["https://aws.amazon.com/tags"]["principal_tags"] == {"attempts": ["3"], "team": ["data"]}
        assert "https://aws.amazon.com/source_identity" not in claims
        assert [need["action"] for need in previewed["trust_policy"]] == ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
        sources = {origin["name"]: origin["source"] for origin in previewed["placeholders"]}
        assert sources["component"] == ("attribute" if chosen else "stand_in")
    else:
        assert claims["scope"] == {"plan": "read", "apply": "write"}[chosen["phase"]]
        assert (claims["groups"], claims["one"], claims["text"]) == (["data", "web"], ["data"], "a, b")


BROKEN = {
    "an attribute that is not declared": (
        lambda tenant: tenant["token_configs"][0].update(subject="cube:deployment:{deployment}"),
        ["no attribute `deployment` is declared; did you mean `deployment_id`?", "^"],
    ),
    "a second config for AWS": (
        lambda tenant: tenant["token_configs"].append({"name": "aws2", "preset": "cube", "kind": "aws"}),
        ["the kind `aws`, of which a tenant has one, is that of the token config `aws` already"],
    ),
    "a value that is not declared": (
        lambda tenant: tenant["workloads"][0]["attributes"].update(team="dta"),
        ["`dta`; possible are `data`, `web`; did you mean `data`?; it is who pays"],
    ),
    "a scope of one's own": (
        lambda tenant: tenant["attributes"].update(scope={"derived": "run_scope"}) or tenant["workloads"][0]["attributes"].update(scope="write"),
        ["it is computed from `runType`, `autodeploy`, `phase`"],
    ),
    "a reserved claim": (
        lambda tenant: tenant["token_configs"][1]["claims"].update({"acme:role": "x"}),
        ["`acme:role` cannot be a custom claim"],
    ),
    "too long a lifetime": (
        lambda tenant: tenant["token_configs"][1].update(lifetime="3h"),
        ["a lifetime of 10800 s is not possible: 600 s to 7200 s is"],
    ),
    "a variable that starts programs": (
        lambda tenant: tenant["token_configs"][1].update(target_variable="PATH"),
        ["`PATH` cannot be a target variable"],
    ),
    "a pool that is none": (
        lambda tenant: tenant["token_configs"][1].update(kind="gcp", audience="//iam.googleapis.com/projects/acme"),
        ["workloadIdentityPools"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_refused_before_anything_is_served(what, programs, tmp_path):
    change, messages = BROKEN[what]
    workload = workload_key(programs, tmp_path, "cube-api")
    broken = tenant(workload)
    change(broken)
    config = tmp_path / "rolecall.yaml"
    server = {"listen": "127.0.0.1:0", "state": str(tmp_path / "state"), "master_key_file": str(tmp_path / "master.key")}
    config.write_text(yaml.safe_dump({"server": server, "tenants": [broken]}, sort_keys=False))
    served = programs.rolecall("serve", "--config", config)
    assert served.code == 3, served.stderr
    for message in messages:
        assert message in served.stderr
    assert not (tmp_path / "state").exists()


def test_a_wrong_format_is_shown_with_a_caret_under_it(programs, tmp_path):
    config = tmp_path / "rolecall.yaml"
    config.write_text(
        "tenants:\n  - name: acme\n    issuer: https://acme.example\n    token_configs:\n"
        '      - { name: aws, preset: cube, subject: "cube:deployment:{deploymentid}" }\n'
    )
    refused = programs.rolecall("token", "preview", "--config", config)
    assert refused.code == 3
    shown, caret = [line for line in refused.stderr.splitlines() if "|" in line]
    assert shown[caret.index("^") :].startswith("{deploymentid}")
    assert f"rolecall.yaml:5:{shown.index('{deploymentid}') - shown.index('      - {') + 1}:" in refused.stderr
    tried = programs.rolecall("token", "preview", "--preset", "cube", "--subject", "cube/{deployment_id}")
    assert tried.code == 2 and "letters, digits and `:_-` may" in tried.stderr and "^" in tried.stderr
