"""Pebble, an ACME authority that Let's Encrypt made for tests: it looks at names for real, and finds
them where a name server of the story says."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .authority import Authority, put
from .programs import Programs, Running, wait_until


@dataclass
class Pebble:
    """An authority that runs."""

    programs: Programs
    folder: Path
    directory: str
    # Vouches for the directory's own certificate.
    ca: Path
    # Vouches for the certificates that it gives.
    root: Path
    # Where it looks at names.
    tls_port: int
    _context: ssl.SSLContext
    _root_url: str
    _names: str
    _names_management: str
    running: Running | None = None

    def start_again(self) -> None:
        """Start with nothing known and new keys."""
        # Each order is looked at anew, and at once.
        env = self.programs.environment(PEBBLE_VA_NOSLEEP="1", PEBBLE_AUTHZREUSE="0")
        command = ("pebble", "-config", self.folder / "pebble.json", "-dnsserver", self._names, "-strict")
        self.running = self.programs.start(*command, env=env, name="pebble")
        put(self.root, wait_until(lambda: _fetched(self._root_url, self._context), "the authority is there", 10))

    def find_names_at(self, address: str) -> None:
        """From now on every name is at this address."""
        body = json.dumps({"ip": address}).encode()
        urllib.request.urlopen(f"{self._names_management}/set-default-ipv4", body, timeout=5).close()


def begin(programs: Programs, folder: Path) -> Pebble:
    """Start the authority and its name server."""
    folder.mkdir()
    directory, management, tls, http, names, names_management = free_ports(6)
    authority = Authority(folder, "directory")
    own = authority.server("127.0.0.1", "localhost", days=4000)
    put(folder / "own.pem", authority.chain(own))
    put(folder / "own.key", own.key_pem(), 0o600)
    settings = {
        "listenAddress": f"127.0.0.1:{directory}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "own.pem"),
        "privateKey": str(folder / "own.key"),
        "httpPort": http,
        "tlsPort": tls,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    programs.start(
        "pebble-challtestsrv", "-dns01", f"127.0.0.1:{names}", "-management", f"127.0.0.1:{names_management}",
        "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", name="names",
    )  # fmt: skip
    context = ssl.create_default_context(cafile=authority.file)
    pebble = Pebble(
        programs, folder, f"https://127.0.0.1:{directory}/dir", authority.file, folder / "root.pem", tls, context,
        f"https://127.0.0.1:{management}/roots/0", f"127.0.0.1:{names}", f"http://127.0.0.1:{names_management}",
    )  # fmt: skip
    pebble.start_again()
    return pebble


def free_ports(count: int) -> list[int]:
    """Ports for programs that take no 0."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in taken]
    for server in taken:
        server.close()
    return ports


def _fetched(url: str, context: ssl.SSLContext) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as answer:
            return answer.read()
    except OSError:
        return None
