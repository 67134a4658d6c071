"""Keys in software, in a SoftHSM token and in (moto's) KMS: the tokens are the same to verifiers,
and the keys stay where they are."""

from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from harness.key_backends import PIN, Tokens
from harness.verifiers import by_jose, by_pyjwt, jwks
from harness.key_backend_sites import ALGORITHMS, AWS_KEYS, moto_site, site, written

BACKENDS = ["software", "pkcs11", "kms"]


@pytest.fixture(scope="module", params=BACKENDS)
def served(request, module_programs):
    """A site for each backend."""
    programs, folder = module_programs, module_programs.folder / request.param
    if request.param == "software":
        return site(programs, written(programs, folder, {}), programs.environment())
    if request.param == "pkcs11":
        tokens = Tokens.empty(programs, folder / "hsm")
        tokens.make("rolecall")
        config = written(programs, folder, {"hsm": tokens.backend("rolecall")}, keys={"backend": "hsm"})
        return site(programs, config, tokens.environment(), tokens)
    return moto_site(programs, folder)[0]


@pytest.mark.parametrize("config", ALGORITHMS)
def test_pyjwt_and_jose_verify_the_tokens_of_every_backend(served, config):
    token = served.token(config)
    assert jwt.get_unverified_header(token)["alg"] == ALGORITHMS[config]
    assert by_pyjwt(served.url, token)["sub"] == "job:7"
    verified = by_jose(served.programs, served.url, token).json()
    assert verified["protectedHeader"]["alg"] == ALGORITHMS[config]


@pytest.mark.parametrize("config", ALGORITHMS)
def test_a_changed_token_of_any_backend_is_refused(served, config):
    header, payload, signature = served.token(config).split(".")
    with pytest.raises(jwt.InvalidSignatureError):
        by_pyjwt(served.url, ".".join([header, payload, served.token(config).split(".")[2]]))


def test_the_jwks_is_the_same_in_every_backend(served):
    keys = jwks(served.url)
    assert [key["alg"] for key in keys] == ["RS256", "ES256"]
    for key in keys:
        assert set(key) == {"kty", "kid", "use", "alg"} | {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}}[key["kty"]]


def test_many_tokens_at_once(served):
    """More than there are sessions with a token."""
    with ThreadPoolExecutor(16) as pool:
        minted = list(pool.map(served.token, ["rs256", "es256"] * 16))
    for token in minted:
        by_pyjwt(served.url, token)


def test_keys_stay_the_same_after_a_restart(served):
    before = jwks(served.url)
    served.issuer.running.stop()
    served.stays_where_it_is()
    again = site(served.programs, served.issuer.config, served.env, served.witness)
    assert jwks(again.url) == before
    by_pyjwt(again.url, again.token("rs256"))
    served.issuer = again.issuer


def test_the_state_holds_no_private_key(served):
    """All that is stored is sealed, and with a backend there is nothing to steal in it."""
    state = b"".join(file.read_bytes() for file in (served.issuer.state).iterdir())
    assert b"PRIVATE KEY" not in state and PIN.encode() not in state
    assert AWS_KEYS["AWS_SECRET_ACCESS_KEY"].encode() not in state


# What nobody here wrote says of the keys.


@pytest.mark.parametrize("served", ["pkcs11"], indirect=True)
def test_opensc_sees_keys_that_never_leave_the_token(served):
    listed = served.witness.private_keys("rolecall")
    assert listed.count("Private Key Object") == 2
    assert listed.count("rolecall-acme-rs256-") == 1 and listed.count("rolecall-acme-es256-") == 1
    access = [line for line in listed.splitlines() if "Access:" in line]
    assert len(access) == 2
    for line in access:
        assert "sensitive" in line and "never extractable" in line


@pytest.mark.parametrize("served", ["kms"], indirect=True)
def test_boto3_sees_keys_with_the_tenants_name(served):
    specs = {}
    for key in served.witness.list_keys()["Keys"]:
        about = served.witness.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        tags = served.witness.list_resource_tags(KeyId=key["KeyId"])["Tags"]
        assert tags == [{"TagKey": "rolecall-tenant", "TagValue": "acme"}]
        specs[about["KeySpec"]] = about["KeyUsage"]
    assert specs == {"RSA_2048": "SIGN_VERIFY", "ECC_NIST_P256": "SIGN_VERIFY"}
