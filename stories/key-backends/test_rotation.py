"""A key's life through all its slots, in every backend: under a clock that is set, with a restart
at each turn, so that nobody has to wait for the server's next look."""

import jwt
import pytest
import yaml
from harness.clock import Clock
from harness.key_backend_sites import ALGORITHMS, moto_site, site, written
from harness.key_backends import Tokens
from harness.programs import wait_until
from harness.verifiers import AUDIENCE, jwks

HOUR = 3600
DAY = 24 * HOUR


class Life:
    """A site whose clock is set."""

    def __init__(self, programs, folder, backend):
        self.clock = Clock(folder / "clock")
        under = self.clock.environment()
        self.tokens = None
        if backend == "kms":
            # Only the issuer is under the clock; KMS's own time goes on as it is.
            self.site, _ = moto_site(programs, folder / "issuer", under)
        elif backend == "pkcs11":
            self.tokens = Tokens.empty(programs, folder / "hsm")
            self.tokens.make("rolecall")
            config = written(programs, folder / "issuer", {"hsm": self.tokens.backend("rolecall")}, keys={"backend": "hsm"})
            self.site = site(programs, config, self.tokens.environment(**under))
        else:
            config = written(programs, folder / "issuer", {})
            self.site = site(programs, config, programs.environment(**under))
        self.programs = programs
        self.site.issuer.running.stop()
        self.site.stays_where_it_is()
        self.start()

    def start(self):
        again = site(self.programs, self.site.issuer.config, self.site.env, self.site.witness)
        self.site.issuer = again.issuer

    def at(self, seconds, keys):
        """Start again at this time, and wait until the JWKS has so many keys."""
        self.site.issuer.running.stop()
        self.clock.ahead(seconds)
        self.start()
        return self.published(keys)

    def published(self, keys):
        wait_until(lambda: len(jwks(self.site.url)) == keys, f"the JWKS has {keys} keys", within=20)
        return [key["kid"] for key in jwks(self.site.url)]

    def stopped(self, *command):
        """A command on the state, between a stop and a start."""
        self.site.issuer.running.stop()
        done = self.programs.rolecall(*command, env=self.site.env).done()
        return done

    def key(self, what, *more):
        return self.stopped("key", what, "--config", self.site.issuer.config, *more)

    def held(self):
        """How many private keys the backend has that can be used."""
        if self.tokens is not None:
            return self.tokens.private_keys("rolecall").count("Private Key Object")
        kms = self.site.witness
        states = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]]
        return states.count("Enabled")


def signer(token):
    return jwt.get_unverified_header(token)["kid"]


def verifies(life, token):
    """By PyJWT, whose clock is not the issuer's."""
    keys = jwt.PyJWKSet.from_dict({"keys": jwks(life.site.url)})
    untimed = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf")}
    jwt.decode(token, keys[signer(token)], algorithms=list(ALGORITHMS.values()), audience=AUDIENCE, options=untimed)


@pytest.mark.parametrize("backend", ["software", "pkcs11", "kms"])
def test_a_key_lives_through_all_its_slots(programs, backend):
    life = Life(programs, programs.folder, backend)
    first = life.published(2)
    # Ninety days, but for the day for which the successor is published.
    ahead = life.at(89 * DAY + HOUR, 4)
    assert ahead[:2] == first
    old = {name: life.site.token(name) for name in ALGORITHMS}
    assert [signer(token) for token in old.values()] == first
    turned = ahead[2:] + first
    life.at(90 * DAY + 2 * HOUR, 4)
    wait_until(lambda: life.published(4) == turned, "the successors sign", within=20)
    for name, token in old.items():
        verifies(life, token)
        assert signer(life.site.token(name)) in turned[:2]
    # Twelve hours is the longest that a token may live, and AWS adds five minutes.
    assert life.at(90 * DAY + 2 * HOUR + 12 * HOUR + 10 * 60, 2) == turned[:2]
    verifies(life, life.site.token("es256"))
    if backend != "software":
        wait_until(lambda: life.held() == 2, "the backend deletes the keys that nobody needs", within=20)


def test_a_revoked_key_is_gone_at_once(programs):
    life = Life(programs, programs.folder, "software")
    rsa, ec = life.published(2)
    life.key("rotate", "acme", ec, "--order", "revoke")
    life.start()
    wait_until(lambda: ec not in [key["kid"] for key in jwks(life.site.url)], "the key is unpublished", within=20)
    wait_until(lambda: len(jwks(life.site.url)) == 2, "a successor is there", within=20)
    # Published first, and signing in the step after.
    wait_until(lambda: life.site.mint("es256").code == 0, "the successor signs", within=20)
    token = life.site.token("es256")
    assert signer(token) not in (rsa, ec)
    verifies(life, token)
    assert signer(life.site.token("rs256")) == rsa


def test_a_withdrawn_key_signs_until_its_successor_is_known(programs):
    life = Life(programs, programs.folder, "software")
    rsa, ec = life.published(2)
    life.key("rotate", "acme", ec, "--order", "withdraw")
    life.start()
    successor = life.published(3)[2]
    assert signer(life.site.token("es256")) == ec
    assert set(life.at(10 * 60, 2)) == {rsa, successor}
    assert signer(life.site.token("es256")) == successor


def test_a_new_master_key_changes_nothing_that_others_see(programs):
    life = Life(programs, programs.folder, "software")
    before = jwks(life.site.url)
    old = life.site.token("rs256")
    config = life.site.issuer.config
    new = config.with_name("new.key")
    programs.rolecall("key", "master", "new", new).done()
    programs.ledger.learn_file(new)
    life.key("reseal", "--to", new)
    refused = programs.rolecall("serve", "--config", config, env=life.site.env)
    assert refused.code == 7 and "another master key" in refused.stderr
    document = yaml.safe_load(config.read_text())
    document["server"]["master_key_file"] = str(new)
    config.write_text(yaml.safe_dump(document))
    life.start()
    assert jwks(life.site.url) == before
    verifies(life, old)
    verifies(life, life.site.token("es256"))


def test_a_clock_that_went_backwards_rotates_nothing(programs):
    life = Life(programs, programs.folder, "software")
    first = life.published(2)
    assert len(life.at(89 * DAY + HOUR, 4)) == 4
    life.site.token("es256")
    life.site.issuer.running.stop()
    life.clock.ahead(0)
    life.start()
    said = wait_until(
        lambda: "no key is rotated until it is right" in life.site.issuer.running.stderr.read_text(), "it is reported", within=20
    )
    assert said and [key["kid"] for key in jwks(life.site.url)][:2] == first
    # Keys sign as before.
    assert signer(life.site.token("es256")) == first[1]
