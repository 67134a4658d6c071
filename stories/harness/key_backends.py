"""What holds signing keys: SoftHSM's tokens, and moto's server in the place of KMS."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from .programs import PYTHON, Programs, Running, wait_until

MODULE = next(
    (path for path in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")) if path.exists()),
    Path("/usr/lib/softhsm/libsofthsm2.so"),
)
PIN = "canary-user-pin-8841"

# moto's server on a port that the system chooses, told on standard output once it listens.
MOTO = """
import json, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(json.dumps(f"http://127.0.0.1:{server.server_port}"), flush=True)
server.serve_forever()
"""


@dataclass
class Tokens:
    """A folder of SoftHSM tokens."""

    programs: Programs
    folder: Path

    @classmethod
    def empty(cls, programs: Programs, folder: Path) -> "Tokens":
        (folder / "tokens").mkdir(parents=True)
        conf = folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
        (folder / "pin").write_text(PIN + "\n")
        (folder / "pin").chmod(0o600)
        programs.ledger.secrets[PIN] = "the user PIN"
        return cls(programs, folder)

    def environment(self, **more: str) -> dict[str, str]:
        """For programs that are to see these tokens."""
        return self.programs.environment(SOFTHSM2_CONF=str(self.folder / "softhsm2.conf"), **more)

    def make(self, label: str) -> None:
        """A new token with this label."""
        command = ("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "0000", "--pin", PIN)
        self.programs.run(*command, env=self.environment()).done()

    def remove(self, away: Path) -> None:
        """Take all tokens out, as a person pulls a plug."""
        shutil.move(self.folder / "tokens", away)
        (self.folder / "tokens").mkdir()

    def bring_back(self, away: Path) -> None:
        """Plug them in again."""
        (self.folder / "tokens").rmdir()
        shutil.move(away, self.folder / "tokens")

    def private_keys(self, label: str) -> str:
        """What OpenSC says of the private keys."""
        command = ("pkcs11-tool", "--module", MODULE, "--token-label", label, "--login", "--pin", PIN)
        listed = self.programs.run(*command, "--list-objects", "--type", "privkey", env=self.environment())
        return listed.done().stdout

    def backend(self, label: str, **more: object) -> dict:
        """The backend as `server.key_backends` names it."""
        return {"pkcs11": {"module": str(MODULE), "token": label, "pin_file": str(self.folder / "pin"), **more}}


def moto(programs: Programs) -> tuple[Running, str]:
    """moto's server, and its address."""
    running = programs.start(PYTHON, "-c", MOTO, name="moto")
    first = wait_until(lambda: running.process.poll() is None and running.stdout.read_text(), "moto answers", within=30)
    return running, json.loads(first)
