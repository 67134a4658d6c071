"""Issuers whose tokens are evidence, shaped as Kubernetes' and GitHub's, and the exchange of what they
mint; all of it by programs that are not ours: PyJWT signs, urllib asks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.server import ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .ledger import Ledger
from .peer_issuer import ABSENT, PeerIssuer, _jwk

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


class EvidenceIssuer(PeerIssuer):
    """An issuer at its real address on loopback, which can go away, come back, and change its keys."""

    def __init__(self, ledger: Ledger, audience: str, path: str = ""):
        super().__init__(url="", ledger=ledger)
        self.audience = audience
        self.path = path

    def __enter__(self) -> "EvidenceIssuer":
        super().__enter__()
        self.url = self.address + self.path
        return self

    def stop(self) -> None:
        """Go away: whoever connects is refused."""
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        """Serve again at the same address."""
        port = int(self.address.rsplit(":", 1)[1])
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def rotate(self) -> str:
        """Publish a new key only; its `kid`."""
        kid = f"rsa-{len(self.fetched)}-{time.monotonic_ns()}"
        self.keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}
        return kid

    def claims(self, **changes) -> dict:
        """Good claims for us, with changes."""
        good = {"aud": self.audience, "jti": str(uuid.uuid4()), **self.shape()}
        return super().claims(**{**good, **changes})

    def shape(self) -> dict:
        """The claims that this kind of issuer adds."""
        return {}

    def fetches(self) -> int:
        """How often the keys were fetched."""
        return sum(path.endswith("/jwks") for path in self.fetched)


class Cluster(EvidenceIssuer):
    """Shaped as the API server of a Kubernetes cluster: projected service account tokens."""

    namespace = "data"
    service_account = "cube-api"

    def shape(self) -> dict:
        return self.of(self.namespace, self.service_account)

    def of(self, namespace: str, service_account: str) -> dict:
        """Claims of a pod of this service account."""
        return {
            "aud": [self.audience],
            "sub": f"system:serviceaccount:{namespace}:{service_account}",
            "kubernetes.io": {
                "namespace": namespace,
                "node": {"name": "node-1", "uid": "6b0e"},
                "pod": {"name": f"{service_account}-7d9f", "uid": "0f3c"},
                "serviceaccount": {"name": service_account, "uid": "9a41"},
            },
        }


class Actions(EvidenceIssuer):
    """Shaped as GitHub's issuer for Actions."""

    def shape(self) -> dict:
        return {
            "sub": "repo:acme/app:environment:production",
            "repository": "acme/app",
            "repository_id": "17",
            "repository_owner": "acme",
            "repository_owner_id": "1234567",
            "environment": "production",
            "event_name": "push",
            "ref": "refs/heads/main",
            "ref_protected": "true",
            "ref_type": "branch",
            "workflow_ref": "acme/app/.github/workflows/deploy.yml@refs/heads/main",
            "runner_environment": "github-hosted",
        }


def exchange(address: str, host: str, token: str | None, ledger: Ledger | None = None, **form) -> tuple[int, dict]:
    """Status and body of the answer to a token exchange with these changes; None leaves a field out."""
    good = {"grant_type": EXCHANGE, "subject_token_type": JWT, "subject_token": token, "token_config": "aws"}
    fields = {name: value for name, value in {**good, **form}.items() if value is not None}
    body = urllib.parse.urlencode(fields).encode()
    headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{address}/oauth2/token", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read().decode()
            if ledger is not None:
                ledger.learn(content, "the token endpoint")
            return answer.status, json.loads(content)
    except urllib.error.HTTPError as refused:
        assert refused.headers["Cache-Control"] == "no-store"
        return refused.code, json.loads(refused.read())


def forgeries(issuer: EvidenceIssuer) -> dict[str, str]:
    """Evidence that must be refused whatever the workload's rules are, by what is wrong with it."""
    now = int(time.time())
    good = issuer.claims()
    kid, key = next((kid, key) for kid, key in issuer.keys.items() if isinstance(key, rsa.RSAPrivateKey))
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    strangers_jwk = _jwk(kid, stranger)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(_jwk(kid, key)).encode()
    signed = issuer.token(kid=kid)
    return {
        "wrong audience": issuer.token(kid=kid, aud="https://other.example.com"),
        "no audience": issuer.token(kid=kid, aud=ABSENT),
        "wrong issuer": issuer.token(kid=kid, iss="https://other.example.com"),
        "issuer with a slash more": issuer.token(kid=kid, iss=f"{issuer.url}/"),
        "expired": issuer.token(kid=kid, iat=now - 700, nbf=now - 700, exp=now - 100),
        "stale": issuer.token(kid=kid, iat=now - 90_000, nbf=now - 90_000, exp=now + 600),
        "without exp": issuer.token(kid=kid, exp=ABSENT),
        "without iat": issuer.token(kid=kid, iat=ABSENT),
        "not yet valid": issuer.token(kid=kid, nbf=now + 600, exp=now + 900),
        "made in the future": issuer.token(kid=kid, iat=now + 600, exp=now + 900),
        "alg none": _unsigned(good, {"alg": "none", "typ": "JWT"}),
        "alg None": _unsigned(good, {"alg": "None", "typ": "JWT", "kid": kid}),
        "alg none with a signature": _unsigned(good, {"alg": "none", "kid": kid}) + signed.rsplit(".", 1)[1],
        "HS256 with the RSA key as PEM": _by_hmac(good, kid, pem),
        "HS256 with the RSA key as JWK": _by_hmac(good, kid, jwk),
        "HS256 with an empty secret": _by_hmac(good, kid, b""),
        "ES256 header over an RSA signature": _with_header(signed, {"alg": "ES256", "kid": kid, "typ": "JWT"}),
        "a stranger's key under a known kid": issuer.token(kid=kid, key=stranger),
        "embedded jwk": issuer.token(kid=kid, key=stranger, headers={"jwk": strangers_jwk}),
        "jku": issuer.token(kid=kid, key=stranger, headers={"jku": f"{issuer.address}/attacker/jwks"}),
        "x5u": issuer.token(kid=kid, key=stranger, headers={"x5u": f"{issuer.address}/attacker/chain"}),
        "x5c": issuer.token(kid=kid, key=stranger, headers={"x5c": ["MIIBAA=="]}),
        "jwk beside a good signature": issuer.token(kid=kid, headers={"jwk": strangers_jwk}),
        "crit": issuer.token(kid=kid, headers={"crit": ["exp"]}),
        "a logout token": issuer.token(kid=kid, headers={"typ": "logout+jwt"}),
        "unknown kid": issuer.token(kid="made-up", key=stranger),
        "a kid that is a path": issuer.token(kid="../../../../dev/null", key=stranger),
        "altered claims": _altered(signed),
        "cut off": signed[: len(signed) // 2],
        "no signature": signed.rsplit(".", 1)[0] + ".",
        "huge": issuer.token(kid=kid, padding="x" * 40_000),
        "noise": "!" * 200,
        "two dots only": "..",
    }


def _part(document: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _unsigned(claims: dict, header: dict) -> str:
    return f"{_part(header)}.{_part(claims)}."


def _by_hmac(claims: dict, kid: str, secret: bytes) -> str:
    text = f"{_part({'alg': 'HS256', 'kid': kid, 'typ': 'JWT'})}.{_part(claims)}"
    tag = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"


def _with_header(token: str, header: dict) -> str:
    return f"{_part(header)}.{token.split('.', 1)[1]}"


def _altered(token: str) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{header}.{_part({**claims, 'sub': 'system:admin'})}.{signature}"


def verified(address: str, host: str, issuer: str, token: str) -> dict:
    """The claims of a token of ours, as PyJWT verifies it through our live JWKS."""
    request = urllib.request.Request(f"{address}/.well-known/jwks.json", headers={"Host": host})
    with urllib.request.urlopen(request) as answer:
        keys = jwt.PyJWKSet.from_dict(json.load(answer))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256", "ES256"], audience="sts.amazonaws.com", issuer=issuer)
