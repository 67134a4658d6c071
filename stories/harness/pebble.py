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

    running: Running
    directory: str
    # Vouches for the directory's own certificate.
    ca: Path
    # Vouches for the certificates that it gives.
    root: Path
    # Where it looks at names.
    tls_port: int
    _management: str

    def find_names_at(self, address: str) -> None:
        """From now on every name is at this address."""
        body = json.dumps({"ip": address}).encode()
        urllib.request.urlopen(f"{self._management}/set-default-ipv4", body, timeout=5).close()


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
    # Each order is looked at anew, and at once.
    env = programs.environment(PEBBLE_VA_NOSLEEP="1", PEBBLE_AUTHZREUSE="0")
    running = programs.start(
        "pebble", "-config", folder / "pebble.json", "-dnsserver", f"127.0.0.1:{names}", "-strict", env=env, name="pebble"
    )
    context = ssl.create_default_context(cafile=authority.file)
    url = f"https://127.0.0.1:{management}/roots/0"
    pem = wait_until(lambda: _fetched(url, context), "the authority is there", 10)
    names_url = f"http://127.0.0.1:{names_management}"
    root = put(folder / "root.pem", pem)
    return Pebble(running, f"https://127.0.0.1:{directory}/dir", authority.file, root, tls, names_url)


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
