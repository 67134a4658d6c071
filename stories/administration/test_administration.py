"""An installation administered as people and pipelines do: the command line, a browser's HTTP, and
programs that nobody here wrote reading its OpenAPI description."""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from harness.evidence import EvidenceIssuer
from harness.issuer import workload_key
from harness.programs import ROLECALL, wait_until
from openapi_spec_validator import validate

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CONFIG = {"name": "aws", "audience": "sts.amazonaws.com", "lifetime": "15m", "subject": "team:{team}:job:{name}"}


class Administered:
    """A server that declares nothing by file but who has access."""

    def __init__(self, programs, ledger, folder, more=None):
        self.programs, self.ledger, self.folder = programs, ledger, folder
        made = programs.rolecall("access", "token", "root", "--role", "admin", "--output", "json", prints_secrets=True).done().json()
        self.root = made["token"]
        ledger.learn(self.root, "the admin's token")
        access = [{"name": "root", "role": "admin", "token_digest": made["token_digest"]}]
        self.config = folder / "rolecall.yaml"
        self.document = {
            "server": {
                "listen": "127.0.0.1:0",
                "state": str(folder / "state"),
                "master_key_file": str(folder / "master.key"),
                "api": {"access": access, **(more or {})},
            }
        }
        self.config.write_text(yaml.safe_dump(self.document, sort_keys=False))
        self.start("127.0.0.1:0")

    def start(self, listen):
        self.document["server"]["listen"] = listen
        self.config.write_text(yaml.safe_dump(self.document, sort_keys=False))
        self.running = self.programs.start(ROLECALL, "serve", "--config", self.config, "--output", "json", name="serve")
        ready = self.running.ready()
        self.ledger.learn_file(self.folder / "master.key")
        self.ledger.watch(self.folder / "state", "the server's state")
        self.listen = ready["api"]
        self.url = f"http://{ready['api']}"

    def environment(self, token=None, **more):
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        known = {"ROLECALL_SERVER": self.url, "XDG_CONFIG_HOME": str(home), **more}
        if token is not False:
            known["ROLECALL_API_TOKEN"] = token or self.root
        return self.programs.environment(**known)

    def rolecall(self, *arguments, token=None, **options):
        return self.programs.rolecall(*arguments, env=self.environment(token), **options)

    def ask(self, method, path, body=None, token=None, **headers):
        """The status, the body and the headers of an answer."""
        sent = {"Authorization": f"Bearer {token or self.root}", **headers}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text, status, got = answer.read(), answer.status, answer.headers
        except urllib.error.HTTPError as error:
            text, status, got = error.read(), error.code, error.headers
        return status, json.loads(text) if text else None, got

    def user(self, name, role, tenant=None):
        """A token of somebody new."""
        where = ["--tenant", tenant] if tenant else []
        made = self.rolecall("user", "add", name, "--role", role, *where, "--output", "json", prints_secrets=True)
        token = made.done().json()["token"]
        self.ledger.learn(token, f"the token of {name}")
        return token


@pytest.fixture
def server(programs, ledger, tmp_path):
    return Administered(programs, ledger, tmp_path)


@pytest.fixture
def files(server, programs, tmp_path):
    """A folder with the tenant acme and one workload."""
    folder = tmp_path / "tenants"
    folder.mkdir()
    job = workload_key(programs, tmp_path, "job")
    write(folder, "acme", [{"name": "job", "attributes": {"team": "data"}, "token_configs": ["aws"], "keys": [job.jwk]}])
    return folder


def write(folder, name, workloads, **more):
    tenant = {
        "name": name,
        "issuer": f"https://{name}.example",
        "attributes": {"team": {"description": "who answers for it"}},
        "token_configs": [CONFIG],
        "workloads": workloads,
        **more,
    }
    document = json.loads(json.dumps({"tenants": [tenant]}))
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))


def test_files_become_a_tenant_and_stay_what_is_declared(server, files, programs, tmp_path):
    planned = server.rolecall("apply", "-f", files, "--plan")
    assert planned.code == 9 and "+ make tenant acme" in planned.stdout and "3 to make" in planned.stdout
    assert server.ask("GET", "/tenants/acme")[0] == 404
    # In a pipe nobody can be asked.
    refused = server.rolecall("apply", "-f", files)
    assert refused.code == 2 and "--yes" in refused.stderr
    server.rolecall("apply", "-f", files, "--yes").done()
    again = server.rolecall("apply", "-f", files, "--plan").done()
    assert again.stdout == "nothing to do\n"

    # The workload gets its token at once.
    asking = tmp_path / "job.yaml"
    asking.write_text(yaml.safe_dump({"workload": {"name": "job", "issuer": "https://acme.example", "key_file": str(tmp_path / "job.pem"), "issuer_address": server.url}}))
    minted = programs.rolecall("token", "mint", "--token-config", "aws", "--config", asking, prints_secrets=True).done()
    seen = programs.rolecall("token", "inspect", "--output", "json", "-", stdin=minted.stdout).done().json()
    assert seen["claims"]["sub"] == "team:data:job:job"

    # Somebody changes it by hand: that is seen, and put right.
    status, read, headers = server.ask("GET", "/tenants/acme/token-configs/aws")
    assert status == 200
    changed = {**read["spec"], "lifetime_seconds": 600}
    assert server.ask("PUT", "/tenants/acme/token-configs/aws", changed, **{"If-Match": headers["ETag"]})[0] == 200
    assert server.ask("PUT", "/tenants/acme/token-configs/aws", changed, **{"If-Match": headers["ETag"]})[0] == 412
    planned = server.rolecall("apply", "-f", files, "--plan")
    assert planned.code == 9 and "changed by somebody else" in planned.stdout and "lifetime_seconds: 600 -> 900" in planned.stdout
    server.rolecall("apply", "-f", files, "--yes").done()
    assert server.ask("GET", "/tenants/acme/token-configs/aws")[1]["spec"]["lifetime_seconds"] == 900

    # What is in no file any more stays until it is pruned; what the files never had stays for good.
    server.ask("POST", "/tenants/acme/workloads", {"name": "mine", "enrols": True})
    write(files, "acme", [])
    kept = server.rolecall("apply", "-f", files, "--yes").done()
    assert "workload job of acme: applied before" in kept.stdout
    pruned = server.rolecall("apply", "-f", files, "--prune", "--yes").done()
    assert "- remove workload job of acme" in pruned.stdout
    listed = server.rolecall("workload", "list", "--tenant", "acme").done().stdout
    assert "mine" in listed and "job" not in listed


def test_what_is_exported_can_be_applied_elsewhere(server, files, programs, ledger, tmp_path):
    server.rolecall("apply", "-f", files, "--yes").done()
    out = tmp_path / "out"
    server.rolecall("export", "--to", out).done()
    assert [path.name for path in out.iterdir()] == ["acme.yaml"]
    assert server.rolecall("apply", "-f", out, "--plan").done().stdout == "nothing to do\n"
    whole = server.rolecall("export").done().stdout
    assert yaml.safe_load(whole) == yaml.safe_load((out / "acme.yaml").read_text())
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    other = Administered(programs, ledger, folder)
    other.rolecall("apply", "-f", out, "--yes").done()
    there, here = (one.ask("GET", "/tenants/acme/declaration")[1] for one in (other, server))
    assert there == here


def test_one_at_a_time(server, files, tmp_path):
    server.rolecall("apply", "-f", files, "--yes").done()
    shown = server.rolecall("token-config", "show", "aws", "--tenant", "acme").done()
    assert yaml.safe_load(shown.stdout) == CONFIG
    file = tmp_path / "aws.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(shown.stdout), "lifetime": "30m"}))
    put = server.rolecall("token-config", "put", file, "--tenant", "acme", "--if-version", "1").done()
    assert put.stderr.strip() == "changed: token config aws, version 2"
    stale = server.rolecall("token-config", "put", file, "--tenant", "acme", "--if-version", "1")
    assert stale.code == 3 and "it is at version 2" in stale.stderr
    file.write_text(yaml.safe_dump({**CONFIG, "sbject": "x"}))
    slip = server.rolecall("token-config", "put", file, "--tenant", "acme")
    assert slip.code == 3 and f"{file}:" in slip.stderr and "Did you mean `subject`?" in slip.stderr
    file.write_text(yaml.safe_dump({"name": "bolt", "issuer": "https://bolt.example"}))
    assert server.rolecall("tenant", "put", file).done().stderr.strip() == "made: tenant bolt, version 1"
    assert "bolt" in server.rolecall("tenant", "list").done().stdout
    assert server.rolecall("tenant", "remove", "bolt").code == 2
    server.rolecall("tenant", "remove", "bolt", "--yes").done()
    assert server.rolecall("tenant", "show", "bolt").code == 3
    used = server.rolecall("token-config", "remove", "aws", "--tenant", "acme", "--yes")
    assert used.code == 3 and "no token config `aws`" in used.stderr


def test_people_sign_in_and_may_what_they_may(server, files, tmp_path):
    server.rolecall("apply", "-f", files, "--yes").done()
    password = "correct horse battery staple"
    server.ledger.learn(password, "a password")
    server.rolecall("user", "add", "alice", "--role", "viewer", "--tenant", "acme", "--password", stdin=password).done()
    wrong = server.rolecall("login", "--name", "alice", "--tenant", "acme", stdin="wrong horse battery staple", token=False)
    assert wrong.code == 10 and "nobody of this name" in wrong.stderr
    told = server.rolecall("login", "--name", "alice", "--tenant", "acme", stdin=password, token=False).done()
    assert "viewer of acme" in told.stderr
    kept = tmp_path / "home/rolecall/sessions.json"
    assert os.stat(kept).st_mode & 0o777 == 0o600
    for entry in json.loads(kept.read_text())["servers"].values():
        server.ledger.learn(entry["token"], "a session's token")
    assert server.rolecall("whoami", token=False).done().stdout == "acme/alice: viewer of acme\n"
    assert server.rolecall("workload", "list", "--tenant", "acme", token=False).code == 0
    may_not = server.rolecall("workload", "remove", "job", "--tenant", "acme", "--yes", token=False)
    assert may_not.code == 10 and "may not register workloads here" in may_not.stderr
    server.rolecall("user", "remove", "alice", "--tenant", "acme", "--yes").done()
    assert server.rolecall("whoami", token=False).code == 10
    assert server.rolecall("login", "--name", "alice", "--tenant", "acme", stdin=password, token=False).code == 10
    nobody = server.programs.rolecall("tenant", "list", env=server.programs.environment(XDG_CONFIG_HOME=str(tmp_path)))
    assert nobody.code == 2 and "ROLECALL_SERVER" in nobody.stderr
    plain = server.rolecall("tenant", "list", "--server", "http://rolecall.example")
    assert plain.code == 2 and "unencrypted" in plain.stderr


def test_the_teams_own_provider_lets_people_in(programs, ledger, tmp_path):
    with EvidenceIssuer(ledger, "rolecall-console") as team:
        provider = {"name": "team", "issuer": team.url, "audiences": ["rolecall-console"]}
        grants = [{"where": {"groups": "platform"}, "role": "admin"}, {"where": {"groups": "support"}, "role": "viewer", "tenant": "acme"}]
        server = Administered(programs, ledger, tmp_path, {"sign_in": [{"provider": provider, "grants": grants}]})

        def login(**claims):
            token = tmp_path / "id-token"
            token.write_text(team.token(email="bea@example.com", **claims))
            return server.rolecall("login", "--id-token-file", token, token=False)

        assert "team:bea@example.com: admin of the installation" not in login(groups=["guests"]).stderr
        assert login(groups=["guests"]).code == 10
        assert "admin of the installation" in login(groups=["platform", "x"]).done().stderr
        kept = tmp_path / "home/rolecall/sessions.json"
        for entry in json.loads(kept.read_text())["servers"].values():
            ledger.learn(entry["token"], "a session's token")
        (tmp_path / "acme.yaml").write_text(yaml.safe_dump({"name": "acme", "issuer": "https://acme.example"}))
        server.rolecall("tenant", "put", tmp_path / "acme.yaml", token=False).done()
        rows = server.ask("GET", "/audit?limit=100")[1]["items"]
        assert any(row["kind"] == "sign_in" and row["actor"] == "team:bea@example.com" and row["outcome"] == "refused" for row in rows)
        assert any(row["kind"] == "change" and row["actor"] == "team:bea@example.com" and row["target"] == "tenant/acme" for row in rows)
        assert login(groups="platform", aud="somebody-else").code == 10
        assert login(groups="platform", exp=1).code == 10


def test_a_new_machine_enrols(server, files, programs, tmp_path):
    server.rolecall("apply", "-f", files, "--yes").done()
    write(files, "acme", [{"name": "edge", "attributes": {"team": "edge"}, "token_configs": ["aws"], "enrols": True}])
    server.rolecall("apply", "-f", files, "--yes").done()
    token = server.rolecall("workload", "join-token", "edge", "--tenant", "acme", prints_secrets=True).done().stdout.strip()
    server.ledger.learn(token, "a join token")
    (tmp_path / "join").write_text(token)
    enrol = ["workload", "enrol", "--issuer", "https://acme.example", "--connect-to", f"https://acme.example={server.url}", "--join-token-file", tmp_path / "join"]
    programs.rolecall(*enrol, "--to", tmp_path / "edge.pem").done()
    server.ledger.learn_file(tmp_path / "edge.pem")
    second = programs.rolecall(*enrol, "--to", tmp_path / "again.pem")
    assert second.code == 4 and "used before" in second.stderr and not (tmp_path / "again.pem").exists()
    asking = tmp_path / "edge.yaml"
    asking.write_text(yaml.safe_dump({"workload": {"name": "edge", "issuer": "https://acme.example", "key_file": str(tmp_path / "edge.pem"), "issuer_address": server.url}}))
    programs.rolecall("token", "mint", "--token-config", "aws", "--config", asking, prints_secrets=True).done()
    # Applying the same files again keeps the machine's key: it is nobody's drift.
    assert "edge" not in server.rolecall("apply", "-f", files, "--plan").stdout.replace("workload job", "")
    server.rolecall("apply", "-f", files, "--yes").done()
    programs.rolecall("token", "mint", "--token-config", "aws", "--config", asking, prints_secrets=True).done()


def test_nothing_is_half_done_when_the_server_dies(server, files, programs, tmp_path):
    for number in range(30):
        write(files, f"t{number:02}", [])
    ended = []

    def apply():
        ended.append(server.rolecall("apply", "-f", files, "--yes"))

    applying = threading.Thread(target=apply)
    applying.start()
    # Somewhere in the middle; the client goes on asking until a server answers.
    threading.Event().wait(0.35)
    server.running.kill()
    server.start(server.listen)
    applying.join(60)
    assert ended[0].code in (0, 3), ended[0].stderr
    names = [item["spec"]["name"] for item in server.ask("GET", "/tenants?limit=100")[1]["items"]]
    assert len(names) in (0, 31)
    server.rolecall("apply", "-f", files, "--yes").done()
    assert len(server.ask("GET", "/tenants?limit=100")[1]["items"]) == 31
    assert server.rolecall("apply", "-f", files, "--plan").done().stdout == "nothing to do\n"
    server.running.stop()
    verdict = programs.rolecall("audit", "verify", "--config", server.config, "--output", "json").done().json()
    assert verdict["whole"]


def test_two_who_apply_at_once_do_not_undo_each_other(server, files, tmp_path):
    server.rolecall("apply", "-f", files, "--yes").done()
    folders = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        write(folder, f"team-{name}", [])
        folders.append(folder)
    ended = []
    threads = [threading.Thread(target=lambda folder=folder: ended.append(server.rolecall("apply", "-f", folder, "--set", folder.name, "--yes", "--prune"))) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.code for one in ended] == [0, 0], [one.stderr for one in ended]
    names = [item["spec"]["name"] for item in server.ask("GET", "/tenants")[1]["items"]]
    assert names == ["acme", "team-a", "team-b"]
    taken = server.rolecall("apply", "-f", files, "--set", "b", "--yes")
    assert taken.code == 3 and "applied by the set `default`" in taken.stderr


class Meddler(http.server.BaseHTTPRequestHandler):
    """Passes everything on, and lets somebody else be faster before the first plan is carried out."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not body["dry_run"] and not self.server.meddled:
            self.server.meddled = True
            self.server.meddle()
        kept = {name: self.headers[name] for name in ("Idempotency-Key", "Content-Type")}
        status, answer, _ = self.server.site.ask("POST", self.path.removeprefix("/api/v1"), body, **kept)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def test_what_was_agreed_to_is_done_and_nothing_else(server, files):
    server.rolecall("apply", "-f", files, "--yes").done()
    write(files, "acme", [], federation={"issuer": "https://out.example"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Meddler) as between:
        between.site, between.meddled = server, False
        shorter = {**server.ask("GET", "/tenants/acme/token-configs/aws")[1]["spec"], "lifetime_seconds": 600}
        between.meddle = lambda: server.ask("PUT", "/tenants/acme/token-configs/aws", shorter)
        threading.Thread(target=between.serve_forever, daemon=True).start()
        applied = server.rolecall("apply", "-f", files, "--yes", "--server", f"http://127.0.0.1:{between.server_port}").done()
        between.shutdown()
    # The first plan was not carried out; the second one shows what came between.
    first, second = applied.stdout.split("1 to change\n", 1)
    assert "lifetime_seconds" not in first and "lifetime_seconds: 600 -> 900" in second
    assert "the plan is another now" in applied.stderr and "done" in applied.stderr
    assert server.ask("GET", "/tenants/acme/token-configs/aws")[1]["spec"]["lifetime_seconds"] == 900


def test_keys_and_trail_of_a_server_that_runs(server, files):
    server.rolecall("apply", "-f", files, "--yes").done()
    listed = server.rolecall("key", "list", "--output", "json").done()
    keys = [json.loads(line) for line in listed.stdout.splitlines()]
    assert keys and {key["tenant"] for key in keys} == {"acme"}
    assert "acme  RS256  active" in server.rolecall("key", "list", "--tenant", "acme").done().stdout
    active = next(key["key"]["kid"] for key in keys if key["key"]["slot"] == "active" and key["key"]["algorithm"] == "ES256")
    assert "ordered" in server.rolecall("key", "rotate", "acme", active).done().stderr
    after = [json.loads(line)["key"] for line in server.rolecall("key", "list", "--output", "json").done().stdout.splitlines()]
    old = next((key for key in after if key["kid"] == active), None)
    assert old is None or old.get("order") == "replace" or old["slot"] != "active"
    assert server.rolecall("key", "rotate", "acme", "nobody").code == 3
    trail = server.rolecall("audit", "list", "--tenant", "acme").done().stdout
    assert "signing_key  granted  root" in trail and "ordered: replace" in trail
    # The state itself tells the very same, while the server runs.
    state = server.rolecall("audit", "list", "--tenant", "acme", "--config", server.config).done().stdout
    assert state.startswith(trail)
    assert server.rolecall("audit", "list", "--last", "1").done().stdout.count("\n") == 1
    many = server.rolecall("audit", "list", "--last", "1001")
    assert many.code == 2 and "the last 1000 rows" in many.stderr
    viewer = server.user("vic", "viewer", "acme")
    refused = server.rolecall("audit", "list", "--tenant", "acme", token=viewer)
    assert refused.code == 10
    wrong = server.rolecall("key", "list", token="rca_not-one-of-ours")
    assert wrong.code == 10 and "rca_not-one" not in wrong.stdout + wrong.stderr
    both = server.rolecall("key", "list", "--server", server.url, "--config", server.config)
    assert both.code == 2


def test_slips_in_files_are_shown_where_they_are(server, files, tmp_path):
    def refused(text):
        (files / "wrong.yaml").write_text(text)
        finished = server.rolecall("apply", "-f", files, "--yes")
        assert finished.code == 3, finished.stderr
        return finished.stderr

    assert "wrong.yaml:2:3: `server` cannot be applied" in refused("server:\n  listen: 127.0.0.1:0\n  state: x\ntenants: []\n")
    told = refused("tenants:\n  - name: bolt\n    issuer: https://bolt.example\n    attributes: {team: {}}\n    token_configs:\n      - name: a\n        audience: a\n        subject: 'team:{teem}'\n")
    assert "wrong.yaml:8:" in told and "teem" in told
    assert "is declared in" in refused("tenants:\n  - name: acme\n    issuer: https://acme2.example\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    nothing = server.rolecall("apply", "-f", empty, "--prune", "--yes")
    assert nothing.code == 3 and "no `*.yaml` file" in nothing.stderr
    assert server.ask("GET", "/tenants")[1]["items"] == []


def test_a_format_that_locks_a_workload_out_is_held_back(programs, ledger, tmp_path):
    job = workload_key(programs, tmp_path, "job")
    role = "arn:aws:iam::123456789012:role/data"
    condition = {"StringEquals": {"acme.example:aud": "sts.amazonaws.com", "acme.example:sub": "team:data:job:job"}}
    statement = {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/acme.example"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}
    (tmp_path / "data.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    server = {"listen": "127.0.0.1:0", "state": str(tmp_path / "state"), "master_key_file": str(tmp_path / "master.key")}
    tenant = {
        "name": "acme",
        "issuer": "https://acme.example",
        "token_configs": [CONFIG],
        "trust_subscriptions": [{"name": "data", "role": role, "policy_file": "data.json"}],
        "workloads": [{"name": "job", "attributes": {"team": "data"}, "token_configs": ["aws"], "keys": [job.jwk]}],
    }
    config = tmp_path / "rolecall.yaml"

    def written(subject):
        document = {"server": server, "tenants": [{**tenant, "token_configs": [{**CONFIG, "subject": subject}]}]}
        config.write_text(yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False))

    written(CONFIG["subject"])
    running = programs.start(ROLECALL, "serve", "--config", config, "--output", "json", name="serve")
    running.ready()
    ledger.learn_file(tmp_path / "master.key")
    written("group:{team}:job:{name}")
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "would lock workloads out" in running.stderr.read_text(), "the change is held back")
    assert running.stop() == 0
    refused = programs.rolecall("serve", "--config", config)
    assert refused.code == 7 and f"into `{role}`: `team:data:job:job` is let in, `group:data:job:job` would not be" in refused.stderr
    assert "rolecall trust migrate" in refused.stderr
    forced = programs.start(ROLECALL, "serve", "--config", config, "--output", "json", "--force", name="serve")
    forced.ready()
    assert forced.stop() == 0


def test_its_description_holds(server, files, programs):
    """OpenAPI's own validator reads it, and schemathesis finds no answer that it does not describe."""
    with urllib.request.urlopen(f"{server.url}/api/v1/openapi.json", timeout=10) as answer:
        validate(json.load(answer))
    server.rolecall("apply", "-f", files, "--yes").done()
    token = server.user("fuzz", "admin", "acme")
    run = programs.run(
        SCHEMATHESIS, "run", f"{server.url}/api/v1/openapi.json", "--url", f"{server.url}/api/v1",
        "--header", f"Authorization: Bearer {token}", "--max-examples", "8", "--phases", "examples,fuzzing",
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--exclude-path", "/sessions/current", "--workers", "2", "--no-color", timeout=280,
    )  # fmt: skip
    assert run.code == 0, run.stdout[-6000:]
