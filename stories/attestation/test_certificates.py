"""Client certificates made by the cryptography package, passed on as a proxy would (RFC 9440)."""

import base64
import datetime
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from harness.evidence import verified
from harness.issuer import serve_config

ISSUER = "https://acme.cubecloud.dev"
HOST = "acme.cubecloud.dev"
ID = "spiffe://acme.example/ns/data/sa/cube"
HOUR = datetime.timedelta(hours=1)


class Authority:
    """A certificate authority."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mesh")])
        builder = self._builder(self.name, self.key.public_key(), HOUR)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def _builder(self, subject, public, life):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * HOUR)
            .not_valid_after(now + life)
        )

    def client(self, *names, life=HOUR, usage=ExtendedKeyUsageOID.CLIENT_AUTH) -> str:
        """A client's certificate, as the header carries it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cube.data.acme.example")])
        builder = self._builder(subject, key.public_key(), life)
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        der = builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)
        return f":{base64.b64encode(der).decode()}:"


URI, DNS = x509.UniformResourceIdentifier, x509.DNSName


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def served(module_programs, authority):
    folder = module_programs.folder / "certificates"
    folder.mkdir()
    (folder / "mesh.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    document = {
        "server": {
            "listen": "127.0.0.1:0",
            "state": "./state",
            "master_key_file": "./master.key",
            "proxies": ["127.0.0.1"],
            "client_certificate_header": {"form": "client-cert"},
        },
        "tenants": [
            {
                "name": "acme",
                "issuer": ISSUER,
                "token_configs": [
                    {"name": "aws", "audience": "sts.amazonaws.com", "algorithm": "ES256", "subject": "mesh:{name}"}
                ],
                "trust_bundles": [{"name": "mesh", "ca_file": "./mesh.pem"}],
                "workloads": [
                    {
                        "name": "cube",
                        "token_configs": ["aws"],
                        "certificates": [{"from": "mesh", "uri": ID}, {"from": "mesh", "dns": "cube.data.acme.example"}],
                    }
                ],
            }
        ],
    }
    config = folder / "rolecall.yaml"
    config.write_text(yaml.safe_dump(document, sort_keys=False))
    return serve_config(module_programs, config, folder / "state")


def ask(served, ledger, header, name="cube"):
    body = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": name}).encode()
    headers = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded", "Client-Cert": header}
    try:
        request = urllib.request.Request(f"{served.address}/oauth2/token", body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read().decode()
            ledger.learn(content, "the token endpoint")
            return answer.status, json.loads(content)
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


@pytest.mark.parametrize("name", [URI(ID), DNS("cube.data.acme.example")])
def test_a_certificate_of_the_mesh_gets_a_token(served, ledger, authority, name):
    status, answer = ask(served, ledger, authority.client(name))
    assert status == 200, answer
    assert verified(served.address, HOST, ISSUER, answer["access_token"])["sub"] == "mesh:cube"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda ca: ca.client(URI("spiffe://acme.example/ns/web/sa/cube")),
        lambda ca: ca.client(URI(ID), URI("spiffe://acme.example/admin")),
        lambda ca: ca.client(DNS("*.data.acme.example")),
        lambda ca: ca.client(DNS("other.acme.example")),
        lambda ca: ca.client(URI(ID), life=-HOUR),
        lambda ca: ca.client(URI(ID), usage=ExtendedKeyUsageOID.SERVER_AUTH),
        lambda ca: Authority().client(URI(ID)),
        lambda ca: f":{base64.b64encode(ca.certificate.public_bytes(Encoding.DER)).decode()}:",
        lambda ca: f":{base64.b64encode(b'noise' * 40).decode()}:",
    ],
    ids=["other-id", "two-ids", "wildcard", "other-host", "expired", "server", "stranger", "authority", "noise"],
)
def test_certificates_that_prove_nothing_are_refused(served, ledger, authority, wrong):
    status, answer = ask(served, ledger, wrong(authority))
    assert (status, answer["error"]) == (401, "invalid_client")
    assert answer["error_description"]
