"""An account whose roles trust an issuer that is not ours; one of them wrongly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import pytest
from botocore.exceptions import ClientError
from harness.account import ACCOUNT, Accounts, emulate, federated, policy, provider, role, role_arn
from harness.peer_issuer import PeerIssuer
from harness.programs import Programs

ISSUER = "https://oidc.peer.example/org"
SUBJECT = "org:acme:cloud:42"
# Written with `account` where the issuer says `cloud`.
WRONG = "org:acme:account:42"
ROLES = 250


@dataclass
class Live:
    """The running account and issuer."""

    accounts: Accounts
    issuer: PeerIssuer
    url: str = ISSUER
    subject: str = SUBJECT
    # What the trust policy of `wrong` has in the subject's place.
    wrong_subject: str = WRONG
    roles: int = ROLES

    def token(self, **changes) -> str:
        """A token that the role `good` trusts, with these changes."""
        return self.issuer.token(**{"sub": SUBJECT, **changes})

    def user(self, name: str, *actions: str) -> dict[str, str]:
        """The keys of a new user who may do these actions only, as an environment."""
        iam = self.accounts.admin("iam")
        iam.create_user(UserName=name)
        if actions:
            may = policy({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
            iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=json.dumps(may))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.issuer.ledger.learn(json.dumps(key, default=str), f"the user {name}")
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def environment(self, programs: Programs, **more: str) -> dict[str, str]:
        """An environment whose AWS is the emulated one, with the admin's keys."""
        keys = self.accounts.admin_keys()
        known = {
            "AWS_ENDPOINT_URL_STS": self.accounts.url,
            "AWS_ENDPOINT_URL_IAM": self.accounts.url,
            "AWS_ENDPOINT_URL_CLOUDTRAIL": self.accounts.url,
            "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"],
        }
        return programs.environment(**{**known, **more})

    @cached_property
    def anyone(self):
        """An STS client that signs nothing; to make one takes longer than to call."""
        return self.accounts.anyone()

    def exchange(self, role: str, token: str) -> str:
        """The code with which STS refuses the token; empty when it takes it."""
        try:
            self.anyone.assume_role_with_web_identity(
                RoleArn=role_arn(role), RoleSessionName="story", WebIdentityToken=token
            )
        except ClientError as refused:
            return refused.response["Error"]["Code"]
        return ""


@pytest.fixture(scope="module")
def live(module_programs, tmp_path_factory, ledger):
    """An account with many roles, one of which trusts another subject than the issuer gives."""
    trusts = {"StringEquals": {"aud": "sts.amazonaws.com", "sub": SUBJECT}}
    wrong = {"StringEquals": {"aud": "sts.amazonaws.com", "sub": WRONG}}
    roles = [
        role("good", policy(federated(ISSUER, trusts))),
        role("wrong", policy(federated(ISSUER, wrong))),
        *(role(f"other-{number}", policy(federated(ISSUER, trusts))) for number in range(ROLES - 2)),
    ]
    seed = {ACCOUNT: {"oidc_providers": [provider(ISSUER, "sts.amazonaws.com")], "roles": roles}}
    with PeerIssuer(ISSUER, ledger) as issuer:
        accounts = emulate(
            module_programs, tmp_path_factory.mktemp("aws"), seed, connect_to={issuer.origin: issuer.address}
        )
        yield Live(accounts, issuer)
