"""A peer issuer with any token one could ask for, and accounts that speak each generation of AWS's
messages."""

from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from harness.account import (
    ACCOUNT, OTHER_ACCOUNT, Accounts, emulate, federated, policy, provider, role, role_arn,
)  # fmt: skip
from harness.peer_issuer import PeerIssuer

PEER = "https://peer.example.com/jobs"
UNREGISTERED = "https://stranger.example.com"


@dataclass
class Sts:
    """Accounts that trust the peer issuer."""

    accounts: Accounts
    peer: PeerIssuer

    def exchange(self, token: str | None = None, role: str = "job", **parameters):
        """AssumeRoleWithWebIdentity with a good request, changed by `parameters`."""
        request = {
            "RoleArn": role_arn(role),
            "RoleSessionName": "job-1",
            "WebIdentityToken": token if token is not None else self.peer.token(),
            **parameters,
        }
        answer = self.accounts.anyone().assume_role_with_web_identity(**request)
        return answer["Credentials"]

    def refused(self, token: str | None = None, **parameters) -> ClientError:
        """The error with which such a request is refused."""
        with pytest.raises(ClientError) as refused:
            self.exchange(token, **parameters)
        return refused.value


@pytest.fixture(scope="module")
def peer(ledger):
    """An issuer that is not ours."""
    with PeerIssuer(PEER, ledger) as peer:
        yield peer


def start(programs, folder, peer, messages) -> Sts:
    subject = {"StringLike": {"sub": "peer:job:*"}}
    chained = {"Effect": "Allow", "Principal": {"AWS": role_arn("job")}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    everything = {"all": policy({"Effect": "Allow", "Action": "*", "Resource": "*"})}
    seed = {
        ACCOUNT: {
            "oidc_providers": [provider(PEER, "sts.amazonaws.com", "https://second.example.com")],
            "roles": [
                role("job", policy(federated(PEER, subject)), policies=everything),
                role("tagged-job", policy(federated(PEER, subject, "sts:TagSession", "sts:SetSourceIdentity")), policies=everything),
                role("powerless", policy(federated(PEER, subject))),
                role("hop", policy(chained), max_session_duration=43200),
            ],
        },
        OTHER_ACCOUNT: {"roles": [role("closed", policy({**chained, "Principal": {"AWS": role_arn("powerless")}}))]},
    }
    reached = {peer.origin: peer.address, "https://stranger.example.com": peer.address}
    return Sts(emulate(programs, folder, seed, connect_to=reached, messages=messages), peer)


@pytest.fixture(scope="module")
def newer(module_programs, peer):
    """Accounts with the messages of today."""
    return start(module_programs, module_programs.folder / "newer", peer, "newer")


@pytest.fixture(scope="module")
def older(module_programs, peer):
    """Accounts with the messages that the documentation still has."""
    return start(module_programs, module_programs.folder / "older", peer, "older")


@pytest.fixture
def fresh_accounts(programs):
    """Starts accounts of one test alone, which have fetched nothing yet."""
    return lambda peer, messages="newer": start(programs, programs.folder / "aws", peer, messages)
