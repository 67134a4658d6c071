"""Programs that run for hours: whatever they read their credentials by, no call fails while sessions
end twenty times, and AWS is asked no more often than it must be."""

import os
import subprocess
import time

import pytest
import yaml
from harness import acme as world
from harness.acme import ROLE
from harness.clock import Clock
from harness.programs import PYTHON, ROLECALL, Programs

MINUTE = 60
# One client for the whole of its life; a line on standard input is a call.
PROGRAM = """
import boto3, sys
client = boto3.client("sts")
for line in sys.stdin:
    print(client.get_caller_identity()["Arn"], flush=True)
"""


class UnderAClock(Programs):
    """Programs that all see the same clock."""

    clock: Clock

    def environment(self, **more: str) -> dict[str, str]:
        return super().environment(**self.clock.environment(), **more)


@pytest.fixture
def acme(tmp_path, ledger):
    """A world under a clock of its own, with sessions of fifteen minutes."""
    UnderAClock.clock = Clock(tmp_path / "time")
    programs = UnderAClock(tmp_path, ledger)
    acme = world.begin(programs, programs.folder / "acme")
    acme.clock = UnderAClock.clock
    document = yaml.safe_load(acme.config.read_text())
    document["connections"]["athena"]["duration"] = "15m"
    document["agent"] = {
        "socket": str(tmp_path / "agent.sock"),
        "endpoints": [
            {"listen": "127.0.0.1:0", "connection": "athena", "form": "container", "authorization_file": str(tmp_path / "authorization")},
            {"listen": "127.0.0.1:0", "connection": "athena", "form": "metadata", "users": [os.geteuid()]},
        ],
    }
    acme.config.write_text(yaml.safe_dump(document))
    yield acme
    programs.close()


def endpoint(acme, tmp_path):
    return [ROLECALL, "exec", "athena", "--config", acme.config, "--"], {}


def web_identity(acme, tmp_path):
    document = yaml.safe_load(acme.config.read_text())
    del document["connections"]["athena"]["duration"]
    acme.config.write_text(yaml.safe_dump(document))
    return [ROLECALL, "exec", "athena", "--config", acme.config, "--via", "web-identity", "--names", "cube-store", "--"], {}


def agent(acme):
    running = acme.programs.start(ROLECALL, "agent", "--config", acme.config, "--output", "json", env=acme.environment(), name="agent")
    return running.ready()


def through_the_agent(acme, tmp_path):
    return [ROLECALL, "exec", "athena", "--agent", agent(acme)["socket"], "--"], {}


def container(acme, tmp_path):
    ready = agent(acme)
    acme.programs.ledger.learn_file(tmp_path / "authorization")
    uri = {one["variable"]: one["value"] for one in ready["endpoints"]}
    return [], {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": uri["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "authorization"),
    }


def metadata(acme, tmp_path):
    uri = {one["variable"]: one["value"] for one in agent(acme)["endpoints"]}
    return [], {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": uri["AWS_EC2_METADATA_SERVICE_ENDPOINT"]}


def process(acme, tmp_path):
    socket = agent(acme)["socket"]
    config = tmp_path / "aws-config"
    config.write_text(f"[profile athena]\ncredential_process = {ROLECALL} credentials athena --agent {socket} --format process\n")
    return [], {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "athena"}


# By how many minutes the clock goes on between two calls, and how often AWS may be asked: a session
# of fifteen minutes is replaced with five left. Web identity is the SDK's own exchange, for an hour,
# which it replaces with fifteen left; the token's file is looked after every five true seconds.
@pytest.mark.parametrize(
    ("way", "calls", "step", "exchanges"),
    [
        (endpoint, 61, 5, range(20, 32)),
        (through_the_agent, 61, 5, range(20, 32)),
        (container, 61, 5, range(20, 32)),
        (metadata, 61, 5, range(20, 32)),
        (process, 61, 5, range(20, 32)),
        (web_identity, 6, 29, range(3, 5)),
    ],
)
def test_no_call_fails(acme, tmp_path, way, calls, step, exchanges):
    command, variables = way(acme, tmp_path)
    child = subprocess.Popen(
        [str(part) for part in [*command, PYTHON, "-c", PROGRAM]],
        env=acme.environment(**variables), cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    session = f":assumed-role/{ROLE.rsplit('/', 1)[1]}/"
    try:
        for call in range(calls):
            acme.clock.ahead(call * step * MINUTE)
            if way is web_identity:
                time.sleep(5.5)
            child.stdin.write("\n")
            child.stdin.flush()
            said = child.stdout.readline()
            assert session in said, (call, child.stderr.read())
    finally:
        child.stdin.close()
        child.wait(20)
        child.stdout.close()
        child.stderr.close()
    made = [one for one in acme.accounts.records() if one["eventName"] == "AssumeRoleWithWebIdentity"]
    assert len(made) in exchanges, len(made)


@pytest.mark.parametrize("way", [endpoint, through_the_agent, process])
def test_no_call_fails_while_the_clock_jumps(acme, tmp_path, way):
    """Ten minutes ahead and back, on the whole machine, again and again."""
    command, variables = way(acme, tmp_path)
    child = subprocess.Popen(
        [str(part) for part in [*command, PYTHON, "-c", PROGRAM]],
        env=acme.environment(**variables), cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        for minutes in [0, 10, 0, 10, 20, 10, 0, 10, 30, 20, 10, 40]:
            acme.clock.ahead(minutes * MINUTE)
            child.stdin.write("\n")
            child.stdin.flush()
            said = child.stdout.readline()
            assert ":assumed-role/" in said, (minutes, child.stderr.read())
    finally:
        child.stdin.close()
        child.wait(20)
        child.stdout.close()
        child.stderr.close()
