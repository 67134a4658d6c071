"""`rolecall profiles`: the aws CLI and boto3 find every connection by its profile, and the user's own
file is kept to the byte."""

import os
import stat

import botocore.configloader
import botocore.exceptions
import pytest
from harness.programs import ROLECALL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IDENTITY = 'import boto3, json; print(json.dumps(boto3.client("sts").get_caller_identity()["Arn"]))'
ROLE_SESSION = "arn:aws:sts::123456789012:assumed-role/cube-deployment-acme/cube-api-rolecall"
OURS = """\
# dotfiles, do not touch
[default]
region = eu-west-1
s3 =
    addressing_style = path

[profile mine]
output = json
aws_secret_access_key = canary-of-the-user"""


@pytest.fixture
def aws_config(tmp_path):
    return tmp_path / "aws-config"


def write(acme, aws_config, *arguments):
    return acme.rolecall("profiles", "write", "--aws-config", aws_config, *arguments)


def remove(acme, aws_config, *arguments):
    return acme.programs.rolecall("profiles", "remove", "--aws-config", aws_config, *arguments)


def identities(acme, profile, **more):
    environment = acme.environment(AWS_PROFILE=profile, **more)
    by_cli = acme.programs.aws("sts", "get-caller-identity", env=environment).json()["Arn"]
    return by_cli, acme.programs.python(IDENTITY, env=environment).json()


@pytest.mark.parametrize(("profile", "session"), [("athena", ROLE_SESSION), ("reader", "assumed-role/Reader/")])
def test_the_aws_cli_and_boto3_use_a_written_profile(acme, aws_config, profile, session):
    aws_config.write_text(OURS)
    write(acme, aws_config).done()
    for arn in identities(acme, profile, AWS_CONFIG_FILE=str(aws_config)):
        assert session in arn
    # The user's own profile is what it was.
    loaded = botocore.configloader.load_config(str(aws_config))["profiles"]
    assert loaded["mine"]["output"] == "json" and loaded["default"]["s3"] == {"addressing_style": "path"}
    assert loaded["reader"]["region"] == "us-east-1"


def test_the_file_in_the_home_folder_is_the_default(acme, programs):
    written = acme.programs.run(
        ROLECALL, "profiles", "write", "--config", acme.config.name, "--prefix", "work-",
        env=programs.environment(), cwd=acme.config.parent,
    )  # fmt: skip
    home = programs.home / ".aws" / "config"
    assert str(home) in written.done().stdout
    # The configuration file was named from its own folder, the program is run from anywhere.
    assert identities(acme, "work-athena", HOME=str(programs.home)) == (ROLE_SESSION, ROLE_SESSION)
    assert stat.S_IMODE(home.stat().st_mode) == 0o600 and stat.S_IMODE(home.parent.stat().st_mode) == 0o700


def test_paths_with_spaces_and_quotes_are_run(acme, tmp_path, aws_config):
    folder = tmp_path / "it's my $HOME"
    folder.mkdir()
    program, config = folder / "rolecall", folder / "config of `mine`.yaml"
    program.symlink_to(ROLECALL)
    config.write_text(acme.config.read_text())
    acme.programs.run(program, "profiles", "write", "--config", config, "--aws-config", aws_config).done()
    # A link to the program stays one: a new version behind it is found.
    assert "my $HOME/rolecall" in aws_config.read_text()
    assert identities(acme, "athena", AWS_CONFIG_FILE=str(aws_config)) == (ROLE_SESSION, ROLE_SESSION)


def test_a_second_run_changes_nothing_and_a_gone_connection_disappears(acme, tmp_path, aws_config):
    aws_config.write_text(OURS)
    write(acme, aws_config).done()
    once = aws_config.read_bytes()
    before = aws_config.stat()
    again = write(acme, aws_config).done()
    assert aws_config.read_bytes() == once and "as before" in again.stdout
    assert (aws_config.stat().st_ino, aws_config.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write(acme, aws_config, "--plan").done().stdout == ""
    fewer = tmp_path / "fewer.yaml"
    text = acme.config.read_text()
    fewer.write_text(text.replace("  reader:\n", "  renamed:\n"))
    acme.programs.rolecall("profiles", "write", "--config", fewer, "--aws-config", aws_config).done()
    profiles = botocore.configloader.load_config(str(aws_config))["profiles"]
    assert "reader" not in profiles and {"renamed", "mine", "default"} <= set(profiles)
    remove(acme, aws_config).done()
    assert aws_config.read_text() == OURS


def test_the_aws_cli_edits_around_the_block(acme, aws_config):
    aws_config.write_text("[profile mine]\noutput = json\n")
    write(acme, aws_config).done()
    environment = acme.programs.environment(AWS_CONFIG_FILE=str(aws_config))
    for profile in ("mine", "new"):
        acme.programs.aws("configure", "set", "region", "eu-west-3", "--profile", profile, env=environment).done()
    edited = aws_config.read_bytes()
    assert "as before" in write(acme, aws_config).done().stdout
    assert aws_config.read_bytes() == edited
    # What it adds to a profile of ours is ours to replace.
    acme.programs.aws("configure", "set", "output", "text", "--profile", "tagged", env=environment).done()
    write(acme, aws_config).done()
    assert aws_config.read_bytes() == edited
    remove(acme, aws_config).done()
    profiles = botocore.configloader.load_config(str(aws_config))["profiles"]
    assert profiles == {"mine": {"output": "json", "region": "eu-west-3"}, "new": {"region": "eu-west-3"}}


def test_a_plan_prints_the_difference_and_changes_nothing(acme, aws_config):
    aws_config.write_text(OURS)
    planned = write(acme, aws_config, "--plan")
    assert planned.code == 9 and aws_config.read_text() == OURS
    assert "+[profile reader]" in planned.stdout and "canary-of-the-user" not in planned.stdout
    as_json = write(acme, aws_config, "--output", "json").json()
    assert as_json["changed"] and "reader" in as_json["profiles"] and "canary-of-the-user" not in as_json["diff"]
    assert remove(acme, aws_config, "--plan").code == 9
    assert "[profile reader]" in aws_config.read_text()


def test_a_profile_of_the_users_is_never_touched(acme, aws_config, tmp_path):
    mine = "[default]\nregion = x\n\n[profile reader]\nrole_arn = mine\n"
    aws_config.write_text(mine)
    refused = write(acme, aws_config)
    assert refused.code == 7 and aws_config.read_text() == mine
    assert "line 4" in refused.stderr and "`reader`" in refused.stderr and "--prefix" in refused.stderr
    write(acme, aws_config, "--prefix", "work-").done()
    profiles = botocore.configloader.load_config(str(aws_config))["profiles"]
    assert profiles["reader"] == {"role_arn": "mine"} and "work-reader" in profiles
    # Keys of that name in the credentials file would win.
    credentials = tmp_path / "credentials"
    credentials.write_text("[athena]\naws_access_key_id = AKIAEXAMPLE\n")
    refused = acme.rolecall(
        "profiles", "write", "--aws-config", aws_config,
        env=acme.programs.environment(AWS_SHARED_CREDENTIALS_FILE=str(credentials)),
    )  # fmt: skip
    assert refused.code == 7 and f"{credentials}:1:" in refused.stderr


def test_mode_owner_and_links_are_kept(acme, tmp_path):
    real = tmp_path / "dotfiles" / "config"
    real.parent.mkdir()
    real.write_text(OURS)
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 65534, 65534)
    before = real.stat()
    link = tmp_path / "config"
    link.symlink_to("dotfiles/config")
    write(acme, link).done()
    after = real.stat()
    assert link.is_symlink() and after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert real.read_text().startswith(OURS) and os.listdir(real.parent) == ["config"]


def test_a_folder_that_cannot_be_written_leaves_the_file(acme, tmp_path):
    nowhere = tmp_path / "file" / "config"
    (tmp_path / "file").write_text("no folder")
    refused = write(acme, nowhere)
    assert refused.code == 7 and str(nowhere) in refused.stderr


def test_a_profile_of_no_possible_name_is_refused(acme, tmp_path, aws_config):
    config = tmp_path / "odd.yaml"
    config.write_text(acme.config.read_text().replace("  reader:\n", "  the reader:\n"))
    refused = acme.programs.rolecall("profiles", "write", "--config", config, "--aws-config", aws_config)
    assert refused.code == 3 and "`the reader`" in refused.stderr and not aws_config.exists()


LINE = st.one_of(
    st.sampled_from([
        "[default]", "[profile a]", "[profile b]", '[profile "c d"]', "[sso-session s]", "[services t]", "region = x",
        "s3 =", "  addressing_style = path", "\tnested = 1", "# comment", "; comment", "  # >>> rolecall profiles", "",
        " # <<< rolecall profiles <<<", "key : value", "output=json  ", "[profile a] # again",
    ]),
    st.text(st.characters(min_codepoint=32, max_codepoint=382), max_size=20),
)  # fmt: skip
LINES = st.tuples(st.sampled_from([[], ["[profile first]"]]), st.lists(LINE, max_size=12)).map(lambda parts: parts[0] + parts[1])
FILE = st.tuples(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans()).map(
    lambda parts: parts[1].join(parts[0]) + (parts[1] if parts[2] else "")
)


def parsed(path):
    try:
        return botocore.configloader.load_config(str(path))
    except (botocore.exceptions.ConfigParseError, UnicodeError):
        return None


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=FILE)
def test_whatever_aws_reads_it_reads_the_same_afterwards(acme, tmp_path, before):
    aws_config = tmp_path / "any-config"
    content = before.encode()
    aws_config.write_bytes(content)
    read = parsed(aws_config)
    write(acme, aws_config, "--prefix", "ours-").done()
    assert aws_config.read_bytes().startswith(content)
    if read is not None:
        after = parsed(aws_config)
        ours = {name for name in after["profiles"] if name.startswith("ours-")}
        assert ours
        for name in ours:
            del after["profiles"][name]
        assert after == read
    remove(acme, aws_config).done()
    assert aws_config.read_bytes() == content
