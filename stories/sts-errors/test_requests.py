"""Refusals that have nothing to do with the token: shapes, durations, policies, signatures."""

import datetime
import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import botocore.auth
import pytest
from botocore.exceptions import ClientError
from harness.account import ACCOUNT, OTHER_ACCOUNT, role_arn

STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


def refused(call, **parameters) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def raw(url: str, **form: str) -> tuple[int, str, str]:
    """A form posted as it is: status, code and message of the answer."""
    body = urllib.parse.urlencode({"Version": "2011-06-15", **form}).encode()
    try:
        urllib.request.urlopen(url, body)
    except urllib.error.HTTPError as answer:
        root = xml.etree.ElementTree.fromstring(answer.read())
        assert root.tag == f"{STS}ErrorResponse"
        assert root.findtext(f"{STS}RequestId") == answer.headers["x-amzn-RequestId"]
        assert answer.headers.get_content_type() == "text/xml"
        return answer.code, root.findtext(f"{STS}Error/{STS}Code"), root.findtext(f"{STS}Error/{STS}Message")
    raise AssertionError("was answered with success")


def test_an_action_that_does_not_exist(newer):
    status, code, message = raw(newer.accounts.url, Action="MakeMeAdmin")
    assert (status, code) == (400, "InvalidAction")
    assert "MakeMeAdmin" in message


@pytest.mark.parametrize(
    ("parameters", "field", "constraint"),
    [
        ({"RoleSessionName": "x"}, "roleSessionName", "Member must have length greater than or equal to 2"),
        ({"RoleSessionName": "x" * 65}, "roleSessionName", "Member must have length less than or equal to 64"),
        ({"RoleSessionName": "a b"}, "roleSessionName", r"Member must satisfy regular expression pattern: [\w+=,.@-]*"),
        ({"RoleArn": "arn:short"}, "roleArn", "Member must have length greater than or equal to 20"),
        ({"DurationSeconds": 899}, "durationSeconds", "Member must have value greater than or equal to 900"),
        ({"DurationSeconds": 43201}, "durationSeconds", "Member must have value less than or equal to 43200"),
        ({"Policy": "x" * 2049}, "policy", "Member must have length less than or equal to 2048"),
    ],
)
def test_a_parameter_outside_its_shape(newer, parameters, field, constraint):
    error = newer.refused(**parameters).response["Error"]
    assert error["Code"] == "ValidationError"
    assert "1 validation error detected: Value '" in error["Message"]
    assert f"at '{field}' failed to satisfy constraint: {constraint}" in error["Message"]


def test_several_violations_are_counted(newer):
    message = newer.refused(RoleSessionName="x", DurationSeconds=1).response["Error"]["Message"]
    assert message.startswith("2 validation errors detected: ")
    assert "; " in message


@pytest.mark.parametrize("duration", ["900.0", "9e2", " 900", "99999999999"])
def test_a_number_that_is_none(newer, duration):
    status, code, _ = raw(
        newer.accounts.url, Action="AssumeRoleWithWebIdentity", RoleArn=role_arn("job"), RoleSessionName="job-1",
        WebIdentityToken=newer.peer.token(), DurationSeconds=duration,
    )  # fmt: skip
    assert (status, code) == (400, "MalformedInput")


def test_longer_than_the_role_allows(newer):
    error = newer.refused(DurationSeconds=3601).response["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."


def test_longer_than_a_chain_allows(newer):
    session = newer.accounts.session("sts", newer.exchange())
    code, message, _ = refused(session.assume_role, RoleArn=role_arn("hop"), RoleSessionName="hop", DurationSeconds=3601)
    assert code == "ValidationError"
    assert message == "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."


@pytest.mark.parametrize("document", ["{zz", '{"Version": "2012-10-17"}', '{"Version": "1999-01-01", "Statement": []}'])
def test_a_session_policy_that_is_none(newer, document):
    caught = newer.refused(Policy=document)
    assert type(caught).__name__ == "MalformedPolicyDocumentException"
    assert caught.response["Error"]["Code"] == "MalformedPolicyDocument"
    assert caught.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_tags_that_take_too_much_space(newer):
    session = newer.accounts.session("sts", newer.exchange())
    tags = [{"Key": f"{n:02}{'k' * 126}", "Value": f"{n:02}{'v' * 254}"} for n in range(50)]
    with pytest.raises(session.exceptions.PackedPolicyTooLargeException) as caught:
        session.assume_role(RoleArn=role_arn("hop"), RoleSessionName="hop", Tags=tags)
    assert "Packed policy consumes" in str(caught.value)
    assert "% of allotted space, please use smaller policy." in str(caught.value)


def test_a_signature_that_is_missing(newer):
    code, _, status = refused(newer.accounts.anyone().get_caller_identity)
    assert (code, status) == ("MissingAuthenticationToken", 403)


def test_a_key_that_does_not_exist(newer):
    unknown = newer.accounts.client("sts", aws_access_key_id="AKIAUNKNOWNUNKNOWN00", aws_secret_access_key="x" * 40)
    code, _, status = refused(unknown.get_caller_identity)
    assert (code, status) == ("InvalidClientTokenId", 403)


def test_a_secret_that_does_not_fit(newer):
    keys = {**newer.accounts.admin_keys(), "aws_secret_access_key": "x" * 40}
    code, _, status = refused(newer.accounts.client("sts", **keys).get_caller_identity)
    assert (code, status) == ("SignatureDoesNotMatch", 403)


def test_a_session_token_that_does_not_fit(newer):
    credentials = newer.exchange()
    other = newer.exchange()
    mixed = {**credentials, "SessionToken": other["SessionToken"]}
    code, _, status = refused(newer.accounts.session("sts", mixed).get_caller_identity)
    assert (code, status) == ("InvalidClientTokenId", 403)


def test_a_role_that_trusts_somebody_else(newer):
    session = newer.accounts.session("sts", newer.exchange())
    target = role_arn("closed", OTHER_ACCOUNT)
    code, message, status = refused(session.assume_role, RoleArn=target, RoleSessionName="hop")
    assert (code, status) == ("AccessDenied", 403)
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/job/job-1"
    assert message.startswith(f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {target}")


def test_a_missing_role_is_refused_in_the_same_words(newer):
    session = newer.accounts.session("sts", newer.exchange())
    words = {}
    for name in ("closed", "missing"):
        target = role_arn(name, OTHER_ACCOUNT)
        _, message, _ = refused(session.assume_role, RoleArn=target, RoleSessionName="hop")
        words[name] = message.replace(target, "ROLE")
    assert words["closed"] == words["missing"]


@pytest.mark.parametrize(
    ("operation", "parameters"), [("get_session_token", {}), ("get_federation_token", {"Name": "someone"})]
)
def test_a_role_session_gets_no_session_token(newer, operation, parameters):
    session = newer.accounts.session("sts", newer.exchange())
    code, _, status = refused(getattr(session, operation), **parameters)
    assert (code, status) in {("AccessDenied", 403), ("InvalidAction", 400)}
    if operation == "get_session_token":
        assert code == "AccessDenied"


def test_an_authorization_message_that_is_none(newer):
    admin = newer.accounts.admin("sts")
    with pytest.raises(admin.exceptions.InvalidAuthorizationMessageException) as caught:
        admin.decode_authorization_message(EncodedMessage="bm9ib2R5IHdyb3RlIHRoaXM")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_what_works_meanwhile(newer):
    admin = newer.accounts.admin("sts")
    credentials = admin.get_session_token()["Credentials"]
    identity = newer.accounts.session("sts", credentials).get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].startswith(f"arn:aws:iam::{ACCOUNT}:user/")
    assert admin.get_access_key_info(AccessKeyId=newer.exchange()["AccessKeyId"])["Account"] == ACCOUNT


def test_a_request_signed_too_long_ago(newer, monkeypatch):
    early = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=20)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: early.replace(tzinfo=None))
    code, message, status = refused(newer.accounts.admin("sts").get_caller_identity)
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert "Signature expired" in message


def test_a_policy_names_only_roles_that_exist(newer):
    nobody = role_arn("nobody")
    statement = {"Effect": "Allow", "Principal": {"AWS": nobody}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam = newer.accounts.admin("iam")
    assert refused(iam.create_role, RoleName="trusting", AssumeRolePolicyDocument=document) == (
        "MalformedPolicyDocument",
        f'Invalid principal in policy: "AWS":"{nobody}"',
        400,
    )
