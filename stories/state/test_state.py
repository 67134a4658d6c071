"""What an installation keeps: verified by others' means, copied while it runs, moved to another
database, sealed anew."""

import hashlib
import json
import sqlite3

import pytest
import yaml
from harness.acme import begin_issuer
from harness.issuer import serve_config
from harness.postgresql import PostgreSQL
from harness.token_endpoint import ask, published_keys
from harness.verifiers import by_pyjwt


@pytest.fixture
def acme(programs, tmp_path):
    """An issuer that has issued and refused a few tokens."""
    site = begin_issuer(programs, tmp_path)
    key = site.workload.key_file.read_bytes()
    for _ in range(5):
        assert ask(site, key)[0] == 200
    assert ask(site, key, token_config="nothing")[0] == 400
    return site


def again(programs, site, **server):
    """The same configuration with another server section, served."""
    document = yaml.safe_load(site.issuer.config.read_text())
    document["server"].update(server)
    config = site.issuer.config.with_name("again.yaml")
    config.write_text(yaml.safe_dump(document))
    return config


def test_the_trail_is_verified_without_rolecall(programs, acme):
    """SHA-256 over the hash before and the row as it is exported: nothing else is needed."""
    acme.issuer.running.stop()
    config = acme.issuer.config
    exported = programs.rolecall("audit", "list", "--config", config, "--output", "json").done().stdout.splitlines()
    with sqlite3.connect(acme.issuer.state / "rolecall.db") as database:
        stored = [row for row, in database.execute("SELECT hash FROM audit ORDER BY id")]
    assert len(exported) == len(stored) >= 8
    head = bytes(32)
    for line, expected in zip(exported, stored):
        head = hashlib.sha256(head + line.encode()).digest()
        assert head == expected, line
    verified = programs.rolecall("audit", "verify", "--config", config, "--output", "json").done().json()
    assert verified == {"whole": True, "row": len(stored), "hash": head.hex()}


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit SET subject = 'cube:deployment:1' WHERE id = 5",
        "DELETE FROM audit WHERE id = 4",
        "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)",
    ],
)
def test_an_edit_of_the_trail_is_found(programs, acme, edit):
    acme.issuer.running.stop()
    config = acme.issuer.config
    with sqlite3.connect(acme.issuer.state / "rolecall.db") as database:
        database.execute(edit)
    found = programs.rolecall("audit", "verify", "--config", config)
    assert found.code == 9 and found.stdout.startswith("NOT whole: row "), found


def test_a_trail_that_was_written_anew_is_found_by_a_known_row(programs, acme):
    acme.issuer.running.stop()
    config = acme.issuer.config
    known = programs.rolecall("audit", "verify", "--config", config).done().stdout.split()[-1]
    with sqlite3.connect(acme.issuer.state / "rolecall.db") as database:
        database.execute("DELETE FROM audit")
        database.execute("DELETE FROM audit_head")
    assert programs.rolecall("audit", "verify", "--config", config).code == 0
    found = programs.rolecall("audit", "verify", "--config", config, "--known", known)
    assert found.code == 9 and "the known row is not there any more" in found.stdout


def test_a_backup_of_a_running_server_goes_on_elsewhere(programs, acme, tmp_path):
    before = published_keys(acme.issuer.address)
    backup = tmp_path / "backup.db"
    done = programs.rolecall("backup", backup, "--config", acme.issuer.config).done()
    assert "the master key is not in it" in done.stderr
    assert backup.stat().st_mode & 0o777 == 0o600
    refused = programs.rolecall("backup", backup, "--config", acme.issuer.config)
    assert refused.code == 7 and "holds an installation already" in refused.stderr
    # Over a running installation nothing is restored.
    refused = programs.rolecall("restore", backup, "--config", acme.issuer.config)
    assert refused.code == 7
    acme.issuer.running.stop()
    config = again(programs, acme, state=str(tmp_path / "elsewhere"))
    programs.rolecall("restore", backup, "--config", config).done()
    restored = serve_config(programs, config, tmp_path / "elsewhere")
    assert published_keys(restored.address) == before


def test_the_state_moves_to_postgresql_and_back(programs, acme, tmp_path):
    before = published_keys(acme.issuer.address)
    with PostgreSQL() as database:
        refused = programs.rolecall("migrate", "--to", database.url, "--config", acme.issuer.config)
        assert refused.code == 7 and "in use by another process" in refused.stderr
        acme.issuer.running.stop()
        done = programs.rolecall("migrate", "--to", database.url, "--config", acme.issuer.config).done()
        assert "now set `server.state`" in done.stderr
        refused = programs.rolecall("migrate", "--to", database.url, "--config", acme.issuer.config)
        assert refused.code == 7 and "holds an installation already" in refused.stderr
        config = again(programs, acme, state=database.url)
        moved = serve_config(programs, config, tmp_path / "nowhere")
        assert published_keys(moved.address) == before
        acme.issuer = moved
        assert ask(acme, acme.workload.key_file.read_bytes())[0] == 200
        backup = tmp_path / "of-postgresql.db"
        programs.rolecall("backup", backup, "--config", config).done()
        moved.running.stop()
    config = again(programs, acme, state=str(tmp_path / "back"))
    programs.rolecall("restore", backup, "--config", config).done()
    back = serve_config(programs, config, tmp_path / "back")
    assert published_keys(back.address) == before


def test_keys_are_sealed_anew_all_in_one_step(programs, acme, tmp_path):
    before = published_keys(acme.issuer.address)
    acme.issuer.running.stop()
    config, new = acme.issuer.config, tmp_path / "new.key"
    programs.rolecall("key", "master", "new", new).done()
    programs.ledger.learn_file(new)
    programs.rolecall("key", "reseal", "--to", new, "--config", config).done()
    refused = programs.rolecall("serve", "--config", config)
    assert refused.code == 7 and "sealed with another master key" in refused.stderr
    # Once more changes nothing; a third key is refused, because the one at hand opens nothing now.
    programs.rolecall("key", "reseal", "--to", new, "--config", config).done()
    third = tmp_path / "third.key"
    programs.rolecall("key", "master", "new", third).done()
    programs.ledger.learn_file(third)
    refused = programs.rolecall("key", "reseal", "--to", third, "--config", config)
    assert refused.code == 7 and "Nothing was changed" in refused.stderr
    config = again(programs, acme, master_key_file=str(new))
    resealed = serve_config(programs, config, acme.issuer.state)
    assert published_keys(resealed.address) == before


def test_a_database_that_is_not_there_or_not_an_address_is_told(programs, acme, tmp_path):
    for state, code, told in [
        (f"postgres://me:hunter2@%2F{str(tmp_path)[1:].replace('/', '%2F')}/none", 7, "does not answer"),
        ("postgres://me:hunter2@[broken/none", 3, "does not read as one"),
    ]:
        config = again(programs, acme, state=state)
        refused = programs.rolecall("serve", "--config", config)
        assert refused.code == code and told in refused.stderr, refused
        assert "hunter2" not in refused.stderr + refused.stdout
