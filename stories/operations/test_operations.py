"""The server as those who run it see it: health, metrics, a changed configuration, its supervisor."""

import signal
import socket
import urllib.request

import pytest
import yaml
from harness.acme import begin_issuer
from harness.issuer import Issuer
from harness.programs import ROLECALL, wait_until
from harness.token_endpoint import ask
from prometheus_client.openmetrics.parser import text_string_to_metric_families


@pytest.fixture
def acme(programs, tmp_path):
    """An issuer with an address for operations, served under a supervisor that listens."""
    site = begin_issuer(programs, tmp_path)
    site.issuer.running.stop()
    config = site.issuer.config
    document = yaml.safe_load(config.read_text())
    document["server"]["operations_listen"] = "127.0.0.1:0"
    config.write_text(yaml.safe_dump(document))
    supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    supervisor.bind(str(tmp_path / "notify"))
    supervisor.settimeout(10)
    env = programs.environment(NOTIFY_SOCKET=str(tmp_path / "notify"), ROLECALL_LOG_FORMAT="json")
    running = programs.start(ROLECALL, "serve", "--config", config, "--output", "json", env=env, name="serve")
    ready = running.ready()
    site.issuer = Issuer(running, f"http://{ready['listen']}", ready["issuers"], config, site.issuer.state)
    site.operations = f"http://{ready['operations']}"
    site.supervisor = supervisor
    return site


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def metrics(acme):
    families = text_string_to_metric_families(get(f"{acme.operations}/metrics"))
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families for sample in family.samples}


def test_metrics_are_read_by_prometheus_own_parser(acme):
    key = acme.workload.key_file.read_bytes()
    for _ in range(3):
        assert ask(acme, key)[0] == 200
    assert ask(acme, key, token_config="nothing")[0] == 400
    assert ask(acme, None)[0] >= 400
    found = metrics(acme)
    assert found["rolecall_token_requests_total", (("evidence", "private_key_jwt"), ("outcome", "granted"))] == 3
    assert found["rolecall_token_request_seconds_count", ()] == 5
    assert found["rolecall_tenants", ()] == 1 and found["rolecall_tenants_read", ()] == 1
    assert found["rolecall_ready", ()] == 1
    text = get(f"{acme.operations}/metrics")
    assert "cube-api" not in text and "acme" not in text
    assert get(f"{acme.operations}/healthz") == "ok\n" and get(f"{acme.operations}/readyz") == "ready\n"
    # Where tokens are asked for, nobody reads them.
    with pytest.raises(urllib.error.HTTPError):
        get(f"{acme.issuer.address}/metrics")


def test_a_changed_configuration_is_taken_over_or_leaves_all_as_it_was(acme):
    config = acme.issuer.config
    document = yaml.safe_load(config.read_text())
    key = acme.workload.key_file.read_bytes()
    good = config.read_text()
    config.write_text(good.replace("audience:", "audiense:"))
    acme.issuer.running.process.send_signal(signal.SIGHUP)
    log = acme.issuer.running.stderr
    wait_until(lambda: "was not taken over" in log.read_text(), "the wrong file is told")
    assert "audiense" in log.read_text() and ask(acme, key)[0] == 200
    document["tenants"][0]["issuance"] = False
    config.write_text(yaml.safe_dump(document))
    acme.issuer.running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: ask(acme, key)[0] == 404, "the switch is taken over")
    config.write_text(good)
    acme.issuer.running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: ask(acme, key)[0] == 200, "and back")


def test_the_supervisor_is_told(acme):
    assert acme.supervisor.recv(256) == b"READY=1\n"
    assert acme.issuer.running.stop() == 0
    assert acme.supervisor.recv(256) == b"STOPPING=1\n"
