"""Every printed form of credentials, read by the program that it is for, opens the same session."""

import io
import json

import boto3
import dotenv
import pytest
from harness.programs import AWS, PYTHON

SESSION = "arn:aws:sts::123456789012:assumed-role/cube-deployment-acme/cube-api-rolecall"
IDENTITY = 'import boto3, json; print(json.dumps(boto3.client("sts").get_caller_identity()["Arn"]))'
VARIABLES = 'import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith("AWS_")}))'


def printed(acme, form, *arguments, connection="athena", **options):
    return acme.rolecall("credentials", connection, "--format", form, *arguments, prints_secrets=True, **options)


@pytest.mark.parametrize(("shell", "script"), [
    ("sh", 'eval "$(cat)"; exec "$@"'),
    ("fish", "source; exec $argv"),
])  # fmt: skip
def test_a_shell_has_the_session(acme, shell, script):
    form = printed(acme, "env" if shell == "sh" else shell).done().stdout
    first = [shell, "-c", script, *(["sh"] if shell == "sh" else [])]
    by_cli = acme.programs.run(
        *first, PYTHON, AWS, "--output", "json", "sts", "get-caller-identity", env=acme.environment(), stdin=form
    )
    by_boto3 = acme.programs.run(*first, PYTHON, "-c", IDENTITY, env=acme.environment(), stdin=form)
    assert by_cli.json()["Arn"] == by_boto3.json() == SESSION


@pytest.mark.parametrize("shell", ["sh", "fish"])
def test_old_programs_find_the_old_name(acme, shell):
    form = printed(acme, "env" if shell == "sh" else shell, "--legacy-security-token").done().stdout
    script = 'eval "$(cat)"; exec "$@"' if shell == "sh" else "source; exec $argv"
    names = acme.programs.run(
        shell, "-c", script, *(["sh"] if shell == "sh" else []), PYTHON, "-c", VARIABLES,
        env=acme.environment(), stdin=form, prints_secrets=True,
    ).json()  # fmt: skip
    assert names["AWS_SECURITY_TOKEN"] == names["AWS_SESSION_TOKEN"] != ""
    assert "AWS_SECURITY_TOKEN" not in printed(acme, "env").done().stdout


def test_dotenv_libraries_read_it(acme):
    read = dotenv.dotenv_values(stream=io.StringIO(printed(acme, "dotenv").done().stdout))
    keys = {name.lower(): read[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")}
    sts = boto3.session.Session(**keys).client("sts", region_name=read["AWS_REGION"], endpoint_url=acme.accounts.url)
    assert sts.get_caller_identity()["Arn"] == SESSION


@pytest.mark.parametrize("arguments", [(), ("--legacy-security-token",)])
def test_a_section_of_the_credentials_file_is_read(acme, tmp_path, arguments):
    file = tmp_path / "credentials"
    file.write_text(printed(acme, "profile", *arguments).done().stdout)
    environment = acme.environment(AWS_SHARED_CREDENTIALS_FILE=str(file), AWS_PROFILE="athena")
    by_cli = acme.programs.aws("sts", "get-caller-identity", env=environment).json()["Arn"]
    by_boto3 = acme.programs.python(IDENTITY, env=environment).json()
    assert by_cli == by_boto3 == SESSION


def test_later_steps_of_a_github_job_have_the_session(acme, tmp_path):
    file = tmp_path / "github-env"
    # Somebody before us forgot the line's end.
    file.write_text("BEFORE=1")
    log = printed(acme, "github", env=acme.programs.environment(GITHUB_ENV=str(file))).done().stdout
    variables = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert variables.pop("BEFORE") == "1"
    assert log.splitlines() == [
        f"::add-mask::{variables[name]}"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    ]
    step = acme.programs.python(IDENTITY, env=acme.environment(**variables))
    assert step.json() == SESSION


def test_outside_a_job_there_is_nowhere_to_export_to(acme):
    before = len(acme.accounts.records())
    refused = printed(acme, "github")
    assert refused.code == 2 and "GITHUB_ENV" in refused.stderr
    # No credentials were got in vain.
    assert len(acme.accounts.records()) == before


@pytest.mark.parametrize("form", ["json", "process"])
def test_forms_whose_members_are_fixed_take_no_old_name(acme, form):
    refused = printed(acme, form, "--legacy-security-token")
    assert refused.code == 2 and "AWS_SECURITY_TOKEN" in refused.stderr and refused.stdout == ""


def test_powershell_is_written_by_its_quoting_rules(acme):
    lines = printed(acme, "powershell").done().stdout.splitlines()
    assert all(line.startswith("$Env:AWS_") and " = '" in line and line.endswith("'") for line in lines)
    assert json.dumps(lines).count("AWS_SESSION_TOKEN") == 1
