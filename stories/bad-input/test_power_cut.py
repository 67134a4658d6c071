"""`kill -9` under load leaves a state that starts again: the same keys, and everything that was
acknowledged is there."""

import random
import sqlite3
import threading

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from harness import acme as world
from harness.account import ACCOUNT, emulate, federated, policy, provider, role, role_arn
from harness.acme import ISSUER
from harness.issuer import serve_config
from harness.peer_issuer import PeerIssuer
from harness.programs import READY_WITHIN
from harness.token_endpoint import ask, assertion, published_keys

CUTS = 3
CLIENTS = 4


def under_load(work, cut) -> list:
    """Let clients do `work` again and again, call `cut` after a random number of acknowledgements,
    and give what was acknowledged, in the end the latest."""
    acknowledged, enough, over = [], threading.Event(), threading.Event()
    wanted = random.randint(5, 60)

    def client():
        while not over.is_set():
            try:
                acknowledged.append(work())
            except Exception:
                # Cut off in the middle: whether it happened is not known, so it is not counted.
                assert over.wait(READY_WITHIN), "the server fails before it is cut off"
            if len(acknowledged) >= wanted:
                enough.set()

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    reached = enough.wait(30)
    cut()
    over.set()
    for each in clients:
        each.join()
    assert reached, f"only {len(acknowledged)} of {wanted} were acknowledged"
    return acknowledged


def test_the_issuer_survives_power_cuts(programs):
    acme = world.begin_issuer(programs, programs.folder / "acme")
    key = load_pem_private_key(acme.workload.key_file.read_bytes(), None)
    keys = published_keys(acme.issuer.address)
    acknowledged = []

    def mint():
        proof = assertion(key)
        status, answer = ask(acme, client_assertion=proof)
        assert status == 200
        return jwt.decode(answer["access_token"], options={"verify_signature": False})["jti"], proof

    for _ in range(CUTS):
        acknowledged += under_load(mint, acme.issuer.running.kill)
        acme.issuer = serve_config(programs, acme.issuer.config, acme.issuer.state)
        assert published_keys(acme.issuer.address) == keys
        audited = audit_rows(acme.issuer.state)
        missing = [jti for jti, _ in acknowledged if jti not in audited]
        assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged tokens have no audit row"
        # An assertion that was taken before the cut is not taken again after it.
        status, answer = ask(acme, client_assertion=acknowledged[-1][1])
        assert status in (400, 401), answer


def audit_rows(state) -> str:
    """Everything in the audit table, as text."""
    connection = sqlite3.connect(f"file:{state}/rolecall.db?mode=ro", uri=True)
    try:
        return "\n".join(str(row) for row in connection.execute("select * from audit"))
    finally:
        connection.close()


def test_the_emulated_account_survives_power_cuts(programs, ledger, tmp_path):
    state = tmp_path / "accounts"
    with PeerIssuer(ISSUER, ledger) as peer:
        trust = policy(federated(ISSUER, {"StringLike": {"sub": "peer:*"}}))
        seed = {ACCOUNT: {"oidc_providers": [provider(ISSUER, "sts.amazonaws.com")], "roles": [role("job", trust)]}}

        def start():
            return emulate(programs, tmp_path / "aws", seed, connect_to={peer.origin: peer.address}, state=state)

        accounts = start()
        admin = accounts.admin_keys()
        session = accounts.anyone().assume_role_with_web_identity(
            RoleArn=role_arn("job"), RoleSessionName="before-the-cut", WebIdentityToken=peer.token()
        )["Credentials"]
        names = (f"role-{number}" for number in range(1_000_000))
        guard = threading.Lock()
        clients = threading.local()
        acknowledged = []

        def create(accounts):
            if getattr(clients, "of", None) is not accounts:
                clients.of, clients.iam = accounts, accounts.admin("iam")
            with guard:
                name = next(names)
            clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument=DOCUMENT)
            return name

        for _ in range(CUTS):
            acknowledged += under_load(lambda: create(accounts), accounts.running.kill)
            accounts = start()
            assert state.stat().st_mode & 0o777 == 0o600
            assert accounts.admin_keys() == admin
            kept = {r["RoleName"] for page in accounts.admin("iam").get_paginator("list_roles").paginate() for r in page["Roles"]}
            assert set(acknowledged) | {"job"} <= kept
            identity = accounts.session("sts", session).get_caller_identity()
            assert identity["Arn"].endswith(":assumed-role/job/before-the-cut")


DOCUMENT = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}]}'
)


@pytest.mark.parametrize("content", [b"", b"{", b"\x00\x01\x02", b'{"version": 9999}'])
def test_a_state_file_that_is_none_is_left_alone(programs, tmp_path, content):
    state = tmp_path / "accounts"
    state.write_bytes(content)
    state.chmod(0o600)
    refused = programs.rolecall("aws-emulator", "--account", ACCOUNT, "--state", state)
    assert refused.code == 7
    assert state.name in refused.stderr
    assert state.read_bytes() == content
