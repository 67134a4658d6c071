"""Where Rolecall and the peer differ, each with the page of AWS's manual that decides it. A
difference covers one condition, principal or action, and only in the direction that it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from parts import Part

MANUAL = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
OPERATORS = MANUAL + "reference_policies_elements_condition_operators.html"
VARIABLES = MANUAL + "reference_policies_variables.html"
PRINCIPALS = MANUAL + "reference_policies_elements_principal.html"


@dataclass(frozen=True)
class Difference:
    """One class of differences."""

    name: str
    page: str
    why: str
    # Whether it may explain a difference in this part.
    applies: Callable[[Part], bool]
    # What Rolecall says of the part; `None` where it goes both ways.
    holds: bool | None


def base(part: Part) -> str:
    """The operator without set prefix and `IfExists`."""
    return part.operator.removeprefix("ForAllValues:").removeprefix("ForAnyValue:").removesuffix("IfExists")


def negated(part: Part) -> bool:
    """Whether the operator is one of those that refuse values."""
    return "Not" in base(part)


def asked(part: Part) -> list[str]:
    """The request's values of the part's key."""
    return [one for name, found in part.context.items() if name.lower() == part.key.lower()
            for one in (found if isinstance(found, list) else [found])]  # fmt: skip


def lookup(part: Part, key: str):
    """The request's value of any key; `None` when it has none."""
    return next((found for name, found in part.context.items() if name.lower() == key.strip().lower()), None)


def condition(*bases: str) -> Callable[[Part], bool]:
    """A condition with an operator whose name begins so."""
    return lambda part: part.kind == "condition" and base(part).removeprefix("Not").startswith(bases)


def variables(part: Part) -> list[str]:
    """What stands in `${…}` of the values, the literals aside."""
    found = [inside for one in part.values for inside in re.findall(r"\$\{([^}]*)\}", one)]
    return [inside for inside in found if inside not in ("*", "?", "$")]


def takes_variables(part: Part) -> bool:
    """A condition whose operator puts the request's values into `${…}`."""
    return condition("String", "Arn")(part)


def is_decimal(text: str) -> bool:
    """A number as AWS reads it."""
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", text) is not None


def is_date(text: str) -> bool:
    """A date of the W3C profile, or seconds since the epoch."""
    month = r"(0[1-9]|1[0-2])"
    return re.fullmatch(rf"-?\d+|\d{{4}}(-{month}(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", text) is not None


def unresolved(part: Part, inside: str) -> bool:
    """A variable that stands for nothing: no key, no default; or for a set of values."""
    key, _, default = inside.partition(", ")
    value = lookup(part, key)
    return isinstance(value, list) or (value is None and not default)


def is_provider(name: str) -> bool:
    """A caller with a token."""
    return "oidc-provider/" in name or name == "accounts.google.com"


def named(part: Part, kind: str) -> list[str]:
    """The principals of a kind that the element names."""
    if part.kind != "principal" or not isinstance(part.content, dict):
        return []
    found = part.content.get(kind, [])
    return found if isinstance(found, list) else [found]


def names_everyone(part: Part) -> bool:
    """`"*"` or `"AWS": "*"`."""
    return part.kind == "principal" and (part.content == "*" or "*" in named(part, "AWS"))


def address_family(text: str) -> int | None:
    """4 or 6; an IPv4 address within IPv6 is one of IPv4. `None` for what is no address."""
    import ipaddress

    try:
        address = ipaddress.ip_network(text, strict=False).network_address
    except ValueError:
        return None
    return 4 if address.version == 4 or address.ipv4_mapped else 6


DIFFERENCES = [
    Difference(
        "everyone-with-token",
        PRINCIPALS + "#principal-anonymous",
        "`*` stands for AWS's own principals and the unsigned; a caller with an OIDC token is named by its provider",
        lambda part: names_everyone(part) and is_provider(part.caller),
        None,
    ),
    Difference(
        "account-of-provider",
        PRINCIPALS + "#principal-accounts",
        "an account stands for its users and roles; a provider registered in it is no principal of the account",
        lambda part: part.caller.split(":")[4:5] == ["123456789012"] and is_provider(part.caller)
        and any("123456789012" == one or one == "arn:aws:iam::123456789012:root" for one in named(part, "AWS")),
        None,
    ),
    Difference(
        "any-value-if-exists",
        OPERATORS + "#Conditions_IfExists",
        "with IfExists a condition on a key that is absent is true, whatever stands before the operator",
        lambda part: part.kind == "condition" and part.operator.startswith("ForAnyValue:")
        and part.operator.endswith("IfExists") and not asked(part),
        True,
    ),
    Difference(
        "variables-by-version",
        MANUAL + "reference_policies_elements_version.html",
        "policies before Version 2012-10-17 have no variables: `${` is plain text",
        lambda part: takes_variables(part) and part.version != "2012-10-17" and any("${" in one for one in part.values),
        None,
    ),
    Difference(
        "valueless-variable-negated",
        VARIABLES + "#policy-vars-no-value",
        "a variable without a value matches nothing, so a negated operator holds",
        lambda part: takes_variables(part) and part.version == "2012-10-17" and negated(part)
        and any(unresolved(part, inside) for inside in variables(part)),
        True,
    ),
    Difference(
        "empty-variable",
        VARIABLES,
        "a key that is present with an empty text has a value, and it is put in",
        lambda part: takes_variables(part) and part.version == "2012-10-17"
        and any(lookup(part, inside.partition(", ")[0]) == "" for inside in variables(part)),
        None,
    ),
    Difference(
        "star-over-newline",
        OPERATORS + "#Conditions_String",
        "`*` is any run of characters, and a line feed is a character",
        lambda part: condition("StringLike", "StringNotLike")(part)
        and any("\n" in one for one in asked(part)) and any("*" in one or "?" in one for one in part.values),
        None,
    ),
    Difference(
        "not-a-number",
        OPERATORS + "#Conditions_Numeric",
        "numbers are integers and decimals: `12abc`, ` 5`, `0x10` and the empty text are none, so that only a "
        "negated comparison holds",
        lambda part: condition("Numeric")(part) and not all(is_decimal(one) for one in asked(part)),
        None,
    ),
    Difference(
        "large-numbers",
        OPERATORS + "#Conditions_Numeric",
        "two integers are equal when they are the same, also beyond what a double can hold",
        lambda part: condition("Numeric")(part) and all(is_decimal(one) for one in asked(part))
        and any(is_decimal(one) and abs(float(one)) > 2**53 - 1 for one in (*asked(part), *part.values)),
        None,
    ),
    Difference(
        "not-a-date",
        OPERATORS + "#Conditions_Date",
        "a request value that is no date compares with none, so that only a negated comparison holds",
        lambda part: condition("Date")(part) and not all(is_date(one) for one in asked(part)),
        None,
    ),
    Difference(
        "epoch-and-calendar",
        OPERATORS + "#Conditions_Date",
        "seconds since the epoch and a calendar date name the same instant; four digits are a year",
        lambda part: condition("Date")(part) and all(is_date(one) for one in asked(part))
        and any(one.isdigit() for one in (*asked(part), *part.values)),
        None,
    ),
    Difference(
        "not-a-boolean",
        OPERATORS + "#Conditions_Boolean",
        "the key is compared with true or false: what does not spell true is not true",
        lambda part: condition("Bool")(part) and any(one.lower() not in ("true", "false") for one in asked(part)),
        True,
    ),
    Difference(
        "address-spelling",
        OPERATORS + "#Conditions_IPAddress",
        "IPv6 addresses are compared as RFC 4291 reads them, not letter by letter",
        lambda part: condition("Ip")(part) and any(re.search("[A-F]|:0:", one) for one in asked(part)),
        None,
    ),
    Difference(
        "other-family",
        OPERATORS + "#Conditions_IPAddress",
        "an address of IPv4 is in no range of IPv6, and the reverse",
        lambda part: condition("Ip")(part)
        and any(address_family(one) not in (None, address_family(other)) for one in asked(part) for other in part.values),
        None,
    ),
    Difference(
        "mapped-address",
        OPERATORS + "#Conditions_IPAddress",
        "seen on AWS: an address of IPv4 written as one of IPv6 is the address of IPv4",
        lambda part: condition("Ip")(part) and any(one.startswith("::ffff:") for one in asked(part)),
        None,
    ),
    Difference(
        "everything-range",
        OPERATORS + "#Conditions_IPAddress",
        "`0.0.0.0/0` holds every address of IPv4, `::/0` every one of IPv6",
        lambda part: condition("Ip")(part) and any(one.endswith("/0") for one in part.values),
        None,
    ),
    Difference(
        "host-bits",
        OPERATORS + "#Conditions_IPAddress",
        "seen on AWS: a range of IPv6 with host bits set holds no address",
        lambda part: condition("Ip")(part) and "2001:db8::1/64" in part.values,
        None,
    ),
    Difference(
        "short-arn-in-deny",
        OPERATORS + "#Conditions_ARN",
        "seen on AWS: a pattern that is no ARN of six parts grants nothing, and counts in a Deny",
        lambda part: condition("Arn")(part) and negated(part) and part.effect == "Deny"
        and any(one.count(":") < 5 for one in part.values),
        True,
    ),
    Difference(
        "short-arn-in-allow",
        OPERATORS + "#Conditions_ARN",
        "seen on AWS: a pattern that is no ARN of six parts grants nothing, and counts in a Deny",
        lambda part: condition("Arn")(part) and negated(part) and part.effect == "Allow"
        and any(one.count(":") < 5 for one in part.values),
        False,
    ),
    Difference(
        "no-arn",
        OPERATORS + "#Conditions_ARN",
        "ARN operators compare ARNs: a text that does not begin with `arn:` fits no pattern and escapes no negated one",
        lambda part: condition("Arn")(part)
        and any(":" in one and not one.startswith("arn:") for one in asked(part)),
        None,
    ),
    Difference(
        "null-of-set",
        MANUAL + "access-analyzer-reference-policy-checks.html",
        "ForAllValues before Null is always true, ForAnyValue always false",
        lambda part: base(part) == "Null" and part.operator != "Null",
        None,
    ),
    Difference(
        "no-values",
        MANUAL + "access-analyzer-reference-policy-checks.html",
        "without values, IfExists and the set operators hold for the absent key at most",
        lambda part: part.kind == "condition" and not part.values and negated(part) and base(part) != part.operator,
        False,
    ),
    Difference(
        "dotted-capital-i",
        OPERATORS + "#Conditions_String",
        "seen on AWS: without letter case means both texts in lower case; `İ` becomes an `i` and a dot above",
        lambda part: condition("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase")(part)
        and any("İ" in one for one in (*asked(part), *part.values)),
        None,
    ),
]  # fmt: skip
