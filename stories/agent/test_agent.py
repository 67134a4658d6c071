"""One agent for the programs of a machine: the kernel says who asks, each connection is fetched once,
and programs that know only AWS's own ways find their credentials too."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import jwt
import pytest
import yaml
from harness import acme as world
from harness.acme import ROLE
from harness.evidence import EvidenceIssuer
from harness.programs import AWS, PYTHON, ROLECALL, wait_until

IDENTITY = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
ARN = f"arn:aws:sts::123456789012:assumed-role/{ROLE.rsplit('/', 1)[1]}/"


class Site:
    """A world with an agent in it."""

    def __init__(self, programs, folder, agent=None, change=None):
        self.acme = world.begin(programs, folder / "acme")
        self.programs = programs
        self.folder = folder
        self.config = folder / "agent.yaml"
        document = yaml.safe_load(self.acme.config.read_text())
        # Unix sockets have short paths.
        self.run = Path(tempfile.mkdtemp(prefix="rc-"))
        self.socket = self.run / "rolecall/agent.sock"
        document["agent"] = {"socket": str(self.socket), "role_token_config": "aws", **(agent or {})}
        if change:
            change(document)
        self.config.write_text(yaml.safe_dump(document))
        self.start()

    def start(self):
        env = self.acme.environment()
        self.running = self.programs.start(ROLECALL, "agent", "--config", self.config, "--output", "json", env=env, name="agent")
        self.ready = self.running.ready()

    def ask(self, *command, env=None, **options):
        """`rolecall` in a folder without a configuration, with the agent's socket where it belongs."""
        env = env or self.acme.environment(XDG_RUNTIME_DIR=str(self.run))
        return self.programs.rolecall(*command, env=env, **options)

    def exchanges(self):
        return [one["eventName"] for one in self.acme.accounts.records()]


@pytest.fixture
def site(programs, tmp_path, request):
    options = getattr(request, "param", {})
    made = Site(programs, tmp_path, **options)
    yield made
    shutil.rmtree(made.run, ignore_errors=True)


def over_socket(path, request):
    """The answer to one HTTP request, by nothing but a socket: status and body."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(f"{request} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, body = answer.split(b"\r\n\r\n", 1)
    return int(head.split()[1]), body.decode()


def test_programs_get_credentials_from_the_agent(site):
    shown = site.ask("credentials", "athena", "--format", "process", prints_secrets=True).json()
    assert shown["AccessKeyId"].startswith("ASIA")
    environment = site.acme.environment(XDG_RUNTIME_DIR=str(site.run))
    config = site.folder / "aws-config"
    config.write_text(f"[profile athena]\ncredential_process = {ROLECALL} credentials athena --format process\nregion = us-east-1\n")
    told = site.programs.aws("sts", "get-caller-identity", env={**environment, "AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "athena"})
    assert told.done().json()["Arn"].startswith(ARN)
    child = site.ask("exec", "athena", "--", PYTHON, "-c", IDENTITY)
    assert child.done().stdout.startswith(ARN)
    # Whatever asks, it was fetched once.
    assert site.exchanges().count("AssumeRoleWithWebIdentity") == 1
    assert site.ask("agent", "whoami").done().stdout.startswith("owner: archive, athena, ")
    held = site.ask("agent", "status").done().json()["held"]
    assert [one["connection"] for one in held] == ["athena"] and held[0]["heldUntil"]
    site.ask("agent", "flush").done()
    site.ask("credentials", "athena", "--format", "process", prints_secrets=True).done()
    assert site.exchanges().count("AssumeRoleWithWebIdentity") == 2


def test_a_role_in_the_environment_is_enough(site):
    """Zero configuration: a role and an agent."""
    environment = site.acme.environment(XDG_RUNTIME_DIR=str(site.run), AWS_ROLE_ARN=ROLE)
    child = site.ask("exec", "--", PYTHON, AWS, "--output", "json", "sts", "get-caller-identity", env=environment)
    assert child.done().json()["Arn"].startswith(ARN)
    elsewhere = site.ask("exec", "--", "true")
    assert elsewhere.code == 2 and "name a connection" in elsewhere.stderr


def test_a_thousand_who_ask_at_once_cause_one_exchange(site):
    answers = []

    def ask():
        for _ in range(50):
            answers.append(over_socket(site.socket, "GET /v1/connections/reader/credentials"))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 1000 and {status for status, _ in answers} == {200}
    keys = {json.loads(body)["AccessKeyId"] for _, body in answers}
    for _, body in answers[:1]:
        site.programs.ledger.learn(body, "the agent")
    assert len(keys) == 1
    # Both accounts tell of a hop from one to the other.
    assert sorted(site.exchanges()) == ["AssumeRole", "AssumeRole", "AssumeRoleWithWebIdentity"]


def test_children_outlive_their_agent(site):
    """The agent is killed and started anew while a program runs, and the issuer is away as well."""
    program = (
        "import boto3, sys, time\n"
        "for line in sys.stdin:\n"
        "    print(boto3.session.Session().client('sts').get_caller_identity()['Arn'], flush=True)\n"
    )
    environment = site.acme.environment(XDG_RUNTIME_DIR=str(site.run))
    child = subprocess.Popen(
        [ROLECALL, "exec", "athena", "--", PYTHON, "-c", program],
        env=environment, cwd=site.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def says():
        child.stdin.write("\n")
        child.stdin.flush()
        return child.stdout.readline()

    try:
        assert says().startswith(ARN)
        site.running.kill()
        assert says().startswith(ARN)
        gone = site.ask("credentials", "athena", "--agent", site.socket)
        assert gone.code == 7 and "no agent answers" in gone.stderr and "rolecall agent" in gone.stderr
        site.start()
        assert says().startswith(ARN)
        assert site.ask("exec", "athena", "--", PYTHON, "-c", IDENTITY).done().stdout.startswith(ARN)
        site.acme.issuer.running.stop()
        # What is held is served for as long as it is good.
        assert site.ask("exec", "athena", "--", PYTHON, "-c", IDENTITY).done().stdout.startswith(ARN)
        away = site.ask("credentials", "reader")
        assert away.code == 6, away
    finally:
        child.stdin.close()
        child.wait(20)
    assert child.returncode == 0


def test_a_denial_is_explained_and_not_repeated(site):
    for _ in range(3):
        denied = site.ask("credentials", "store")
        assert denied.code == 5, denied
        assert "AccessDenied" in denied.stderr and "component:cube_store" in denied.stderr, denied.stderr
    assert site.exchanges().count("AssumeRoleWithWebIdentity") == 1


def test_one_agent_at_a_socket(site):
    second = site.programs.rolecall("agent", "--config", site.config)
    assert second.code == 7 and "another agent serves the socket" in second.stderr
    assert site.ask("agent", "whoami").code == 0
    assert site.running.stop() == 0
    assert not site.socket.exists()
    site.socket.write_text("precious")
    refused = site.programs.rolecall("agent", "--config", site.config)
    assert refused.code == 7 and "is no socket" in refused.stderr
    assert site.socket.read_text() == "precious"


def endpoints(folder):
    return {
        "agent": {
            "endpoints": [
                {"listen": "127.0.0.1:0", "connection": "athena", "form": "container", "authorization_file": str(folder / "authorization")},
                {"listen": "127.0.0.1:0", "role": ROLE, "form": "metadata", "users": [os.geteuid()]},
                {"listen": "127.0.0.1:0", "connection": "athena", "form": "metadata", "users": [os.geteuid() + 1]},
            ]
        }
    }


def test_programs_find_credentials_in_awss_own_ways(programs, tmp_path):
    site = Site(programs, tmp_path, **endpoints(tmp_path))
    container, metadata, others = (one["value"] for one in site.ready["endpoints"])
    authorization = tmp_path / "authorization"
    assert authorization.stat().st_mode & 0o777 == 0o600
    programs.ledger.learn_file(authorization)
    own = {"AWS_EC2_METADATA_DISABLED": "false"}
    ways = [
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(authorization)},
        {**own, "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata},
    ]
    for way in ways:
        environment = site.acme.environment(**way)
        assert programs.python(IDENTITY, env=environment).done().stdout.startswith(ARN)
        assert programs.aws("sts", "get-caller-identity", env=environment).done().json()["Arn"].startswith(ARN)
    region = "import botocore.utils as u; print(u.IMDSRegionProvider(__import__('botocore.session').session.get_session()).provide())"
    assert programs.python(region, env=site.acme.environment(**ways[1])).done().stdout.strip() == "us-east-1"
    refused = programs.python(IDENTITY, env=site.acme.environment(**own, AWS_EC2_METADATA_SERVICE_ENDPOINT=others))
    assert refused.code != 0 and "NoCredentialsError" in refused.stderr
    wait_until(lambda: "who may not" in site.running.stderr.read_text(), "it is told")
    shutil.rmtree(site.run)


def as_another_user(*command):
    """A command as the user nobody, by those who may become another user."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    return subprocess.run([*root, *nobody, *command], capture_output=True, text=True, timeout=20)


ASKS = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect(sys.argv[1])
except PermissionError:
    sys.exit("refused by the file system")
connection.sendall(f"GET {sys.argv[2]} HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n".encode())
answer = b""
while chunk := connection.recv(65536):
    answer += chunk
print(answer.split(b" ", 2)[1].decode(), answer.decode().rsplit("\\r\\n", 1)[1])
"""


def test_another_user_gets_what_it_is_given_and_nothing_else(programs, tmp_path):
    callers = [
        {"name": "me", "peer": {"uid": os.geteuid()}, "connections": ["athena"]},
        {"name": "nobody", "peer": {"uid": 65534, "executable": os.path.realpath("/usr/bin/python3")}, "connections": ["reader"], "attributes": {"component": "cube_api"}},
    ]
    site = Site(programs, tmp_path, agent={"callers": callers, "socket_mode": "0660", "socket_group": 65534})
    for folder in (site.run, site.socket.parent):
        folder.chmod(0o755)

    def asks(path, *, executable="/usr/bin/python3"):
        answered = as_another_user(executable, "-c", ASKS, str(site.socket), path)
        assert answered.returncode == 0, answered.stderr
        status, body = answered.stdout.split(" ", 1)
        if status == "200":
            programs.ledger.learn(body, "the agent")
        return int(status), json.loads(body)

    assert asks("/v1/whoami") == (200, {"caller": "nobody", "connections": ["reader"]})
    status, given = asks("/v1/connections/reader/credentials")
    assert status == 200 and given["AccessKeyId"].startswith("ASIA")
    status, refused = asks("/v1/connections/athena/credentials")
    assert status == 403 and refused["code"] == "NotAllowed"
    assert asks("/v1/tokens/aws")[0] == 403
    # The same user with another program is nobody.
    copied = Path(tempfile.mkdtemp(prefix="rc-"))
    copied.chmod(0o755)
    shutil.copy2(os.path.realpath("/usr/bin/python3"), copied / "python3")
    environment = subprocess.run(["/usr/bin/python3", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True).stdout.strip()
    home = as_another_user("env", f"PYTHONHOME={environment}", str(copied / "python3"), "-c", ASKS, str(site.socket), "/v1/whoami")
    assert home.stdout.startswith("403 "), home
    # Where only the agent's own user may connect, the file system refuses.
    site.running.stop()
    document = yaml.safe_load(site.config.read_text())
    document["agent"]["socket_mode"] = "0600"
    site.config.write_text(yaml.safe_dump(document))
    site.start()
    refused = as_another_user("/usr/bin/python3", "-c", ASKS, str(site.socket), "/v1/whoami")
    assert refused.returncode == 1 and "refused by the file system" in refused.stderr
    # What is written is for the agent's own user, and no argument of its process tells a secret.
    secret = as_another_user("cat", str(site.acme.workload.key_file))
    assert secret.returncode == 1 and "Permission denied" in secret.stderr
    environ = as_another_user("cat", f"/proc/{site.running.process.pid}/environ")
    assert environ.returncode == 1
    arguments = as_another_user("cat", f"/proc/{site.running.process.pid}/cmdline").stdout
    assert "agent" in arguments and "eyJ" not in arguments
    shutil.rmtree(copied)
    shutil.rmtree(site.run)


def test_token_files_are_kept(programs, tmp_path):
    path = tmp_path / "tokens/aws.token"
    path.parent.mkdir()
    group = os.getgroups()[0] if os.getgroups() else os.getegid()
    files = [
        {"token_config": "aws", "path": str(path), "mode": "0640", "group": group},
        {"token_config": "unknown", "path": str(tmp_path / "tokens/never")},
    ]
    site = Site(programs, tmp_path, agent={"token_files": files})
    wait_until(path.exists, "the file is there")
    token = path.read_text()
    programs.ledger.learn(token, "a token file")
    assert path.stat().st_mode & 0o777 == 0o640 and path.stat().st_gid == group
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == "cube:deployment:42:component:cube_api"
    wait_until(lambda: "could not be renewed" in site.running.stderr.read_text(), "the other is told")
    assert not (tmp_path / "tokens/never").exists()
    assert site.running.stop() == 0
    shutil.rmtree(site.run)


def people(folder, peer):
    """An issuer whose people sign in at `peer`, and whose workloads may prove themselves there; its
    token config for a warehouse says how programs find its token."""

    def change(document):
        tenant = document["tenants"][0]
        tenant["trusted_issuers"] = [{"name": "staff", "issuer": peer.url, "one_use": False}]
        tenant["token_configs"] += [
            {"name": "people", "audience": "https://warehouse.example", "token_subject": "user", "subject": "{user_email}"},
            {"name": "warehouse", "audience": "https://warehouse.example", "subject": "svc:{name}", "target_variable": "WAREHOUSE_TOKEN_FILE"},
        ]
        tenant["workloads"][0]["token_configs"].append("warehouse")
        tenant["workloads"] += [
            {"name": "portal", "token_configs": ["people"], "evidence": [{"from": "staff", "where": {"sub": {"like": "person-*"}}, "attributes": {"user_email": "email", "user_id": "sub"}}]},
            {"name": "pod", "token_configs": ["warehouse"], "evidence": [{"from": "staff", "where": {"sub": "pod:1"}}]},
        ]

    return change


@pytest.fixture
def staffed(programs, tmp_path, ledger):
    """A site whose issuer trusts another."""
    with EvidenceIssuer(ledger, world.ISSUER) as peer:
        site = Site(programs, tmp_path)
        issuer = site.acme.issuer
        document = yaml.safe_load(issuer.config.read_text())
        people(tmp_path, peer)(document)
        issuer.config.write_text(yaml.safe_dump(document))
        issuer.running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "were read again" in issuer.running.stderr.read_text(), "the issuer has taken it over")
        yield site, peer
        shutil.rmtree(site.run, ignore_errors=True)


def payload(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("through", ["the agent", "the configuration"])
def test_a_persons_token_is_theirs_or_there_is_none(staffed, tmp_path, through):
    site, peer = staffed
    way = ["--agent", site.socket] if through == "the agent" else ["--config", site.acme.config]

    def session(token, code):
        file = tmp_path / "id-token.jwt"
        file.write_text(token)
        asked = site.programs.rolecall("token", "user", "--token-config", "people", "--subject-token-file", file, *way, prints_secrets=True)
        assert asked.code == code, asked
        return json.loads(asked.stdout), asked.stderr

    anna = peer.token(sub="person-7", email="anna@acme.example")
    first, _ = session(anna, 0)
    assert first["status"] == "active"
    claims = payload(first["token"])
    assert claims["sub"] == "anna@acme.example" and claims["user_id"] == "person-7"
    assert first["issuedAt"] < first["expiresAt"]
    again, _ = session(anna, 0)
    # The agent holds it until half of its life is over.
    assert (again == first) == (through == "the agent")
    nobody, told = session(peer.token(sub="robot:1", email="x@acme.example"), 4)
    assert nobody["status"] == "error" and "token" not in nobody and "no token for this person" in told
    # A scope cannot be smuggled in by a name.
    smuggled, _ = session(peer.token(sub="person-8", email="x@acme.example,admin"), 4)
    assert smuggled["status"] == "error"


@pytest.mark.parametrize("through", ["the agent", "the configuration"])
def test_a_program_finds_its_token_by_the_token_configs_variable(staffed, through):
    site, _ = staffed
    way = ["--agent", site.socket] if through == "the agent" else ["--config", site.acme.config]
    program = "import os; print(open(os.environ['WAREHOUSE_TOKEN_FILE']).read())"

    def child(*arguments, program=program):
        environment = site.acme.environment()
        return site.programs.rolecall("exec", *arguments, *way, "--", PYTHON, "-c", program, env=environment, prints_secrets=True)

    token = child("--token-config", "warehouse").done().stdout.strip()
    assert payload(token)["sub"] == "svc:cube-api"
    both = child("athena", "--token-config", "warehouse", program=program + "\n" + IDENTITY).done().stdout.splitlines()
    assert payload(both[0])["sub"] == "svc:cube-api" and both[1].startswith(ARN)
    named = child("--token-config", "aws=TOKEN_FOR_AWS", program=program.replace("WAREHOUSE_TOKEN_FILE", "TOKEN_FOR_AWS"))
    assert payload(named.done().stdout.strip())["aud"] == "sts.amazonaws.com"
    for wrong, said in [("aws", "says no variable"), ("aws=LD_PRELOAD", "decides how programs are started")]:
        refused = child("--token-config", wrong)
        assert refused.code == 2 and said in refused.stderr, refused


def test_a_platforms_own_token_proves_the_workload(staffed, tmp_path):
    site, peer = staffed
    document = yaml.safe_load(site.acme.config.read_text())
    evidence = tmp_path / "projected-token"
    document["workload"] = {**document["workload"], "name": "pod", "evidence_file": str(evidence)}
    del document["workload"]["key_file"]
    config = tmp_path / "pod.yaml"
    config.write_text(yaml.safe_dump(document))
    minting = ["token", "mint", "--token-config", "warehouse", "--config", config]
    missing = site.programs.rolecall(*minting)
    assert missing.code == 7 and "cannot read the evidence file" in missing.stderr
    # The platform puts a new one there whenever it likes.
    for _ in range(2):
        evidence.write_text(peer.token(sub="pod:1") + "\n")
        minted = site.programs.rolecall(*minting, prints_secrets=True).done().stdout.strip()
        assert payload(minted)["sub"] == "svc:pod"
    evidence.write_text(peer.token(sub="pod:2"))
    refused = site.programs.rolecall(*minting)
    assert refused.code == 4, refused
    document["workload"]["key_file"] = "x.pem"
    config.write_text(yaml.safe_dump(document))
    twice = site.programs.rolecall(*minting)
    assert twice.code == 3 and "proves itself in one way" in twice.stderr


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ({"callers": [{"name": "a", "peer": {"uid": 1}, "connections": ["athina"]}]}, "athena"),
        ({"callers": [{"name": "a", "peer": {"executable": "/bin/sh"}}]}, "every user may run an executable"),
        ({"callers": [{"name": "a", "peer": {"uid": 1}}, {"name": "a", "peer": {"uid": 2}}]}, "a name of its own"),
        ({"socket_mode": "0666"}, "lets everybody on the machine in"),
        ({"socket_mode": "rw"}, "is no mode"),
        ({"endpoints": [{"listen": "0.0.0.0:9911", "connection": "athena", "form": "metadata", "users": [1]}]}, "loopback addresses only"),
        ({"endpoints": [{"listen": "127.0.0.1:0", "form": "metadata", "users": [1]}]}, "one `connection` or one `role`"),
        ({"endpoints": [{"listen": "127.0.0.1:0", "connection": "athena", "form": "container"}]}, "needs an `authorization_file`"),
        ({"endpoints": [{"listen": "127.0.0.1:0", "connection": "athena", "form": "metadata"}]}, "needs `users`"),
        ({"sockets": "x"}, "unknown field"),
    ],
)
def test_what_is_written_wrong_is_told_where_it_stands(programs, tmp_path, agent, said):
    key = tmp_path / "key.pem"
    programs.rolecall("workload", "key", "--to", key).done()
    programs.ledger.learn_file(key)
    document = {
        "workload": {"name": "a", "issuer": "https://oidc.example", "key_file": str(key)},
        "connections": {"athena": {"token_config": "aws", "role": ROLE}},
        "agent": agent,
    }
    config = tmp_path / "agent.yaml"
    config.write_text(yaml.safe_dump(document))
    refused = programs.rolecall("agent", "--config", config)
    assert refused.code == 3, refused
    assert said in refused.stderr and "agent.yaml:" in refused.stderr, refused.stderr


def test_programs_that_know_other_names_find_token_and_role(site):
    program = (
        "import os; e = os.environ; print(e['CUBESTORE_AWS_ROLE_ARN'], e['CUBESTORE_AWS_WEB_IDENTITY_TOKEN_FILE'] == e['AWS_WEB_IDENTITY_TOKEN_FILE'])"
    )
    command = ["exec", "athena", "--config", site.acme.config, "--via", "web-identity"]
    child = site.programs.rolecall(*command, "--names", "cube-store", "--", PYTHON, "-c", program)
    assert child.done().stdout.strip() == f"{ROLE} True"
    program = "import os; print(os.environ['SPACELIFT_OIDC_TOKEN'] == open(os.environ['AWS_WEB_IDENTITY_TOKEN_FILE']).read())"
    child = site.programs.rolecall(*command, "--names", "spacelift", "--", PYTHON, "-c", program)
    assert child.done().stdout.strip() == "True"
    wrong = site.programs.rolecall("exec", "athena", "--config", site.acme.config, "--names", "spacelift", "--", "true")
    assert wrong.code == 2 and "--via web-identity" in wrong.stderr


def test_the_guides_configurations_are_taken(programs, tmp_path):
    """What `docs/agent.md` shows, with the places and users of this machine."""
    guide = (Path(__file__).parents[2] / "docs/agent.md").read_text()
    blocks = [yaml.safe_load(block.split("```", 1)[0]) for block in guide.split("```yaml\n")[1:]]
    whole, more, pod, config_map = blocks
    assert pod["kind"] == "Pod" and pod["spec"]["initContainers"][0]["restartPolicy"] == "Always"
    key = tmp_path / "key.pem"
    programs.rolecall("workload", "key", "--to", key).done()
    programs.ledger.learn_file(key)
    evidence = tmp_path / "identity"
    evidence.write_text("not asked for in this story")
    whole["agent"].update(more["agent"])
    for number, document in enumerate((whole, config_map)):
        folder = tmp_path / str(number)
        folder.mkdir()
        document["workload"].update({"key_file": str(key)} if "key_file" in document["workload"] else {"evidence_file": str(evidence)})
        agent = document["agent"]
        agent["socket_group"] = os.getegid()
        for served in agent.get("endpoints", []):
            served["listen"] = "127.0.0.1:0"
            if "authorization_file" in served:
                served.update(authorization_file=str(folder / "authorization"), group=os.getegid())
        for kept in agent.get("token_files", []):
            kept.update(path=str(folder / "kept.token"), group=os.getegid())
        config = folder / "agent.yaml"
        config.write_text(yaml.safe_dump(document))
        run = Path(tempfile.mkdtemp(prefix="rc-"))
        running = programs.start(ROLECALL, "agent", "--config", config, "--socket", run / "agent.sock", "--output", "json", name="agent")
        assert len(running.ready()["endpoints"]) == len(agent["endpoints"])
        programs.ledger.learn_file(folder / "authorization")
        assert running.stop() == 0
        shutil.rmtree(run)
