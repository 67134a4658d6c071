"""Ceph's RADOS gateway: a security token service and an S3 that nobody here wrote. One monitor, one
object store in memory and one gateway, in a folder of their own and on loopback."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from .programs import Programs, wait_until

ACCOUNT = "123456789012"
ADMIN = ("CEPHADMINKEY00000000", "canary/ceph+admin/secret0000000000000000")
PATIENCE = 60

# Small, quick to agree, and without authentication between its own parts.
SETTINGS = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon},v1:127.0.0.1:{mon_old}/0]
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log file = {folder}/log/$name.log
crash dir = {folder}/run
ms bind ipv6 = false
ms bind port min = {osd}
ms bind port max = {osd_last}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
paxos propose interval = 0.05
paxos min wait = 0.01
mon tick interval = 1

[mon.a]
mon data = {folder}/mon
mon data avail crit = -1
mon data avail warn = -1

[osd.0]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
public addr = 127.0.0.1
cluster addr = 127.0.0.1

[client.rgw.story]
rgw data = {folder}/rgw
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw s3 auth use sts = true
rgw sts key = sixteen-letters!
rgw enable apis = s3, sts, iam, admin
rgw enable usage log = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw dynamic resharding = false
rgw override bucket index max shards = 1
rgw thread pool size = 32
"""


@dataclass
class Gateway:
    """A gateway that runs, and its administrator."""

    programs: Programs
    folder: Path
    url: str

    def client(self, service: str, credentials: dict | None = None):
        """A boto3 client, of the administrator or of a session."""
        key, secret, token = ADMIN[0], ADMIN[1], None
        if credentials is not None:
            key, secret, token = (credentials[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        return boto3.client(
            service,
            "us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def log(self) -> str:
        """What the gateway says of the tokens it refuses."""
        return (self.folder / "log" / "client.rgw.story.log").read_text(errors="replace")


def gateway(programs: Programs, folder: Path) -> Gateway:
    """Start all three, and make the administrator of an account."""
    for name in ("mon", "osd", "rgw", "run", "log"):
        (folder / name).mkdir(parents=True)
    fsid = uuid.uuid4()
    mon, mon_old, port, osd = free_ports()
    conf = folder / "ceph.conf"
    ports = {"mon": mon, "mon_old": mon_old, "gateway": port, "osd": osd, "osd_last": osd + 40}
    conf.write_text(SETTINGS.format(folder=folder, fsid=fsid, **ports))
    for secret in ADMIN[1:]:
        programs.ledger.secrets[secret] = "the secret key of Ceph's administrator"

    def done(*command: object) -> None:
        programs.run(*command, timeout=PATIENCE).done()

    at = f"[v2:127.0.0.1:{mon},v1:127.0.0.1:{mon_old}]"
    done("monmaptool", "--create", "--fsid", fsid, "--addv", "a", at, folder / "monmap")
    done("ceph-mon", "-c", conf, "-i", "a", "--mkfs", "--monmap", folder / "monmap")
    programs.start("ceph-mon", "-c", conf, "-i", "a", "-f", name="ceph-mon")

    def answers(*command: object) -> subprocess.CompletedProcess:
        ceph = ["ceph", "-c", str(conf), "--connect-timeout", "5", *map(str, command)]
        return subprocess.run(ceph, capture_output=True, text=True, timeout=PATIENCE)

    wait_until(lambda: answers("quorum_status").returncode == 0, "the monitor answers", PATIENCE)
    store = uuid.uuid4()
    assert answers("osd", "new", store).returncode == 0
    done("ceph-osd", "-c", conf, "-i", "0", "--mkfs", "--osd-uuid", store)
    programs.start("ceph-osd", "-c", conf, "-i", "0", "-f", name="ceph-osd")
    wait_until(lambda: "1 up" in answers("osd", "stat").stdout, "the object store is up", PATIENCE)
    programs.start("radosgw", "-c", conf, "-n", "client.rgw.story", "-f", name="radosgw")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: _answers(url), "the gateway answers", PATIENCE)
    # A tenant that is named like an account makes its ARNs those of AWS.
    admin = ("radosgw-admin", "-c", conf, "-n", "client.rgw.story", "user", "create")
    whose = ("--tenant", ACCOUNT, "--uid", "admin", "--display-name", "admin")
    keys = ("--access-key", ADMIN[0], "--secret", ADMIN[1], "--caps", "oidc-provider=*;roles=*;user-policy=*")
    programs.run(*admin, *whose, *keys, timeout=PATIENCE, prints_secrets=True).done()
    return Gateway(programs, folder, url)


def free_ports() -> tuple[int, int, int, int]:
    """Three free ports, and the first of a row of forty."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [server.getsockname()[1] for server in taken]
    for server in taken:
        server.close()
    first = 20_000 + int(time.time() * 1000) % 10_000
    return ports[0], ports[1], ports[2], first


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
