"""One issuer that trusts a cluster and a CI system on loopback."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from harness.evidence import Actions, Cluster, exchange, verified
from harness.issuer import Issuer, serve, workload_key

ISSUER = "https://acme.cubecloud.dev"
HOST = "acme.cubecloud.dev"


@dataclass
class World:
    """The issuer that runs, and those whose tokens it takes."""

    issuer: Issuer
    cluster: Cluster
    actions: Actions
    ledger: object
    programs: object
    folder: object

    def exchange(self, token, **form):
        """Exchange evidence for a token."""
        return exchange(self.issuer.address, HOST, token, self.ledger, **form)

    def claims(self, token):
        """What PyJWT makes of a token of ours."""
        return verified(self.issuer.address, HOST, ISSUER, token)


def tenant(cluster: Cluster, actions: Actions, jwk: dict) -> dict:
    """The tenant's part of the configuration."""
    return {
        "name": "acme",
        "issuer": ISSUER,
        "token_configs": [
            {"name": "aws", "audience": "sts.amazonaws.com", "algorithm": "ES256", "subject": "w:{name}:{place}"},
            {"name": "other", "audience": "https://other.example.com", "subject": "w:{name}:{place}"},
        ],
        "trusted_issuers": [
            {"name": "cluster", "preset": "kubernetes", "issuer": cluster.url},
            {"name": "github", "preset": "github-actions", "issuer": actions.url, "jti_required": True},
        ],
        "workloads": [
            {
                "name": "cube",
                "token_configs": ["aws"],
                "evidence": [
                    {
                        "from": "cluster",
                        "where": {"namespace": "data", "service_account": {"like": "cube-*"}},
                        "attributes": {"place": "service_account"},
                    }
                ],
            },
            {
                "name": "deploy",
                "token_configs": ["aws"],
                "evidence": [
                    {
                        "from": "github",
                        "where": {"repository_owner_id": 1234567, "repository": {"like": "acme/*"}},
                        "attributes": {"place": {"claim": "environment", "only": ["production", "staging"]}},
                    }
                ],
            },
            {"name": "keyed", "attributes": {"place": "host"}, "token_configs": ["aws"], "keys": [jwk]},
        ],
    }


@pytest.fixture(scope="module")
def world(module_programs, ledger):
    folder = module_programs.folder / "attestation"
    folder.mkdir()
    with Cluster(ledger, ISSUER, "/cluster") as cluster, Actions(ledger, ISSUER) as actions:
        key = workload_key(module_programs, folder, "keyed")
        issuer = serve(module_programs, folder, [tenant(cluster, actions, key.jwk)])
        yield World(issuer, cluster, actions, ledger, module_programs, folder)
