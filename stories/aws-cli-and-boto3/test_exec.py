"""`rolecall exec`: a program gets credentials that are refreshed, not frozen keys."""

import signal

import pytest
from harness.programs import AWS, PYTHON, ROLECALL, wait_until

IDENTITY = 'import boto3, json; print(json.dumps(boto3.client("sts").get_caller_identity()["Arn"]))'
VARIABLES = 'import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith("AWS_")}))'


def run(acme, *command, via="endpoint", connection="athena", **more):
    return acme.programs.rolecall(
        "exec", connection, "--config", acme.config, "--via", via, "--", *command,
        env=acme.environment(**more), prints_secrets=True,
    )  # fmt: skip


@pytest.mark.parametrize("via", ["endpoint", "web-identity", "environment"])
def test_the_aws_cli_and_boto3_run_with_the_connections_role(acme, via):
    by_cli = run(acme, PYTHON, AWS, "--output", "json", "sts", "get-caller-identity", via=via).json()["Arn"]
    by_boto3 = run(acme, PYTHON, "-c", IDENTITY, via=via).json()
    assert by_cli == by_boto3 == "arn:aws:sts::123456789012:assumed-role/cube-deployment-acme/cube-api-rolecall"


def test_the_endpoint_serves_the_end_of_a_chain(acme):
    arn = run(acme, PYTHON, "-c", IDENTITY, connection="reader").json()
    assert arn.startswith("arn:aws:sts::222222222222:assumed-role/Reader/")


@pytest.mark.parametrize("via", ["endpoint", "web-identity"])
def test_no_key_is_frozen_into_the_environment(acme, via):
    variables = run(acme, PYTHON, "-c", VARIABLES, via=via).json()
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & set(variables)


def test_a_stale_key_in_the_environment_does_not_win(acme):
    stale = {"AWS_ACCESS_KEY_ID": "AKIASTALESTALESTALE", "AWS_SECRET_ACCESS_KEY": "stale", "AWS_PROFILE": "nobody"}
    assert run(acme, PYTHON, "-c", IDENTITY, **stale).json().endswith("/cube-api-rolecall")


def test_the_endpoint_answers_its_own_child_alone(acme):
    asked = """
import json, os, urllib.error, urllib.request
def get(headers):
    request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers=headers)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as refused:
        return refused.code
token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN") or open(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read()
print(json.dumps([get({"Authorization": token}), get({}), get({"Authorization": token[:-1]})]))
"""
    right, without, wrong = run(acme, PYTHON, "-c", asked).json()
    assert right == 200
    assert without in (401, 403) and wrong in (401, 403)


@pytest.mark.parametrize(
    ("command", "code"),
    [(("sh", "-c", "exit 7"), 7), (("no-such-program",), 127), (("/etc/passwd",), 126), (("sh", "-c", "kill -9 $$"), 137)],
)
def test_the_programs_own_exit_code_is_passed_on(acme, command, code):
    assert run(acme, *command).code == code


def test_signals_reach_the_program(acme):
    script = 'trap "exit 9" TERM; echo \'{"up": true}\'; while :; do sleep 0.05; done'
    running = acme.programs.start(
        ROLECALL, "exec", "athena", "--config", acme.config, "--", "sh", "-c", script,
        env=acme.environment(), name="exec",
    )  # fmt: skip
    assert running.ready() == {"up": True}
    assert running.stop(signal.SIGTERM) == 9


def test_web_identity_is_refused_for_a_chain_that_it_could_not_walk(acme):
    refused = run(acme, "true", via="web-identity", connection="reader")
    assert refused.code in (2, 3)
    assert "hop" in refused.stderr


def test_a_denied_exchange_does_not_start_the_program(acme, tmp_path):
    proof = tmp_path / "started"
    assert run(acme, "touch", proof, connection="store").code == 5
    assert not proof.exists()


def test_the_token_file_is_kept_fresh_while_it_is_watched(acme, tmp_path):
    path = tmp_path / "token"
    running = acme.programs.start(
        ROLECALL, "token", "mint", "athena", "--to", path, "--watch", "--config", acme.config,
        env=acme.environment(), name="token-mint-watch",
    )  # fmt: skip
    wait_until(path.exists, "the token file is there")
    acme.programs.ledger.learn_file(path)
    assert path.read_text().count(".") == 2
    assert running.process.poll() is None
    running.stop()
