"""`rolecall issuer publish`: the issuer's documents shown by a plain web server or a bucket; the
installation itself is seen by nobody but its workloads, and signs with no key that nobody can see."""

from __future__ import annotations

import functools
import json
import signal
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import boto3
import jwt
import pytest
from harness.clock import Clock
from harness.issuer import Issuer, asking, workload_key
from harness.programs import PYTHON, ROLECALL, wait_until
import yaml

CONFIG = {"name": "aws", "audience": "sts.amazonaws.com", "subject": "workload:{component}", "lifetime": "1h"}
HOUR = 3600


@pytest.fixture
def site(tmp_path):
    """A folder that Python's own web server shows; `root` is its URL."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    SimpleHTTPRequestHandler.log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.folder = folder
    server.root = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Installation:
    """An installation whose documents somebody else shows."""

    def __init__(self, programs, folder, issuer, clock=None, outside=None):
        self.programs, self.issuer = programs, issuer
        self.env = programs.environment(**(clock.environment() if clock else {}))
        self.workload = workload_key(programs, folder, "reports")
        tenant = {
            "name": "team",
            "issuer": issuer,
            "keys": {"publishing": "external"},
            "token_configs": [CONFIG],
            "workloads": [{"name": "reports", "attributes": {"component": "reports"}, "token_configs": ["aws"], "keys": [self.workload.jwk]}],
        }
        if outside:
            tenant["federation"] = {"issuer": outside}
        server = {"listen": "127.0.0.1:0", "state": str(folder / "state"), "master_key_file": str(folder / "master.key")}
        self.config = folder / "rolecall.yaml"
        self.config.write_text(yaml.safe_dump({"server": server, "tenants": json.loads(json.dumps([tenant]))}))
        self.running = programs.start(ROLECALL, "serve", "--config", self.config, "--output", "json", env=self.env, name="serve")
        self.address = f"http://{self.running.ready()['listen']}"
        programs.ledger.learn_file(folder / "master.key")
        self.asking = asking(folder / "asking.yaml", self.workload, issuer, {}, address=self.address)

    def publish(self, to, *more, env=None):
        return self.programs.rolecall("issuer", "publish", self.issuer, "--from", self.address, "--to", to, *more, env=env)

    def mint(self):
        return self.programs.rolecall("token", "mint", "--config", self.asking, "--token-config", "aws", env=self.env, prints_secrets=True)

    def minted(self):
        """A token, once the installation has seen its key where verifiers look."""
        found = []
        wait_until(lambda: found.append(self.mint()) or found[-1].code == 0, "the installation sees its key", 60)
        self.programs.ledger.learn(found[-1].stdout.strip(), "a token")
        return found[-1].stdout.strip()


def verified(root, token, issuer):
    key = jwt.PyJWKClient(f"{root}/team/.well-known/jwks.json").get_signing_key_from_jwt(token)
    untimed = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf")}
    return jwt.decode(token, key, algorithms=["RS256"], audience="sts.amazonaws.com", issuer=issuer, options=untimed)


def test_no_token_before_its_key_can_be_seen(programs, site, tmp_path):
    installation = Installation(programs, tmp_path, f"{site.root}/team")
    refused = installation.mint()
    assert refused.code == 6 and "was not seen at" in refused.stderr and "rolecall issuer publish" in refused.stderr
    told = installation.publish(site.folder).done().stderr
    assert told.index("jwks.json for") < told.index("openid-configuration for"), "keys must be there first"
    assert f"seen at {site.root}/team/.well-known/jwks.json" in told
    token = installation.minted()
    assert verified(site.root, token, installation.issuer)["sub"] == "workload:reports"
    # AWS, as far as one can be here: over http on loopback, which it would not take, and nothing else.
    checked = programs.rolecall("issuer", "check", installation.issuer, "--output", "json").json()
    failures = [finding["code"] for finding in checked["findings"] if finding["verdict"] == "failure"]
    assert failures == [], checked
    # Every byte is as the installation itself would say it, and a second time there is nothing new.
    shown = {path.relative_to(site.folder): path.read_bytes() for path in site.folder.rglob("*") if path.is_file()}
    assert len(shown) == 2
    installation.publish(site.folder).done()
    assert {path.relative_to(site.folder): path.read_bytes() for path in site.folder.rglob("*") if path.is_file()} == shown


def test_a_new_key_signs_only_after_it_was_seen_for_long_enough(programs, site, tmp_path):
    clock = Clock(tmp_path / "clock")
    installation = Installation(programs, tmp_path, f"{site.root}/team", clock)
    installation.publish(site.folder).done()
    first = jwt.get_unverified_header(installation.minted())["kid"]
    installation.running.stop(signal.SIGTERM)
    # The order is given while the server is stopped: its state is a file.
    programs.rolecall("key", "rotate", "team", first, "--config", installation.config, env=installation.env).done()
    installation.running = programs.start(ROLECALL, "serve", "--config", installation.config, "--output", "json", env=installation.env, name="serve-again")
    installation.address = f"http://{installation.running.ready()['listen']}"
    installation.asking = asking(tmp_path / "asking.yaml", installation.workload, installation.issuer, {}, address=installation.address)

    def keys():
        listed = programs.rolecall("key", "list", "--config", installation.config, "--output", "json", env=installation.env).done()
        return {key["kid"]: key for key in (json.loads(line)["key"] for line in listed.stdout.splitlines())}

    wait_until(lambda: len(keys()) == 3, "a successor is made", 90)
    successor = next(kid for kid in keys() if keys()[kid]["slot"] == "next")
    # Days go by and nobody publishes: the old key goes on signing.
    clock.ahead(80 * HOUR)
    for _ in range(3):
        assert jwt.get_unverified_header(installation.minted())["kid"] == first
    assert keys()[successor]["slot"] == "next" and "seen_at" not in keys()[successor]
    installation.publish(site.folder, "--no-check").done()
    wait_until(lambda: "seen_at" in keys()[successor], "the successor is seen", 90)
    assert jwt.get_unverified_header(installation.minted())["kid"] == first
    clock.ahead(160 * HOUR)
    wait_until(lambda: keys()[successor]["slot"] == "active", "the successor signs", 90)
    token = installation.minted()
    assert jwt.get_unverified_header(token)["kid"] == successor
    assert verified(site.root, token, installation.issuer)


def test_a_bucket_shows_them_too(programs, site, tmp_path):
    moto = programs.start(PYTHON, "-c", MOTO, name="moto")
    endpoint = moto.ready()["url"]
    env = programs.environment(AWS_ENDPOINT_URL_S3=endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="canary-secret-of-a-bucket", AWS_REGION="us-east-1")
    programs.ledger.secrets["canary-secret-of-a-bucket"] = "a secret key"
    bucket = boto3.client("s3", "us-east-1", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="x")
    installation = Installation(programs, tmp_path, f"{site.root}/team")
    missing = installation.publish("s3://shown/oidc", "--no-check", env=env)
    assert missing.code == 5 and "there is no bucket `shown`" in missing.stderr
    bucket.create_bucket(Bucket="shown")
    installation.publish("s3://shown/oidc", "--no-check", env=env).done()
    keys = [one["Key"] for one in bucket.list_objects_v2(Bucket="shown")["Contents"]]
    assert keys == ["oidc/team/.well-known/jwks.json", "oidc/team/.well-known/openid-configuration"]
    shown = bucket.get_object(Bucket="shown", Key=keys[0])
    assert shown["ContentType"] == "application/json" and shown["CacheControl"] == "public, max-age=300"
    assert len(json.loads(shown["Body"].read())["keys"]) == 2
    moto.stop()
    gone = installation.publish("s3://shown/oidc", "--no-check", env=env)
    assert gone.code == 6, gone.stderr
    nobody = installation.publish("s3://shown", "--no-check", env=programs.environment(AWS_REGION="us-east-1"))
    assert nobody.code == 3 and "no AWS credentials" in nobody.stderr


def test_standard_output_has_keys_first_and_no_secret(programs, tmp_path):
    installation = Installation(programs, tmp_path, "https://oidc.example.test/team")
    files = installation.publish("-").json()["files"]
    assert [file["path"] for file in files] == ["team/.well-known/jwks.json", "team/.well-known/openid-configuration"]
    assert files[1]["document"]["issuer"] == installation.issuer
    assert not {"d", "p", "q", "key_ops"} & {member for key in files[0]["document"]["keys"] for member in key}


def test_what_cannot_be_fetched_written_or_seen_is_told_and_changes_nothing(programs, site, tmp_path):
    installation = Installation(programs, tmp_path, f"{site.root}/team")
    installation.publish(site.folder).done()
    before = {path: path.read_bytes() for path in site.folder.rglob("*") if path.is_file()}
    other = programs.rolecall("issuer", "publish", f"{site.root}/teams", "--from", installation.address, "--to", site.folder)
    assert other.code == 6 and "404" in other.stderr
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    finished = installation.publish(blocked)
    assert finished.code == 7 and str(blocked) in finished.stderr
    assert programs.rolecall("issuer", "publish", installation.issuer, "--from", installation.address, "--to", "s3://X").code == 2
    installation.running.stop()
    assert installation.publish(site.folder).code == 6
    assert {path: path.read_bytes() for path in site.folder.rglob("*") if path.is_file()} == before


def test_a_folder_that_nobody_shows_is_noticed(programs, site, tmp_path):
    installation = Installation(programs, tmp_path, f"{site.root}/team")
    elsewhere = installation.publish(tmp_path / "elsewhere")
    assert elsewhere.code == 9 and "not seen at" in elsewhere.stderr and "404" in elsewhere.stderr


def test_watching_publishes_again(programs, site, tmp_path):
    installation = Installation(programs, tmp_path, f"{site.root}/team")
    watching = programs.start(ROLECALL, "issuer", "publish", installation.issuer, "--from", installation.address, "--to", site.folder, "--watch", name="watch")
    shown = site.folder / "team/.well-known/jwks.json"
    wait_until(shown.exists, "it is published")
    installation.minted()
    shown.unlink()
    document = yaml.safe_load(installation.config.read_text())
    document["tenants"][0]["jwks"] = {"first": "ES256"}
    installation.config.write_text(yaml.safe_dump(document))
    installation.running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: shown.exists() and json.loads(shown.read_bytes())["keys"][0]["alg"] == "ES256", "it is published again")
    assert watching.stop() == 0


MOTO = """
import json
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)
import threading
threading.Event().wait()
"""


def test_what_a_tenant_is_called_outside_is_published(programs, site, tmp_path):
    """Served inside by one name, known to AWS by another."""
    outside = f"{site.root}/team"
    inside = "https://tokens.inside.example/t/team"
    installation = Installation(programs, tmp_path, inside, outside=outside)
    installation.issuer = outside
    wrong = installation.publish(site.folder)
    assert wrong.code == 6, wrong
    installation.publish(site.folder, "--served-as", inside).done()
    installation.issuer = inside
    assert verified(site.root, installation.minted(), outside)["sub"] == "workload:reports"
    several = programs.rolecall("issuer", "publish", outside, outside, "--from", installation.address, "--to", "-", "--served-as", inside)
    assert several.code == 2 and "several are named" in several.stderr
