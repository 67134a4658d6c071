"""Wrong flags and configurations: each a clear error with its exit code, and nothing changed."""

import os
import signal
import socket
import sqlite3
import subprocess

import pytest
from harness.issuer import serve, serve_config, workload_key
from harness.programs import ROLECALL

TENANT = {"name": "acme", "issuer": "https://acme.cubecloud.dev", "token_configs": [], "workloads": []}
GOOD = """\
server:
  listen: 127.0.0.1:0
  state: ./state
  master_key_file: ./master.key
tenants:
  - name: acme
    issuer: https://acme.cubecloud.dev
    token_configs:
      - name: aws
        audience: sts.amazonaws.com
        lifetime: 1h
        subject: "cube:deployment:{deployment_id}"
    workloads: []
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-flag"],
        ["no-such-command"],
        ["credentials"],
        ["credentials", "athena", "--format", "xml"],
        ["serve", "--config"],
        ["aws-emulator", "--messages", "oldest"],
        ["aws-emulator", "--connect-to", "nonsense"],
        ["aws-emulator", "--listen", "nowhere"],
        ["credentials", "athena", "--attribute", "no-equals-sign"],
        ["exec", "athena"],
        ["token", "mint", "--watch", "athena"],
        [],
    ],
)
def test_a_wrong_flag_is_a_usage_error(programs, arguments):
    refused = programs.rolecall(*arguments)
    assert refused.code == 2
    assert refused.stdout == ""
    assert "Usage" in refused.stderr or "--help" in refused.stderr


def changed(line: str, into: str) -> str:
    assert line in GOOD
    return GOOD.replace(line, into)


# What is wrong: the configuration, the place, and words that the message must have.
MALFORMED = {
    "an unknown field": (changed("    issuer:", "    isuer:"), ":7:", ["isuer", "issuer"]),
    "an unknown field in a token config": (changed("lifetime:", "lifetme:"), ":11:", ["lifetme", "lifetime"]),
    "a missing field": (changed("    issuer: https://acme.cubecloud.dev\n", ""), ":", ["issuer"]),
    "text for a list": (changed("workloads: []", "workloads: none"), ":13:", ["workloads"]),
    "no YAML": (changed("tenants:", "tenants: ["), ":", []),
    "a tab": (changed("    issuer:", "\tissuer:"), ":", ["tab"]),
    "no duration": (changed("1h", "soon"), ":11:", ["soon"]),
    "an issuer that is not https": (changed("https://acme", "http://acme"), ":7:", ["http://acme.cubecloud.dev", "https"]),
    "an issuer with a query": (changed("cubecloud.dev", "cubecloud.dev?x=1"), ":7:", ["cubecloud.dev?x=1"]),
    "a subject that does not end": (changed("{deployment_id}", "{deployment_id"), ":12:", ["{deployment_id"]),
    "a character no subject may have": (changed("cube:deployment:", "cube deployment:"), ":12:", ["cube deployment:"]),
    "an algorithm that AWS refuses": (changed("lifetime: 1h", "algorithm: HS256"), ":11:", ["HS256", "ES256"]),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_configuration_is_shown_with_its_place(programs, tmp_path, case):
    content, place, words = MALFORMED[case]
    config = tmp_path / "rolecall.yaml"
    config.write_text(content)
    refused = programs.rolecall("serve", "--config", config)
    assert refused.code == 3, refused.stderr
    assert refused.stdout == ""
    assert f"{config.name}{place}" in refused.stderr, refused.stderr
    for word in words:
        assert word in refused.stderr, f"`{word}` is not in:\n{refused.stderr}"
    assert not (tmp_path / "state").exists()
    assert not (tmp_path / "master.key").exists()


def test_a_configuration_that_cannot_be_read(programs, tmp_path):
    missing = programs.rolecall("serve", "--config", tmp_path / "missing.yaml")
    assert missing.code == 3
    assert "missing.yaml" in missing.stderr
    folder = programs.rolecall("serve", "--config", tmp_path)
    assert folder.code == 3
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00server")
    assert programs.rolecall("serve", "--config", binary).code == 3


def test_a_connection_that_does_not_exist_is_told_with_the_nearest(programs, tmp_path):
    key = workload_key(programs, tmp_path, "cube-api")
    config = tmp_path / "client.yaml"
    config.write_text(
        f"workload: {{name: cube-api, issuer: 'https://acme.cubecloud.dev', key_file: '{key.key_file}'}}\n"
        "connections:\n  athena: {token_config: aws, role: 'arn:aws:iam::123456789012:role/x', region: us-east-1}\n"
    )
    refused = programs.rolecall("credentials", "atena", "--config", config)
    assert refused.code == 3
    assert "atena" in refused.stderr and "athena" in refused.stderr


def test_an_issuer_that_cannot_be_reached(programs, tmp_path):
    key = workload_key(programs, tmp_path, "cube-api")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        config = tmp_path / "client.yaml"
        config.write_text(
            f"workload: {{name: cube-api, issuer: 'http://127.0.0.1:{port}/acme', key_file: '{key.key_file}'}}\n"
            "connections:\n  athena: {token_config: aws, role: 'arn:aws:iam::123456789012:role/x', region: us-east-1}\n"
        )
        refused = programs.rolecall("credentials", "athena", "--config", config)
    assert refused.code == 6
    assert str(port) in refused.stderr


def test_a_key_file_that_others_can_read_is_refused(programs, tmp_path):
    key = workload_key(programs, tmp_path, "cube-api")
    assert key.key_file.stat().st_mode & 0o777 == 0o600
    key.key_file.chmod(0o644)
    config = tmp_path / "client.yaml"
    config.write_text(
        f"workload: {{name: cube-api, issuer: 'http://127.0.0.1:9/acme', key_file: '{key.key_file}'}}\nconnections: {{}}\n"
    )
    refused = programs.rolecall("token", "mint", "--token-config", "aws", "--config", config)
    assert refused.code == 7
    assert "chmod 600" in refused.stderr or "0600" in refused.stderr


def test_a_workloads_key_is_never_overwritten(programs, tmp_path):
    key = workload_key(programs, tmp_path, "cube-api")
    before = key.key_file.read_bytes()
    refused = programs.rolecall("workload", "key", "--to", key.key_file)
    assert refused.code == 7
    assert key.key_file.read_bytes() == before


@pytest.mark.parametrize("command", ["serve", "aws-emulator"])
def test_a_port_that_is_taken(programs, tmp_path, command):
    config = tmp_path / "rolecall.yaml"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config.write_text(GOOD.replace("127.0.0.1:0", address))
        options = ["--config", config] if command == "serve" else ["--listen", address]
        refused = programs.rolecall(command, *options)
    assert refused.code == 7
    assert address in refused.stderr
    assert refused.stdout == ""


def written(tmp_path):
    config = tmp_path / "rolecall.yaml"
    config.write_text(GOOD)
    return config


def test_a_state_folder_that_is_a_file(programs, tmp_path):
    (tmp_path / "state").write_text("not a folder")
    refused = programs.rolecall("serve", "--config", written(tmp_path))
    assert refused.code == 7
    assert "state" in refused.stderr
    assert (tmp_path / "state").read_text() == "not a folder"


def test_a_state_folder_that_is_read_only(programs, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o500)
    (tmp_path / "home").chmod(0o777)
    if os.geteuid() == 0:
        # Root may write everywhere: be somebody else, to whom the folder above is open.
        refused = as_nobody(programs, written(tmp_path), tmp_path)
    else:
        refused = programs.rolecall("serve", "--config", written(tmp_path))
    assert refused.code == 7
    assert "state" in refused.stderr
    assert list(state.iterdir()) == []


def as_nobody(programs, config, folder):
    """`rolecall serve` as the user nobody, from a copy of the program that it may reach."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as reachable:
        os.chmod(reachable, 0o755)
        program = shutil.copy(ROLECALL, reachable)
        state = os.path.join(reachable, "state")
        os.mkdir(state, 0o500)
        os.chown(state, 65534, 65534)
        master = os.path.join(reachable, "keys")
        os.mkdir(master, 0o700)
        os.chown(master, 65534, 65534)
        text = config.read_text().replace("./state", state).replace("./master.key", f"{master}/master.key")
        copy = os.path.join(reachable, "rolecall.yaml")
        with open(copy, "w") as out:
            out.write(text)
        completed = subprocess.run(
            [program, "serve", "--config", copy], user=65534, group=65534, extra_groups=[], cwd="/",
            env=programs.environment(HOME="/"), capture_output=True, stdin=subprocess.DEVNULL, timeout=20,
        )  # fmt: skip
        assert os.listdir(state) == []
    from harness.programs import Finished

    return Finished(completed.returncode, completed.stdout.decode(), completed.stderr.decode())


def test_a_state_of_another_version(programs, tmp_path):
    served = serve(programs, tmp_path, [TENANT])
    assert served.running.stop() == 0
    database = served.state / "rolecall.db"
    connection = sqlite3.connect(database)
    with connection:
        assert connection.execute("update meta set schema_version = 9999").rowcount == 1
    connection.close()
    before = database.read_bytes()
    refused = programs.rolecall("serve", "--config", served.config)
    assert refused.code == 7
    assert "version" in refused.stderr
    assert database.read_bytes() == before


def test_a_state_that_is_no_database(programs, tmp_path):
    served = serve(programs, tmp_path, [TENANT])
    served.running.stop()
    for part in served.state.iterdir():
        part.unlink()
    database = served.state / "rolecall.db"
    database.write_bytes(b"this is no database" * 100)
    refused = programs.rolecall("serve", "--config", served.config)
    assert refused.code == 7
    assert "rolecall.db" in refused.stderr
    assert database.read_bytes() == b"this is no database" * 100


def test_a_second_server_on_the_same_state(programs, tmp_path):
    first = serve(programs, tmp_path, [TENANT])
    refused = programs.rolecall("serve", "--config", first.config)
    assert refused.code == 7
    assert "state" in refused.stderr
    assert first.running.process.poll() is None
    assert first.running.stop() == 0
    assert serve_config(programs, first.config, first.state).running.stop() == 0


def test_a_master_key_of_another_installation(programs, tmp_path):
    config = written(tmp_path)
    served = serve_config(programs, config, tmp_path / "state")
    served.running.stop()
    key = tmp_path / "master.key"
    assert key.stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other"
    other.mkdir()
    serve(programs, other, [TENANT]).running.stop()
    key.write_bytes((other / "master.key").read_bytes())
    refused = programs.rolecall("serve", "--config", config)
    assert refused.code == 7
    assert "master key" in refused.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_when_it_is_told_to(programs, tmp_path, how):
    assert serve(programs, tmp_path, [TENANT]).running.stop(how) == 0


def test_a_closed_standard_output_is_no_crash(programs):
    for arguments in (["--help"], ["demo"]):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.Popen(
            [ROLECALL, *arguments], stdout=writer, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            env=programs.environment(), cwd=programs.folder,
        )  # fmt: skip
        os.close(writer)
        _, stderr = process.communicate(timeout=30)
        assert b"panicked" not in stderr, stderr
        assert process.returncode != 101
