"""Client secrets: made by the command, kept as hashes only, taken in both forms."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.evidence import verified
from harness.issuer import serve

ISSUER = "https://acme.cubecloud.dev"
HOST = "acme.cubecloud.dev"


@pytest.fixture(scope="module")
def served(module_programs, ledger):
    made = module_programs.rolecall(
        "workload", "secret", "new", "nightly", "--output", "json", prints_secrets=True
    ).json()
    workload = {"name": "nightly", "token_configs": ["aws"], "secret_hashes": [made["secret_hash"]]}
    aws = {"name": "aws", "audience": "sts.amazonaws.com", "algorithm": "ES256", "subject": "script:{name}"}
    tenant = {"name": "acme", "issuer": ISSUER, "token_configs": [aws], "workloads": [workload]}
    folder = module_programs.folder / "secrets"
    folder.mkdir()
    issuer = serve(module_programs, folder, [tenant])
    assert made["secret"].encode() not in issuer.config.read_bytes()
    return issuer, made["secret"], ledger


def ask(served, basic=None, **form):
    issuer, _, ledger = served
    body = urllib.parse.urlencode({"grant_type": "client_credentials", **form}).encode()
    headers = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    if basic is not None:
        pair = ":".join(urllib.parse.quote_plus(part) for part in basic)
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    request = urllib.request.Request(f"{issuer.address}/oauth2/token", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read().decode()
            ledger.learn(content, "the token endpoint")
            return answer.status, json.loads(content)
    except urllib.error.HTTPError as refused:
        if refused.code == 401:
            assert refused.headers["WWW-Authenticate"].startswith("Basic")
        return refused.code, json.loads(refused.read())


def test_both_forms_get_a_token(served):
    issuer, secret, _ = served
    for status, answer in (
        ask(served, basic=("nightly", secret)),
        ask(served, client_id="nightly", client_secret=secret),
    ):
        assert status == 200, answer
        assert verified(issuer.address, HOST, ISSUER, answer["access_token"])["sub"] == "script:nightly"


@pytest.mark.parametrize(
    "change",
    [lambda s: "", lambda s: s[:-1], lambda s: s + "A", lambda s: s.swapcase(), lambda s: "$argon2id$v=19$m=19456"],
)
def test_a_wrong_secret_is_refused(served, change):
    wrong = change(served[1])
    expected = (401, "invalid_client")
    status, answer = ask(served, basic=("nightly", wrong))
    assert (status, answer["error"]) == expected
    status, answer = ask(served, client_id="nightly", client_secret=wrong)
    assert (status, answer["error"]) == expected


def test_two_proofs_at_once_are_refused(served):
    status, answer = ask(served, basic=("nightly", served[1]), client_secret=served[1])
    assert (status, answer["error"]) == (400, "invalid_request")


def test_guessing_does_not_keep_others_from_their_tokens(served):
    secret = served[1]
    assert ask(served, basic=("nightly", secret))[0] == 200
    with ThreadPoolExecutor(16) as pool:
        guesses = [pool.submit(ask, served, basic=("nightly", f"rcs_guess-{guess}")) for guess in range(120)]
        granted = [ask(served, basic=("nightly", secret))[0] for _ in range(50)]
        answers = {(status, answer["error"]) for status, answer in (guess.result() for guess in guesses)}
    assert granted == [200] * 50
    assert answers <= {(401, "invalid_client"), (503, "temporarily_unavailable")}
