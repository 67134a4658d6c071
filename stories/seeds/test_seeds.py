"""The trust policies that platforms publish, against tokens in their own subject formats: who gets
in, who does not, and what Rolecall says about it. Issuers have their real names.

`policies/` holds the documents as the platforms' guides print them, placeholders filled in."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.account import ACCOUNT, emulate, provider, role, role_arn
from harness.issuer import asking, serve, workload_key

POLICIES = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "policies").glob("*.json"))}

PREFECT_ACCOUNT = "8a7c5a4e-3a1b-4f6e-9c0d-2f1e0b9a7d11"
PRODUCTION = "production-01HND497T9JKR76MR3KA2CDJHP"


@dataclass(frozen=True)
class Platform:
    """A platform's issuer, audience, subject format, and what its workload is."""

    issuer: str
    audience: str
    subject: str
    attributes: dict
    may_claim: dict


PLATFORMS = {
    "cube": Platform(
        "https://acme.cubecloud.dev",
        "sts.amazonaws.com",
        "cube:deployment:{deployment_id}:component:{component}",
        {"deployment_id": "42", "component": "cube_api"},
        {"component": ["cube_api", "cube_store"], "deployment_id": ["42", "43"]},
    ),
    "spacelift": Platform(
        "https://demo.app.spacelift.io",
        "demo.app.spacelift.io",
        "space:{space}:stack:{stack}:run_type:{run_type}:scope:{scope}",
        {"space": PRODUCTION, "stack": "oidc-is-awesome", "run_type": "TRACKED", "scope": "write"},
        {"space": [PRODUCTION, "legacy-01KJMM56VS4W3AL9YZWVCXBX8D"], "stack": ["oidc-is-awesome", "infra"]},
    ),
    "pulumi": Platform(
        "https://api.pulumi.com/oidc",
        "aws:contoso",
        "pulumi:environments:pulumi.organization.login:contoso:currentEnvironment.name:{environment}:pulumi.user.login:{user}",
        {"environment": "project/development", "user": "personA"},
        {"environment": ["project/development", "project/production"], "user": ["personA", "personB"]},
    ),
    "prefect": Platform(
        "https://api.prefect.cloud/oidc-provider",
        "prefect-cloud",
        "prefect:account:{account}",
        {"account": PREFECT_ACCOUNT},
        {},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def ask(module_programs):
    """Every platform as a tenant, every policy on a role. `ask(platform, policy, attribute=…)` asks
    for the role's credentials as the platform's workload would."""
    programs, folder = module_programs, module_programs.folder / "platforms"
    folder.mkdir()
    # The thread's own role: its policy is mended while others look at the first one.
    roles = {**POLICIES, "prefect-thread": POLICIES["prefect"]}
    workloads = {name: workload_key(programs, folder, name) for name in PLATFORMS}
    served = serve(programs, folder, [tenant(name, PLATFORMS[name], workloads[name]) for name in PLATFORMS])
    accounts = emulate(
        programs,
        folder / "aws",
        {
            ACCOUNT: {
                "oidc_providers": [provider(platform.issuer, platform.audience) for platform in PLATFORMS.values()],
                "roles": [role(name, policy) for name, policy in roles.items()],
            }
        },
        connect_to={"/".join(platform.issuer.split("/")[:3]): served.address for platform in PLATFORMS.values()},
    )
    connections = {
        name: {"token_config": "aws", "role": role_arn(name), "region": "us-east-1", "sts_endpoint": accounts.url}
        for name in roles
    }
    configs = {
        name: asking(folder / f"{name}.yaml", workloads[name], PLATFORMS[name].issuer, connections, address=served.address)
        for name in PLATFORMS
    }

    def ask(platform, policy, **attributes):
        chosen = [part for name, value in attributes.items() for part in ("--attribute", f"{name}={value}")]
        return programs.rolecall(
            "credentials", policy, "--config", configs[platform], "--format", "process", *chosen, prints_secrets=True
        )

    ask.accounts = accounts
    return ask


def tenant(name, platform, workload):
    return {
        "name": name,
        "issuer": platform.issuer,
        "token_configs": [{"name": "aws", "audience": platform.audience, "subject": platform.subject}],
        "workloads": [
            {
                "name": name, "attributes": platform.attributes, "may_claim": platform.may_claim,
                "token_configs": ["aws"], "keys": [workload.jwk],
            }
        ],
    }  # fmt: skip


ALLOWED = [
    ("cube", "cube", {}),
    ("cube", "cube-any-component", {"component": "cube_store"}),
    ("spacelift", "spacelift-space", {}),
    ("spacelift", "spacelift-space", {"stack": "infra"}),
    ("spacelift", "spacelift-stack", {}),
    ("spacelift", "spacelift-stack", {"space": "legacy-01KJMM56VS4W3AL9YZWVCXBX8D"}),
    ("pulumi", "pulumi-organization", {"user": "personB"}),
    ("pulumi", "pulumi-subject-attributes", {}),
    ("prefect", "prefect-mended", {}),
]


@pytest.mark.parametrize(("platform", "policy", "attributes"), ALLOWED)
def test_who_gets_in(ask, platform, policy, attributes):
    credentials = ask(platform, policy, **attributes).json()
    identity = ask.accounts.session("sts", credentials).get_caller_identity()
    assert identity["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/{policy}/")


# Platform, policy, what the workload says it is; condition key, expected value, actual value.
DENIED = [
    (
        "cube", "cube", {"component": "cube_store"},
        "acme.cubecloud.dev:sub", "cube:deployment:42:component:cube_api", "cube:deployment:42:component:cube_store",
    ),
    (
        "cube", "cube-any-component", {"deployment_id": "43"},
        "acme.cubecloud.dev:sub", "cube:deployment:42:component:*", "cube:deployment:43:component:cube_api",
    ),
    ("cube", "cube-external-id", {}, "sts:ExternalId", "copied-from-another-role", "no such key"),
    (
        "spacelift", "spacelift-space", {"space": "legacy-01KJMM56VS4W3AL9YZWVCXBX8D"},
        "demo.app.spacelift.io:sub", f"space:{PRODUCTION}:*",
        "space:legacy-01KJMM56VS4W3AL9YZWVCXBX8D:stack:oidc-is-awesome:run_type:TRACKED:scope:write",
    ),
    (
        "spacelift", "spacelift-stack", {"stack": "infra"},
        "demo.app.spacelift.io:sub", "*:stack:oidc-is-awesome:*", f"space:{PRODUCTION}:stack:infra:run_type:TRACKED:scope:write",
    ),
    (
        "pulumi", "pulumi-subject-attributes", {"user": "personB"},
        "api.pulumi.com/oidc:sub", "pulumi.user.login:personA", "pulumi.user.login:personB",
    ),
    (
        "prefect", "prefect", {},
        "api.prefect.cloud/oidc-provider:sub", f"prefect:cloud:{PREFECT_ACCOUNT}", f"prefect:account:{PREFECT_ACCOUNT}",
    ),
    (
        "prefect", "prefect-advice", {},
        "api.prefect.cloud/oidc-provider:sub", f"prefect:cloud:{PREFECT_ACCOUNT}:*", f"prefect:account:{PREFECT_ACCOUNT}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("platform", "policy", "attributes", "key", "expected", "actual"), DENIED)
def test_who_does_not_get_in_and_why(ask, platform, policy, attributes, key, expected, actual):
    denied = ask(platform, policy, **attributes)
    assert denied.code == 5
    assert denied.stdout == ""
    told = denied.stderr
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in told
    # What was presented, and the condition that failed.
    assert PLATFORMS[platform].issuer in told and PLATFORMS[platform].audience in told
    for word in (key, expected, actual):
        assert word in told, f"`{word}` is not in the explanation:\n{told}"
    assert "\x1b[" not in told


def test_the_prefect_thread_ends_well(ask):
    denied = ask("prefect", "prefect-thread")
    assert denied.code == 5
    # Segment by segment: it is `cloud` that must be `account`; the rest fits, and the mend says so.
    mended = f"prefect:account:{PREFECT_ACCOUNT}"
    assert denied.stderr.count(mended) >= 2, f"not both presented and in the mend:\n{denied.stderr}"

    iam = ask.accounts.admin("iam")
    iam.update_assume_role_policy(RoleName="prefect-thread", PolicyDocument=json.dumps(POLICIES["prefect-mended"]))
    credentials = ask("prefect", "prefect-thread").json()
    identity = ask.accounts.session("sts", credentials).get_caller_identity()
    assert identity["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/prefect-thread/")


def test_a_value_cannot_add_a_segment_to_the_subject(ask):
    """An attribute that the registration does not allow is refused by the issuer, before AWS."""
    refused = ask("cube", "cube", component="cube_store:component:cube_api")
    assert refused.code == 4
    assert "component" in refused.stderr
