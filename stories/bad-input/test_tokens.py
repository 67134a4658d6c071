"""Tokens that are truncated, expired, forged, unsigned or without a key: judged by `rolecall token
verify`, and by STS."""

import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness.peer_issuer import ABSENT, PeerIssuer

ISSUER = "https://peer.example.com"


@pytest.fixture(scope="module")
def peer(ledger):
    with PeerIssuer(ISSUER, ledger) as peer:
        yield peer


@pytest.fixture
def judged(peer, programs, tmp_path):
    """What `rolecall token verify` says of a token."""

    def judge(token, *arguments, issuer=ISSUER, audience="sts.amazonaws.com"):
        path = tmp_path / "token"
        path.write_text(token)
        return programs.rolecall(
            "token", "verify", "--issuer", issuer, "--audience", audience,
            "--connect-to", f"{peer.origin}={peer.address}", path, *arguments,
        )  # fmt: skip

    return judge


@pytest.mark.parametrize("kid", ["rsa-1", "ec-1"])
def test_a_good_token_of_another_issuer_is_valid(peer, judged, kid):
    verdict = judged(peer.token(kid=kid))
    assert verdict.code == 0, verdict.stderr
    assert "peer:job:1" in verdict.stdout
    as_json = judged(peer.token(kid=kid), "--output", "json").json()
    assert "peer:job:1" in json.dumps(as_json)


def expired(peer):
    then = int(time.time()) - 7200
    return peer.token(iat=then - 60, nbf=ABSENT, exp=then)


BAD = {
    "truncated": (lambda peer: peer.token()[:-12], []),
    "without its signature": (lambda peer: peer.token().rsplit(".", 1)[0], []),
    "not a token": (lambda peer: "garbage", []),
    "empty": (lambda peer: "", []),
    "expired": (expired, ["expired"]),
    "from the future": (lambda peer: peer.token(nbf=int(time.time()) + 3600), []),
    "signed by another RSA key": (
        lambda peer: peer.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048), kid="rsa-1"),
        ["signature"],
    ),
    "signed by another P-256 key": (
        lambda peer: peer.token(key=ec.generate_private_key(ec.SECP256R1()), kid="ec-1"),
        ["signature"],
    ),
    "without an algorithm": (lambda peer: peer.sign(peer.claims(), None, "none", {"kid": "rsa-1"}), ["none"]),
    "with a shared secret": (lambda peer: peer.sign(peer.claims(), b"x" * 32, "HS256", {"kid": "rsa-1"}), ["HS256"]),
    "without kid": (lambda peer: peer.token(key=peer.keys["rsa-1"], kid=None), ["kid"]),
    "with an unknown kid": (lambda peer: peer.token(key=peer.keys["rsa-1"], kid="gone"), ["gone"]),
    "with the other key's kid": (lambda peer: peer.token(key=peer.keys["rsa-1"], kid="ec-1"), []),
    "for another audience": (lambda peer: peer.token(aud="someone-else"), ["someone-else", "sts.amazonaws.com"]),
    "of another issuer": (lambda peer: peer.token(iss="https://peer.example.com/"), ["https://peer.example.com/"]),
    "without exp": (lambda peer: peer.token(exp=ABSENT), ["exp"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_token_is_not_valid(peer, judged, case):
    make, words = BAD[case]
    token = make(peer)
    verdict = judged(token)
    assert verdict.code == 8, f"{verdict.stdout}\n{verdict.stderr}"
    told = verdict.stdout + verdict.stderr
    for word in words:
        assert word in told, f"`{word}` is not in:\n{told}"


def test_a_token_file_that_is_not_there(peer, programs, tmp_path):
    verdict = programs.rolecall(
        "token", "verify", "--issuer", ISSUER, "--connect-to", f"{peer.origin}={peer.address}", tmp_path / "missing"
    )
    assert verdict.code == 7
    assert "missing" in verdict.stderr


def test_an_issuer_without_keys(ledger, programs):
    with PeerIssuer(ISSUER, ledger, broken={"jwks": (404, b"")}) as peer:
        verdict = programs.rolecall(
            "token", "verify", "--issuer", ISSUER, "--connect-to", f"{peer.origin}={peer.address}", "-", stdin=peer.token()
        )
    assert verdict.code in (6, 8)
    assert "jwks" in verdict.stderr


@pytest.mark.parametrize("case", ["expired", "signed by another RSA key", "without an algorithm"])
def test_inspecting_does_not_judge(peer, programs, case):
    token = BAD[case][0](peer)
    shown = programs.rolecall("token", "inspect", "-", stdin=token).done()
    assert "peer:job:1" in shown.stdout
    # The signature is what makes a token worth stealing; it is not repeated.
    signature = token.rsplit(".", 1)[1]
    assert not signature or signature not in shown.stdout
