"""PyJWT and npm's jose verify our tokens through discovery, and refuse what was changed."""

import base64
import json
import time
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness.issuer import asking, serve, workload_key
from harness.verifiers import AUDIENCE, by_jose, by_pyjwt

CONFIGS = {"rs256": "RS256", "es256": "ES256"}


@pytest.fixture(scope="module")
def issuer(module_programs):
    """A tenant whose issuer is its own loopback address, which any verifier can reach."""
    folder = module_programs.folder / "issuer"
    folder.mkdir()
    workload = workload_key(module_programs, folder, "job", kind="rsa2048")
    tenant = {
        "name": "local",
        "issuer": "http://{listen}/local",
        "token_configs": [
            {
                "name": name, "audience": AUDIENCE, "lifetime": "10m", "algorithm": algorithm,
                "subject": "job:{number}", "claims": {"groups": ["a", "b"], "team": "data"},
            }
            for name, algorithm in CONFIGS.items()
        ],
        "workloads": [
            {"name": "job", "attributes": {"number": "7"}, "token_configs": list(CONFIGS), "keys": [workload.jwk]}
        ],
    }  # fmt: skip
    served = serve(module_programs, folder, [tenant])
    [url] = served.issuers
    config = asking(folder / "job.yaml", workload, url, {})

    def token(token_config):
        minted = module_programs.rolecall(
            "token", "mint", "--config", config, "--token-config", token_config, prints_secrets=True
        )
        return minted.done().stdout.strip()

    token.issuer = url
    return token


@pytest.mark.parametrize("config", CONFIGS)
def test_pyjwt_verifies(issuer, config):
    token = issuer(config)
    assert jwt.get_unverified_header(token)["alg"] == CONFIGS[config]
    claims = by_pyjwt(issuer.issuer, token)
    assert claims["sub"] == "job:7"
    assert claims["exp"] - claims["iat"] == 600
    assert claims["groups"] == ["a", "b"] and claims["team"] == "data"
    assert isinstance(claims["aud"], str) and "azp" not in claims


@pytest.mark.parametrize("config", CONFIGS)
def test_jose_verifies(issuer, programs, config):
    verified = by_jose(programs, issuer.issuer, issuer(config)).json()
    assert verified["payload"]["sub"] == "job:7"
    assert verified["protectedHeader"]["alg"] == CONFIGS[config]


def changed(token: str, **claims) -> str:
    header, payload, signature = token.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=="))
    body.update(claims)
    return f"{header}.{encoded(json.dumps(body).encode())}.{signature}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def resigned(token: str, algorithm: str) -> str:
    """The same header and claims under a key of somebody else."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": jwt.get_unverified_header(token)["kid"]})


TAMPERED = {
    "another subject": lambda token, _: changed(token, sub="job:8"),
    "a longer life": lambda token, _: changed(token, exp=int(time.time()) + 86400),
    "another key": resigned,
    "a cut signature": lambda token, _: token[:-8],
    "no algorithm": lambda token, _: ".".join([encoded(b'{"alg":"none"}'), token.split(".")[1], ""]),
}


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("how", TAMPERED)
def test_pyjwt_refuses_what_was_tampered_with(issuer, config, how):
    with pytest.raises(jwt.PyJWTError):
        by_pyjwt(issuer.issuer, TAMPERED[how](issuer(config), CONFIGS[config]))


@pytest.mark.parametrize("how", TAMPERED)
def test_jose_refuses_what_was_tampered_with(issuer, programs, how):
    refused = by_jose(programs, issuer.issuer, TAMPERED[how](issuer("es256"), "ES256"))
    assert refused.code == 1
    assert json.loads(refused.stdout)["code"].startswith(("ERR_JWS", "ERR_JOSE", "ERR_JWKS", "ERR_JWT"))


def test_both_refuse_another_audience(issuer, programs):
    with pytest.raises(jwt.InvalidAudienceError):
        by_pyjwt(issuer.issuer, issuer("rs256"), audience="someone-else")
    refused = by_jose(programs, issuer.issuer, issuer("rs256"), audience="someone-else")
    assert json.loads(refused.stdout)["code"] == "ERR_JWT_CLAIM_VALIDATION_FAILED"


def test_the_jwks_is_as_aws_wants_it(issuer):
    with urllib.request.urlopen(f"{issuer.issuer}/.well-known/openid-configuration") as answer:
        discovery = json.load(answer)
    with urllib.request.urlopen(discovery["jwks_uri"]) as answer:
        keys = json.load(answer)["keys"]
    assert sorted(key["kty"] for key in keys) == ["EC", "RSA"]
    for key in keys:
        members = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}}[key["kty"]]
        assert set(key) == {"kty", "kid", "use", "alg"} | members
        assert key["use"] == "sig"
