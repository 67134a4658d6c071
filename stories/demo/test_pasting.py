"""`rolecall demo --serve`: the commands that it prints work in another shell, as they stand."""

import signal

import pytest
from harness.programs import ROLECALL, wait_until
from harness.terraform import mirror_settings, provider_mirror, terraform

# What each section's command prints when it works, by the first words of the section's title.
EXPECTED = {
    "aws CLI: exchanges": "arn:aws:sts::111122223333:assumed-role/cube-deployment-acme/pasted",
    "aws CLI through Rolecall": "arn:aws:sts::444455556666:assumed-role/WarehouseReader/",
    "aws CLI as the emulated account's": "arn:aws:iam::111122223333:role/cube-deployment-acme",
    "boto3": "arn:aws:sts::111122223333:assumed-role/cube-deployment-acme/pasted",
    "terraform": "arn:aws:sts::111122223333:assumed-role/cube-deployment-acme/pasted",
    "a denial": "",
}


@pytest.fixture(scope="module")
def serving(module_programs):
    """The demo, up, and what it printed: commands by their titles."""
    running = module_programs.start(ROLECALL, "demo", "--serve", name="demo-serve")
    told = wait_until(lambda: whole(running.stdout.read_text()), "the demo has printed its commands")
    running.commands = {}
    for block in told.split("\n\n"):
        title, _, command = block.strip("\n").partition("\n")
        if title.startswith("# "):
            running.commands[title.removeprefix("# ")] = command
    return running


def whole(told: str) -> str | None:
    """Everything, once the last section is there with its command."""
    _, last, command = told.partition("\n# a denial")
    return told if last and command.count("\n") >= 2 and told.endswith("\n") else None


def command(serving, title: str) -> str:
    [found] = [text for full, text in serving.commands.items() if full.startswith(title)]
    return found


def pasted(serving, programs, title, tmp_path, **environment):
    """Run a section's command in a shell that knows nothing but where the programs are."""
    here = tmp_path / "another-shell"
    here.mkdir()
    bare = {name: value for name, value in programs.environment().items() if not name.startswith("AWS_")}
    return programs.run(
        "bash", "-c", command(serving, title), cwd=here, timeout=180,
        env={**bare, "AWS_EC2_METADATA_DISABLED": "true", "TMPDIR": str(here), **environment},
    )  # fmt: skip


def test_every_section_is_known_here(serving):
    unknown = [title for title in serving.commands if not any(title.startswith(known) for known in EXPECTED)]
    assert not unknown and len(serving.commands) == len(EXPECTED)


@pytest.mark.parametrize("title", [title for title in EXPECTED if title not in ("terraform", "a denial")])
def test_a_command_works_in_another_shell(serving, programs, tmp_path, title):
    assert EXPECTED[title] in pasted(serving, programs, title, tmp_path).done().stdout


def test_terraform_works_in_another_shell(serving, programs, tmp_path):
    if terraform() is None:
        pytest.skip("terraform is not on PATH")
    if 'provider "aws"' in command(serving, "terraform") and provider_mirror() is None:
        pytest.skip("Terraform's AWS provider is not on this machine; name its mirror in ROLECALL_TF_PLUGIN_DIR")
    settings = mirror_settings(tmp_path, provider_mirror())
    assert EXPECTED["terraform"] in pasted(serving, programs, "terraform", tmp_path, **settings).done().stdout


def test_the_denial_is_explained_in_another_shell(serving, programs, tmp_path):
    denied = pasted(serving, programs, "a denial", tmp_path)
    assert denied.code == 5
    for word in ("component:cube_store", "component:cube_api"):
        assert word in denied.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(programs, tmp_path, how):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    running = programs.start(
        ROLECALL, "demo", "--serve", name="demo-serve", env=programs.environment(TMPDIR=str(temporary))
    )
    wait_until(lambda: whole(running.stdout.read_text()), "the demo has printed its commands")
    assert len(list(temporary.iterdir())) == 1
    assert running.stop(how) == 0
    assert list(temporary.iterdir()) == []
    assert "panicked" not in running.stderr.read_text()
