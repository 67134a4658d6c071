"""The search for leaked secrets finds what it is for; `conftest.py` runs it over all stories."""

import json

from harness.ledger import Ledger

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqb2IifQ." + "c2lnbmF0dXJl" * 8
CREDENTIALS = {"AccessKeyId": "ASIA" + "X" * 16, "SecretAccessKey": "wJalr/XUtn+FEMI" + "K" * 25, "SessionToken": "Fwo/" + "G" * 60 + "=="}
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n" + "q" * 64 + "\n-----END PRIVATE KEY-----\n"


def leaks(tmp_path, learned: str, printed: str) -> list[str]:
    ledger = Ledger()
    ledger.learn(learned, "here")
    path = tmp_path / "output"
    path.write_text(printed)
    ledger.watch(path, "the output")
    return ledger.leaks()


def test_a_token_is_found_by_its_signature(tmp_path):
    assert len(leaks(tmp_path, TOKEN, f"sent {TOKEN} to STS")) == 1
    assert leaks(tmp_path, TOKEN, f"sent {TOKEN.rsplit('.', 1)[0]} to STS") == []


def test_credentials_are_found_in_any_form(tmp_path):
    as_json = json.dumps(CREDENTIALS)
    as_env = "\n".join(f"export AWS_SECRET_ACCESS_KEY='{CREDENTIALS['SecretAccessKey']}'" for _ in "1")
    as_xml = f"<SecretAccessKey>{CREDENTIALS['SecretAccessKey']}</SecretAccessKey>"
    as_ini = f"aws_secret_access_key = {CREDENTIALS['SecretAccessKey']}"
    secret = CREDENTIALS["SecretAccessKey"]
    for learned in (as_json, as_env, as_xml, as_ini):
        assert len(leaks(tmp_path, learned, f"oops {secret}")) == 1
        assert len(leaks(tmp_path, learned, "oops " + secret.replace("/", "%2F").replace("+", "%2B"))) == 1
    assert len(leaks(tmp_path, as_json, f"oops {CREDENTIALS['SessionToken']}")) == 1
    # The key's id is no secret.
    assert leaks(tmp_path, as_json, f"key {CREDENTIALS['AccessKeyId']}") == []


def test_a_private_key_is_found_by_any_line(tmp_path):
    assert len(leaks(tmp_path, PEM, "q" * 64)) == 1


def test_the_stories_have_seen_secrets(ledger, programs, tmp_path):
    before = len(ledger.secrets)
    programs.rolecall("workload", "key", "--to", tmp_path / "key.pem").done()
    ledger.learn_file(tmp_path / "key.pem")
    assert len(ledger.secrets) > before
    assert ledger.places
