"""Programs under test and programs that nobody here wrote, run with an environment of their own,
every byte that they print kept."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .ledger import Ledger

REPOSITORY = Path(__file__).resolve().parents[2]
ROLECALL = Path(os.environ.get("ROLECALL_BINARY", REPOSITORY / "target" / "debug" / "rolecall"))
PYTHON = Path(sys.executable)
AWS = PYTHON.with_name("aws")
READY_WITHIN = 5.0


@dataclass(frozen=True)
class Finished:
    """A program that ended: its exit code and what it printed."""

    code: int
    stdout: str
    stderr: str

    def done(self) -> "Finished":
        """This program, which must have ended with 0."""
        assert self.code == 0, f"ended with {self.code}\nstdout: {self.stdout}\nstderr: {self.stderr}"
        return self

    def json(self):
        """What it printed, read as JSON."""
        return json.loads(self.done().stdout)


class Programs:
    """Starts programs in a folder of their own and ends those that still run."""

    def __init__(self, folder: Path, ledger: Ledger):
        self.folder = folder
        self.ledger = ledger
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self._printed = folder / "printed"
        self._printed.mkdir(exist_ok=True)
        self._numbers = itertools.count(1)
        self._running: list[Running] = []

    def environment(self, **more: str) -> dict[str, str]:
        """An environment that owes nothing to the one in which the tests run."""
        return {
            "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_PAGER": "",
            **more,
        }

    def run(
        self,
        *command: object,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        prints_secrets: bool = False,
        timeout: float = 60,
    ) -> Finished:
        """Run to the end. `prints_secrets` when its standard output is asked for secrets."""
        arguments = [str(part) for part in command]
        completed = subprocess.run(
            arguments,
            env=env if env is not None else self.environment(),
            cwd=cwd or self.folder,
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
        )
        self._keep(arguments, completed.stdout, completed.stderr, prints_secrets)
        return Finished(
            completed.returncode,
            completed.stdout.decode(errors="replace"),
            completed.stderr.decode(errors="replace"),
        )

    def rolecall(self, *arguments: object, **options) -> Finished:
        """Run `rolecall` to the end."""
        return self.run(ROLECALL, *arguments, **options)

    def aws(self, *arguments: object, **options) -> Finished:
        """Run the aws CLI to the end, JSON as its output."""
        return self.run(PYTHON, AWS, "--output", "json", *arguments, **options)

    def python(self, program: str, *arguments: object, **options) -> Finished:
        """Run a Python program, given as text, to the end."""
        return self.run(PYTHON, "-c", program, *arguments, **options)

    def start(self, *command: object, env: dict[str, str] | None = None, name: str) -> "Running":
        """Start a server; `Running.ready()` waits for its first line."""
        number = next(self._numbers)
        stdout = self._printed / f"{number}-{name}.stdout"
        stderr = self._printed / f"{number}-{name}.stderr"
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=env if env is not None else self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.ledger.watch(stdout, f"the output of {name}")
        self.ledger.watch(stderr, f"the output of {name}")
        running = Running(name, process, stdout, stderr)
        self._running.append(running)
        return running

    def close(self) -> None:
        """End what still runs, the latest first."""
        for running in reversed(self._running):
            running.stop()
        self._running.clear()

    def _keep(self, arguments: list[str], stdout: bytes, stderr: bytes, prints_secrets: bool) -> None:
        name = f"{next(self._numbers)}-{Path(arguments[0]).name}"
        shown = " ".join(arguments[:3])
        for stream, content in (("stdout", stdout), ("stderr", stderr)):
            if stream == "stdout" and prints_secrets:
                self.ledger.learn(content.decode(errors="replace"), shown)
                continue
            path = self._printed / f"{name}.{stream}"
            path.write_bytes(content)
            self.ledger.watch(path, f"the {stream} of `{shown}`")


@dataclass
class Running:
    """A server that was started."""

    name: str
    process: subprocess.Popen
    stdout: Path
    stderr: Path

    def ready(self) -> dict:
        """The ready line, once it is there."""
        first = wait_until(
            lambda: self._first_line() or self._ended(), f"{self.name} prints its ready line"
        )
        assert isinstance(first, str), f"{self.name} ended with {self.process.returncode}: {self.stderr.read_text()}"
        return json.loads(first)

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ask it to end, and wait for that; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=READY_WITHIN)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"{self.name} did not end within {READY_WITHIN} s of signal {how}") from None
        return self.process.returncode

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def _first_line(self) -> str | None:
        text = self.stdout.read_text()
        return text.split("\n", 1)[0] if "\n" in text else None

    def _ended(self) -> bool:
        return self.process.poll() is not None


def wait_until(condition, what: str, within: float = READY_WITHIN):
    """The first true answer of `condition`, asked again and again for at most `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within} s in vain until {what}")
        time.sleep(0.01)
