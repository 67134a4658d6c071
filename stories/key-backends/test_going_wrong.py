"""What an operator gets to read when a backend is set up wrongly, or is lost while it is in use."""

import pytest
from harness.key_backends import MODULE, PIN, Tokens
from harness.programs import wait_until
from harness.verifiers import by_pyjwt
from harness.key_backend_sites import AWS_KEYS, moto_site, refused, site, written


@pytest.fixture
def tokens(programs):
    tokens = Tokens.empty(programs, programs.folder / "hsm")
    tokens.make("rolecall")
    return tokens


def in_hsm(programs, backend, **keys):
    return written(programs, programs.folder / "issuer", {"hsm": backend}, keys={"backend": "hsm", **keys})


def told(programs, tokens, **changes) -> str:
    """What `serve` says with a backend changed like this."""
    return refused(programs, in_hsm(programs, tokens.backend("rolecall", **changes)), tokens.environment())


def test_a_wrong_pin_is_tried_once_and_does_not_lock_the_token(programs, tokens):
    (tokens.folder / "pin").write_text("wrong-pin-0")
    said = told(programs, tokens)
    assert "the PIN is not that of the token `rolecall`" in said and "wrong-pin-0" not in said
    (tokens.folder / "pin").write_text(PIN)
    served = site(programs, in_hsm(programs, tokens.backend("rolecall")), tokens.environment())
    by_pyjwt(served.url, served.token("es256"))


def test_a_wrong_label_names_the_tokens_that_there_are(programs, tokens):
    tokens.make("other")
    said = told(programs, tokens, token="rolcall")
    assert "there is no token with the label `rolcall`" in said
    assert "`other`, `rolecall`" in said


def test_a_module_that_is_none(programs, tokens):
    assert "cannot be loaded as a PKCS#11 library" in told(programs, tokens, module="/nowhere/libhsm.so")


def test_a_pin_that_others_can_read(programs, tokens):
    (tokens.folder / "pin").chmod(0o644)
    said = told(programs, tokens)
    assert "has mode 0644; it must be 0600" in said and PIN not in said


def test_a_pin_from_a_variable(programs, tokens):
    backend = tokens.backend("rolecall", pin_variable="HSM_PIN")
    del backend["pkcs11"]["pin_file"]
    config = in_hsm(programs, backend)
    assert "`HSM_PIN`, which is to hold the PIN, is not set" in refused(programs, config, tokens.environment())
    served = site(programs, config, tokens.environment(HSM_PIN=PIN))
    by_pyjwt(served.url, served.token("rs256"))
    backend["pkcs11"]["pin_file"] = str(tokens.folder / "pin")
    config = in_hsm(programs, backend)
    assert "there are `pin_file` and `pin_variable`" in refused(programs, config, tokens.environment())


def test_a_backend_that_nobody_declared(programs):
    config = written(programs, programs.folder / "issuer", {}, keys={"backend": "hms"})
    said = refused(programs, config, programs.environment())
    assert "no key backend is called `hms`; there is none, beside `software`" in said
    assert "rolecall.yaml:" in said


def test_rotation_settings_that_cannot_be(programs):
    config = written(programs, programs.folder / "issuer", {}, keys={"period": "1h"})
    assert "period is 3600 seconds; it must be at least" in refused(programs, config, programs.environment())
    config = written(programs, programs.folder / "issuer", {}, keys={"publish_ahead": "5m"})
    assert "publish_ahead is 300 seconds; it must be at least 360" in refused(programs, config, programs.environment())


def test_a_token_that_is_pulled_out_and_plugged_in_again(programs, tokens):
    served = site(programs, in_hsm(programs, tokens.backend("rolecall")), tokens.environment())
    served.token("es256")
    away = programs.folder / "away"
    tokens.remove(away)
    for config in ("rs256", "es256"):
        lost = served.mint(config)
        assert lost.code in (4, 6), lost
        assert "the token could not be signed" in lost.stderr
    log = served.issuer.running.stderr.read_text()
    assert "the key backend `hsm` failed: " in log and PIN not in log
    tokens.bring_back(away)
    # Whether it is back is looked every two seconds.
    wait_until(lambda: served.mint("es256").code == 0, "the token is used again")
    for config in ("rs256", "es256"):
        by_pyjwt(served.url, served.token(config))


def test_a_key_that_was_deleted_in_the_token(programs, tokens):
    served = site(programs, in_hsm(programs, tokens.backend("rolecall")), tokens.environment())
    command = ("pkcs11-tool", "--module", MODULE, "--token-label", "rolecall", "--login", "--pin", PIN)
    label = next(line.split()[-1] for line in tokens.private_keys("rolecall").splitlines() if "rolecall-acme-es256" in line)
    programs.run(*command, "--delete-object", "--type", "privkey", "--label", label, env=tokens.environment()).done()
    assert served.mint("es256").code in (4, 6)
    assert f"the key `{label}` is not there" in served.issuer.running.stderr.read_text()
    by_pyjwt(served.url, served.token("rs256"))


def test_a_state_whose_backend_is_gone_from_the_configuration(programs, tokens):
    config = in_hsm(programs, tokens.backend("rolecall"))
    served = site(programs, config, tokens.environment())
    served.issuer.running.stop()
    served.stays_where_it_is()
    without = config.read_text().replace("backend: hsm", "backend: software")
    start = without.index("  key_backends:")
    end = without.index("  listen:")
    config.write_text(without[:start] + without[end:])
    said = refused(programs, config, tokens.environment())
    assert "tenant `acme` has keys in the backend `hsm`, which is not configured; there is `software`" in said


def test_kms_without_credentials_and_kms_that_goes_away(programs):
    served, server = moto_site(programs, programs.folder / "issuer")
    by_pyjwt(served.url, served.token("es256"))
    server.stop()
    lost = served.mint("es256")
    assert lost.code in (4, 6), lost
    log = served.issuer.running.stderr.read_text()
    assert "the key backend `cloud` failed: KMS at http://127.0.0.1:" in log
    assert AWS_KEYS["AWS_SECRET_ACCESS_KEY"] not in log
    config = written(programs, programs.folder / "other", {"cloud": {"kms": {"region": "eu-north-1"}}}, keys={"backend": "cloud"})
    said = refused(programs, config, programs.environment())
    assert "there are no AWS credentials to ask KMS with" in said


@pytest.mark.parametrize(
    ("kms", "said"),
    [
        ({"region": "eu-north-1", "deletion_window_days": 3}, "KMS deletes keys after 7 to 30 days, not after 3"),
        ({"region": "eu-north-1", "endpoint": "kms"}, "the address of KMS, `kms`, is no http or https URL"),
        ({"region": "nowhere"}, "nowhere"),
    ],
)
def test_kms_settings_that_cannot_be(programs, kms, said):
    config = written(programs, programs.folder / "issuer", {"cloud": {"kms": kms}}, keys={"backend": "cloud"})
    assert said in refused(programs, config, programs.environment(**AWS_KEYS))
