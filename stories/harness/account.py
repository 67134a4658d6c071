"""`rolecall aws-emulator`: accounts whose STS and IAM verify and decide for real."""

from __future__ import annotations

import configparser
import json
from dataclasses import dataclass
from pathlib import Path

import boto3
import yaml
from botocore import UNSIGNED
from botocore.config import Config

from .programs import ROLECALL, Programs, Running

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "222222222222"


@dataclass
class Accounts:
    """Emulated accounts that run."""

    running: Running
    url: str
    admin_credentials: Path
    trail: Path

    def records(self) -> list[dict]:
        """What the trail says, oldest first."""
        return [json.loads(line) for line in self.trail.read_text().splitlines() if line.strip()]

    def admin_keys(self, account: str = ACCOUNT) -> dict[str, str]:
        """The admin user's keys, as boto3 takes them."""
        profiles = configparser.ConfigParser()
        profiles.read(self.admin_credentials)
        profile = profiles[f"emulator-{account}"]
        return {
            "aws_access_key_id": profile["aws_access_key_id"],
            "aws_secret_access_key": profile["aws_secret_access_key"],
        }

    def admin(self, service: str, account: str = ACCOUNT):
        """A boto3 client of the account's admin."""
        return self.client(service, **self.admin_keys(account))

    def session(self, service: str, credentials: dict):
        """A boto3 client with the credentials of a session, in STS's form."""
        return self.client(
            service,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def anyone(self):
        """An STS client that signs nothing."""
        return self.client("sts", config=Config(signature_version=UNSIGNED))

    def client(self, service: str, *, config: Config | None = None, **keys: str):
        """A boto3 client that checks no parameter itself and tries once, so that every answer is
        the service's own."""
        bare = Config(parameter_validation=False, retries={"total_max_attempts": 1})
        return boto3.session.Session(**keys).client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            config=bare.merge(config) if config else bare,
        )


def emulate(
    programs: Programs,
    folder: Path,
    accounts: dict[str, dict],
    *,
    connect_to: dict[str, str] | None = None,
    messages: str = "newer",
    state: Path | None = None,
) -> Accounts:
    """Start the emulated accounts of this seed."""
    folder.mkdir(parents=True, exist_ok=True)
    seed, admin, trail = folder / "seed.yaml", folder / "admin-credentials", folder / "trail.jsonl"
    seed.write_text(yaml.safe_dump(json.loads(json.dumps({"accounts": accounts})), sort_keys=False))
    reached = [part for origin, url in (connect_to or {}).items() for part in ("--connect-to", f"{origin}={url}")]
    kept = ["--state", state] if state else []
    running = programs.start(
        ROLECALL, "aws-emulator", "--seed", seed, "--messages", messages, "--trail", trail,
        "--admin-credentials", admin, "--output", "json", *reached, *kept,
        name="aws-emulator",
    )  # fmt: skip
    url = running.ready()["url"]
    programs.ledger.learn_file(admin)
    programs.ledger.watch(trail, "the trail")
    return Accounts(running, url, admin, trail)


def provider(url: str, *client_ids: str) -> dict:
    """An OIDC provider, as the seed has it."""
    return {"url": url, "client_ids": list(client_ids)}


def provider_arn(url: str, account: str = ACCOUNT) -> str:
    """The ARN under which IAM knows the provider with this URL."""
    return f"arn:aws:iam::{account}:oidc-provider/{url.split('://', 1)[1]}"


def role(name: str, trust_policy: dict, **more) -> dict:
    """A role, as the seed has it."""
    return {"name": name, "trust_policy": trust_policy, **more}


def role_arn(name: str, account: str = ACCOUNT) -> str:
    """A role's ARN."""
    return f"arn:aws:iam::{account}:role/{name}"


def policy(*statements: dict) -> dict:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def federated(url: str, conditions: dict, *more_actions: str, account: str = ACCOUNT) -> dict:
    """The statement with which a role trusts an issuer; keys of conditions come without prefix."""
    prefix = url.split("://", 1)[1]
    actions = ["sts:AssumeRoleWithWebIdentity", *more_actions]
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn(url, account)},
        "Action": actions if more_actions else actions[0],
        "Condition": {
            operator: {f"{prefix}:{key}": value for key, value in keys.items()}
            for operator, keys in conditions.items()
        },
    }
