"""Certificates from an ACME authority, proved by TLS-ALPN-01 over the served port."""

import signal
import stat

import pytest
from cryptography import x509
from harness.clock import Clock
from harness.pebble import begin
from harness.programs import wait_until
from harness.tls_site import HOST

DISCOVERY = "/.well-known/openid-configuration"
BETA = "beta.example.org"
GIVEN = "the authority gave a certificate"
FAILING = "rolecall_tls_renewal_failing"
YEAR = 365 * 86_400


@pytest.fixture
def pebble(site, tmp_path):
    """The site takes its certificate from an authority, for the hosts of its two tenants."""
    pebble = begin(site.programs, tmp_path / "pebble")
    server = site.document["server"]
    server["listen"] = f"127.0.0.1:{pebble.tls_port}"
    server["tls"] = {
        "acme": {"directory": pebble.directory, "contact": ["mailto:operations@example.com"], "ca": str(pebble.ca)}
    }
    site.document["tenants"].append({"name": "beta", "issuer": f"https://{BETA}"})
    site.authority.file.write_bytes(pebble.root.read_bytes())
    return pebble


def certificate(site, host=HOST):
    with site.connect(host=host) as connection:
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))


def names(site):
    extension = certificate(site).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return sorted(extension.value.get_values_for_type(x509.DNSName))


def given(site, times=1):
    """Wait until the authority gave so many certificates."""
    wait_until(lambda: site.log().count(GIVEN) >= times, f"{times} certificates are given", 20)


def test_a_certificate_is_obtained_kept_and_served_again(site, pebble):
    site.start()
    given(site)
    assert names(site) == sorted([HOST, BETA])
    site.curl(DISCOVERY, "--fail", "--http2").done()
    site.curl(DISCOVERY, "--fail", host=BETA).done()
    assert site.metric('rolecall_tls_handshakes_total{outcome="proved"}') >= 2
    assert site.metric(FAILING) == 0
    kept = site.folder / "state" / "acme"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    files = sorted(kept.iterdir())
    assert [file.name.split("-")[0] for file in files] == ["account", "certificate"]
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        site.programs.ledger.learn_file(file)
    serial = certificate(site).serial_number
    site.running.stop()

    # The authority is not needed for what it gave.
    pebble.running.stop()
    site.start()
    assert certificate(site).serial_number == serial
    site.curl(DISCOVERY, "--fail").done()
    to = f"{HOST}:443:127.0.0.1:{site.port}"
    looked = site.programs.rolecall(
        "issuer", "check", f"https://{HOST}", "--connect-to", to, "--ca-file", site.authority.file, "--output", "json"
    )
    findings = {one["code"]: one["verdict"] for one in looked.json()["findings"]}
    assert findings["tls"] == "good" and "tls-private-alone" not in findings


def test_a_new_tenants_host_is_added(site, pebble):
    site.document["tenants"].pop()
    site.start()
    given(site)
    assert names(site) == [HOST]
    account = next((site.folder / "state" / "acme").glob("account-*")).read_bytes()
    site.document["tenants"].append({"name": "beta", "issuer": f"https://{BETA}"})
    site.config()
    site.running.process.send_signal(signal.SIGHUP)
    given(site, 2)
    assert names(site) == sorted([HOST, BETA])
    assert next((site.folder / "state" / "acme").glob("account-*")).read_bytes() == account


def test_it_is_renewed_in_time_and_a_failure_keeps_the_old_one(site, pebble):
    clock = Clock(site.folder / "clock")
    site.start(env=site.programs.environment(**clock.environment()))
    given(site)
    old = certificate(site).serial_number
    # Now the names lead elsewhere, and a third of the certificate's life is left.
    pebble.find_names_at("127.0.0.2")
    clock.ahead(4 * YEAR)
    site.running.process.send_signal(signal.SIGHUP)
    site.says("no certificate was obtained, the old one is served on, next attempt in 6", 20)
    assert f"it could not see that `{HOST}` is this server" in site.log() or f"it could not see that `{BETA}` is this server" in site.log()
    assert site.metric(FAILING) == 1
    assert certificate(site).serial_number == old
    site.curl(DISCOVERY, "--fail").done()

    pebble.find_names_at("127.0.0.1")
    site.running.process.send_signal(signal.SIGHUP)
    given(site, 2)
    assert certificate(site).serial_number != old
    assert site.metric(FAILING) == 0


def test_an_account_that_the_authority_lost_is_made_anew(site, pebble, tmp_path):
    site.document["tenants"].pop()
    site.start()
    given(site)
    site.running.stop()
    old = next((site.folder / "state" / "acme").glob("account-*")).read_bytes()
    # Pebble keeps everything in memory.
    pebble.running.stop()
    pebble.start_again()
    site.document["tenants"].append({"name": "beta", "issuer": f"https://{BETA}"})
    site.start()
    site.says("the authority knows our account no more", 20)
    given(site)
    assert next((site.folder / "state" / "acme").glob("account-*")).read_bytes() != old
    site.authority.file.write_bytes(pebble.root.read_bytes())
    assert names(site) == sorted([HOST, BETA])


def test_without_an_authority_it_says_so_and_refuses_handshakes(site, pebble):
    pebble.running.stop()
    site.start()
    site.says("no certificate was obtained, there is none to serve")
    assert pebble.directory in site.log()
    assert site.curl(DISCOVERY).code == 35
    site.says("there is no certificate to show yet")


def test_proofs_are_shown_to_nobody_else(site, pebble):
    site.start()
    given(site)
    asked = site.programs.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{site.port}", "-alpn", "acme-tls/1", "-servername", HOST, stdin=""
    )
    assert asked.code != 0 and "BEGIN CERTIFICATE" not in asked.stdout


def test_what_is_wrong_is_told_at_the_start(site, pebble):
    tls = site.document["server"]["tls"]
    acme = tls["acme"]
    for field, wrong, said in (
        ("directory", "http://127.0.0.1/dir", "expected a URL with `https`"),
        ("domains", ["*.example.org"], "has a star"),
        ("domains", ["127.0.0.1"], "is an address"),
        ("domains", [], "names none"),
        ("contact", "mailto:x@example.com", "list"),
    ):
        tls["acme"] = {**acme, field: wrong}
        assert said in site.refused(), field
    tls["acme"] = acme
    tls["certificate"] = "./chain.pem"
    assert "either `certificate` and `key`, or `acme`" in site.refused()
