"""Evidence of a Kubernetes-shaped and a GitHub-shaped issuer, exchanged for our tokens (RFC 8693)."""

import json
import sqlite3
import time
import urllib.request

import pytest
from harness.evidence import JWT, forgeries
from harness.issuer import serve_config
from harness.peer_issuer import ABSENT
from harness.programs import wait_until


def test_a_pod_gets_a_token_that_pyjwt_verifies(world):
    status, answer = world.exchange(world.cluster.token())
    assert status == 200, answer
    assert answer["issued_token_type"] == JWT and answer["token_type"] == "Bearer"
    claims = world.claims(answer["access_token"])
    assert claims["sub"] == "w:cube:cube-api"


def test_evidence_on_an_elliptic_curve_and_by_audience(world):
    status, answer = world.exchange(
        world.cluster.token(kid="ec-1"), token_config=None, audience="sts.amazonaws.com", client_id="cube"
    )
    assert status == 200, answer
    assert world.claims(answer["access_token"])["sub"] == "w:cube:cube-api"


def test_a_job_gets_a_token_for_its_environment(world):
    for environment in ("production", "staging"):
        status, answer = world.exchange(world.actions.token(environment=environment))
        assert status == 200, answer
        assert world.claims(answer["access_token"])["sub"] == f"w:deploy:{environment}"
    status, answer = world.exchange(world.actions.token(environment="pages"))
    assert (status, answer["error"]) == (400, "invalid_request")
    assert "`place`" in answer["error_description"]


def test_the_evidence_decides_whom_it_speaks_for(world):
    other = world.cluster.of("web", "cube-api")
    assert world.exchange(world.cluster.token(**other))[1]["error"] == "invalid_request"
    worker = world.cluster.of("data", "worker")
    status, answer = world.exchange(world.cluster.token(**worker), client_id="cube")
    assert (status, answer["error"]) == (400, "invalid_request")
    assert "service_account" in answer["error_description"] and "cube-*" not in answer["error_description"]
    # A pod is neither the job nor the host, whatever it says of itself.
    for name in ("deploy", "keyed", "nobody"):
        assert world.exchange(world.cluster.token(), client_id=name)[1]["error"] == "invalid_request"
    place = json.dumps({"place": "cube-store"})
    assert world.exchange(world.cluster.token(), attributes=place)[1]["error"] == "invalid_scope"


@pytest.mark.parametrize("kind", ["cluster", "actions"])
def test_forged_evidence_is_refused_in_every_form(world, kind):
    issuer = getattr(world, kind)
    assert world.exchange(issuer.token())[0] == 200
    for what, token in forgeries(issuer).items():
        status, answer = world.exchange(token)
        assert (status, answer["error"]) == (400, "invalid_request"), f"{what}: {status} {answer}"
        assert answer["error_description"], what
        assert token[:40] not in answer["error_description"], what
    assert not [path for path in issuer.fetched if "attacker" in path]
    assert world.exchange(issuer.token())[0] == 200


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"event_name": "pull_request_target"}, "pull_request_target"),
        ({"event_name": "pull_request", "ref": "refs/pull/7/merge", "ref_protected": "false"}, "pull_request"),
        ({"head_repository": "mallory/app"}, "fork"),
        ({"ref": "refs/heads/topic", "ref_protected": "false"}, "not protected"),
        ({"event_name": ABSENT}, "event_name"),
        ({"repository": "acme-evil/app"}, "repository"),
        ({"repository_owner_id": "7654321"}, "no workload"),
        ({"jti": ABSENT}, "jti"),
    ],
)
def test_runs_of_strangers_and_of_others_are_refused(world, changes, why):
    status, answer = world.exchange(world.actions.token(**changes))
    assert (status, answer["error"]) == (400, "invalid_request")
    assert why in answer["error_description"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": JWT}, "invalid_request"),
        ({"token_config": "no-such"}, "invalid_target"),
        ({"token_config": None, "audience": "https://unknown.example.com"}, "invalid_target"),
        ({"resource": "https://unknown.example.com"}, "invalid_target"),
        ({"token_config": "other"}, "unauthorized_client"),
        ({"attributes": "{"}, "invalid_request"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
    ],
)
def test_every_refusal_has_the_code_of_its_standard(world, form, error):
    status, answer = world.exchange(world.cluster.token(), **form)
    assert (status, answer["error"]) == (400, error)


def test_evidence_is_taken_once_and_remembered_over_a_restart(world):
    once, nameless = world.cluster.token(), world.cluster.token(jti=ABSENT)
    for token in (once, nameless):
        assert world.exchange(token)[0] == 200
        status, answer = world.exchange(token)
        assert (status, answer["error"]) == (400, "invalid_request")
        assert "used before" in answer["error_description"]
    world.issuer.running.kill()
    world.issuer = serve_config(world.programs, world.issuer.config, world.issuer.state)
    for token in (once, nameless):
        assert "used before" in world.exchange(token)[1]["error_description"]


def test_new_keys_are_found_and_old_ones_forgotten(world):
    cluster = world.cluster
    assert world.exchange(cluster.token())[0] == 200
    old = cluster.token()
    kid = cluster.rotate()
    # At most one look in ten seconds, however many names are made up meanwhile.
    before = cluster.fetches()
    wait_until(
        lambda: world.exchange(cluster.token(kid=kid))[0] == 200, "the issuer looks for new keys", within=20
    )
    assert cluster.fetches() - before <= 3
    status, answer = world.exchange(old)
    assert (status, answer["error"]) == (400, "invalid_request")


def test_while_the_issuer_is_down_known_keys_serve_on(world):
    actions = world.actions
    assert world.exchange(actions.token())[0] == 200
    actions.stop()
    try:
        began = time.monotonic()
        for _ in range(20):
            assert world.exchange(actions.token())[0] == 200
        assert time.monotonic() - began < 5
        # A key that was never seen cannot be judged meanwhile: refused, as theirs or as ours.
        status, answer = world.exchange(actions.token(kid="new", key=actions.keys["rsa-1"]))
        assert (status, answer["error"]) in {(400, "invalid_request"), (503, "temporarily_unavailable")}
    finally:
        actions.come_back()
    assert world.exchange(actions.token())[0] == 200


def test_discovery_names_the_grant_and_the_trail_names_the_workload(world):
    request = urllib.request.Request(
        f"{world.issuer.address}/.well-known/openid-configuration", headers={"Host": "acme.cubecloud.dev"}
    )
    with urllib.request.urlopen(request) as answer:
        assert "urn:ietf:params:oauth:grant-type:token-exchange" in json.load(answer)["grant_types_supported"]
    assert world.exchange(world.cluster.token(kid=next(iter(world.cluster.keys))))[0] == 200
    with sqlite3.connect(f"file:{world.issuer.state}/rolecall.db?mode=ro", uri=True) as database:
        rows = database.execute("SELECT workload, outcome FROM audit WHERE kind = 'mint'").fetchall()
    assert ("cube", "granted") in rows and any(outcome == "refused" for _, outcome in rows)
