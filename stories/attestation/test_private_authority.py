"""An issuer over TLS with a certificate of a private authority, as API servers of clusters have."""

import datetime
import ipaddress
import ssl
import threading
from http.server import ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from harness.evidence import Cluster, exchange
from harness.issuer import serve

ISSUER = "https://acme.cubecloud.dev"
HOST = "acme.cubecloud.dev"


def certificate(name, key, issuer_name, issuer_key, *extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


class TlsCluster(Cluster):
    """A cluster whose server speaks TLS, by a certificate for its loopback address."""

    def __enter__(self):
        super().__enter__()
        self.stop()
        root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster authority")])
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api")])
        self.authority = certificate(name, root, name, root, (x509.BasicConstraints(True, None), True))
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        server = certificate(own, leaf, name, root, (address, False))
        pem = server.public_bytes(Encoding.PEM) + leaf.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        path = self.folder / "server.pem"
        path.write_bytes(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.address = f"https://127.0.0.1:{self._server.server_port}"
        self.url = self.address + self.path
        return self


@pytest.fixture
def cluster(ledger, tmp_path):
    cluster = TlsCluster(ledger, ISSUER, "/cluster")
    cluster.folder = tmp_path
    with cluster:
        yield cluster


def served(programs, folder, cluster, **more):
    trusted = {"name": "cluster", "preset": "kubernetes", "issuer": cluster.url, **more}
    tenant = {
        "name": "acme",
        "issuer": ISSUER,
        "token_configs": [{"name": "aws", "audience": "sts.amazonaws.com", "algorithm": "ES256", "subject": "w:{name}"}],
        "trusted_issuers": [trusted],
        "workloads": [
            {"name": "cube", "token_configs": ["aws"], "evidence": [{"from": "cluster", "where": {"namespace": "data"}}]}
        ],
    }
    folder.mkdir()
    return serve(programs, folder, [tenant])


def test_a_private_authority_is_believed_where_it_is_declared(programs, cluster, tmp_path, ledger):
    ca_file = tmp_path / "cluster-ca.pem"
    ca_file.write_bytes(cluster.authority.public_bytes(Encoding.PEM))
    issuer = served(programs, tmp_path / "declared", cluster, ca_file=str(ca_file))
    status, answer = exchange(issuer.address, HOST, cluster.token(), ledger)
    assert status == 200, answer


def test_a_private_authority_is_not_believed_otherwise(programs, cluster, tmp_path, ledger):
    issuer = served(programs, tmp_path / "undeclared", cluster)
    status, answer = exchange(issuer.address, HOST, cluster.token(), ledger)
    assert (status, answer["error"]) == (503, "temporarily_unavailable")
    assert "`cluster`" in answer["error_description"]
    assert "certificate" in issuer.running.stderr.read_text()
    assert cluster.fetched == []
