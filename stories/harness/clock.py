"""A clock that a story sets, for programs as they are: libfaketime stands between them and the
system's. Waits are left alone; only what time it is changes."""

from __future__ import annotations

import os
from glob import glob
from pathlib import Path


def libfaketime() -> str | None:
    """Debian's libfaketime, if it is installed."""
    return next(iter(sorted(glob("/usr/lib/*/faketime/libfaketime.so.1"))), None)


def ahead_by(seconds: int) -> dict[str, str]:
    """What puts a program under a clock that is so far ahead of the true one, or behind it."""
    return {"LD_PRELOAD": libfaketime(), "FAKETIME": f"{seconds:+}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Clock:
    """So many seconds ahead of the system's clock."""

    def __init__(self, file: Path):
        self.file = file
        self.ahead(0)

    def ahead(self, seconds: int) -> None:
        """From now on, this many seconds ahead; programs that run see it at once."""
        new = self.file.with_suffix(".new")
        new.write_text(f"+{seconds}")
        os.replace(new, self.file)

    def environment(self) -> dict[str, str]:
        """What puts a program under this clock."""
        return {
            "LD_PRELOAD": libfaketime(),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }
