"""`rolecall serve`, and the configuration of its tenants and of the workloads that ask it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from .programs import ROLECALL, Programs, Running


@dataclass
class Workload:
    """A workload's name, private key file and public key."""

    name: str
    key_file: Path
    jwk: dict


@dataclass
class Issuer:
    """An issuer that runs: where it listens, and its tenants' exact issuer URLs."""

    running: Running
    address: str
    issuers: list[str]
    config: Path
    state: Path


def workload_key(programs: Programs, folder: Path, name: str, kind: str = "p256") -> Workload:
    """A new key for the workload `name`, made by `rolecall workload key`."""
    key_file = folder / f"{name}.pem"
    made = programs.rolecall("workload", "key", "--to", key_file, "--kind", kind)
    programs.ledger.learn_file(key_file)
    return Workload(name, key_file, made.json())


def serve(programs: Programs, folder: Path, tenants: list[dict]) -> Issuer:
    """Write the configuration for these tenants and serve it."""
    config = folder / "rolecall.yaml"
    state = folder / "state"
    server = {"listen": "127.0.0.1:0", "state": str(state), "master_key_file": str(folder / "master.key")}
    config.write_text(yaml.safe_dump({"server": server, "tenants": tenants}, sort_keys=False))
    return serve_config(programs, config, state)


def serve_config(programs: Programs, config: Path, state: Path) -> Issuer:
    """Serve a configuration that is already written; its state folder's files are watched."""
    running = programs.start(ROLECALL, "serve", "--config", config, "--output", "json", name="serve")
    ready = running.ready()
    programs.ledger.watch(state, "the issuer's state")
    master_key = config.with_name("master.key")
    if master_key.exists():
        programs.ledger.learn_file(master_key)
    return Issuer(running, f"http://{ready['listen']}", ready["issuers"], config, state)


def asking(
    path: Path,
    workload: Workload,
    issuer: str,
    connections: dict[str, dict],
    *,
    address: str | None = None,
) -> Path:
    """Write the workload's side of the configuration to `path`."""
    who = {"name": workload.name, "issuer": issuer, "key_file": str(workload.key_file)}
    if address is not None:
        who["issuer_address"] = address
    # Through JSON, so that YAML writes no aliases for what is the same object twice.
    document = json.loads(json.dumps({"workload": who, "connections": connections}))
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path
