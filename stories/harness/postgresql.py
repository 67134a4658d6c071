"""A PostgreSQL server of a story's own: a folder, a socket in it, no port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from glob import glob
from pathlib import Path


class PostgreSQL:
    """Made and started by `with`; gone after it."""

    def __init__(self) -> None:
        newest = sorted(glob("/usr/lib/postgresql/*/bin/initdb"))
        self._programs = Path(newest[-1] if newest else shutil.which("initdb")).parent

    def __enter__(self) -> "PostgreSQL":
        # Not below the story's folder: PostgreSQL runs as a user who may not enter that, and the path
        # of a socket is short.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "--pgdata", self.folder / "data", "--username=rolecall", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """The address, as `server.state` has it."""
        socket = str(self.folder).replace("/", "%2F")
        return f"postgres://rolecall@{socket}/postgres"

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=60"
        self._run("pg_ctl", "--pgdata", self.folder / "data", "--options", options, "--log", self.folder / "log", "--wait", "start")

    def stop(self) -> None:
        """As a power cut would: what was not committed is lost."""
        self._run("pg_ctl", "--pgdata", self.folder / "data", "--mode=immediate", "--wait", "stop")

    def sql(self, statement: str) -> str:
        """One statement, by the server's own client."""
        return self._run("psql", "--host", self.folder, "--username=rolecall", "--dbname=postgres", "--no-align", "--tuples-only", "--command", statement).strip()

    def _run(self, program: str, *arguments: object) -> str:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0, f"{program}: {done.stdout}"
        return done.stdout
