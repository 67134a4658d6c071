"""The emulated account's CloudTrail, asked by the aws CLI and boto3: what STS denied is there, what
it could not verify is not."""

import datetime
import json

import boto3
import pytest
from botocore.exceptions import ClientError
from harness.account import provider_arn, role_arn

OF_EXCHANGES = "AttributeKey=EventName,AttributeValue=AssumeRoleWithWebIdentity"


def of_exchanges(**more) -> dict:
    named = {"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithWebIdentity"}
    return {"LookupAttributes": [named], **more}


def records(events: list[dict]) -> list[dict]:
    return [json.loads(event["CloudTrailEvent"]) for event in events]


def test_the_aws_cli_finds_the_denied_exchange_and_not_the_unverified_one(live, programs):
    live.exchange("wrong", live.token(sub="org:acme:cloud:cli"))
    live.exchange("wrong", live.token(sub="org:acme:cloud:unverified", aud="https://elsewhere.example"))
    answer = programs.aws(
        "cloudtrail", "lookup-events", "--lookup-attributes", OF_EXCHANGES, "--max-items", "20",
        env=live.environment(programs),
    ).json()  # fmt: skip
    found = [event for event in answer["Events"] if event["Username"] == "org:acme:cloud:cli"]
    assert len(found) == 1
    assert found[0]["Resources"] == [{"ResourceType": "AWS::IAM::Role", "ResourceName": role_arn("wrong")}]
    (record,) = records(found)
    assert (record["errorCode"], record["errorMessage"]) == ("AccessDenied", "An unknown error occurred")
    assert record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": f"{provider_arn(live.url)}:sts.amazonaws.com:org:acme:cloud:cli",
        "userName": "org:acme:cloud:cli",
        "identityProvider": provider_arn(live.url),
    }
    assert not any(event["Username"] == "org:acme:cloud:unverified" for event in answer["Events"])


def test_boto3_pages_through_the_newest_first(live):
    for number in range(60):
        live.exchange("wrong", live.token(sub=f"org:acme:page:{number}"))
    trail = live.accounts.admin("cloudtrail")
    pages = list(trail.get_paginator("lookup_events").paginate(**of_exchanges()))
    assert len(pages) >= 2 and len(pages[0]["Events"]) == 50
    events = [event for page in pages for event in page["Events"]]
    subjects = [event["Username"] for event in events if event["Username"].startswith("org:acme:page:")]
    assert subjects == [f"org:acme:page:{number}" for number in reversed(range(60))]
    assert len({event["EventId"] for event in events}) == len(events)


@pytest.mark.parametrize("key", ["EventId", "ResourceName", "Username", "EventSource", "ReadOnly"])
def test_boto3_looks_up_by_each_attribute(live, key):
    live.exchange("wrong", live.token(sub="org:acme:attribute"))
    trail = live.accounts.admin("cloudtrail")
    newest = trail.lookup_events(**of_exchanges(MaxResults=1))["Events"][0]
    value = newest["Resources"][0]["ResourceName"] if key == "ResourceName" else newest[key]
    attribute = {"AttributeKey": key, "AttributeValue": value}
    found = trail.lookup_events(LookupAttributes=[attribute], MaxResults=50)["Events"]
    assert newest["EventId"] in [event["EventId"] for event in found]
    if key == "EventId":
        assert len(found) == 1


def test_a_window_of_time_bounds_what_is_found(live):
    live.exchange("wrong", live.token())
    trail = live.accounts.admin("cloudtrail")
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    assert trail.lookup_events(**of_exchanges(StartTime=now - hour, EndTime=now + hour))["Events"]
    assert not trail.lookup_events(**of_exchanges(StartTime=now - 3 * hour, EndTime=now - hour))["Events"]


def test_another_region_sees_nothing_of_it(live):
    live.exchange("wrong", live.token())
    keys = live.accounts.admin_keys()
    elsewhere = boto3.session.Session(**keys).client("cloudtrail", region_name="eu-west-1", endpoint_url=live.accounts.url)
    assert not elsewhere.lookup_events(**of_exchanges())["Events"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
        ({"NextToken": "made-up"}, "InvalidNextTokenException"),
        ({"LookupAttributes": [{"AttributeKey": "Colour", "AttributeValue": "red"}]}, "InvalidLookupAttributesException"),
    ],
)
def test_wrong_questions_are_refused_by_their_name(live, asked, code):
    with pytest.raises(ClientError) as refused:
        live.accounts.admin("cloudtrail").lookup_events(**asked)
    assert refused.value.response["Error"]["Code"] == code


def test_looking_up_needs_the_permission_and_a_good_signature(live, programs):
    refused = programs.aws("cloudtrail", "lookup-events", env=live.environment(programs, **live.user("nobody")))
    assert "AccessDeniedException" in refused.stderr and "cloudtrail:LookupEvents" in refused.stderr
    refused = programs.aws("cloudtrail", "lookup-events", env=live.environment(programs, AWS_SECRET_ACCESS_KEY="wrong"))
    assert "InvalidSignatureException" in refused.stderr


def test_the_aws_cli_and_boto3_page_through_the_roles(live, programs):
    listed = programs.aws("iam", "list-roles", env=live.environment(programs)).json()["Roles"]
    assert len(listed) == live.roles
    iam = live.accounts.admin("iam")
    first = iam.list_roles(MaxItems=30)
    assert first["IsTruncated"] and len(first["Roles"]) == 30
    names = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    assert len(set(names)) == live.roles
    with pytest.raises(ClientError, match="ValidationError"):
        iam.list_roles(MaxItems=1001)
