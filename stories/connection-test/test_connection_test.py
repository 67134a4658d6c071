"""`rolecall connection test`: each step with what was presented and answered, the reason of a denial,
and patience where IAM may only be late."""

import json
import re

import pytest
from harness.account import ACCOUNT, OTHER_ACCOUNT, federated, policy, role_arn
from harness.acme import EXTERNAL_ID, ISSUER, READER, ROLE
from harness.programs import ROLECALL, wait_until

PATIENT = ("--wait", "--wait-pause", "50")


def tried(acme, connection, *arguments, config=None):
    """The exit code, the report and standard error of one trial."""
    finished = acme.programs.rolecall(
        "connection", "test", connection, *arguments, "--output", "json", "--config", config or acme.config
    )
    return finished.code, json.loads(finished.stdout), finished.stderr


def verdicts(report):
    return [(step["name"], step["verdict"]) for step in report["steps"]]


def step(report, name):
    return next(step for step in report["steps"] if step["name"] == name)


def test_what_works_is_told_step_by_step(acme):
    code, report, _ = tried(acme, "reader")
    assert code == 0 and report["verdict"] == "passed" and "failure" not in report
    assert verdicts(report) == [(name, "passed") for name in ("token", "exchange", "hop-1", "caller-identity")]
    presented = step(report, "token")["details"]
    assert (presented["iss"], presented["aud"]) == (ISSUER, "sts.amazonaws.com")
    assert presented["sub"] == "cube:deployment:42:component:cube_api"
    assert step(report, "exchange")["details"]["role"] == ROLE
    assert step(report, "hop-1")["details"]["role"] == READER
    arn = step(report, "caller-identity")["details"]["arn"]
    assert arn == "arn:aws:sts::222222222222:assumed-role/Reader/cube-api-rolecall"
    # What AWS would say: the trail has the very calls.
    calls = [record["requestID"] for record in acme.accounts.records()]
    assert step(report, "hop-1")["details"]["request_id"] in calls


def test_a_person_reads_the_same(acme):
    told = acme.rolecall("connection", "test", "tagged").done()
    lines = [re.sub(r" +", " ", line).strip() for line in told.stdout.splitlines()]
    for line in (
        "passed token", f"iss {ISSUER}", "session_tags team=data", "transitive_tag_keys team",
        "source_identity cube-api", "passed exchange", "passed caller-identity", "`tagged` works",
    ):  # fmt: skip
        assert line in lines, f"{line} is not in:\n{told.stdout}"
    # In a pipe nothing moves.
    assert told.stderr == ""


def test_an_attribute_is_presented(acme):
    code, report, _ = tried(acme, "store", "--attribute", "component=cube_store")
    assert code == 0
    assert step(report, "token")["details"]["sub"].endswith(":cube_store")


def test_neither_token_nor_keys_nor_external_ids_are_printed(acme):
    for output in ("json", "text"):
        told = acme.rolecall("connection", "test", "reader", "--output", output).done()
        assert not re.search(r"ey[\w-]{20,}\.|ASIA\w{8,}", told.stdout + told.stderr)
        assert EXTERNAL_ID not in told.stdout + told.stderr
        assert "sent, not shown" in told.stdout


def test_a_wrong_subject_is_explained_with_its_mend(acme):
    code, report, stderr = tried(acme, "store")
    assert code == 5 and report["verdict"] == "failed"
    assert verdicts(report) == [("token", "passed"), ("exchange", "failed"), ("caller-identity", "not_reached")]
    assert step(report, "exchange")["details"]["error"]["code"] == "AccessDenied"
    failure = report["failure"]
    assert (failure["code"], failure["exit_code"]) == ("DeniedByAws", 5)
    notes = "\n".join(failure["notes"])
    assert "presented: iss" in notes
    assert "actual    cube:deployment:42:component:cube_api" in notes
    assert failure["hints"]
    # And on standard error as `credentials` has it.
    assert "trust policy" in stderr and "hint:" in stderr


def test_a_wrong_audience_is_no_matter_of_patience(acme):
    code, report, stderr = tried(acme, "wrong-audience", *PATIENT)
    assert code == 5
    assert step(report, "token")["details"]["aud"] == "https://example.com"
    failed = step(report, "exchange")
    assert (failed["verdict"], failed["tries"]) == ("failed", 1)
    assert failed["details"]["error"]["code"] == "InvalidIdentityToken"
    assert "client ID" in report["failure"]["hints"][0]
    assert "trying again" not in stderr


def test_a_missing_provider_may_only_be_late(acme):
    code, report, stderr = tried(acme, "no-provider", *PATIENT)
    assert code == 5
    failed = step(report, "exchange")
    assert (failed["verdict"], failed["tries"]) == ("failed", 6)
    assert "(5 of 5)" in stderr and "trying again in 0.05 s" in stderr
    assert any("provider" in hint for hint in report["failure"]["hints"])
    without_patience = tried(acme, "no-provider")[1]
    assert step(without_patience, "exchange")["tries"] == 1


def test_a_denied_hop_is_named(acme):
    code, report, _ = tried(acme, "reader-wrong-id")
    assert code == 5
    assert verdicts(report) == [
        ("token", "passed"), ("exchange", "passed"), ("hop-1", "failed"), ("caller-identity", "not_reached"),
    ]  # fmt: skip
    assert step(report, "hop-1")["details"]["error"]["code"] == "AccessDenied"
    assert "sts:ExternalId" in "\n".join(report["failure"]["notes"])


def test_sts_that_is_away(acme):
    code, report, _ = tried(acme, "no-sts", *PATIENT)
    assert code == 6
    failed = step(report, "exchange")
    assert failed["tries"] == 1 and "cannot be reached" in failed["details"]["error"]["message"]


def test_an_issuer_that_is_away(acme):
    code, report, _ = tried(acme, "athena", config=acme.config_without_issuer)
    assert code == 6
    assert verdicts(report) == [("token", "failed"), ("exchange", "not_reached"), ("caller-identity", "not_reached")]


def test_an_issuer_that_refuses(acme):
    code, report, _ = tried(acme, "not-mine")
    assert code == 4
    assert report["failure"]["code"] == "RefusedByIssuer"
    assert step(report, "token")["verdict"] == "failed"


def late(acme, connection, happens):
    """A patient trial during which something happens, once it has been denied twice."""
    running = acme.programs.start(
        ROLECALL, "connection", "test", connection, "--wait", "--wait-pause", "1000", "--output", "json",
        "--config", acme.config, name=f"connection-test-{connection}",
    )  # fmt: skip
    wait_until(lambda: "(2 of 5)" in running.stderr.read_text(), "it was denied twice")
    happens()
    running.process.wait(timeout=20)
    assert running.process.returncode == 0, running.stderr.read_text()
    return json.loads(running.stdout.read_text())


def test_a_role_that_appears_later_is_waited_for(acme):
    trust = policy(federated(ISSUER, {"StringEquals": {"aud": "sts.amazonaws.com"}}))
    iam = acme.accounts.admin("iam")
    report = late(
        acme, "late", lambda: iam.create_role(RoleName="late", AssumeRolePolicyDocument=json.dumps(trust))
    )
    assert report["verdict"] == "passed"
    assert 3 <= step(report, "exchange")["tries"] <= 6
    assert step(report, "token")["tries"] == 1


def test_a_hop_that_appears_later_is_waited_for(acme):
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"})
    iam = acme.accounts.admin("iam", OTHER_ACCOUNT)
    report = late(
        acme, "late-hop", lambda: iam.create_role(RoleName="LateReader", AssumeRolePolicyDocument=json.dumps(trust))
    )
    # The steps before it are not taken again.
    assert step(report, "exchange")["tries"] == 1
    assert step(report, "hop-1")["tries"] >= 3
    assert step(report, "caller-identity")["details"]["account"] == OTHER_ACCOUNT


@pytest.mark.parametrize("command", ["test", "show"])
def test_a_mistyped_name_offers_the_nearest(acme, command):
    refused = acme.rolecall("connection", command, "athina")
    assert refused.code == 3
    assert "`athena`" in refused.stderr and refused.stdout == ""


def test_connections_are_listed_and_shown(acme):
    listed = acme.rolecall("connection", "list").done().stdout
    assert listed.splitlines()[0].split() == ["NAME", "ROLE", "HOPS", "LASTS", "TOKEN"]
    reader = next(line for line in listed.splitlines() if line.startswith("reader "))
    assert reader.split()[1:5] == [ROLE, "1", "900", "s"]
    every = acme.rolecall("connection", "list", "--output", "json").json()["connections"]
    assert {"athena", "reader", "archive"} <= {one["name"] for one in every}
    shown = acme.rolecall("connection", "show", "reader").done().stdout
    assert READER in shown and "external id sent" in shown and EXTERNAL_ID not in shown
    one = acme.rolecall("connection", "show", "reader", "--output", "json").json()
    assert one["hops"] == [{"role": READER, "duration_seconds": 900, "external_id_sent": True}]
    assert one["role"] == ROLE and one["role"].split(":")[4] == ACCOUNT
    assert role_arn("Reader", OTHER_ACCOUNT) == READER
