"""The audit trail beside CloudTrail: which token a session came from, and sessions of no token of ours."""

import json
import time

import jwt
import pytest
from harness import acme as world
from harness.acme import ISSUER, ROLE


@pytest.fixture(scope="module")
def acme(tmp_path_factory, ledger):
    from harness.programs import Programs

    programs = Programs(tmp_path_factory.mktemp("joining"), ledger)
    yield world.begin(programs, programs.folder / "acme")
    programs.close()


def test_each_exchange_is_found_with_its_token(acme, tmp_path):
    tokens = [acme.token() for _ in range(2)]
    ids = [jwt.decode(token, options={"verify_signature": False})["jti"] for token in tokens]
    for token in tokens:
        exchanged = acme.accounts.anyone().assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="joined", WebIdentityToken=token)
        acme.programs.ledger.learn(json.dumps(exchanged, default=str), "STS")
    denied = acme.rolecall("credentials", "store")
    assert denied.code == 5
    client = acme.accounts.admin("cloudtrail")
    looked_up = tmp_path / "events.json"
    events = client.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithWebIdentity"}])["Events"]
    looked_up.write_text(json.dumps({"Events": events}, default=str))
    join = ["audit", "join", "--config", acme.issuer.config]
    joined = acme.programs.rolecall(*join, looked_up, "--output", "json").done()
    lines = [json.loads(line) for line in joined.stdout.splitlines()]
    assert len(lines) == 3
    assert {token["jti"] for line in lines for token in line["tokens"]} >= set(ids)
    assert all(line["tokens"][0]["workload"] == "cube-api" for line in lines)
    # As files of a trail's bucket, one after the other, from a pipe.
    records = "".join(json.dumps({"Records": [record]}) for record in acme.accounts.records())
    text = acme.programs.rolecall(*join, "-", stdin=records).done().stdout
    assert len(text.splitlines()) == 3 and " granted  " in text and "AccessDenied" in text
    # Somebody who signs with another key, or a trail that is not all of it.
    foreign = json.loads(json.dumps(acme.accounts.records()[0]))
    foreign["userIdentity"]["userName"] = "cube:deployment:42:component:cube_api2"
    late = json.loads(json.dumps(acme.accounts.records()[0]))
    late["eventTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 86400))
    elsewhere = json.loads(json.dumps(acme.accounts.records()[0]).replace(ISSUER.removeprefix("https://"), "other.example"))
    for strange, code in [(foreign, 9), (late, 9), (elsewhere, 0)]:
        found = acme.programs.rolecall(*join, "-", stdin=json.dumps(strange))
        assert found.code == code, found
        assert ("NO TOKEN OF THIS TRAIL" in found.stdout) == (code == 9)
    broken = acme.programs.rolecall(*join, "-", stdin='{"Records": [')
    assert broken.code == 7 and "cannot read the events" in broken.stderr
