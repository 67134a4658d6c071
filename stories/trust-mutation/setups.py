"""Set-ups that work, one a product: issuer, token, provider, trust policy. Every mistake is made in
one of these."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Setup:
    """A role that admits a token."""

    name: str
    issuer: str
    audience: str
    subject: str
    # What the policy says of the subject: operator and value.
    operator: str
    pattern: str
    # Subjects of the same issuer that the role must never admit.
    foreign: tuple[str, ...]
    # Segments that mistakes replace: the literal words of the format, and the names in it.
    literal: str
    tenant: str
    context: tuple[str, str]

    @property
    def prefix(self) -> str:
        return self.issuer.removeprefix("https://")

    @property
    def provider(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{self.prefix}"

    @property
    def role(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"

    def claims(self, **more) -> dict:
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.subject,
            "iat": 1_790_000_000,
            "exp": 1_790_003_600,
            **more,
        }

    def policy(self) -> dict:
        condition: dict = {"StringEquals": {f"{self.prefix}:aud": self.audience}}
        condition.setdefault(self.operator, {})[f"{self.prefix}:sub"] = self.pattern
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": self.provider},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": condition,
                }
            ],
        }


@dataclass
class Case:
    """A set-up with a mistake in it, as somebody would bring it: what they have in their hands."""

    setup: Setup
    policy: dict | None
    claims: dict | None
    error: str
    role_arn: str | None = None
    provider: dict | None = None
    # Further pasted text, such as an event or lines of an environment.
    pasted: str = ""
    # A change to the text of the policy's file, for damage that no document can hold.
    damage: object = None
    # Whether a patch of the policy is the mend.
    patch: bool = True
    # The form that the mistake needs, where it needs one.
    form: str | None = None
    notes: dict = field(default_factory=dict)


SETUPS = [
    Setup(
        name="cube-acme",
        issuer="https://acme.cubecloud.dev",
        audience="sts.amazonaws.com",
        subject="cube:deployment:42:component:cube_api",
        operator="StringEquals",
        pattern="cube:deployment:42:component:cube_api",
        foreign=("cube:deployment:43:component:cube_api", "cube:deployment:42:component:cube_api-evil"),
        literal="deployment",
        tenant="42",
        context=("42", "global"),
    ),
    Setup(
        name="spacelift-infra",
        issuer="https://demo.app.spacelift.io",
        audience="demo.app.spacelift.io",
        subject="space:legacy-01KJMM56VS4W3AL9YZWVCXBX8D:stack:infra:run_type:TRACKED:scope:write",
        operator="StringLike",
        pattern="space:legacy-01KJMM56VS4W3AL9YZWVCXBX8D:stack:infra:run_type:*:scope:write",
        foreign=(
            "space:other-01KJMM56VS4W3AL9YZWVCXBX8D:stack:infra:run_type:TRACKED:scope:write",
            "space:legacy-01KJMM56VS4W3AL9YZWVCXBX8D:stack:evil:run_type:TRACKED:scope:write",
        ),
        literal="stack",
        tenant="legacy-01KJMM56VS4W3AL9YZWVCXBX8D",
        context=("scope:write", "scope:read"),
    ),
    Setup(
        name="pulumi-development",
        issuer="https://api.pulumi.com/oidc",
        audience="aws:contoso",
        subject="pulumi:environments:pulumi.organization.login:contoso:currentEnvironment.name:project/development",
        operator="StringEquals",
        pattern="pulumi:environments:pulumi.organization.login:contoso:currentEnvironment.name:project/development",
        foreign=(
            "pulumi:environments:pulumi.organization.login:contoso-evil:currentEnvironment.name:project/development",
            "pulumi:environments:pulumi.organization.login:contoso:currentEnvironment.name:project/production",
        ),
        literal="environments",
        tenant="contoso",
        context=("project/development", "project/staging"),
    ),
    Setup(
        name="prefect-pool",
        issuer="https://api.prefect.cloud/oidc-provider",
        audience="prefect-cloud",
        subject="prefect:account:9b7c1c1e-0000-4000-8000-5f1e8d6a2b10",
        operator="StringEquals",
        pattern="prefect:account:9b7c1c1e-0000-4000-8000-5f1e8d6a2b10",
        foreign=("prefect:account:11111111-0000-4000-8000-5f1e8d6a2b10", "prefect:account:9b7c1c1e-0000-4000-8000-5f1e8d6a2b1000"),
        literal="account",
        tenant="9b7c1c1e-0000-4000-8000-5f1e8d6a2b10",
        context=("9b7c1c1e-0000-4000-8000-5f1e8d6a2b10", "7777aaaa-0000-4000-8000-5f1e8d6a2b10"),
    ),
    Setup(
        name="github-deploy",
        issuer="https://token.actions.githubusercontent.com",
        audience="sts.amazonaws.com",
        subject="repo:octo-org/app:ref:refs/heads/main",
        operator="StringLike",
        pattern="repo:octo-org/app:ref:refs/heads/main",
        foreign=("repo:octo-org-evil/app:ref:refs/heads/main", "repo:octo-org/other:ref:refs/heads/main"),
        literal="ref",
        tenant="octo-org",
        context=("refs/heads/main", "refs/heads/feature"),
    ),
]


def changed(policy: dict) -> tuple[dict, dict]:
    """A copy of a policy, and its first statement."""
    copied = copy.deepcopy(policy)
    return copied, copied["Statement"][0]
