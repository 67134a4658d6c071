"""`rolecall doctor`: whatever is wrong with a machine, it names the source of credentials that boto3 and
the aws CLI really take, or that they really stop at; and what `--fix` mends works afterwards."""

import json
import os
import stat
import time

import pytest
from harness.account import ACCOUNT
from harness.acme import ROLE, begin
from harness.programs import ROLECALL

KEY = "AKIAIOSFODNN7EXAMPLE"
SESSION_KEY = "ASIAIOSFODNN7EXAMPLE"
CANARY = "canary-of-a-secret-access-key-0000000000"
# What boto3 calls each source.
METHODS = {
    "environment-keys": "env",
    "assume-role": "assume-role",
    "web-identity-environment": "assume-role-with-web-identity",
    "web-identity-profile": "assume-role-with-web-identity",
    "single-sign-on": "sso",
    "credentials-file-keys": "shared-credentials-file",
    "process": "custom-process",
    "config-file-keys": "config-file",
    "container": "container-role",
    "instance": "iam-role",
}
# What boto3 does: the source it chose, and with `freeze` whether it has credentials.
BOTO3 = """
import boto3, json, sys
try:
    session = boto3.Session(profile_name=sys.argv[1] or None)
    found = session.get_credentials()
    if found is not None and sys.argv[2] == "freeze":
        found.get_frozen_credentials()
    print(json.dumps({"method": found and found.method}))
except Exception as error:
    print(json.dumps({"error": type(error).__name__}))
"""
KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": CANARY}
FILE_KEYS = f"aws_access_key_id = {KEY}\naws_secret_access_key = {CANARY}\n"
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "{token}", "AWS_ROLE_ARN": ROLE}
ROLE_B = f"arn:aws:iam::{ACCOUNT}:role/b"


class Machine:
    """A user's machine: variables, both files, a token's file, and programs."""

    def __init__(self, programs):
        self.programs = programs
        self.home = programs.home
        self.aws = self.home / ".aws"
        self.aws.mkdir(exist_ok=True)
        self.token = self.home / "token"
        self.variables = {}

    def set_up(self, variables=None, config=None, credentials=None, token=None):
        names = {"{token}": str(self.token), "{home}": str(self.home)}

        def filled(text):
            for name, value in names.items():
                text = text.replace(name, value)
            return text

        self.variables = {name: filled(value) for name, value in (variables or {}).items()}
        for name, text in (("config", config), ("credentials", credentials)):
            if text is not None:
                (self.aws / name).write_text(filled(text))
                (self.aws / name).chmod(0o600)
        if token is not None:
            self.token.write_text(token)
            self.token.chmod(0o600)

    def environment(self):
        # Neither file is named: both are looked for in the home folder.
        return {**self.programs.environment(), **self.variables}

    def doctor(self, *arguments):
        return self.programs.rolecall("doctor", *arguments, env=self.environment())

    def told(self, *arguments):
        finished = self.doctor("--offline", "--output", "json", *arguments)
        assert finished.code in (0, 9), finished
        return json.loads(finished.stdout)

    def boto3(self, profile="", freeze=False):
        return self.programs.python(BOTO3, profile, "freeze" if freeze else "", env=self.environment()).json()


@pytest.fixture
def machine(programs):
    return Machine(programs)


def python_chain(told):
    return next(chain for chain in told["chains"] if chain["family"] == "python")


def decisive(chain):
    return next((one for one in chain["candidates"] if one["verdict"] in ("used", "fails")), None)


def codes(told, severity=None):
    return {one["code"] for one in told["findings"] if severity in (None, one["severity"])}


def jwt(**claims):
    import jwt as pyjwt

    return pyjwt.encode({"iss": "https://issuer.example", "aud": "sts.amazonaws.com", "sub": "s", **claims}, "k" * 32, algorithm="HS256")


def fresh():
    return jwt(iat=int(time.time()), exp=int(time.time()) + 3600)


def old():
    return jwt(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600)


CASES = {
    "nothing": ({}, {"RD1131"}),
    "keys in the environment": ({"variables": KEYS}, {"RD1004"}),
    "half a pair": ({"variables": {"AWS_ACCESS_KEY_ID": KEY}}, {"RD1002"}),
    "half a pair before a profile": (
        {"variables": {"AWS_ACCESS_KEY_ID": KEY}, "credentials": f"[default]\n{FILE_KEYS}"},
        {"RD1002"},
    ),
    "a secret alone": ({"variables": {"AWS_SECRET_ACCESS_KEY": CANARY}}, {"RD1002", "RD1131"}),
    "old keys before a token": ({"variables": {**KEYS, **WEB}, "token": fresh}, {"RD1001", "RD1004"}),
    "a session's key without its token": ({"variables": {**KEYS, "AWS_ACCESS_KEY_ID": SESSION_KEY}}, {"RD1005"}),
    "a session that ended": (
        {"variables": {**KEYS, "AWS_ACCESS_KEY_ID": SESSION_KEY, "AWS_SESSION_TOKEN": "x", "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}},
        {"RD1003"},
    ),
    "a token": ({"variables": WEB, "token": fresh}, set()),
    "a token's file that is not there": ({"variables": WEB}, {"RD1030"}),
    "a token without a role": ({"variables": {"AWS_WEB_IDENTITY_TOKEN_FILE": "{token}"}, "token": fresh}, {"RD1040"}),
    "a role that begins with keys that are not there": (
        {"config": f"[default]\nrole_arn = {ROLE}\ncredential_source = Environment\n"},
        {"RD1027"},
    ),
    "a token of a profile": ({"config": f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {{token}}\n", "token": fresh}, set()),
    "a token's path with `~`": (
        {"config": f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = ~/token\n", "token": fresh},
        {"RD1030", "RD1039"},
    ),
    "a profile that is not there": ({"variables": {"AWS_PROFILE": "wrok"}, "config": "[profile work]\nregion = eu-west-1\n"}, {"RD1006"}),
    "a header without `profile`": ({"variables": {"AWS_PROFILE": "work"}, "config": f"[work]\n{FILE_KEYS}"}, {"RD1006", "RD1010"}),
    "`profile` in the credentials file": (
        {"variables": {"AWS_PROFILE": "work"}, "credentials": f"[profile work]\n{FILE_KEYS}"},
        {"RD1006", "RD1011"},
    ),
    "keys in the credentials file": ({"credentials": f"[default]\n{FILE_KEYS}"}, {"RD1004"}),
    "keys in the configuration": ({"config": f"[default]\n{FILE_KEYS}"}, {"RD1004"}),
    "half a pair in the file": ({"credentials": f"[default]\naws_access_key_id = {KEY}\n"}, {"RD1013"}),
    "a role without a source": ({"config": f"[default]\nrole_arn = {ROLE}\n"}, {"RD1020"}),
    "a role with two sources": (
        {"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = b\ncredential_source = Environment\n[profile b]\n{FILE_KEYS}"},
        {"RD1020"},
    ),
    "a role from nowhere": ({"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = bsae\n[profile base]\n{FILE_KEYS}"}, {"RD1021"}),
    "roles in a circle": (
        {"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE_B}\nsource_profile = default\n"},
        {"RD1021"},
    ),
    "a source that is none": ({"config": f"[default]\nrole_arn = {ROLE}\ncredential_source = Enviroment\n"}, {"RD1023"}),
    "a role with keys": ({"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\n{FILE_KEYS}"}, {"RD1004"}),
    "a role that begins with its own keys": ({"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n{FILE_KEYS}"}, {"RD1004"}),
    "a role before keys of its profile": (
        {"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\n{FILE_KEYS}", "credentials": f"[default]\n{FILE_KEYS}"},
        {"RD1004"},
    ),
    "a program that is not there": ({"config": "[default]\ncredential_process = /nowhere/fetch now\n"}, {"RD1110"}),
    "keys before a program": ({"config": "[default]\ncredential_process = /nowhere/fetch\n", "credentials": f"[default]\n{FILE_KEYS}"}, {"RD1110", "RD1004"}),
    "a section that is there twice": ({"config": "[default]\nregion = eu-west-1\n[default]\nregion = eu-west-1\n"}, {"RD1012"}),
    "a setting that is there twice": ({"config": f"[default]\nregion = eu-west-1\nregion = eu-west-1\n{FILE_KEYS}"}, {"RD1012"}),
    "a line that is none": ({"config": f"[default]\nregion\n{FILE_KEYS}"}, {"RD1012"}),
    "a setting before any section": ({"config": f"region = eu-west-1\n[default]\n{FILE_KEYS}"}, {"RD1012"}),
    "a container that is refused": ({"variables": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.255.255.1/x"}}, {"RD1071"}),
    "keys beside a profile by name": ({"variables": {**KEYS, "AWS_PROFILE": "work"}, "config": f"[profile work]\n{FILE_KEYS}"}, {"RD1007", "RD1004"}),
}


@pytest.mark.parametrize("name", CASES)
def test_it_names_what_boto3_takes(machine, name):
    set_up, expected = CASES[name]
    set_up = {what: value() if callable(value) else value for what, value in set_up.items()}
    machine.set_up(**set_up)
    told = machine.told()
    assert expected <= codes(told), codes(told)
    # What is not expected would be a false alarm.
    assert codes(told, "error") <= expected, told["findings"]
    chain = python_chain(told)
    one = decisive(chain)
    # A container's address that is refused is found by asking.
    failing = chain["stopped"] is not None or (one is not None and one["verdict"] == "fails")
    really = machine.boto3(freeze=failing or one is None)
    if name == "a container that is refused":
        assert "error" in machine.boto3(freeze=True) and one["source"] == "container"
    elif failing:
        assert "error" in really, (really, chain)
    elif one is None:
        assert really == {"method": None}
    else:
        assert really == {"method": METHODS[one["source"]]}, chain
    text = machine.doctor("--offline")
    assert CANARY not in text.stdout + text.stderr + json.dumps(told)
    assert text.code == (9 if codes(told, "error") | codes(told, "warning") else 0)


def test_a_profile_by_name_comes_before_the_environment(machine):
    machine.set_up({**KEYS, **WEB}, config=f"[profile work]\n{FILE_KEYS}", token=fresh())
    chain = python_chain(machine.told("--profile", "work"))
    assert decisive(chain)["source"] == "config-file-keys"
    assert machine.boto3("work") == {"method": "config-file"}
    listed = machine.programs.aws("configure", "list", "--profile", "work", env=machine.environment())
    assert "config-file" in listed.done().stdout


def test_an_expired_token_is_told_before_sts_is_asked(machine):
    machine.set_up(WEB, token=old())
    told = machine.told()
    assert decisive(python_chain(told))["verdict"] == "fails" and "RD1037" in codes(told)


@pytest.fixture
def acme(programs, tmp_path):
    return begin(programs, tmp_path / "acme")


def test_what_it_mends_works_afterwards(acme):
    """A token with a line's end that all may read, and a profile whose header is wrong."""
    machine = Machine(acme.programs)
    token = acme.token()
    config = f"# mine\n[default]\nregion = us-east-1\n\n[reader]\nrole_arn = {ROLE}\nweb_identity_token_file = {{token}}\n"
    machine.set_up({"AWS_PROFILE": "reader", "AWS_ENDPOINT_URL_STS": acme.accounts.url}, config=config, token=token + "\n")
    machine.token.chmod(0o644)
    (machine.aws / "cli" / "cache").mkdir(parents=True)
    cached = machine.aws / "cli" / "cache" / "a.json"
    cached.write_text(json.dumps({"Credentials": {"Expiration": "2020-01-01T00:00:00Z"}}))
    assert "ProfileNotFound" in str(machine.boto3(freeze=True))

    def state():
        files = (machine.token, machine.aws / "config", cached)
        return [(file.exists(), file.exists() and file.read_bytes(), file.exists() and stat.S_IMODE(file.stat().st_mode)) for file in files]

    before = state()
    planned = machine.doctor("--offline", "--fix", "--plan")
    assert planned.code == 9 and state() == before
    # The token's own findings come to light when the profile does.
    for _ in range(2):
        machine.doctor("--offline", "--fix")
    told = machine.told()
    assert codes(told, "error") == set() and codes(told, "warning") == set(), told["findings"]
    after = config.replace("{token}", str(machine.token)).replace("[reader]", "[profile reader]")
    assert (machine.aws / "config").read_text() == after
    beside = machine.aws / "config.before-rolecall-doctor"
    assert beside.read_bytes() == before[1][1] and stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert machine.token.read_text() == token and stat.S_IMODE(machine.token.stat().st_mode) == 0o600
    assert not cached.exists()
    identity = machine.programs.aws("sts", "get-caller-identity", env=machine.environment()).json()
    assert "assumed-role/cube-deployment-acme/" in identity["Arn"]
    text = machine.doctor("--offline")
    assert text.code == 0 and token not in text.stdout
    # Asked over the network, the clock of STS agrees.
    assert "RD1090" not in machine.doctor().stdout and "RD1091" not in machine.doctor().stdout


def test_under_exec_the_container_is_used_and_answers(acme):
    """A program that `rolecall exec` starts has a set-up that is right."""
    doctor = (ROLECALL, "doctor", "--output", "json")
    told = acme.programs.rolecall("exec", "athena", "--config", acme.config, "--", *doctor, env=acme.environment())
    document = json.loads(told.stdout)
    assert decisive(python_chain(document))["source"] == "container", told
    assert codes(document, "error") == set(), document["findings"]


def test_nobody_at_the_container_s_address(machine):
    machine.set_up({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/x", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"})
    told = json.loads(machine.doctor("--output", "json").stdout)
    assert {"RD1073", "RD1091"} <= codes(told)
    assert decisive(python_chain(told))["verdict"] == "fails" and "error" in machine.boto3(freeze=True)


def test_a_file_that_is_no_file(machine):
    machine.set_up(WEB)
    os.mkdir(machine.token)
    told = machine.told()
    assert "RD1031" in codes(told) and "error" in machine.boto3(freeze=True)


def test_a_pipe_is_not_waited_for(machine):
    machine.set_up(WEB)
    os.mkfifo(machine.token)
    os.mkfifo(machine.aws / "config")
    assert {"RD1031", "RD1016"} <= codes(machine.told())


def test_a_plan_without_a_fix_is_a_wrong_argument(machine):
    assert machine.doctor("--plan").code == 2
