"""Issuers whose keys are held by a backend."""

from dataclasses import dataclass
from pathlib import Path

import boto3
import yaml
from .issuer import Issuer, asking, workload_key
from .key_backends import moto
from .programs import ROLECALL, Programs, Running
from .verifiers import AUDIENCE

ALGORITHMS = {"rs256": "RS256", "es256": "ES256"}
AWS_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary/kms+caller"}


@dataclass
class Site:
    """An issuer whose tenant's keys are held by a backend."""

    programs: Programs
    issuer: Issuer
    job: Path
    env: dict[str, str]
    witness: object

    @property
    def url(self) -> str:
        return self.issuer.issuers[0]

    def stays_where_it_is(self) -> None:
        """Serve on the same port after a restart, since its issuer is what a tenant is known by."""
        document = yaml.safe_load(self.issuer.config.read_text())
        document["server"]["listen"] = self.issuer.address.removeprefix("http://")
        self.issuer.config.write_text(yaml.safe_dump(document))

    def mint(self, token_config: str):
        return self.programs.rolecall(
            "token", "mint", "--config", self.job, "--token-config", token_config, env=self.env, prints_secrets=True
        )

    def token(self, token_config: str) -> str:
        return self.mint(token_config).done().stdout.strip()


def written(programs: Programs, folder: Path, backends: dict, **tenant: object) -> Path:
    """The configuration of a server with these backends and one tenant."""
    folder.mkdir(exist_ok=True)
    (folder / "job.pem").unlink(missing_ok=True)
    job = workload_key(programs, folder, "job")
    declared = {
        "name": "acme",
        "issuer": "http://{listen}/acme",
        "token_configs": [
            {"name": name, "audience": AUDIENCE, "lifetime": "10m", "algorithm": algorithm, "subject": "job:7"}
            for name, algorithm in ALGORITHMS.items()
        ],
        "workloads": [{"name": "job", "token_configs": list(ALGORITHMS), "keys": [job.jwk]}],
        **tenant,
    }
    server = {"listen": "127.0.0.1:0", "state": str(folder / "state"), "master_key_file": str(folder / "master.key")}
    config = folder / "rolecall.yaml"
    config.write_text(yaml.safe_dump({"server": {**server, "key_backends": backends}, "tenants": [declared]}))
    asking_as(folder, job, "http://none.example")
    return config


def asking_as(folder: Path, job, url: str) -> Path:
    return asking(folder / "job.yaml", job, url, {})


def serve_at(programs: Programs, config: Path, env: dict) -> Issuer:
    """Serve a configuration that is already written, in this environment."""
    running = programs.start(ROLECALL, "serve", "--config", config, "--output", "json", env=env, name="serve")
    ready = running.ready()
    folder = config.parent
    programs.ledger.watch(folder / "state", "the issuer's state")
    programs.ledger.learn_file(folder / "master.key")
    return Issuer(running, f"http://{ready['listen']}", ready["issuers"], config, folder / "state")


def site(programs: Programs, config: Path, env: dict, witness: object = None) -> Site:
    """Serve the configuration."""
    issuer = serve_at(programs, config, env)
    folder = config.parent
    document = yaml.safe_load((folder / "job.yaml").read_text())
    document["workload"]["issuer"] = issuer.issuers[0]
    (folder / "job.yaml").write_text(yaml.safe_dump(document))
    return Site(programs, issuer, folder / "job.yaml", env, witness)


def refused(programs: Programs, config: Path, env: dict) -> str:
    """What `serve` says when it does not start."""
    ended = programs.rolecall("serve", "--config", config, env=env)
    assert ended.code in (3, 7), ended
    return ended.stderr


def moto_site(programs: Programs, folder: Path, more: dict | None = None, **tenant: object) -> tuple[Site, Running]:
    """A site whose keys are in moto's KMS; `more` is added to its environment."""
    server, address = moto(programs)
    programs.ledger.secrets[AWS_KEYS["AWS_SECRET_ACCESS_KEY"]] = "the secret key of the KMS caller"
    config = written(programs, folder, {"cloud": {"kms": {"region": "eu-north-1"}}}, keys={"backend": "cloud"}, **tenant)
    env = programs.environment(**AWS_KEYS, AWS_ENDPOINT_URL_KMS=address, **(more or {}))
    witness = boto3.client("kms", "eu-north-1", endpoint_url=address, aws_access_key_id="x", aws_secret_access_key="y")
    return site(programs, config, env, witness), server
