"""The corpus of decisions: data outside the project, named by `ROLECALL_TRUST_CASES`."""

import json
import os
from pathlib import Path

import pytest
from harness.programs import REPOSITORY

CASES = Path(os.environ.get("ROLECALL_TRUST_CASES", REPOSITORY.parent / "shared" / "conformance" / "trust" / "cases.jsonl"))


@pytest.fixture(scope="session")
def cases() -> list[dict]:
    """Every case; where there are none nothing is compared, and that is said."""
    if not CASES.exists():
        print(f"{CASES}: no cases there, nothing compared")
        return []
    return [json.loads(line) for line in CASES.read_text().splitlines() if line.strip()]
