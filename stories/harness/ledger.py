"""Every secret that the stories saw, and everything that was printed or kept meanwhile.

At the end of a run no secret may stand where only facts belong: on standard error, in a server's
output, in an audit row, in a trail."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.([\w-]{40,})")
CREDENTIALS = re.compile(
    r"""(?:SecretAccessKey|SessionToken|aws_secret_access_key|aws_session_token|"Token)
        ["'>\s]*[:=]?\s*["']?([A-Za-z0-9/+=%_.-]{20,})""",
    re.VERBOSE | re.IGNORECASE,
)
CLIENT_SECRET = re.compile(r"\brcs_([\w-]{43})")
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(.*?)\s+-----END", re.DOTALL)


@dataclass
class Ledger:
    """Secrets seen, and the files that must not hold them."""

    secrets: dict[str, str] = field(default_factory=dict)
    places: list[tuple[Path, str]] = field(default_factory=list)

    def learn(self, text: str, where: str) -> None:
        """Note every secret in text that may rightly hold some, such as printed credentials."""
        for pattern, kind in ((JWT, "a token's signature"), (CREDENTIALS, "an AWS secret"), (CLIENT_SECRET, "a client secret")):
            for match in pattern.finditer(text):
                self.secrets[match.group(1)] = f"{kind} from {where}"
        for match in PEM.finditer(text):
            # The last lines differ from key to key; the first ones are the format's.
            for line in match.group(1).split()[1:]:
                self.secrets[line] = f"a private key from {where}"

    def learn_file(self, path: Path) -> None:
        """Note a file that is one secret, such as a master key, or that holds some."""
        text = path.read_text()
        self.learn(text, path.name)
        if "PRIVATE KEY" not in text and 30 <= len(text.strip()) <= 100:
            self.secrets[text.strip()] = f"the content of {path.name}"

    def watch(self, path: Path, what: str) -> None:
        """This file, or every file of this folder, is to hold none of the secrets at the end."""
        self.places.append((path, what))

    def leaks(self) -> list[str]:
        """Each secret that stands where it must not, named without being shown."""
        needles = [(form, kind) for secret, kind in self.secrets.items() for form in _forms(secret)]
        found = []
        for path, what in self.places:
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if not file.is_file():
                    continue
                content = file.read_bytes()
                found += [f"{what} ({file.name}) holds {kind}" for form, kind in needles if form in content]
        return found


def _forms(secret: str) -> set[bytes]:
    """A secret as it is, and as JSON, a form body and a URL write it."""
    from urllib.parse import quote

    texts = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote(secret)}
    return {text.encode() for text in texts}
