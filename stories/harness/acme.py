"""The tenant acme, its workload cube-api, and two accounts that trust them: the world in which most
stories play. The issuer has its real name; `--connect-to` and `issuer_address` bring it to loopback."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .account import (
    ACCOUNT, OTHER_ACCOUNT, Accounts, emulate, federated, policy, provider, role, role_arn,
)  # fmt: skip
from .issuer import Issuer, Workload, asking, serve, workload_key
from .programs import Programs

ISSUER = "https://acme.cubecloud.dev"
SUBJECT = "cube:deployment:{deployment_id}:component:{component}"
ROLE = role_arn("cube-deployment-acme")
READER = role_arn("Reader", OTHER_ACCOUNT)
EXTERNAL_ID = "superset-prod-12345"


@dataclass
class Acme:
    """The running world."""

    programs: Programs
    folder: Path
    issuer: Issuer
    workload: Workload
    config: Path
    accounts: Accounts | None = None

    def rolecall(self, *arguments: object, programs: Programs | None = None, **options):
        """Run `rolecall` as the workload: a command and its arguments."""
        return (programs or self.programs).rolecall(*arguments, "--config", self.config, **options)

    def token(self, token_config: str = "aws", *arguments: object) -> str:
        """A token for the workload."""
        minted = self.rolecall("token", "mint", "--token-config", token_config, *arguments, prints_secrets=True)
        return minted.done().stdout.strip()

    def environment(self, **more: str) -> dict[str, str]:
        """An environment whose STS and IAM are the emulated ones."""
        return self.programs.environment(
            AWS_ENDPOINT_URL_STS=self.accounts.url, AWS_ENDPOINT_URL_IAM=self.accounts.url, **more
        )


def begin(programs: Programs, folder: Path) -> Acme:
    """Start the issuer and the accounts, and write the workload's configuration."""
    acme = begin_issuer(programs, folder)
    acme.accounts = emulate(programs, folder / "aws", world(), connect_to={ISSUER: acme.issuer.address})
    acme.config = asking(
        folder / "cube-api.yaml", acme.workload, ISSUER, connections(acme.accounts.url), address=acme.issuer.address
    )
    return acme


def begin_issuer(programs: Programs, folder: Path) -> Acme:
    """Start the issuer alone, for stories that end before AWS."""
    folder.mkdir(parents=True, exist_ok=True)
    workload = workload_key(programs, folder, "cube-api")
    issuer = serve(programs, folder, [tenant(workload)])
    config = asking(folder / "cube-api.yaml", workload, ISSUER, {}, address=issuer.address)
    return Acme(programs, folder, issuer, workload, config)


def tenant(workload: Workload) -> dict:
    """The tenant's part of the issuer's configuration."""
    aws_claims = {
        "session_tags": {"team": "{team}", "stage": "production"},
        "transitive_tag_keys": ["team"],
        "source_identity": "{name}",
    }
    return {
        "name": "acme",
        "issuer": ISSUER,
        "token_configs": [
            {"name": "aws", "audience": "sts.amazonaws.com", "lifetime": "1h", "subject": SUBJECT},
            {"name": "es256", "audience": "sts.amazonaws.com", "algorithm": "ES256", "subject": SUBJECT},
            {"name": "tagged", "audience": "sts.amazonaws.com", "subject": SUBJECT, "aws": aws_claims},
            {"name": "bound", "audience": "sts.amazonaws.com", "subject": SUBJECT, "aws": {"roles": [ROLE]}},
            {"name": "other-audience", "audience": "https://example.com", "subject": SUBJECT},
        ],
        "workloads": [
            {
                "name": workload.name,
                "attributes": {"deployment_id": "42", "component": "cube_api", "team": "data"},
                "may_claim": {"component": ["cube_api", "cube_store"]},
                "token_configs": ["aws", "es256", "tagged", "bound", "other-audience"],
                "keys": [workload.jwk],
            }
        ],
    }


def world() -> dict[str, dict]:
    """Both accounts, as the emulator's seed has them."""
    ours = {
        "StringEquals": {"aud": "sts.amazonaws.com"},
        "StringLike": {"sub": "cube:deployment:42:component:cube_api"},
    }
    may_go_on = {
        "go-on": policy({"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], "Resource": "*"})
    }
    hop = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"}
    tagged_hop = {**hop, "Principal": {"AWS": role_arn("tagged")}, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}
    return {
        ACCOUNT: {
            "oidc_providers": [provider(ISSUER, "sts.amazonaws.com")],
            "roles": [
                role("cube-deployment-acme", policy(federated(ISSUER, ours)), policies=may_go_on),
                role("tagged", policy(federated(ISSUER, ours, "sts:TagSession", "sts:SetSourceIdentity")), policies=may_go_on),
                role("only-store", policy(federated(ISSUER, {"StringEquals": {"sub": "cube:deployment:42:component:cube_store"}}))),
                role("two-hours", policy(federated(ISSUER, ours)), max_session_duration=7200, policies=may_go_on),
            ],
        },
        OTHER_ACCOUNT: {
            "roles": [
                role("Reader", policy({**hop, "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}})),
                role(
                    "TeamData",
                    policy({**tagged_hop, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "data", "aws:SourceIdentity": "cube-api"}}}),
                    policies=may_go_on,
                ),
                role(
                    # Two hops away only transitive tags are left.
                    "TeamDataArchive",
                    policy({
                        **tagged_hop,
                        "Principal": {"AWS": role_arn("TeamData", OTHER_ACCOUNT)},
                        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "data"}, "Null": {"aws:PrincipalTag/stage": "true"}},
                    }),
                ),
            ],
        },
    }  # fmt: skip


def connections(sts: str) -> dict[str, dict]:
    """The connections that the workload may name."""
    first = {"token_config": "aws", "role": ROLE, "region": "us-east-1", "sts_endpoint": sts, "session_name": "{workload}-rolecall"}
    reader = {"role": READER, "external_id": EXTERNAL_ID, "duration": "15m"}
    tagged = {**first, "token_config": "tagged", "role": role_arn("tagged")}
    return {
        "athena": first,
        "reader": {**first, "hops": [reader]},
        "reader-without-id": {**first, "hops": [{"role": READER}]},
        "reader-wrong-id": {**first, "hops": [{**reader, "external_id": "superset-prod-99999"}]},
        "tagged": tagged,
        "archive": {
            **tagged,
            "hops": [{"role": role_arn("TeamData", OTHER_ACCOUNT)}, {"role": role_arn("TeamDataArchive", OTHER_ACCOUNT)}],
        },
        "store": {**first, "role": role_arn("only-store")},
    }  # fmt: skip
