"""A file system that is full: what was acknowledged is there, what cannot be recorded is not issued,
and nobody has to start anything anew once there is room."""

import json
import subprocess
import urllib.error
import urllib.request

import jwt
import pytest
import yaml
from harness.acme import begin_issuer
from harness.issuer import Issuer
from harness.programs import ROLECALL, wait_until
from harness.token_endpoint import ask

MAY = subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0
pytestmark = pytest.mark.skipif(not MAY, reason="this machine lets nobody mount a file system of their own (unshare -rm)")

# A small file system that only the server and this loop see; the loop does what it is told.
WITHIN = """
set -eu
mount -t tmpfs -o size=1500k,mode=700 tmpfs "$1"
(
    while [ ! -e "$2/end" ]; do
        if [ -e "$2/fill" ]; then dd if=/dev/zero of="$1/filler" bs=4096 2>/dev/null || true; mv "$2/fill" "$2/filled"; fi
        if [ -e "$2/free" ]; then rm -f "$1/filler"; mv "$2/free" "$2/freed"; fi
        if [ -e "$2/copy" ]; then cp -a "$1/." "$2/copied/"; mv "$2/copy" "$2/done"; fi
        sleep 0.05
    done
) &
exec "$3" serve --config "$4" --output json
"""


@pytest.fixture
def site(programs, tmp_path):
    """An issuer whose state is on a small file system of its own."""
    site = begin_issuer(programs, tmp_path / "site")
    site.key = site.workload.key_file.read_bytes()
    site.issuer.running.stop()
    config = site.issuer.config
    document = yaml.safe_load(config.read_text())
    state = tmp_path / "mounted"
    state.mkdir()
    document["server"]["state"] = str(state)
    # The old state's key would be looked for.
    document["server"]["master_key_file"] = str(tmp_path / "new.key")
    document["server"]["operations_listen"] = "127.0.0.1:0"
    config.write_text(yaml.safe_dump(document))
    site.orders = tmp_path / "orders"
    (site.orders / "copied").mkdir(parents=True)
    running = programs.start("unshare", "-rm", "sh", "-c", WITHIN, "within", state, site.orders, ROLECALL, config, name="serve")
    ready = running.ready()
    programs.ledger.learn_file(tmp_path / "new.key")
    site.issuer = Issuer(running, f"http://{ready['listen']}", ready["issuers"], config, state)
    site.operations = f"http://{ready['operations']}"
    yield site
    (site.orders / "end").touch()


def order(site, what, done):
    (site.orders / what).touch()
    wait_until((site.orders / done).exists, f"{what} is carried out", within=20)
    (site.orders / done).unlink()


def ready(site):
    try:
        with urllib.request.urlopen(f"{site.operations}/readyz", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_nothing_is_issued_that_cannot_be_recorded(site, programs):
    acknowledged = []

    def asked():
        status, answer = ask(site, site.key)
        if status == 200:
            acknowledged.append(jwt.decode(answer["access_token"], options={"verify_signature": False})["jti"])
        return status, answer

    assert asked()[0] == 200 and ready(site) == 200
    order(site, "fill", "filled")
    # What was reserved before may still take some rows.
    refused = wait_until(lambda: (found := asked())[0] != 200 and found, "the file system is full", within=30)
    assert refused[0] == 503 and refused[1]["error"] == "temporarily_unavailable"
    assert "could not be recorded" in refused[1]["error_description"]
    assert ready(site) == 503
    # Documents are read all the same: whoever has a token can have it verified.
    request = urllib.request.Request(f"{site.issuer.address}/.well-known/jwks.json", headers={"Host": "acme.cubecloud.dev"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["keys"]
    log = site.issuer.running.stderr.read_text()
    assert "the disk is full" in log and len(log) < 20_000
    order(site, "free", "freed")
    wait_until(lambda: asked()[0] == 200, "tokens are issued again")
    assert ready(site) == 200
    # Full again, and the process is lost with it.
    order(site, "fill", "filled")
    wait_until(lambda: asked()[0] != 200, "the file system is full again", within=30)
    site.issuer.running.kill()
    order(site, "copy", "done")
    document = yaml.safe_load(site.issuer.config.read_text())
    document["server"]["state"] = str(site.orders / "copied")
    (site.orders / "copied/filler").unlink(missing_ok=True)
    site.issuer.config.write_text(yaml.safe_dump(document))
    listed = programs.rolecall("audit", "list", "--config", site.issuer.config, "--output", "json").done()
    recorded = {json.loads(row).get("jti") for row in listed.stdout.splitlines()}
    assert set(acknowledged) <= recorded, "an acknowledged token has no row"
    verdict = programs.rolecall("audit", "verify", "--config", site.issuer.config, "--output", "json").done().json()
    assert verdict["whole"]
