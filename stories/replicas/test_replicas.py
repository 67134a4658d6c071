"""Two replicas on one PostgreSQL database, under load for half a minute, while a key rotates, a
replica is killed and the database restarts: no token that does not verify, no row of the trail lost,
nothing that a client's retry does not heal."""

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import jwt
import yaml
from harness.clock import ahead_by
from harness.evidence import EvidenceIssuer
from harness.issuer import workload_key
from harness.postgresql import PostgreSQL
from harness.prober import Prober
from harness.programs import ROLECALL, wait_until
from harness.token_endpoint import BEARER

ISSUER = "https://acme.cubecloud.dev"
HOST = "acme.cubecloud.dev"
DAY = 24 * 3600
# How long after a rotation is ordered its successor signs: the servers have to start meanwhile.
AHEAD = 25
# How long a client goes on trying: longer than a database needs to restart.
PATIENCE = 20


class Load:
    """Clients that ask either replica for tokens, try again as any client would, and verify what they
    get with PyJWT through the live JWKS."""

    def __init__(self, replicas, workload, ledger):
        self.replicas = replicas
        self.key = workload.key_file.read_bytes()
        self.ledger = ledger
        self.granted = []
        self.failed = []
        self.unverified = []
        self.retried = 0
        self._keys = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def start(self, clients):
        self._threads = [threading.Thread(target=self._client, args=(n,)) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE + 10)

    def _client(self, number):
        turn = number
        while not self._stop.is_set():
            turn += 1
            config = "aws" if turn % 8 == 0 else "fast"
            token = self._persistent(turn, lambda address: self._mint(address, config))
            if token is not None:
                self._verify(turn, token)

    def _persistent(self, turn, ask):
        """The answer of one of the replicas, in the end."""
        deadline = time.monotonic() + PATIENCE
        while True:
            address = self.replicas[turn % len(self.replicas)]
            try:
                return ask(address)
            except (OSError, ValueError) as error:
                said = error.read().decode() if isinstance(error, urllib.error.HTTPError) else str(error)
                fault = getattr(error, "code", None), said
                passing = not isinstance(error, urllib.error.HTTPError) or error.code == 503
                if not passing or time.monotonic() > deadline:
                    self.failed.append(fault)
                    return None
            self.retried += 1
            turn += 1
            time.sleep(0.05)

    def _mint(self, address, config):
        now = int(time.time())
        claims = {"iss": "api", "sub": "api", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": BEARER,
            "client_assertion": jwt.encode(claims, self.key, algorithm="ES256"),
            "token_config": config,
        }
        body = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{address}/oauth2/token", body, {"Host": HOST})
        with urllib.request.urlopen(request, timeout=10) as answer:
            token = json.load(answer)["access_token"]
        self.ledger.learn(token, "a token under load")
        return token

    def _verify(self, turn, token):
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self._keys:
            # As a verifier does: an unknown key is looked up, and must be there.
            keys = self._persistent(turn, self._jwks)
            with self._lock:
                self._keys.update(keys or {})
        untimed = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf")}
        try:
            key = self._keys[kid]
            claims = jwt.decode(token, key, algorithms=["ES256", "RS256"], audience=["sts.amazonaws.com", "fast.example"], issuer=ISSUER, options=untimed)
            self.granted.append((claims["jti"], kid))
        except Exception as error:
            self.unverified.append((kid, repr(error)))

    def _jwks(self, address):
        request = urllib.request.Request(f"{address}/.well-known/jwks.json", headers={"Host": HOST})
        with urllib.request.urlopen(request, timeout=10) as answer:
            keys = json.load(answer)["keys"]
        return {key["kid"]: jwt.PyJWK.from_dict(key).key for key in keys}


def test_nothing_is_lost_while_everything_happens(programs, ledger, tmp_path):
    workload = workload_key(programs, tmp_path, "api")
    master = tmp_path / "master.key"
    programs.rolecall("key", "master", "new", master).done()
    ledger.learn_file(master)
    with PostgreSQL() as database, EvidenceIssuer(ledger, ISSUER) as peer:
        config = tmp_path / "rolecall.yaml"
        config.write_text(yaml.safe_dump(settings(database.url, master, workload, peer)))

        def replicas(*names, env=None):
            starting = [programs.start(ROLECALL, "serve", "--config", config, "--output", "json", env=env, name=name) for name in names]
            return [(one, f"http://{one.ready()['listen']}") for one in starting]

        def order(key, env=None):
            programs.rolecall("key", "rotate", "acme", key, "--config", config, env=env).done()

        def keys():
            listed = programs.rolecall("key", "list", "--tenant", "acme", "--config", config, "--output", "json").done()
            return [json.loads(line)["key"] for line in listed.stdout.splitlines()]

        # Almost a day ago, both at once on an empty database, and a rotation is ordered. Programs
        # see one fixed distance from the true time: a clock that is set while they run is read by
        # one thread now and by another later.
        yesterday = programs.environment(**ahead_by(AHEAD - DAY))
        starting = replicas("replica-a-yesterday", "replica-b-yesterday", env=yesterday)
        old = {key["algorithm"]: key["kid"] for key in keys()}
        assert sorted(old) == ["ES256", "RS256"], "two replicas made two sets of keys"
        order(old["ES256"], yesterday)
        published = time.monotonic()
        wait_until(lambda: len(keys()) == 3, "a successor is published")
        assert [running.stop() for running, _ in starting] == [0, 0]

        first, second = replicas("replica-a", "replica-b")
        load = Load([first[1], second[1]], workload, ledger)
        prober = Prober(second[1], HOST, peer, {"token_config": "fast"}).start()
        load.start(4)
        began = time.monotonic()

        def until(second):
            time.sleep(max(0, began + second - time.monotonic()))

        until(4)
        first[0].kill()
        until(7)
        [(again, load.replicas[0])] = replicas("replica-a-again")
        # Once it has been published for a day, the next look lets the successor sign: an order
        # makes the servers look.
        time.sleep(max(0, published + AHEAD + 1 - time.monotonic()))
        order(old["RS256"])
        wait_until(lambda: any(key["kid"] != old["ES256"] and key["algorithm"] == "ES256" and key["slot"] == "active" for key in keys()), "the successor signs")
        turned = time.monotonic() - began
        until(turned + 3)
        prober.stop()
        database.stop()
        time.sleep(1)
        database.start()
        until(max(30, turned + 10))
        load.stop()

        assert load.failed == [] and load.unverified == [], (load.failed[:5], load.unverified[:5])
        assert len(load.granted) > 300, "that was no load"
        signed_by = {kid for _, kid in load.granted}
        assert old["ES256"] in signed_by and len(signed_by) >= 3, "the new key never signed"
        assert load.retried > 0, "nothing ever went wrong"

        report = prober.report()
        assert report["accepted"] == [] and report["odd"] == [] and report["good"] >= 1 and report["refused"] >= 20, report

        listed = programs.rolecall("audit", "list", "--config", config, "--output", "json").done()
        rows = [json.loads(line) for line in listed.stdout.splitlines()]
        recorded = [row["jti"] for row in rows if row["kind"] == "mint" and row["outcome"] == "granted"]
        assert len(recorded) == len(set(recorded))
        missing = {jti for jti, _ in load.granted} - set(recorded)
        assert not missing, f"{len(missing)} acknowledged tokens have no row"
        verdict = programs.rolecall("audit", "verify", "--config", config, "--output", "json").done().json()
        assert verdict["whole"] and verdict["row"] == rows[-1]["id"]
        # The servers end as asked, and let go of the database.
        assert again.stop() == 0 and second[0].stop() == 0
        assert database.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rolecall'") == "0"


def settings(url, master, workload, peer):
    subject = "cube:deployment:{deployment_id}"
    return {
        "server": {"listen": "127.0.0.1:0", "state": url, "master_key_file": str(master)},
        "tenants": [
            {
                "name": "acme",
                "issuer": ISSUER,
                "token_configs": [
                    {"name": "aws", "audience": "sts.amazonaws.com", "algorithm": "RS256", "subject": subject},
                    {"name": "fast", "audience": "fast.example", "algorithm": "ES256", "subject": subject},
                ],
                "trusted_issuers": [{"name": "peer", "issuer": peer.url}],
                "workloads": [
                    {"name": "api", "attributes": {"deployment_id": "42"}, "token_configs": ["aws", "fast"], "keys": [workload.jwk]},
                    {"name": "job", "attributes": {"deployment_id": "43"}, "token_configs": ["fast"], "evidence": [{"from": "peer", "where": {"sub": "peer:job:1"}}]},
                ],
            }
        ],
    }
