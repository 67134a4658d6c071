"""`docs/first-role.md`, followed word for word: its commands run in a shell, its files are written
as they stand there. What a page cannot know is added: a free port, and where the issuer's host
and AWS are reached."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass

import yaml
from harness import account, issuer
from harness.programs import REPOSITORY, ROLECALL

ACCOUNT = "111122223333"
ISSUER = "https://oidc.acme.example"


@dataclass(frozen=True)
class Block:
    """A fenced block of the guide."""

    language: str
    text: str


def blocks() -> list[Block]:
    guide = (REPOSITORY / "docs" / "first-role.md").read_text()
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", guide, re.S | re.M)]


def test_the_guide_leads_to_a_session(programs):
    key, server, serve, look, provider, trust, role, workload, ask = blocks()
    languages = [block.language for block in (key, server, serve, look, provider, trust, role, workload, ask)]
    assert languages == ["sh", "yaml", "sh", "sh", "sh", "json", "sh", "yaml", "sh"]
    machine = programs.folder / "machine"
    machine.mkdir()
    path = f"{ROLECALL.parent}:{programs.environment()['PATH']}"

    def shell(block: Block, **env: str):
        environment = programs.environment(**{"PATH": path, **env})
        return programs.run("bash", "-ec", block.text, cwd=machine, env=environment).done()

    # 1. The workload's key: private file closed to others, public part printed.
    shell(key)
    private = machine / "cube-api.pem"
    programs.ledger.learn_file(private)
    assert private.stat().st_mode & 0o777 == 0o600
    assert json.loads((machine / "cube-api.jwk").read_text())["kty"] == "EC"

    # 2. The issuer, on a port that is free.
    config = machine / "rolecall.yaml"
    assert "listen: 127.0.0.1:8080" in server.text
    config.write_text(server.text.replace("127.0.0.1:8080", "127.0.0.1:0"))
    assert serve.text.strip() == f"rolecall serve --config {config.name}"
    serving = issuer.serve_config(programs, config, machine / "state")
    assert serving.issuers == [ISSUER]

    # Through the proxy that the guide asks for, this is what curl would see.
    assert look.text.split()[1] == f"{ISSUER}/.well-known/openid-configuration"
    seen = urllib.request.Request(
        f"{serving.address}/.well-known/openid-configuration", headers={"Host": "oidc.acme.example"}
    )
    with urllib.request.urlopen(seen, timeout=5) as answer:
        assert json.load(answer)["issuer"] == ISSUER

    # 3. Provider and role.
    accounts = account.emulate(programs, programs.folder / "aws", {ACCOUNT: {}}, connect_to={ISSUER: serving.address})
    admin = accounts.admin_keys(ACCOUNT)
    as_admin = {
        "AWS_ENDPOINT_URL": accounts.url,
        "AWS_ACCESS_KEY_ID": admin["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": admin["aws_secret_access_key"],
    }
    made = json.loads(shell(provider, **as_admin).stdout)
    policy = json.loads(trust.text)
    assert policy["Statement"][0]["Principal"]["Federated"] == made["OpenIDConnectProviderArn"]
    (machine / "trust.json").write_text(trust.text)
    shell(role, **as_admin)

    # Before anything runs, the registered workload can be held against the role.
    reach = programs.rolecall("trust", "who", "--policy", machine / "trust.json", "--workloads", config, "--format", "json")
    assert "cube:deployment:42:component:cube_api" in json.dumps(reach.json())
    assert reach.json()["groups"][0]["roles"], reach.stdout

    # 4. The session.
    asking = yaml.safe_load(workload.text)
    asking["workload"]["issuer_address"] = serving.address
    config.write_text(yaml.safe_dump(asking))
    identity = json.loads(shell(ask, AWS_ENDPOINT_URL_STS=accounts.url).stdout)
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/cube-deployment-acme/")
