"""Requests to an issuer's token endpoint, made without Rolecall: the assertion is PyJWT's, the form
urllib's."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import jwt

from .acme import ISSUER, Acme

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def assertion(key, algorithm: str = "ES256", **changes) -> str:
    """A private_key_jwt (RFC 7523) of the workload cube-api; a change to None leaves a claim out."""
    now = int(time.time())
    good = {"iss": "cube-api", "sub": "cube-api", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm)


def ask(acme: Acme, key=None, *, host: str = "acme.cubecloud.dev", **form) -> tuple[int, dict | bytes]:
    """Status and body of the answer to a good request with these changes; None leaves a field out."""
    good = {"grant_type": "client_credentials", "client_assertion_type": BEARER, "token_config": "aws"}
    if key is not None:
        good["client_assertion"] = assertion(key)
    fields = {name: value for name, value in {**good, **form}.items() if value is not None}
    return post(acme, urllib.parse.urlencode(fields).encode(), host)


def post(acme: Acme, body: bytes, host: str = "acme.cubecloud.dev") -> tuple[int, dict | bytes]:
    """Status and body of the answer to this body."""
    headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{acme.issuer.address}/oauth2/token", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            content = answer.read().decode()
            acme.programs.ledger.learn(content, "the token endpoint")
            return answer.status, json.loads(content)
    except urllib.error.HTTPError as refused:
        content = refused.read()
        return refused.code, json.loads(content) if content.startswith(b"{") else content


def published_keys(address: str) -> list[dict]:
    """The JWKS of the tenant acme."""
    request = urllib.request.Request(f"{address}/.well-known/jwks.json", headers={"Host": "acme.cubecloud.dev"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["keys"]
