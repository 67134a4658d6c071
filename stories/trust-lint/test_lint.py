"""Seeded faults, found by the program in every language, and read from SARIF by a program that
nobody here wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

MUTATION = Path(__file__).parents[1] / "trust-mutation"
sys.path.insert(0, str(MUTATION))

from forms import FORMS  # noqa: E402
from setups import SETUPS, changed  # noqa: E402

GITHUB = next(one for one in SETUPS if one.name == "github-deploy")
PREFIX = GITHUB.prefix


def broken(change) -> dict:
    """A policy that is right but for a change of its first statement."""
    policy, statement = changed(GITHUB.policy())
    statement["Condition"] = {
        "StringEquals": {f"{PREFIX}:aud": "sts.amazonaws.com", f"{PREFIX}:sub": "repo:octo@1/app@2:environment:prod"}
    }
    change(policy, statement)
    return policy


def conditions(**operators):
    def change(_, statement):
        for operator, keys in operators.items():
            for key, value in keys.items():
                statement["Condition"]["StringEquals"].pop(key, None)
                statement["Condition"].setdefault(operator.replace("_", ":"), {})[key] = value

    return change


FAULTS = {
    "RC1001": lambda _, one: one["Condition"]["StringEquals"].pop(f"{PREFIX}:sub"),
    "RC1002": lambda _, one: one["Condition"]["StringEquals"].pop(f"{PREFIX}:aud"),
    "RC1003": conditions(StringLike={f"{PREFIX}:sub": "repo:*"}),
    "RC1004": conditions(StringLike={f"{PREFIX}:sub": "repo:octo*"}),
    "RC1006": conditions(StringLike={f"{PREFIX}:sub": "repo:octo@1/app@2:*"}),
    "RC1007": conditions(ForAllValues_StringLike={f"{PREFIX}:sub": "repo:octo@1/app@2:environment:*"}),
    "RC1008": conditions(StringEqualsIfExists={f"{PREFIX}:sub": "repo:octo@1/app@2:environment:prod"}),
    "RC1011": conditions(StringLike={f"{PREFIX}:aud": "sts.*"}),
    "RC1012": lambda _, one: one.update(Principal={"AWS": "*"}, Action="sts:AssumeRole"),
    "RC2001": lambda _, one: one["Condition"]["StringEquals"].update({f"{PREFIX}:sub": "repo:octo/app:*"}),
    "RC2003": lambda _, one: one["Condition"]["StringEquals"].update({f"{PREFIX}:sub": "octo/app"}),
    "RC2004": lambda _, one: one.update(Condition={"StringEquals": {f"https://{PREFIX}:aud": "a", f"{PREFIX}:sub": "b"}}),
    "RC2005": lambda _, one: one["Condition"]["StringEquals"].update({f"{PREFIX}:iss": GITHUB.issuer}),
    "RC2006": lambda _, one: one["Condition"]["StringEquals"].update({"sts:ExternalId": "x"}),
    "RC2008": lambda _, one: one.update(Action="sts:AssumeRole"),
    "RC2009": lambda _, one: one["Condition"]["StringEquals"].update({"aws:RequestTag/team": "data"}),
    "RC2017": lambda _, one: one["Condition"]["StringEquals"].update(
        {f"{PREFIX}:sub": [f"repo:octo@1/app@2:environment:{number:0100}" for number in range(30)]}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_fault_is_found_in_every_form(programs, form):
    for code, change in FAULTS.items():
        file, text = FORMS[form](broken(change), "deploy")
        path = programs.folder / file
        path.write_text(text)
        ended = programs.rolecall("trust", "lint", path, "--output", "json")
        assert ended.code == 9, f"{code} in {form}: {ended.stdout}{ended.stderr}"
        findings = json.loads(ended.stdout)["findings"]
        assert code in {finding["code"] for finding in findings}, f"{code} in {form}: {findings}"
        lines = len(text.splitlines())
        for finding in findings:
            assert 1 <= finding["start"]["line"] <= finding["end"]["line"] <= lines + 1
    right = programs.folder / FORMS[form](broken(lambda *_: None), "deploy")[0]
    right.write_text(FORMS[form](broken(lambda *_: None), "deploy")[1])
    ended = programs.rolecall("trust", "lint", right, "--fail-on", "note")
    assert ended.code == 0 and ended.stdout == "", ended.stdout


def test_permission_policies_beside(programs):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "rds-db:connect", "Resource": "arn:aws:rds-db:eu-west-1:123456789012:dbuser/db-A/app"},
            {"Effect": "Allow", "Action": ["bedrock:Converse", "bedrock:InvokeModel"], "Resource": "*"},
        ],
    }
    path = programs.folder / "permissions.json"
    path.write_text(json.dumps(policy, indent=2))
    findings = programs.rolecall("trust", "lint", path, "--output", "json", "--fail-on", "never").json()["findings"]
    assert [(one["code"], one["start"]["line"]) for one in findings] == [("RC3001", 7), ("RC3002", 12)]


def test_sarif_is_read_by_others(programs):
    folder = programs.folder / "infra"
    folder.mkdir()
    for number, change in enumerate(FAULTS.values()):
        (folder / f"{number}.json").write_text(json.dumps(broken(change), indent=2))
    ended = programs.rolecall("trust", "lint", "infra", "--output", "sarif")
    assert ended.code == 9
    (programs.folder / "rolecall.sarif").write_text(ended.stdout)
    sarif = Path(sys.executable).with_name("sarif")
    listed = programs.run(sarif, "summary", "rolecall.sarif").done().stdout
    for code in ("RC1003", "RC2001"):
        assert code in listed, listed
    programs.run(sarif, "csv", "rolecall.sarif", "--output", "rolecall.csv").done()
    rows = (programs.folder / "rolecall.csv").read_text(encoding="utf-8-sig").splitlines()
    counted = len([one for one in json.loads(ended.stdout)["runs"][0]["results"]])
    assert len(rows) == counted + 1
    assert any("infra/2.json" in row and "RC1003" in row for row in rows)


def test_suppressions_and_what_fails(programs):
    policy = broken(FAULTS["RC1006"])
    file, text = FORMS["terraform-document"](policy, "deploy")
    path = programs.folder / file
    lines = text.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "repo:octo" in line)
    lines.insert(at, "      # rolecall:ignore RC1006 reason: the repository takes no pull requests\n")
    path.write_text("".join(lines))
    ended = programs.rolecall("trust", "lint", path)
    assert ended.code == 0 and "1 left out with a reason" in ended.stderr, ended.stdout + ended.stderr
    path.write_text(text)
    assert programs.rolecall("trust", "lint", path).code == 9
    assert programs.rolecall("trust", "lint", path, "--fail-on", "security").code == 0
    assert programs.rolecall("trust", "lint", path, "--ignore", "RC1006=no pull requests").code == 0
    ended = programs.rolecall("trust", "lint", path, "--ignore", "RC1006")
    assert ended.code == 2 and "say why" in ended.stderr
    ended = programs.rolecall("trust", "lint", "--explain", "RC104")
    assert ended.code == 2 and "RC1004" in ended.stderr


def test_what_cannot_be_read_is_a_finding_with_its_place(programs):
    for name, text, line in [
        ("a.json", '{"Statement": [{"Action": "sts:AssumeRole",}]}', 1),
        ("a.yaml", "Statement:\n  - Action: [sts:AssumeRole\n", 2),
        ("a.tf", 'resource "aws_iam_role" "x" {\n  assume_role_policy = \n}\n', 2),
        ("b.json", '{"Statement": [{"Efect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}', 1),
    ]:
        path = programs.folder / name
        path.write_text(text)
        ended = programs.rolecall("trust", "lint", path, "--output", "json")
        assert ended.code == 9, ended.stderr
        finding = json.loads(ended.stdout)["findings"][0]
        assert (finding["code"], finding["start"]["line"]) == ("RC9001", line), finding
