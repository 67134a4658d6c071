"""An issuer that ends TLS itself, with a certificate of an authority of the test's own."""

from __future__ import annotations

import json
import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import yaml

from .acme import ISSUER, tenant
from .authority import Authority, Signed, put
from .issuer import workload_key
from .programs import ROLECALL, Programs, Running, wait_until

HOST = "acme.cubecloud.dev"


@dataclass
class Site:
    """The files of an issuer over TLS, and the issuer once it runs."""

    programs: Programs
    folder: Path
    authority: Authority
    document: dict
    running: Running | None = None
    port: int = 0
    operations: str = ""

    def put(self, own: Signed) -> Signed:
        """Put this certificate and its key in place."""
        put(self.folder / "chain.pem", self.authority.chain(own))
        put(self.folder / "key.pem", own.key_pem(), 0o600)
        self.programs.ledger.learn_file(self.folder / "key.pem")
        return own

    def config(self) -> Path:
        """The configuration file, as the document is now."""
        config = self.folder / "rolecall.yaml"
        config.write_text(yaml.safe_dump(json.loads(json.dumps(self.document)), sort_keys=False))
        return config

    def start(self, env: dict[str, str] | None = None) -> "Site":
        """Serve."""
        command = (ROLECALL, "serve", "--config", self.config(), "--output", "json")
        self.running = self.programs.start(*command, env=env, name="serve")
        ready = self.running.ready()
        self.port = int(ready["listen"].rsplit(":", 1)[1])
        self.operations = f"http://{ready['operations']}"
        self.programs.ledger.learn_file(self.folder / "master.key")
        return self

    def refused(self) -> str:
        """What is said where it does not even start."""
        ended = self.programs.rolecall("serve", "--config", self.config())
        assert ended.code != 0, ended.stdout
        return ended.stderr

    def log(self) -> str:
        """What it said so far."""
        return self.running.stderr.read_text()

    def says(self, text: str, within: float = 5.0) -> None:
        """Wait until it says this."""
        wait_until(lambda: text in self.log(), f"the log says `{text}`", within)

    def curl(self, path: str, *more: object, host: str = HOST, scheme: str = "https", **options):
        """Ask with curl, which verifies chain and name."""
        to = ("--connect-to", f"::127.0.0.1:{self.port}", "--cacert", self.authority.file)
        return self.programs.run("curl", "-sS", "--max-time", "20", *to, *more, f"{scheme}://{host}{path}", **options)

    def context(self, protocols: list[str] | None = None) -> ssl.SSLContext:
        """What Python's ssl verifies with."""
        context = ssl.create_default_context(cafile=self.authority.file)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context

    def connect(self, context: ssl.SSLContext | None = None, host: str = HOST) -> ssl.SSLSocket:
        """A verified connection."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return (context or self.context()).wrap_socket(plain, server_hostname=host)

    def metric(self, name: str) -> float:
        """A figure of `/metrics`."""
        text = self.programs.run("curl", "-sS", f"{self.operations}/metrics").done().stdout
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])


def build(programs: Programs, folder: Path) -> Site:
    """Everything in place, nothing started."""
    authority = Authority(folder)
    server = {
        "listen": "127.0.0.1:0",
        "operations_listen": "127.0.0.1:0",
        "state": "./state",
        "master_key_file": "./master.key",
        "tls": {"certificate": "./chain.pem", "key": "./key.pem"},
    }
    workload = workload_key(programs, folder, "cube-api")
    site = Site(programs, folder, authority, {"server": server, "tenants": [tenant(workload)]})
    assert site.document["tenants"][0]["issuer"] == ISSUER == f"https://{HOST}"
    site.put(authority.server(HOST))
    return site
