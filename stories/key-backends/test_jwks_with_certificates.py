"""`jwks.members: with_x5c`: each key carries a certificate that others can read, verify and use."""

import base64

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness.account import ACCOUNT, emulate, federated, policy, provider, role, role_arn
from harness.key_backend_sites import ALGORITHMS, moto_site, site, written
from harness.key_backends import Tokens
from harness.verifiers import AUDIENCE, by_jose, by_pyjwt, jwks

JWKS = {"members": "with_x5c", "first": "ES256"}


@pytest.fixture(scope="module", params=["software", "pkcs11", "kms"])
def served(request, module_programs):
    programs, folder = module_programs, module_programs.folder / f"x5c-{request.param}"
    if request.param == "kms":
        return moto_site(programs, folder, jwks=JWKS)[0]
    if request.param == "pkcs11":
        tokens = Tokens.empty(programs, folder / "hsm")
        tokens.make("rolecall")
        config = written(programs, folder, {"hsm": tokens.backend("rolecall")}, keys={"backend": "hsm"}, jwks=JWKS)
        return site(programs, config, tokens.environment())
    return site(programs, written(programs, folder, {}, jwks=JWKS), programs.environment())


def certificate(key: dict) -> x509.Certificate:
    [text] = key["x5c"]
    return x509.load_der_x509_certificate(base64.b64decode(text))


def spki(key) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_every_certificate_is_of_its_key_and_signed_by_it(served):
    keys = jwks(served.url)
    assert [key["alg"] for key in keys] == ["ES256", "RS256"]
    for key in keys:
        held = certificate(key)
        held.verify_directly_issued_by(held)
        assert spki(held.public_key()) == spki(jwt.PyJWK(key).key)
        assert held.subject.rfc4514_string() == f"CN={key['kid']}"
        assert held.not_valid_after_utc.year == 9999


def test_openssl_reads_the_certificates(served, tmp_path):
    for key in jwks(served.url):
        file = tmp_path / "certificate.der"
        file.write_bytes(base64.b64decode(key["x5c"][0]))
        read = served.programs.run("openssl", "x509", "-inform", "DER", "-in", file, "-noout", "-text").done().stdout
        assert f"CN = {key['kid']}" in read
        pem = served.programs.run("openssl", "x509", "-inform", "DER", "-in", file).done().stdout
        (tmp_path / "certificate.pem").write_text(pem)
        name = tmp_path / "certificate.pem"
        served.programs.run("openssl", "verify", "-CAfile", name, name).done()


@pytest.mark.parametrize("config", ALGORITHMS)
def test_a_token_is_verified_with_the_certificate_alone(served, config):
    token = served.token(config)
    held = next(certificate(key) for key in jwks(served.url) if key["alg"] == ALGORITHMS[config])
    jwt.decode(token, held.public_key(), algorithms=[ALGORITHMS[config]], audience=AUDIENCE)
    by_pyjwt(served.url, token)
    by_jose(served.programs, served.url, token).done()


def test_the_certificates_stay_the_same(served):
    before = jwks(served.url)
    served.issuer.running.stop()
    served.stays_where_it_is()
    again = site(served.programs, served.issuer.config, served.env, served.witness)
    assert jwks(again.url) == before
    served.issuer = again.issuer


@pytest.mark.parametrize("config", ALGORITHMS)
def test_the_emulated_account_takes_keys_with_certificates(served, programs, config):
    """As AWS does, it compares `x5c` with the key beside it."""
    trusts = {"StringEquals": {"sub": "job:7"}}
    seed = {
        "oidc_providers": [provider(served.url, AUDIENCE)],
        "roles": [role("job", policy(federated(served.url, trusts)))],
    }
    accounts = emulate(programs, programs.folder, {ACCOUNT: seed})
    answer = accounts.anyone().assume_role_with_web_identity(
        RoleArn=role_arn("job"), RoleSessionName="job", WebIdentityToken=served.token(config)
    )
    programs.ledger.learn(str(answer["Credentials"]), "the emulated account")
    assert answer["SubjectFromWebIdentityToken"] == "job:7"
