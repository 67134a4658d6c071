"""A certificate renewed while the issuer serves."""

import http.client
import signal
import threading

from cryptography import x509
from harness.authority import put
from harness.programs import wait_until
from harness.tls_site import HOST

DISCOVERY = "/.well-known/openid-configuration"
FAILING, FAILURES = "rolecall_tls_renewal_failing", "rolecall_tls_renewal_failures_total"
END = "rolecall_tls_certificate_end_seconds"


def serial(site) -> int:
    """Of the certificate that a new connection is shown."""
    with site.connect() as connection:
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True)).serial_number


def reload(site):
    site.running.process.send_signal(signal.SIGHUP)


class Asking(threading.Thread):
    """Asks until it is told to stop; each time over a new connection, or always over the same."""

    def __init__(self, site, keep):
        super().__init__(daemon=True)
        self.site, self.keep = site, keep
        self.stopped = threading.Event()
        self.answered, self.failed = 0, []

    def run(self):
        connection = None
        while not self.stopped.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(HOST)
                    connection.sock = self.site.connect()
                connection.request("GET", DISCOVERY)
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 200 and body, answer.status
                self.answered += 1
                if not self.keep:
                    connection.close()
                    connection = None
            except Exception as error:  # every failure counts, whatever it is
                self.failed.append(repr(error))
                connection = None

    def end(self):
        self.stopped.set()
        self.join(20)
        return self.answered, self.failed


def test_no_request_fails_while_the_certificate_is_renewed(site):
    site.start()
    asking = [Asking(site, keep) for keep in (False, False, False, True)]
    for one in asking:
        one.start()
    for _ in range(5):
        before = [one.answered for one in asking]
        new = site.put(site.authority.server(HOST)).certificate.serial_number
        reload(site)
        wait_until(lambda: serial(site) == new, "the new certificate is shown", 10)
        wait_until(lambda: all(one.answered > was + 5 for one, was in zip(asking, before)), "all are answered", 20)
    for one in asking:
        answered, failed = one.end()
        assert failed == [] and answered > 25
    assert site.metric(FAILURES) == 0


def test_changed_files_are_noticed_without_a_signal(site):
    site.start()
    new = site.put(site.authority.server(HOST, days=60)).certificate
    wait_until(lambda: serial(site) == new.serial_number, "the new certificate is noticed", 15)
    wait_until(lambda: site.metric(END) == new.not_valid_after_utc.timestamp(), "and its end is told")


def test_a_broken_pair_leaves_the_old_one(site):
    site.start()
    old = serial(site)
    ends = site.metric(END)
    put(site.folder / "chain.pem", site.authority.chain(site.authority.server(HOST)))
    reload(site)
    site.says("the certificate was not taken over, the old one is served on")
    assert "does not fit the certificate" in site.log()
    wait_until(lambda: site.metric(FAILING) == 1, "the metric tells it too")
    assert serial(site) == old and site.metric(END) == ends and site.metric(FAILURES) == 1
    site.curl(DISCOVERY, "--fail").done()
    new = site.put(site.authority.server(HOST)).certificate.serial_number
    reload(site)
    site.says("the certificate was read again and is served from now on")
    wait_until(lambda: site.metric(FAILING) == 0, "all is well again")
    assert serial(site) == new
