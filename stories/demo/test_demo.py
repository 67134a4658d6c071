"""`rolecall demo`: the whole way in one command, for a person, a pipe and a terminal."""

import os
import pty
import re
import select
import time

import pytest
from harness.programs import ROLECALL

ESCAPE = "\x1b["


@pytest.fixture(scope="module")
def told(module_programs):
    """What the demo prints into a pipe; it ended with 0."""
    finished = module_programs.rolecall("demo").done()
    return finished.stdout + finished.stderr


STEPS = ["cube_api", "private_key_jwt", "AssumeRoleWithWebIdentity", "AssumeRole", "assumed-role/", "until"]
CLAIMS = ["iss", "aud", "sub", "sts.amazonaws.com"]


@pytest.mark.parametrize("word", STEPS + CLAIMS)
def test_every_step_is_shown(told, word):
    assert word in told


def test_the_denial_is_explained_with_its_mend(told):
    denial = told[told.index("Not authorized to perform sts:AssumeRoleWithWebIdentity") :]
    for word in (":sub", "component:cube_store", "component:cube_api"):
        assert word in denial, f"`{word}` is not in the explanation:\n{denial}"
    for word in ("expected", "actual", "hint|mend"):
        assert re.search(rf"\b({word})\b", denial, re.IGNORECASE), f"no {word} in the explanation:\n{denial}"


def test_there_is_no_colour_in_a_pipe(told):
    assert ESCAPE not in told


def test_it_leaves_nothing_behind(programs, tmp_path):
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    programs.rolecall("demo", cwd=here, env=programs.environment(TMPDIR=str(temporary))).done()
    assert list(here.iterdir()) == [] and list(temporary.iterdir()) == []
    assert list(programs.home.iterdir()) == []


def test_a_terminal_gets_colour_unless_it_asks_for_none(programs):
    environment = programs.environment(TERM="xterm-256color")
    code, shown = on_a_terminal(environment)
    assert code == 0
    assert ESCAPE in shown
    code, shown = on_a_terminal({**environment, "NO_COLOR": "1"})
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*m", shown)


def on_a_terminal(environment: dict[str, str]) -> tuple[int, str]:
    """Run the demo on a terminal of its own; its exit code and what it showed."""
    process, terminal = pty.fork()
    if process == 0:
        os.execve(ROLECALL, [str(ROLECALL), "demo"], environment)
    shown = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            # Linux says so when the last program on the terminal has ended.
            break
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()
