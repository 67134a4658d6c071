"""An issuer that is not ours: it serves discovery and a JWKS on loopback, and signs with PyJWT
whatever claims and headers it is told to, right or wrong."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from .ledger import Ledger

ABSENT = object()


@dataclass
class PeerIssuer:
    """Answers for one issuer URL at an address of its own; `--connect-to` joins the two."""

    url: str
    ledger: Ledger
    keys: dict[str, object] = field(default_factory=dict)
    # What the two documents answer with instead, by path: (status, body).
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    listen: str = "127.0.0.1:0"

    def __enter__(self) -> "PeerIssuer":
        self.keys = {
            "rsa-1": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ec-1": ec.generate_private_key(ec.SECP256R1()),
        }
        host, port = self.listen.rsplit(":", 1)
        self._server = ThreadingHTTPServer((host, int(port)), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        """Scheme and host of the issuer URL."""
        return "/".join(self.url.split("/")[:3])

    def claims(self, **changes) -> dict:
        """Good claims for five minutes, with changes; `ABSENT` leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "sub": "peer:job:1",
            "aud": "sts.amazonaws.com",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": f"peer-{time.monotonic_ns()}",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not ABSENT}

    def token(self, *, kid: str | None = "rsa-1", key=None, headers: dict | None = None, **changes) -> str:
        """A signed token with these changes to good claims."""
        key = key if key is not None else self.keys[kid]
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        return self.sign(self.claims(**changes), key, algorithm, {**({"kid": kid} if kid else {}), **(headers or {})})

    def sign(self, claims: dict, key, algorithm: str, headers: dict) -> str:
        """A token with exactly these claims; PyJWT judges nothing but the signature."""
        signed = jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm=algorithm, headers={"typ": "JWT", **headers})
        self.ledger.learn(signed, "the peer issuer")
        return signed

    def _documents(self) -> dict[str, bytes]:
        path = self.url.removeprefix(self.origin)
        discovery = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        }
        keys = [_jwk(kid, key) for kid, key in self.keys.items()]
        return {
            f"{path}/.well-known/openid-configuration": json.dumps(discovery).encode(),
            f"{path}/jwks": json.dumps({"keys": keys}).encode(),
        }

    def _handler(self):
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                peer.fetched.append(self.path)
                known = peer._documents().get(self.path)
                status, body = (404, b"") if known is None else (200, known)
                for part, answer in peer.broken.items():
                    if self.path.endswith(part):
                        status, body = answer
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


def _jwk(kid: str, key) -> dict:
    """The public key as IAM takes it: no `key_ops`, which AWS refuses."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    jwk = json.loads(algorithm.to_jwk(key.public_key()))
    jwk.pop("key_ops", None)
    return {**jwk, "kid": kid, "use": "sig"}
