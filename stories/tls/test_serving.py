"""The issuer over TLS, as curl, OpenSSL, Python and Rolecall's own check see it."""

import json
import signal
import socket
import ssl
import time

import pytest
import requests
from harness.authority import put, signed
from harness.tls_site import HOST

DISCOVERY = "/.well-known/openid-configuration"


def test_curl_speaks_both_versions_of_http(served):
    for option, version in (("--http1.1", "1.1"), ("--http2", "2")):
        answer = served.curl(DISCOVERY, option, "-w", "\n%{http_version} %{ssl_verify_result}").done().stdout
        body, _, told = answer.rpartition("\n")
        assert json.loads(body)["issuer"] == f"https://{HOST}"
        assert told == f"{version} 0"
    # Many requests over one connection.
    paths = [f"https://{HOST}{DISCOVERY}"] * 20
    many = served.curl(DISCOVERY, "--http2", "--parallel", "-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null", *paths)
    assert many.done().stdout.count("200 ") >= 20


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_an_answer_that_needs_no_body_reaches_who_sent_one(served, http):
    for path, status in (("/nothing", "404"), (DISCOVERY, "405")):
        for _ in range(10):
            answer = served.curl(path, http, "--data", "x" * 50_000, "-w", "\n%{http_code}").done().stdout
            assert answer.endswith(f"\n{status}") and "error_description" in answer


@pytest.mark.parametrize("version, option", [("TLSv1.2", "-tls1_2"), ("TLSv1.3", "-tls1_3")])
def test_openssl_verifies_chain_and_name(served, version, option):
    verify = ("-CAfile", served.authority.file, "-verify_return_error", "-verify_hostname", HOST, "-servername", HOST)
    seen = served.programs.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{served.port}", option, "-alpn", "h2,http/1.1", *verify, stdin=""
    ).done()
    assert "Verification: OK" in seen.stdout and f"Verified peername: {HOST}" in seen.stdout
    assert version in seen.stdout and "ALPN protocol: h2" in seen.stdout
    # The chain is whole: the intermediate came along.
    assert seen.stdout.count("s:CN") == 2


def test_older_versions_are_refused(served):
    old = served.programs.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{served.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", stdin=""
    )
    assert old.code != 0


def test_python_verifies_as_an_sdk_would(served, monkeypatch):
    with served.connect(served.context(["http/1.1"])) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        connection.sendall(f"GET {DISCOVERY} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        assert connection.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        served.connect(host="other.cubecloud.dev")
    with pytest.raises(ssl.SSLCertVerificationError):
        served.connect(ssl.create_default_context())
    to_loopback(monkeypatch, served.port)
    answer = requests.get(f"https://{HOST}{DISCOVERY}", verify=str(served.authority.file), timeout=20)
    assert answer.status_code == 200 and answer.json()["issuer"] == f"https://{HOST}"


def test_rolecall_finds_the_issuer_as_aws_would(served):
    to = f"{HOST}:443:127.0.0.1:{served.port}"
    looked = served.programs.rolecall(
        "issuer", "check", f"https://{HOST}", "--connect-to", to, "--ca-file", served.authority.file, "--output", "json"
    )
    findings = {one["code"]: one for one in looked.json()["findings"]}
    assert findings["tls"]["verdict"] == "good" and "tls-private-alone" not in findings
    assert "tls-authority" not in findings and "tls-names" not in findings


def test_plain_http_is_told_what_to_do(served):
    answer = served.curl(DISCOVERY, "-i", scheme="http").done().stdout
    assert answer.startswith("HTTP/1.1 400 Bad Request") and "ask with https://" in answer
    assert HOST not in answer


def test_noise_ends_and_disturbs_nobody(served):
    for noise in (b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"a" * 40, b"SSH-2.0-x\r\n\r\n", b"\x80\x2e\x01\x03\x01"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    served.curl(DISCOVERY, "--fail").done()


def test_handshakes_that_never_end_hold_nothing_up_and_end_by_themselves(served):
    begun = time.monotonic()
    late = 'rolecall_tls_handshakes_total{outcome="late"}'
    hello = ssl.MemoryBIO()
    client = served.context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    first = hello.read()
    slow = []
    for number in range(300):
        connection = socket.create_connection(("127.0.0.1", served.port), timeout=30)
        # Nothing at all, a part of the hello, or the hello and then nothing.
        connection.sendall(first[: (0, 40, len(first))[number % 3]])
        slow.append(connection)
    for _ in range(5):
        asked = time.monotonic()
        served.curl(DISCOVERY, "--fail").done()
        assert time.monotonic() - asked < 2
    for connection in slow:
        with connection:
            try:
                while connection.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    assert time.monotonic() - begun < 25
    assert served.metric(late) == 300
    served.curl(DISCOVERY, "--fail").done()


def test_a_server_that_stops_answers_what_it_was_asked(site):
    site.start()
    with site.connect() as connection:
        connection.sendall(f"GET {DISCOVERY} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert b"200 OK" in connection.recv(65536)
        idle = socket.create_connection(("127.0.0.1", site.port), timeout=20)
        assert site.running.stop() == 0
        assert connection.recv(10) == b""
        try:
            assert idle.recv(10) == b""
        except ConnectionResetError:
            pass  # it said nothing, and the system still had it when the server went


def test_what_is_wrong_with_the_files_is_told_at_the_start(site):
    folder, authority = site.folder, site.authority
    good = (folder / "chain.pem").read_bytes(), (folder / "key.pem").read_bytes()

    def told(chain: bytes | None, key: bytes | None, mode: int = 0o600) -> str:
        for name, content, bits in (("chain.pem", chain, 0o644), ("key.pem", key, mode)):
            (folder / name).unlink(missing_ok=True)
            if content is not None:
                put(folder / name, content, bits)
        return site.refused()

    other = authority.server(HOST)
    assert "chain.pem" in told(None, good[1]) and "No such file" in told(None, good[1])
    assert "key.pem" in told(good[0], None)
    assert "does not fit the certificate" in told(good[0], other.key_pem())
    assert "the certificate of the key is number 2, and must come first" in told(authority.middle.pem() + authority.chain(other), other.key_pem())
    assert "is in the wrong order" in told(other.pem() + authority.root.pem() + authority.middle.pem(), other.key_pem())
    assert "(mode 0644)" in told(*good, 0o644)
    assert "holds no certificate" in told(b"", good[1])
    said = told(good[0], b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    assert "is encrypted" in said and "without a passphrase" in said
    # None of it says a word of a key.
    assert "PRIVATE KEY-----" not in said


def test_what_clients_will_refuse_is_warned_of_at_the_start(site):
    site.document["tenants"].append({"name": "beta", "issuer": "https://beta.example.org/x"})
    site.put(site.authority.server(HOST, days=-2))
    site.start()
    assert "the certificate ended 2 days ago" in site.log()
    assert "the certificate is not for `beta.example.org`" in site.log() and "beta" in site.log()
    assert f"not for `{HOST}`" not in site.log()
    site.document["tenants"].append({"name": "gamma", "issuer": "https://gamma.example.org"})
    site.config()
    site.running.process.send_signal(signal.SIGHUP)
    site.says("the certificate is not for `gamma.example.org`")
    site.running.stop()
    site.document["tenants"].pop()
    site.put(site.authority.server("*.cubecloud.dev", "beta.example.org", days=3))
    site.start()
    assert "the certificate ends in" in site.log() and "is not for" not in site.log()


def to_loopback(monkeypatch, port):
    """Whatever is connected to, is the server."""
    real = socket.getaddrinfo

    def resolve(host, *arguments, **named):
        if host == HOST:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        return real(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_an_own_certificate_without_authority_is_taken(site):
    own = signed(HOST, names=(HOST,))
    put(site.folder / "chain.pem", own.pem())
    put(site.folder / "key.pem", own.key_pem(), 0o640)
    site.start()
    site.authority.file.write_bytes(own.pem())
    site.curl(DISCOVERY, "--fail").done()
