"""Trust policies and requests by the thousand, the same for the same seed.

A token's claims stand under `aws:RequestTag/…`, keys that the peer knows too. A request has a value,
a set of values, or nothing for each key; a policy's values are taken from the same small pools, or
made from the request's own value, so that hits and misses are about equally frequent."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass

ACCOUNT = "123456789012"
OTHER = "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/acme.cubecloud.dev"

CALLERS = [
    PROVIDER,
    PROVIDER,
    f"arn:aws:iam::{ACCOUNT}:oidc-provider/acme.cubecloud.dev/tenant",
    "accounts.google.com",
    f"arn:aws:iam::{ACCOUNT}:user/alice",
    f"arn:aws:iam::{OTHER}:user/teams/bob",
    f"arn:aws:iam::{ACCOUNT}:role/ci/runner",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/session-1",
    f"arn:aws:sts::{OTHER}:assumed-role/runner/session-1",
    f"arn:aws:iam::{OTHER}:root",
    "ec2.amazonaws.com",
]
PRINCIPALS = [
    *({"Federated": caller} for caller in CALLERS[:4]),
    {"Federated": [PROVIDER, "cognito-identity.amazonaws.com"]},
    {"Federated": f"arn:aws:iam::{OTHER}:oidc-provider/acme.cubecloud.dev"},
    *({"AWS": caller} for caller in CALLERS[4:10]),
    {"AWS": ACCOUNT},
    {"AWS": f"arn:aws:iam::{OTHER}:root"},
    {"AWS": [OTHER, f"arn:aws:iam::{ACCOUNT}:user/alice"]},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:role/runner"},
    {"AWS": "*"},
    "*",
    {"Service": "ec2.amazonaws.com"},
    {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"], "AWS": OTHER},
    {"Federated": PROVIDER, "AWS": ACCOUNT},
]
ACTIONS = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]
ACTION_PATTERNS = [
    *ACTIONS, "STS:assumerole", "sts:AssumeRole*", "sts:*", "*", "sts:Tag*", "sts:?agSession",
    "sts:Assume*Identity", "sts:Set*", "s3:*", "sts:AssumeRol", "sts:AssumeRole?",
]  # fmt: skip

STRINGS = [
    "cube:deployment:41:component:cube_store", "cube:deployment:42:component:api", "cube:deployment:42",
    "repo:acme/app:ref:refs/heads/main", "repo:acme/app:pull_request", "repo:Acme/App:environment:prod",
    "sts.amazonaws.com", "STS.amazonaws.com", "", "*", "a?c", "abc", "ABC", "line\nbreak", "café", "CAFÉ",
    "\U0001f600", "straße", "STRASSE", "ﬀ", "$", "${x}", "a.c", "[abc]", "ΑΣ", "ας", "İ", "true", "5", "5.0",
]  # fmt: skip
PATTERNS = [
    "cube:deployment:*", "cube:deployment:4?:*", "*:component:api", "repo:acme/*:ref:refs/heads/main", "repo:*/app:*",
    "*", "?", "??", "a?c", "a*c", "**", "*a*", "caf?", "line*break", "[abc]", "a.c", "*:*:*", "${*}", "a${?}c", "${$}",
]  # fmt: skip
VARIABLES = [
    "${aws:RequestTag/aud}", "${AWS:requesttag/AUD}", "cube:deployment:${aws:RequestTag/number}:*",
    "${aws:RequestTag/nothing}", "${aws:RequestTag/nothing, 'abc'}", "x${aws:RequestTag/amr}", "${*}${aws:RequestTag/sub}",
    "${aws:RequestTag/aud, 'abc'}", "${aws:RequestTag/sub}", "${aws:RequestTag/nothing,'abc'}", "${unclosed", "$${x",
]  # fmt: skip
# IAM refuses a policy with a number, date, address or binary that it cannot read: policies have
# readable ones only, requests any.
READABLE_NUMBERS = ["5", "5.0", "05", "+5", "-5", "0", "-0", "41", "42", "42.5", "0.5", "9007199254740993", "9007199254740992"]
NUMBERS = [*READABLE_NUMBERS, "1e3", "12abc", "", ".5", "5.", "Infinity", "0x10", " 5"]
DATES = [
    "2024-01-01T00:00:00Z", "2024-01-01", "2024-01", "2024", "2024-01-01T00:00:00+01:00", "2023-12-31T23:00:00Z",
    "1704067200", "1704067199", "2024-01-01T00:00:00.001Z", "2024-01-01T00:00Z", "2024-06-30T12:00:00Z",
    "2024-01-01T00:00:00", "2024-13-01T00:00:00Z", "yesterday", "",
]  # fmt: skip
READABLE_DATES = DATES[:-3]
FLAGS = ["true", "false", "TRUE", "False", "yes", "", "1", "0"]
BLOBS = [base64.b64encode(part).decode() for part in (b"abc", b"abd", b"", b"\xff\x00")] + ["YWJj", "YWJ", "not base64!"]
ADDRESSES = ["203.0.113.7", "203.0.113.8", "10.0.0.1", "2001:db8::1", "2001:DB8:0:0::1", "2001:db8::2", "::ffff:203.0.113.7",
             "nowhere", "", "203.0.113.256"]  # fmt: skip
RANGES = ["203.0.113.7", "203.0.113.0/24", "203.0.113.7/24", "0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32", "2001:db8::1/128",
          "2001:db8::1/64", "::/0", "2001:db8::1", "203.0.113.7/32"]  # fmt: skip
ARNS = [
    ROLE, f"arn:aws:iam::{ACCOUNT}:role/ci/runner", f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/session-1",
    "arn:aws:s3:::bucket/key", "arn:aws:sns:us-east-1:123456789012:topic:sub", "not an arn", "", "arn:aws:iam",
    "arn:aws-cn:iam::123456789012:role/deploy",
]  # fmt: skip
ARN_PATTERNS = [
    "arn:aws:iam::*:role/*", "arn:*:iam::123456789012:role/deploy", "arn:aws:*", "*", "arn:aws:s3:::bucket/*", "arn:*",
    "arn:aws:sns:*:*:topic*", "arn:aws:iam::123456789012:*", "arn:a?s:iam::123456789012:role/*", "arn:*:*:*:*:*", "arn:aws:iam::*",
]  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Condition operators of one kind, and what they are tried on."""

    operators: list[str]
    key: str
    request: list[str]
    policy: list[str]


ORDERS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
FAMILIES = [
    Family(
        ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
        "sub", STRINGS, STRINGS + ["cube:*", "a?c"] + VARIABLES,
    ),
    Family(["StringLike", "StringNotLike"], "sub", STRINGS, STRINGS + PATTERNS * 2 + VARIABLES),
    Family([f"Numeric{order}" for order in ORDERS], "number", NUMBERS, READABLE_NUMBERS),
    Family([f"Date{order}" for order in ORDERS], "date", DATES, READABLE_DATES),
    Family(["Bool"], "flag", FLAGS, FLAGS[:4]),
    Family(["BinaryEquals"], "blob", BLOBS, BLOBS[:4]),
    Family(["IpAddress", "NotIpAddress"], "address", ADDRESSES, RANGES),
    Family(["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], "arn", ARNS, ARNS[:5] + ARN_PATTERNS * 2),
    Family(["Null"], "sub", STRINGS, ["true", "false", "TRUE"]),
]  # fmt: skip
STRING_FAMILIES = FAMILIES[:2]
KEYS = {"sub": STRINGS, "aud": STRINGS, "number": NUMBERS, "date": DATES, "flag": FLAGS, "blob": BLOBS,
        "address": ADDRESSES, "arn": ARNS, "amr": STRINGS, "tags": NUMBERS + STRINGS}  # fmt: skip
# What a request says in a word, for the constant conditions into which listed differences are turned.
ALWAYS = ("aws:RequestTag/probe", "yes")


def pairs(seed: int, count: int):
    """`count` questions: `policy`, `principal`, `action`, `context`."""
    source = random.Random(seed)
    return [pair(source) for _ in range(count)]


def pair(source: random.Random) -> dict:
    """One question."""
    context = request_context(source)
    caller = source.choice(CALLERS)
    statements = [statement(source, caller, context) for _ in range(source.choices([1, 2, 3], [6, 3, 1])[0])]
    if all(one["Effect"] == "Deny" for one in statements):
        # Beside an Allow, or the Deny could not be told from nothing.
        statements.append({"Effect": "Allow", **naming(caller), "Action": "*"})
    policy: dict = {"Statement": statements if len(statements) > 1 or source.random() < 0.5 else statements[0]}
    version = source.choices(["2012-10-17", "2008-10-17", None], [8, 1, 1])[0]
    if version:
        policy = {"Version": version, **policy}
    return {
        "policy": policy,
        "principal": caller,
        "action": source.choices(ACTIONS, [5, 3, 1, 1])[0],
        "context": context,
    }


def request_context(source: random.Random) -> dict:
    """Values for the keys: one for most, sets for `amr` and `tags`, now and then the other way round,
    or none; key names in any letter case."""
    context: dict = {}
    for key, pool in KEYS.items():
        if source.random() < 0.2:
            continue
        multivalued = (key in ("amr", "tags")) != (source.random() < 0.05)
        name = f"aws:RequestTag/{key}"
        name = name if source.random() < 0.9 else name.upper()
        if multivalued:
            context[name] = source.sample(pool, source.choice([1, 1, 2, 3]))
        else:
            context[name] = source.choice(pool)
    context[ALWAYS[0]] = ALWAYS[1]
    return context


def statement(source: random.Random, caller: str, context: dict) -> dict:
    """One statement, about the caller more often than not."""
    made: dict = {"Effect": source.choices(["Allow", "Deny"], [3, 1])[0]}
    if source.random() < 0.7:
        made |= naming(caller)
    else:
        made["NotPrincipal" if source.random() < 0.2 else "Principal"] = source.choice(PRINCIPALS)
    negated = source.random() < 0.1
    patterns = ["s3:*", "sts:TagSession", "sts:Set*"] if negated else ACTION_PATTERNS
    action = source.sample(patterns, 2) if source.random() < 0.4 else source.choice(["sts:*", "sts:*", source.choice(patterns)])
    made["NotAction" if negated else "Action"] = action
    conditions: dict = {}
    for _ in range(source.choices([0, 1, 2, 3], [1, 5, 3, 1])[0]):
        operator, key, values = condition(source, context)
        conditions.setdefault(operator, {})[key] = values
    if conditions:
        made["Condition"] = conditions
    return made


def naming(caller: str) -> dict:
    """The `Principal` element that names the caller and nobody else."""
    if caller.startswith("arn:") and "-provider/" not in caller:
        return {"Principal": {"AWS": caller}}
    return {"Principal": {"Service" if caller.startswith("ec2.") else "Federated": caller}}


def condition(source: random.Random, context: dict) -> tuple[str, str, object]:
    """Operator, key and values."""
    family = source.choice(FAMILIES + STRING_FAMILIES * 2)
    operator = source.choice(family.operators)
    prefix = source.choices(["", "ForAllValues:", "ForAnyValue:"], [5, 2, 2])[0]
    if operator == "Null" and source.random() < 0.8:
        prefix = ""
    suffix = "IfExists" if operator != "Null" and source.random() < 0.2 else ""
    key = family.key
    if prefix and source.random() < 0.7:
        key = "amr" if family in STRING_FAMILIES else "tags" if family.key == "number" else key
    if source.random() < 0.08:
        key = source.choice([*KEYS, "nothing"])
    name = f"aws:RequestTag/{key}"
    pool = family.policy
    values = [value(source, pool, seen(context, name)) for _ in range(source.choices([1, 2, 3], [6, 3, 1])[0])]
    if source.random() < 0.02:
        values = []
    shown: object = values[0] if len(values) == 1 and source.random() < 0.7 else values
    if shown in ("true", "false", "5", "42") and family not in STRING_FAMILIES and source.random() < 0.5:
        # JSON's own booleans and numbers count as text.
        shown = json.loads(shown)
    return f"{prefix}{operator}{suffix}", name if source.random() < 0.9 else name.lower(), shown


def value(source: random.Random, pool: list[str], seen: list[str]) -> str:
    """From the pool, or made from what the request has."""
    if not seen or source.random() < 0.6:
        return source.choice(pool)
    taken = source.choice(seen)
    if pool in (READABLE_NUMBERS, READABLE_DATES, RANGES, FLAGS[:4], BLOBS[:4]):
        return taken if taken in pool else source.choice(pool)
    cut = source.randrange(len(taken) + 1)
    return source.choice([taken, taken, taken[:cut] + "*", "*" + taken[cut:], taken.swapcase()])


def seen(context: dict, key: str) -> list[str]:
    """The request's values of a key, in any letter case."""
    for name, found in context.items():
        if name.lower() == key.lower():
            return found if isinstance(found, list) else [found]
    return []
