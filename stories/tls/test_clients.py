"""Client certificates straight from the handshake, and what proxies say of clients."""

import base64
import json
import urllib.parse

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from harness.authority import Authority, put
from harness.tls_site import HOST

DISCOVERY = "/.well-known/openid-configuration"
ID = "spiffe://acme.example/ns/data/sa/cube"
# curl: TLS failed, or the connection was reset while it was written or read.
BROKEN_OFF = (35, 55, 56, 92)
FORM = {"grant_type": "client_credentials", "client_id": "cube", "token_config": "aws"}


@pytest.fixture
def mesh(site):
    """The site asks for certificates of a mesh's authority, which vouches for the workload `cube`."""
    mesh = Authority(site.folder, "mesh")
    site.document["server"]["tls"]["clients"] = {"ca": str(mesh.file)}
    tenant = site.document["tenants"][0]
    tenant["trust_bundles"] = [{"name": "mesh", "ca_file": str(mesh.file)}]
    tenant["workloads"].append({
        "name": "cube",
        "attributes": {"deployment_id": "9", "component": "cube_api", "team": "data"},
        "token_configs": ["aws"],
        "certificates": [{"from": "mesh", "uri": ID}],
    })  # fmt: skip
    return mesh


def shown(site, authority, *names, **more):
    """What curl shows a client's certificate with."""
    own = authority.client(*names, **more)
    chain = put(site.folder / "client.pem", authority.chain(own))
    key = put(site.folder / "client.key", own.key_pem(), 0o600)
    return ("--cert", chain, "--key", key)


def token(site, *more):
    """Status and answer to a request for a token."""
    form = ("--data", urllib.parse.urlencode(FORM))
    ran = site.curl("/oauth2/token", *form, "-w", "\n%{http_code}", *more, prints_secrets=True)
    if ran.code:
        return ran.code, ran.stderr
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_a_certificate_of_the_handshake_proves_its_workload(site, mesh, http):
    site.start()
    status, answer = token(site, http, *shown(site, mesh, ID))
    assert status == 200, answer
    keys = jwt.PyJWKSet.from_dict(json.loads(site.curl("/.well-known/jwks.json", http).done().stdout))
    kid = jwt.get_unverified_header(answer["access_token"])["kid"]
    claims = jwt.decode(answer["access_token"], keys[kid], algorithms=["RS256", "ES256"], audience="sts.amazonaws.com")
    assert claims["sub"] == "cube:deployment:9:component:cube_api"

    status, answer = token(site, http, *shown(site, mesh, "spiffe://acme.example/ns/web/sa/cube"))
    assert status == 401 and "which is not the workload's" in answer["error_description"]
    # Nobody must show one.
    status, answer = token(site, http)
    assert status == 401 and answer["error"] == "invalid_client"
    site.curl(DISCOVERY, http, "--fail").done()


def test_certificates_that_nobody_vouches_for_end_the_handshake(site, mesh):
    site.start()
    stranger = Authority(site.folder, "stranger")
    for certificate in (
        shown(site, stranger, ID),
        shown(site, mesh, ID, days=-1),
    ):
        code, said = token(site, *certificate)
        assert code in BROKEN_OFF, said
    own = mesh.server("acme.example")
    put(site.folder / "client.pem", mesh.chain(own))
    put(site.folder / "client.key", own.key_pem(), 0o600)
    code, said = token(site, "--cert", site.folder / "client.pem", "--key", site.folder / "client.key")
    assert code in BROKEN_OFF, said


def test_a_header_proves_nothing_beside_the_handshake(site, mesh):
    der = mesh.client(ID).certificate.public_bytes(Encoding.DER)
    header = ("-H", f"Client-Cert: :{base64.b64encode(der).decode()}:")
    site.start()
    status, answer = token(site, *header)
    assert status == 401 and answer["error"] == "invalid_client"
    site.running.stop()
    # Nor can both be asked for.
    site.document["server"]["proxies"] = ["127.0.0.1"]
    site.document["server"]["client_certificate_header"] = {"form": "client-cert"}
    assert "so none is taken from a header" in site.refused()


def clients(site):
    """The clients in the audit trail, oldest first."""
    trail = site.programs.rolecall("audit", "list", "--config", site.config(), "--output", "json").done().stdout
    return [row["client"] for row in map(json.loads, trail.splitlines()) if row.get("client")]


SPOOFED = (
    "-H", "X-Forwarded-For: 203.0.113.7", "-H", "X-Forwarded-Proto: http", "-H", "X-Forwarded-Host: other.example",
    "-H", "Forwarded: for=203.0.113.8;proto=http;host=other.example",
)  # fmt: skip


def test_headers_of_anybody_change_nothing(site, mesh):
    site.document["server"]["proxies"] = ["192.0.2.0/24"]
    site.document["server"]["forwarded_headers"] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
    site.start()
    plain = site.curl(DISCOVERY, "-i", "--http1.1").done().stdout
    spoofed = site.curl(DISCOVERY, "-i", "--http1.1", *SPOOFED).done().stdout
    without_date = [[line for line in text.splitlines() if not line.lower().startswith("date:")] for text in (plain, spoofed)]
    assert without_date[0] == without_date[1]
    status, answer = token(site, *SPOOFED, *shown(site, mesh, ID))
    assert status == 200, answer
    assert clients(site) == ["127.0.0.1"]


def test_a_proxy_is_believed(site, mesh):
    site.document["server"]["proxies"] = ["127.0.0.0/8"]
    site.start()
    # What the handshake shows is the proxy's own, if it asks for somebody else.
    proxied = ("-H", "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 127.0.0.9")
    status, answer = token(site, *proxied, *shown(site, mesh, ID))
    assert status == 401, answer
    assert clients(site)[-1] == "203.0.113.7"
    status, answer = token(site, *SPOOFED[:4])
    assert status == 400 and "over plain HTTP" in answer["error_description"]
    # Not named, not heeded.
    site.curl(DISCOVERY, "--fail", *SPOOFED[4:]).done()
    site.running.stop()
    for heeded, header in (("x-forwarded-host", SPOOFED[4:6]), ("forwarded", SPOOFED[6:])):
        site.document["server"]["forwarded_headers"] = [heeded]
        site.start()
        for http in ("--http1.1", "--http2"):
            assert "no issuer has the host `other.example`" in site.curl(DISCOVERY, http, *header).done().stdout
        site.running.stop()


def test_what_is_wrong_with_proxies_is_told(site):
    server = site.document["server"]
    for proxies, said in (
        (["10.0.0.1/8"], "the network is `10.0.0.0/8`"),
        (["0.0.0.0/0"], "is everybody"),
        (["proxy.example"], "is no address and no network"),
    ):
        server["proxies"] = proxies
        assert said in site.refused()
    server["proxies"] = []
    server["forwarded_headers"] = ["forwarded"]
    assert "`server.proxies` names none" in site.refused()
    server["proxies"] = ["10.0.0.1"]
    server["forwarded_headers"] = ["forwarded", "x-forwarded-for"]
    assert "only one of the two can be right" in site.refused()


def test_an_authority_is_taken_away_while_it_serves(site, mesh):
    site.start()
    certificate = shown(site, mesh, ID)
    assert token(site, *certificate)[0] == 200
    put(mesh.file, Authority(site.folder, "other").root.pem())
    site.says("the certificate was read again", 15)
    assert token(site, *certificate)[0] in BROKEN_OFF
    site.curl(DISCOVERY, "--fail").done()
