"""`rolecall issuer check` against HTTPS servers of Python's own, with certificates made here."""

from __future__ import annotations

import datetime
import hashlib
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm

HOST = "oidc.example.test"
ISSUER = f"https://{HOST}"


def certificate(name, *, by=None, days=90, authority=False, host=None):
    """A key and a certificate, signed by `by` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(by[1].subject if by else named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - datetime.timedelta(days=400))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return key, builder.sign(by[0] if by else key, hashes.SHA256())


def pem(*certificates):
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


class Site:
    """An HTTPS server whose answers a test changes."""

    def __init__(self, folder, *, host=HOST, days=90):
        self.root = certificate("Root of the test", authority=True)
        self.middle = certificate("Intermediate of the test", by=self.root, authority=True)
        leaf_key, leaf = certificate(host, by=self.middle, host=host, days=days)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(pem(self.root[1]))
        chain = folder / "chain.pem"
        chain.write_bytes(
            leaf_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + pem(leaf, self.middle[1])
        )
        jwk = json.loads(ECAlgorithm(ECAlgorithm.SHA256).to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
        self.answers = {
            "/.well-known/openid-configuration": (200, {
                "issuer": ISSUER,
                "jwks_uri": f"{ISSUER}/keys",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }),
            "/keys": (200, {"keys": [{**jwk, "kid": "one", "use": "sig", "alg": "ES256"}]}),
        }
        for key in self.answers["/keys"][1]["keys"]:
            key.pop("key_ops", None)
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.headers["Host"] == HOST
                status, body = site.answers.get(self.path, (404, {}))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", body)
                    body = {}
                written = json.dumps(body).encode()
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(written)))
                self.send_header("Cache-Control", "public, max-age=300")
                self.end_headers()
                self.wfile.write(written)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def check(self, programs, *more, **options):
        to = f"{HOST}:443:127.0.0.1:{self.server.server_port}"
        return programs.rolecall("issuer", "check", ISSUER, "--connect-to", to, "--output", "json", *more, **options)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.server.shutdown()
    site.server.server_close()


def wrong(finished):
    """The codes of what is not well, but that the address was moved, which is every test's doing."""
    findings = json.loads(finished.stdout)["findings"]
    return [one["code"] for one in findings if one["verdict"] != "good" and one["code"] != "dns-moved"]


def test_a_private_authority_is_seen_and_its_thumbprint_told(programs, site):
    finished = site.check(programs, "--ca-file", site.ca_file)
    assert finished.code == 0, finished.stdout + finished.stderr
    assert wrong(finished) == ["tls-private", "tls-private"]
    last = site.middle[1].public_bytes(serialization.Encoding.DER)
    assert hashlib.sha1(last).hexdigest() in finished.stdout


def test_a_public_authority_needs_no_thumbprint(programs, site):
    env = programs.environment(SSL_CERT_FILE=str(site.ca_file))
    finished = site.check(programs, env=env)
    assert finished.code == 0, finished.stdout + finished.stderr
    assert wrong(finished) == []


def test_a_foreign_authority_is_told(programs, site, tmp_path):
    foreign = tmp_path / "foreign.pem"
    foreign.write_bytes(pem(certificate("Another root", authority=True)[1]))
    finished = site.check(programs, "--ca-file", foreign)
    assert finished.code == 9
    assert "tls-authority" in wrong(finished)


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        ("/keys", (302, "https://elsewhere.example/keys"), "http-redirect"),
        ("/keys", (500, {}), "http-status"),
        ("/keys", (200, {"keys": []}), "jwks-empty"),
        ("/.well-known/openid-configuration", (200, []), "discovery-json"),
        ("/.well-known/openid-configuration", (200, {"issuer": ISSUER + "/", "jwks_uri": ISSUER + "/keys"}), "discovery-issuer"),
        ("/.well-known/openid-configuration", (200, {"issuer": ISSUER}), "discovery-jwks-uri"),
    ],
)
def test_what_aws_would_refuse_is_a_no(programs, site, path, answer, code):
    site.answers[path] = answer
    finished = site.check(programs, env=programs.environment(SSL_CERT_FILE=str(site.ca_file)))
    assert finished.code == 9
    assert code in wrong(finished)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"days": -3}, "tls-expired"), ({"days": 5}, "tls-ending"), ({"host": "other.example.test"}, "tls-names")],
)
def test_certificates_with_a_wrong_time_or_name(programs, tmp_path, options, code):
    site = Site(tmp_path, **options)
    try:
        finished = site.check(programs, "--ca-file", site.ca_file)
    finally:
        site.server.shutdown()
        site.server.server_close()
    assert code in wrong(finished)
    assert finished.code == (0 if code == "tls-ending" else 9)


def test_no_server_and_no_url(programs, site):
    site.server.shutdown()
    site.server.server_close()
    finished = site.check(programs)
    assert finished.code == 9
    assert wrong(finished) == ["tcp-refused"]
    assert programs.rolecall("issuer", "check", "oidc.example.test").code == 2
    assert programs.rolecall("issuer", "check", ISSUER, "--ca-file", "absent.pem").code == 7
    assert programs.rolecall("issuer", "check", ISSUER, "--connect-to", "nonsense").code == 2
