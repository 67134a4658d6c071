"""What happens when time passes: tokens and sessions end, and what a program holds is refreshed."""

import json

import pytest
from harness import acme as world
from harness.acme import ROLE
from harness.clock import Clock, libfaketime
from harness.programs import PYTHON, Programs

pytestmark = pytest.mark.skipif(libfaketime() is None, reason="libfaketime is not installed (apt-get install libfaketime)")

HOUR = 3600


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return Clock(tmp_path_factory.mktemp("clock") / "time")


class UnderAClock(Programs):
    """Programs that all see the same clock."""

    clock: Clock

    def environment(self, **more: str) -> dict[str, str]:
        return super().environment(**self.clock.environment(), **more)


@pytest.fixture(scope="module")
def acme(tmp_path_factory, ledger, clock):
    UnderAClock.clock = clock
    programs = UnderAClock(tmp_path_factory.mktemp("time"), ledger)
    yield world.begin(programs, programs.folder / "acme")
    programs.close()


@pytest.fixture(autouse=True)
def now(clock):
    """Each test begins now."""
    clock.ahead(0)


IDENTITY = """
import boto3, botocore.exceptions, json
try:
    print(json.dumps(["", boto3.client("sts").get_caller_identity()["Arn"]]))
except botocore.exceptions.ClientError as refused:
    status = refused.response["ResponseMetadata"]["HTTPStatusCode"]
    print(json.dumps([refused.response["Error"]["Code"], status]))
"""


def test_a_session_ends(acme, clock):
    keys = acme.rolecall("credentials", "athena", "--format", "process", prints_secrets=True).json()
    environment = acme.environment(
        AWS_ACCESS_KEY_ID=keys["AccessKeyId"], AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"], AWS_SESSION_TOKEN=keys["SessionToken"]
    )
    clock.ahead(HOUR - 60)
    assert acme.programs.python(IDENTITY, env=environment).json()[0] == ""
    clock.ahead(HOUR + 1)
    assert acme.programs.python(IDENTITY, env=environment).json() == ["ExpiredToken", 403]


def test_a_token_ends_with_five_minutes_of_leeway(acme, clock, tmp_path):
    token = acme.token()
    exchange = [
        "sts", "assume-role-with-web-identity", "--role-arn", ROLE, "--role-session-name", "late",
        "--web-identity-token", token,
    ]  # fmt: skip
    clock.ahead(HOUR + 290)
    acme.programs.aws(*exchange, env=acme.environment(), prints_secrets=True).done()
    clock.ahead(HOUR + 305)
    late = acme.programs.aws(*exchange, env=acme.environment())
    assert late.code != 0
    assert "ExpiredTokenException" in late.stderr
    assert "must be before the expiration date/time" in late.stderr


def test_a_session_outlives_the_token_that_it_came_from(acme, clock):
    """`exp` bounds the exchange, not the session."""
    token = acme.token()
    clock.ahead(HOUR - 60)
    answer = acme.programs.aws(
        "sts", "assume-role-with-web-identity", "--role-arn", ROLE, "--role-session-name", "long",
        "--web-identity-token", token, env=acme.environment(), prints_secrets=True,
    ).json()  # fmt: skip
    keys = answer["Credentials"]
    environment = acme.environment(
        AWS_ACCESS_KEY_ID=keys["AccessKeyId"], AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"], AWS_SESSION_TOKEN=keys["SessionToken"]
    )
    clock.ahead(HOUR + 1800)
    assert acme.programs.python(IDENTITY, env=environment).json()[0] == ""


# Asks the endpoint twice at once, then again when the session is nearly over.
ASKS = """
import json, os, sys, urllib.request
def key():
    token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN") or open(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read()
    request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token})
    return json.load(urllib.request.urlopen(request))["AccessKeyId"]
seen = [key(), key()]
file = os.environ["FAKETIME_TIMESTAMP_FILE"]
with open(file + ".child", "w") as new:
    new.write("+3000")
os.replace(file + ".child", file)
print(json.dumps(seen + [key()]))
"""


def test_the_endpoint_of_exec_hands_out_a_new_session_before_the_old_one_ends(acme):
    asked = acme.programs.rolecall(
        "exec", "athena", "--config", acme.config, "--", PYTHON, "-c", ASKS, env=acme.environment()
    )
    first, again, later = json.loads(asked.done().stdout)
    assert first == again
    assert later != first
