"""Verifiers of tokens that nobody here wrote: PyJWT and npm's jose, through discovery."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import jwt

from .programs import Finished, Programs

AUDIENCE = "sts.amazonaws.com"
VERIFY = Path(__file__).parents[1] / "independent-verifiers" / "verify.mjs"


def discovery(issuer: str) -> dict:
    """The issuer's metadata."""
    with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration") as answer:
        return json.load(answer)


def jwks(issuer: str) -> list[dict]:
    """The issuer's keys, in their order."""
    with urllib.request.urlopen(discovery(issuer)["jwks_uri"]) as answer:
        return json.load(answer)["keys"]


def by_pyjwt(issuer: str, token: str, audience: str = AUDIENCE) -> dict:
    """The claims, verified by PyJWT through discovery."""
    metadata = discovery(issuer)
    assert metadata["issuer"] == issuer
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        key,
        algorithms=metadata["id_token_signing_alg_values_supported"],
        audience=audience,
        issuer=metadata["issuer"],
        options={"require": ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]},
    )


def by_jose(programs: Programs, issuer: str, token: str, audience: str = AUDIENCE) -> Finished:
    """What jose says of the token."""
    return programs.run("node", VERIFY, issuer, audience, stdin=token)
