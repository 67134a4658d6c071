import pytest
from harness import acme as world
from harness.account import OTHER_ACCOUNT, emulate, federated, policy, role, role_arn
from harness.acme import ISSUER, connections
from harness.issuer import asking

# Nothing listens there: reserved for TCP port service multiplexers, which nobody runs.
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def acme(module_programs):
    """The tenant acme, and connections that are wrong in one way each."""
    folder = module_programs.folder / "acme"
    acme = world.begin_issuer(module_programs, folder)
    accounts = world.world()
    trusting = policy(federated(ISSUER, {"StringEquals": {"aud": "sts.amazonaws.com"}}, account=OTHER_ACCOUNT))
    accounts[OTHER_ACCOUNT]["roles"].append(role("no-provider", trusting))
    acme.accounts = emulate(module_programs, folder / "aws", accounts, connect_to={ISSUER: acme.issuer.address})
    sts = acme.accounts.url
    first = connections(sts)["athena"]
    more = {
        "wrong-audience": {**first, "token_config": "other-audience"},
        "no-provider": {**first, "role": role_arn("no-provider", OTHER_ACCOUNT)},
        "late": {**first, "role": role_arn("late")},
        "late-hop": {**first, "hops": [{"role": role_arn("LateReader", OTHER_ACCOUNT)}]},
        "no-sts": {**first, "sts_endpoint": NOWHERE},
        "not-mine": {**first, "token_config": "no-such-config"},
    }
    acme.config = asking(
        folder / "cube-api.yaml", acme.workload, ISSUER, {**connections(sts), **more}, address=acme.issuer.address
    )
    acme.config_without_issuer = asking(
        folder / "no-issuer.yaml", acme.workload, ISSUER, connections(sts), address=NOWHERE
    )
    return acme
