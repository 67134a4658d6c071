"""The issuer's token endpoint against requests that it must refuse (RFC 6749 §5.2, RFC 7523)."""

import time
import urllib.error
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from harness import acme as world
from harness.acme import ISSUER
from harness.token_endpoint import ask, assertion, post


@pytest.fixture(scope="module")
def acme(module_programs):
    return world.begin_issuer(module_programs, module_programs.folder / "acme")


@pytest.fixture(scope="module")
def key(acme):
    return load_pem_private_key(acme.workload.key_file.read_bytes(), None)


def test_an_assertion_by_pyjwt_is_taken(acme, key):
    status, answer = ask(acme, key)
    assert status == 200
    assert answer["token_type"] == "Bearer"
    assert answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:jwt"
    assert answer["expires_in"] == 3600
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["iss"] == ISSUER


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"exp": int(time.time()) - 600}, "invalid_client"),
        ({"exp": int(time.time()) + 86400}, "invalid_client"),
        ({"exp": None}, "invalid_client"),
        ({"jti": None}, "invalid_client"),
        ({"aud": "https://other.cubecloud.dev"}, "invalid_client"),
        ({"sub": "someone-else", "iss": "someone-else"}, "invalid_client"),
        ({"sub": "someone-else"}, "invalid_client"),
    ],
)
def test_an_assertion_that_proves_nothing(acme, key, changes, error):
    status, answer = ask(acme, client_assertion=assertion(key, **changes))
    assert (status, answer["error"]) in {(400, error), (401, error)}
    assert answer["error_description"]


def test_an_assertion_by_another_key(acme):
    status, answer = ask(acme, ec.generate_private_key(ec.SECP256R1()))
    assert status in (400, 401) and answer["error"] == "invalid_client"


def test_an_assertion_is_taken_once(acme, key):
    once = assertion(key)
    assert ask(acme, client_assertion=once)[0] == 200
    status, answer = ask(acme, client_assertion=once)
    assert status in (400, 401) and answer["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"client_assertion_type": "urn:nonsense"}, "invalid_client"),
        ({"token_config": "no-such"}, None),
        ({"token_config": None, "audience": "https://unknown.example.com"}, None),
        ({"attributes": '{"component": "ai_engineer"}'}, None),
        ({"attributes": '{"deployment_id": "43"}'}, None),
        ({"attributes": "{"}, "invalid_request"),
        ({"role": "not-an-arn", "token_config": "bound"}, None),
    ],
)
def test_a_request_that_asks_for_what_it_may_not_have(acme, key, form, error):
    status, answer = ask(acme, key, **form)
    assert status in (400, 401)
    assert "access_token" not in answer
    assert answer["error"] == error or (error is None and answer["error"])


def test_no_assertion_at_all(acme):
    status, answer = ask(acme)
    assert status in (400, 401)
    assert answer["error"] in ("invalid_client", "invalid_request")


def test_another_host_is_not_this_tenant(acme, key):
    assert ask(acme, key, host="other.cubecloud.dev")[0] == 404


@pytest.mark.parametrize("body", [b"", b"\xff" * 100, b"a=" + b"x" * 3_000_000], ids=["empty", "noise", "huge"])
def test_a_body_that_is_no_form(acme, body):
    try:
        assert post(acme, body)[0] in (400, 401, 413)
    except urllib.error.URLError:
        # The server may close on a body far over its limit before all of it is sent.
        assert len(body) > 1_000_000
    assert urllib.request.urlopen(f"{acme.issuer.address}/healthz").status == 200


def test_the_commands_say_what_the_issuer_refused(acme):
    refused = acme.rolecall("token", "mint", "--token-config", "no-such")
    assert refused.code == 4
    assert "no-such" in refused.stderr
    chosen = acme.rolecall("token", "mint", "--token-config", "aws", "--attribute", "component=ai_engineer")
    assert chosen.code == 4
    assert "ai_engineer" in chosen.stderr
