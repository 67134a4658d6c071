"""Fixtures of all stories: programs in folders of their own, and the search for leaked secrets."""

from __future__ import annotations

import os

import pytest
from harness.ledger import Ledger
from harness.programs import ROLECALL, Programs

# boto3 inside the tests reads nothing of the machine's own AWS set-up.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)


def pytest_configure(config):
    """The stories run what `./check` built."""
    if not ROLECALL.exists():
        raise pytest.UsageError(f"{ROLECALL} is not built: run `cargo build --workspace --bins`, or ./check")


@pytest.fixture(scope="session", autouse=True)
def ledger():
    """Every secret seen; when all stories are told, none of them may stand where it must not."""
    ledger = Ledger()
    yield ledger
    leaks = ledger.leaks()
    assert not leaks, "secrets leaked:\n" + "\n".join(leaks)


@pytest.fixture
def programs(tmp_path, ledger):
    """Programs of one test."""
    programs = Programs(tmp_path, ledger)
    yield programs
    programs.close()


@pytest.fixture(scope="module")
def module_programs(tmp_path_factory, ledger):
    """Programs that the tests of one file share."""
    programs = Programs(tmp_path_factory.mktemp("shared"), ledger)
    yield programs
    programs.close()
