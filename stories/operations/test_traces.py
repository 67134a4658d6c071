"""Traces as who runs a collector sees them: each request with what was done for it, and no secret."""

import json
import socket
import urllib.parse
import urllib.request

import pytest
import yaml
from harness.acme import begin_issuer
from harness.collector import Collector, attributes
from harness.issuer import Issuer
from harness.programs import ROLECALL, wait_until
from harness.token_endpoint import ask, assertion

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture
def site(programs, tmp_path):
    """An issuer that is started anew with variables of its own."""
    site = begin_issuer(programs, tmp_path)
    site.key = site.workload.key_file.read_bytes()

    def start(**variables):
        site.issuer.running.stop()
        env = programs.environment(OTEL_BSP_SCHEDULE_DELAY="50", **variables)
        config = site.issuer.config
        running = programs.start(ROLECALL, "serve", "--config", config, "--output", "json", env=env, name="traced")
        ready = running.ready()
        site.issuer = Issuer(running, f"http://{ready['listen']}", ready["issuers"], config, site.issuer.state)
        return running

    site.start = start
    return site


def posted(site, proof, **headers):
    """A token request that belongs to a trace of its caller's."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "token_config": "aws",
        "client_assertion": proof,
    }
    headers = {"Host": "acme.cubecloud.dev", "Content-Type": "application/x-www-form-urlencoded", **headers}
    body = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(f"{site.issuer.address}/oauth2/token?secret=in-the-query", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        token = json.load(answer)["access_token"]
        site.programs.ledger.learn(token, "a traced token")
        return token


def test_a_token_is_traced_below_its_caller(site):
    with Collector() as collector:
        running = site.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_EXPORTER_OTLP_HEADERS="x-collector-key=of-the-collector")
        proof = assertion(site.key)
        token = posted(site, proof, traceparent=f"00-{TRACE}-{CALLER}-01")
        wait_until(lambda: collector.named("POST /oauth2/token"), "the request is told")
        [request] = collector.named("POST /oauth2/token")
        assert request.trace_id.hex() == TRACE and request.parent_span_id.hex() == CALLER
        said = attributes(request)
        assert said["http.request.method"] == "POST" and said["http.route"] == "/oauth2/token"
        assert said["url.path"] == "/oauth2/token" and said["server.address"] == "acme.cubecloud.dev"
        assert said["http.response.status_code"] == 200 and said["client.address"] == "127.0.0.1"
        assert said["tenant"] == "acme"
        [mint] = collector.named("mint")
        assert mint.parent_span_id == request.span_id
        said = attributes(mint)
        assert said["workload"] == "cube-api" and said["evidence"] == "private_key_jwt"
        assert said["outcome"] == "granted" and said["token_config"] == "aws"
        assert collector.below(mint) == ["attest", "sign", "record"]
        # The trace leads to the row of the audit trail.
        listed = site.programs.rolecall("audit", "list", "--config", site.issuer.config, "--output", "json").done()
        assert said["jti"] in [json.loads(row).get("jti") for row in listed.stdout.splitlines()]
        assert all(one["service.name"] == "rolecall" and one["service.version"] for one in collector.resources)
        assert all(one["x-collector-key"] == "of-the-collector" for one in collector.headers)
        # A refusal is no fault of the server's.
        assert ask(site, None)[0] == 401
        wait_until(lambda: len(collector.named("mint")) == 2, "the refusal is told")
        refused = collector.named("mint")[1]
        assert attributes(refused)["outcome"] == "invalid_client" and refused.status.code == 0
        # What was not sent yet is sent at the end.
        assert ask(site, site.key)[0] == 200
        assert running.stop() == 0
        assert len(collector.named("mint")) == 3
        sent = b"".join(collector.bodies)
        for secret in [proof, token, proof.split(".")[2], token.split(".")[2], "in-the-query", "of-the-collector"]:
            assert secret.encode() not in sent, "a secret is in a trace"


def test_the_admin_api_is_traced_by_its_routes(site, programs):
    made = programs.rolecall("access", "token", "root", "--role", "admin", "--output", "json", prints_secrets=True).done().json()
    programs.ledger.learn(made["token"], "the admin's token")
    config = site.issuer.config
    document = yaml.safe_load(config.read_text())
    document["server"]["api"] = {"access": [{"name": "root", "role": "admin", "token_digest": made["token_digest"]}]}
    config.write_text(yaml.safe_dump(document))
    with Collector() as collector:
        site.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        request = urllib.request.Request(f"{site.issuer.address}/api/v1/tenants/acme", headers={"Authorization": f"Bearer {made['token']}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200
        wait_until(lambda: collector.named("GET /api/v1/tenants/{tenant}"), "the request is told")
        [told] = collector.named("GET /api/v1/tenants/{tenant}")
        assert attributes(told)["http.route"] == "/api/v1/tenants/{tenant}"
        assert made["token"].encode() not in b"".join(collector.bodies)


def test_nothing_is_sent_unless_a_collector_is_named(site):
    with Collector() as collector:
        site.start(OTEL_SERVICE_NAME="issuer")
        assert ask(site, site.key)[0] == 200
        site.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_TRACES_EXPORTER="none")
        assert ask(site, site.key)[0] == 200
        site.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_TRACES_SAMPLER="always_off")
        assert ask(site, site.key)[0] == 200
        site.issuer.running.stop()
        assert collector.bodies == []


def test_a_collector_that_is_away_delays_nobody(site):
    with Collector() as collector:
        port = collector.port
    running = site.start(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://127.0.0.1:{port}/v1/traces", OTEL_SERVICE_NAME="issuer")
    log = running.stderr
    assert all(ask(site, site.key)[0] == 200 for _ in range(3))
    wait_until(lambda: "traces cannot be sent" in log.read_text(), "it is told")
    assert all(ask(site, site.key)[0] == 200 for _ in range(3))
    with Collector(port) as collector:

        def told():
            assert ask(site, site.key)[0] == 200
            return collector.named("mint")

        wait_until(told, "spans arrive once it is back")
        wait_until(lambda: "traces are sent again" in log.read_text(), "that is told too")
        assert all(one["service.name"] == "issuer" for one in collector.resources)
    assert log.read_text().count("traces cannot be sent") == 1
    assert running.stop() == 0


def test_a_collector_that_never_answers_does_not_keep_the_server(site):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        running = site.start(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert ask(site, site.key)[0] == 200
        assert running.stop() == 0


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is `collector:4318`, which is no http or https URL"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`"),
    ],
)
def test_what_the_environment_says_wrong_is_told_at_the_start(site, programs, variables, said):
    refused = programs.rolecall("serve", "--config", site.issuer.config, env=programs.environment(**variables))
    assert refused.code == 3, refused.stderr
    assert said in refused.stderr and "OTLP over HTTP" in refused.stderr
