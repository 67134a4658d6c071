"""Every refusal of a web identity token, as botocore's typed exception, with AWS's own words."""

import json
import re
import time

import pytest
from botocore import exceptions
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.account import role_arn
from harness.peer_issuer import ABSENT, PeerIssuer

NOT_VALIDATED = (
    "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity "
    "documentation for requirements."
)
NO_KEY = (
    "Couldn't retrieve verification key from your identity provider,  please reference "
    "AssumeRoleWithWebIdentity documentation for requirements"
)
NOT_A_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
NOT_AUTHORIZED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"


def told(refused: exceptions.ClientError) -> tuple[str, str, int]:
    error = refused.response["Error"]
    return error["Code"], error["Message"], refused.response["ResponseMetadata"]["HTTPStatusCode"]


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


def test_a_good_token_is_exchanged(newer):
    assert newer.exchange()["AccessKeyId"].startswith("ASIA")
    assert newer.exchange(newer.peer.token(kid="ec-1"))["AccessKeyId"].startswith("ASIA")


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "iat", "exp"])
def test_a_missing_claim_is_named(newer, claim):
    refused = newer.refused(newer.peer.token(**{claim: ABSENT}))
    assert told(refused) == ("InvalidIdentityToken", f"Missing a required claim: {claim}", 400)
    assert type(refused).__name__ == "InvalidIdentityTokenException"


INVALID = {
    "empty audience list": ({"aud": []}, "Claim is not allowed to be empty: aud"),
    "several audiences": (
        {"aud": ["sts.amazonaws.com", "https://second.example.com"]},
        "Token audience contains more than one audience while authorized party is not present",
    ),
    "audience not registered": ({"aud": "someone-else"}, NOT_VALIDATED),
    "audience empty": ({"aud": ""}, NOT_VALIDATED),
    "authorized party not registered": ({"azp": "someone-else"}, NOT_VALIDATED),
    "authorized party empty": ({"azp": ""}, NOT_VALIDATED),
    "no such provider": ({"iss": "https://stranger.example.com"}, NOT_VALIDATED),
    "issuer with a slash more": ({"iss": "https://peer.example.com/jobs/"}, NOT_VALIDATED),
    "expiry is no number": ({"exp": "soon"}, "Invalid timestamp in token claims."),
    "expiry is null": ({"exp": None}, "Invalid timestamp in token claims."),
    "issued at a fraction": ({"iat": 1.5}, "Invalid timestamp in token claims."),
    "tag value is no list": (
        {"https://aws.amazon.com/tags": {"principal_tags": {"team": "data"}}},
        "principal_tags passed in claim is not in correct format.",
    ),
    "tag with two values": (
        {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["data", "more"]}}},
        "principal_tags passed in claim is not in correct format.",
    ),
    "role not among the roles": (
        {"https://aws.amazon.com/roles": role_arn("another")},
        "The target role ARN is not present in the roles claim of the identity token",
    ),
    "no usable role": (
        {"https://aws.amazon.com/roles": []},
        "The target role ARN is not present in the roles claim of the identity token",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_identity_tokens(newer, case):
    claims, message = INVALID[case]
    assert told(newer.refused(newer.peer.token(**claims))) == ("InvalidIdentityToken", message, 400)


def test_a_token_from_the_future(newer):
    issued = in_seconds(900)
    code, message, _ = told(newer.refused(newer.peer.token(iat=issued, nbf=ABSENT, exp=issued + 60)))
    assert (code, message) == ("InvalidIdentityToken", f"Token issued in the future: {issued}")


def test_a_token_not_yet_valid(newer):
    begins = in_seconds(900)
    code, message, _ = told(newer.refused(newer.peer.token(nbf=begins, exp=begins + 60)))
    assert code == "InvalidIdentityToken"
    pattern = r"Token not yet valid: current date/time \d+ must be after or equal to the not-before date/time (\d+)"
    assert int(re.fullmatch(pattern, message)[1]) == begins


def test_an_expired_token(newer):
    expired = in_seconds(-301)
    refused = newer.refused(newer.peer.token(iat=expired - 60, nbf=ABSENT, exp=expired))
    code, message, status = told(refused)
    assert (type(refused).__name__, code, status) == ("ExpiredTokenException", "ExpiredTokenException", 400)
    pattern = r"Token expired: current date/time (\d+) must be before the expiration date/time (\d+)"
    current, printed = map(int, re.fullmatch(pattern, message).groups())
    assert printed == expired
    # AWS prints its clock already shifted back by the five minutes of leeway.
    assert abs(current - in_seconds(-300)) <= 5


def test_five_minutes_of_leeway_on_every_time(newer):
    assert newer.exchange(newer.peer.token(iat=in_seconds(-900), nbf=ABSENT, exp=in_seconds(-290)))
    assert newer.exchange(newer.peer.token(iat=in_seconds(290), nbf=in_seconds(290), exp=in_seconds(600)))


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "eyJhbGciOiJSUzI1NiJ9.e30", "eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.c2ln"])
def test_what_is_no_jwt(newer, token):
    assert told(newer.refused(token)) == ("InvalidIdentityToken", NOT_A_JWT, 400)


def test_a_critical_header_is_not_understood(newer):
    token = newer.peer.token(headers={"crit": ["b64"], "b64": True})
    assert told(newer.refused(token)) == ("InvalidIdentityToken", NOT_A_JWT, 400)


def test_algorithm_none_and_a_secret_made_of_the_public_key(newer):
    claims = newer.peer.claims()
    unsigned = newer.peer.sign(claims, None, "none", {"kid": "rsa-1"})
    code, _, status = told(newer.refused(unsigned))
    assert (code, status) == ("InvalidIdentityToken", 400)
    symmetric = newer.peer.sign(claims, b"x" * 32, "HS256", {"kid": "rsa-1"})
    code, _, status = told(newer.refused(symmetric))
    assert (code, status) == ("InvalidIdentityToken", 400)


def test_a_token_signed_by_another_key(newer):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    code, _, status = told(newer.refused(newer.peer.token(key=stranger)))
    assert (code, status) == ("InvalidIdentityToken", 400)


def test_a_truncated_token(newer):
    code, _, status = told(newer.refused(newer.peer.token()[:-20]))
    assert (code, status) == ("InvalidIdentityToken", 400)


def test_a_key_that_is_not_published(newer):
    token = newer.peer.token(key=newer.peer.keys["rsa-1"], kid="gone")
    assert told(newer.refused(token)) == ("InvalidIdentityToken", NO_KEY, 400)


def test_no_kid_while_two_keys_are_published(newer):
    token = newer.peer.token(key=newer.peer.keys["rsa-1"], kid=None)
    code, _, status = told(newer.refused(token))
    assert (code, status) == ("InvalidIdentityToken", 400)


# Documents that the account has not fetched yet: an issuer of its own for each case.
UNREACHABLE = {
    "discovery fails": {"openid-configuration": (500, b"")},
    "discovery is no JSON": {"openid-configuration": (200, b"<html>")},
    "discovery names another issuer": {
        "openid-configuration": (200, json.dumps({"issuer": "https://other.example.com", "jwks_uri": "https://other.example.com/jwks"}).encode())
    },
    "JWKS is gone": {"jwks": (404, b"")},
    "JWKS is empty": {"jwks": (200, b'{"keys": []}')},
    "JWKS is no JSON": {"jwks": (200, b"nope")},
}


@pytest.mark.parametrize("case", UNREACHABLE)
def test_an_issuer_whose_keys_cannot_be_had(case, fresh_accounts, ledger):
    with PeerIssuer("https://peer.example.com/jobs", ledger, broken=UNREACHABLE[case]) as peer:
        assert told(fresh_accounts(peer).refused()) == ("InvalidIdentityToken", NO_KEY, 400)


def test_an_issuer_out_of_reach_has_a_code_of_its_own_in_the_older_generation(fresh_accounts, ledger):
    with PeerIssuer("https://peer.example.com/jobs", ledger, broken=UNREACHABLE["discovery fails"]) as peer:
        refused = fresh_accounts(peer, "older").refused()
    assert isinstance(refused, exceptions.ClientError)
    assert type(refused).__name__ == "IDPCommunicationErrorException"
    assert told(refused)[0::2] == ("IDPCommunicationError", 400)


def test_subject_null_is_the_services_own_failure(newer):
    refused = newer.refused(newer.peer.token(sub=None))
    assert told(refused) == ("InternalFailure", "Unknown error validating third-party token", 500)


def test_a_provider_id_wants_another_kind_of_token(newer):
    refused = newer.refused(ProviderId="www.amazon.com")
    assert told(refused) == ("InvalidIdentityToken", "Provided Token is not a Login With Amazon token", 400)


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"sub": "peer:other:1"}, "job"),
        ({}, "no-such-role"),
        ({"https://aws.amazon.com/tags": {"principal_tags": {"team": ["data"]}}}, "job"),
        ({"https://aws.amazon.com/source_identity": "ada"}, "job"),
    ],
)
def test_what_the_trust_policy_does_not_allow(newer, claims, role):
    refused = newer.refused(newer.peer.token(**claims), role=role)
    assert told(refused) == ("AccessDenied", NOT_AUTHORIZED, 403)


def test_tags_and_source_identity_are_allowed_where_the_policy_says_so(newer):
    token = newer.peer.token(**{
        "https://aws.amazon.com/tags": {"principal_tags": {"team": ["data"]}, "transitive_tag_keys": ["team"]},
        "https://aws.amazon.com/source_identity": "ada",
    })  # fmt: skip
    assert newer.exchange(token, role="tagged-job")
    flat = newer.peer.token(**{"https://aws.amazon.com/tags/principal_tags/team": "data"})
    assert newer.exchange(flat, role="tagged-job")


OLDER = {
    "audience": ({"aud": "someone-else"}, "InvalidIdentityToken", "Incorrect token audience"),
    "provider": (
        {"iss": "https://stranger.example.com"},
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://stranger.example.com",
    ),
    "trust": ({"sub": "peer:other:1"}, "AccessDenied", NOT_AUTHORIZED),
}


@pytest.mark.parametrize("case", OLDER)
def test_the_older_generation_of_messages(older, case):
    claims, code, message = OLDER[case]
    assert told(older.refused(older.peer.token(**claims)))[:2] == (code, message)


def test_the_authorized_party_stands_for_the_audience(newer):
    token = newer.peer.token(aud=["a", "b"], azp="sts.amazonaws.com")
    answer = newer.accounts.anyone().assume_role_with_web_identity(
        RoleArn=role_arn("job"), RoleSessionName="job-1", WebIdentityToken=token
    )
    assert answer["Audience"] == "sts.amazonaws.com"


def test_every_refusal_that_cloudtrail_knows_is_in_the_trail(newer):
    newer.refused(newer.peer.token(sub="peer:other:trail"))
    denied = [r for r in newer.accounts.records() if r.get("errorCode") == "AccessDenied"]
    assert denied[-1]["eventSource"] == "sts.amazonaws.com"
    assert denied[-1]["userIdentity"]["type"] == "WebIdentityUser"
    assert denied[-1]["userIdentity"]["userName"] == "peer:other:trail"
