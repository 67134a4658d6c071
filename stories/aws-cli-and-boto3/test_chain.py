"""Role chains: external IDs, session tags, transitive tags and source identity across accounts."""

import pytest
from botocore.exceptions import ClientError
from harness.account import OTHER_ACCOUNT, role_arn
from harness.acme import EXTERNAL_ID, ISSUER, READER, ROLE, connections
from harness.issuer import asking


def session(acme, connection):
    """The session of a connection, as STS's credentials."""
    return acme.rolecall("credentials", connection, "--format", "process", prints_secrets=True).json()


def test_a_second_account_is_reached_with_its_external_id(acme):
    identity = acme.accounts.session("sts", session(acme, "reader")).get_caller_identity()
    assert identity["Account"] == OTHER_ACCOUNT
    assert identity["Arn"].startswith("arn:aws:sts::222222222222:assumed-role/Reader/")


@pytest.mark.parametrize(
    ("connection", "actual"), [("reader-without-id", "no such key"), ("reader-wrong-id", "superset-prod-99999")]
)
def test_the_explanation_names_the_external_id(acme, connection, actual):
    denied = acme.rolecall("credentials", connection, "--format", "process")
    assert denied.code == 5
    assert denied.stdout == ""
    assert "is not authorized to perform: sts:AssumeRole on resource: " + READER in denied.stderr
    for word in ("sts:ExternalId", EXTERNAL_ID, actual):
        assert word in denied.stderr, f"{word} is not in:\n{denied.stderr}"


def test_session_tags_and_source_identity_come_from_the_token(acme):
    acme.accounts.session("sts", session(acme, "tagged")).get_caller_identity()
    assumed = [r for r in acme.accounts.records() if r["eventName"] == "AssumeRoleWithWebIdentity" and not r.get("errorCode")]
    parameters = assumed[-1]["requestParameters"]
    assert parameters["principalTags"] == {"team": "data", "stage": "production"}
    assert parameters["transitiveTagKeys"] == ["team"]
    assert parameters["sourceIdentity"] == "cube-api"


def test_transitive_tags_and_source_identity_go_along_and_other_tags_do_not(acme):
    identity = acme.accounts.session("sts", session(acme, "archive")).get_caller_identity()
    assert identity["Arn"].startswith("arn:aws:sts::222222222222:assumed-role/TeamDataArchive/")


def test_a_role_chain_lasts_at_most_an_hour(acme, programs, tmp_path):
    first = connections(acme.accounts.url)["athena"]
    long = {**first, "hops": [{"role": READER, "external_id": EXTERNAL_ID, "duration": "2h"}]}
    config = asking(tmp_path / "long.yaml", acme.workload, ISSUER, {"long": long}, address=acme.issuer.address)
    before = len(acme.accounts.records())
    refused = programs.rolecall("credentials", "long", "--config", config)
    assert refused.code == 3
    assert "long.yaml:" in refused.stderr and "role chaining" in refused.stderr
    assert len(acme.accounts.records()) == before


def test_boto3_walks_the_same_chain_by_hand(acme):
    first = acme.accounts.session("sts", session(acme, "athena"))
    hop = {"RoleArn": READER, "RoleSessionName": "by-hand"}
    with pytest.raises(ClientError, match="AccessDenied"):
        first.assume_role(**hop)
    second = first.assume_role(**hop, ExternalId=EXTERNAL_ID)
    assert acme.accounts.session("sts", second["Credentials"]).get_caller_identity()["Account"] == OTHER_ACCOUNT


def test_the_aws_cli_chains_by_source_profile(acme, tmp_path):
    token = tmp_path / "token"
    acme.rolecall("token", "mint", "athena", "--to", token).done()
    acme.programs.ledger.learn_file(token)
    config = tmp_path / "config"
    config.write_text(
        f"[profile first]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n"
        f"[profile second]\nsource_profile = first\nrole_arn = {READER}\nexternal_id = {EXTERNAL_ID}\n"
    )
    identity = acme.programs.aws(
        "--profile", "second", "sts", "get-caller-identity", env=acme.environment(AWS_CONFIG_FILE=str(config))
    )
    assert identity.json()["Account"] == OTHER_ACCOUNT


def test_a_tag_without_permission_to_tag_is_refused(acme):
    with pytest.raises(ClientError) as denied:
        acme.accounts.anyone().assume_role_with_web_identity(
            RoleArn=ROLE, RoleSessionName="tagged", WebIdentityToken=acme.token("tagged")
        )
    assert denied.value.response["Error"]["Code"] == "AccessDenied"
    reached = acme.accounts.anyone().assume_role_with_web_identity(
        RoleArn=role_arn("tagged"), RoleSessionName="tagged", WebIdentityToken=acme.token("tagged")
    )
    assert reached["SourceIdentity"] == "cube-api"
