"""The single mistakes that people make, each with the cause that an explanation has to name. A
mistake that a set-up cannot have gives no case."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from setups import ACCOUNT, Case, Setup, changed

DENIED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
COULD_NOT_VALIDATE = (
    "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity "
    "documentation for requirements."
)


@dataclass(frozen=True)
class Mistake:
    """A kind of mistake. Where two names fit what was done, either may come first."""

    name: str
    causes: tuple[str, ...]
    make: Callable[[Setup], Case | None]


MISTAKES: list[Mistake] = []


def mistake(*causes: str):
    """Registers a kind of mistake under the function's name."""

    def register(make: Callable[[Setup], Case | None]):
        MISTAKES.append(Mistake(make.__name__, causes, make))
        return make

    return register


def cli(code: str, message: str, operation: str = "AssumeRoleWithWebIdentity") -> str:
    return f"An error occurred ({code}) when calling the {operation} operation: {message}"


def denied(setup: Setup, policy: dict, claims: dict | None = None, **more) -> Case:
    """A denial as most people see it, with policy and claims in hand."""
    return Case(setup, policy, claims or setup.claims(), cli("AccessDenied", DENIED), **more)


def with_subject(setup: Setup, pattern: object, operator: str | None = None) -> Case:
    """The policy says something else of the subject."""
    policy, statement = changed(setup.policy())
    condition = statement["Condition"]
    del condition[setup.operator][f"{setup.prefix}:sub"]
    condition.setdefault(operator or setup.operator, {})[f"{setup.prefix}:sub"] = pattern
    for name in [name for name, keys in condition.items() if not keys]:
        del condition[name]
    return denied(setup, policy)


def with_condition(setup: Setup, operator: str, key: str, value: object, **more) -> Case:
    """The policy wants something beside."""
    policy, statement = changed(setup.policy())
    statement["Condition"].setdefault(operator, {})[key] = value
    return denied(setup, policy, **more)


def with_audience(setup: Setup, value: object) -> Case:
    policy, statement = changed(setup.policy())
    statement["Condition"]["StringEquals"][f"{setup.prefix}:aud"] = value
    return denied(setup, policy)


def with_prefix(setup: Setup, prefix: str, keys: tuple[str, ...] = ("aud", "sub")) -> Case:
    """The condition keys begin otherwise."""
    policy, statement = changed(setup.policy())
    right = {f"{setup.prefix}:{key}": f"{prefix}:{key}" for key in keys}
    statement["Condition"] = {
        operator: {right.get(key, key): value for key, value in values.items()}
        for operator, values in statement["Condition"].items()
    }
    return denied(setup, policy)


def with_key(setup: Setup, key: str) -> Case:
    """The subject's condition is on another key of the provider."""
    policy, statement = changed(setup.policy())
    keys = statement["Condition"][setup.operator]
    keys[f"{setup.prefix}:{key}"] = keys.pop(f"{setup.prefix}:sub")
    return denied(setup, policy)


def with_principal(setup: Setup, principal: object) -> Case:
    """Another principal. The role's ARN is in hand: without its account nobody could tell."""
    policy, statement = changed(setup.policy())
    statement["Principal"] = principal
    return denied(setup, policy, role_arn=setup.role)


def with_action(setup: Setup, action: object) -> Case:
    policy, statement = changed(setup.policy())
    statement["Action"] = action
    return denied(setup, policy)


# The subject.


@mistake("C01")
def a_literal_word_of_the_format(setup):
    return with_subject(setup, setup.pattern.replace(setup.literal, "cloud", 1))


@mistake("C01")
def the_first_word_of_the_format(setup):
    first = setup.pattern.split(":", 1)
    return with_subject(setup, f"token:{first[1]}")


@mistake("C01")
def another_tenant(setup):
    # A name of another length, which is no part of the right one either.
    return with_subject(setup, setup.pattern.replace(setup.tenant, "zz-other-9", 1))


@mistake("C01")
def a_word_under_string_like(setup):
    return with_subject(setup, setup.pattern.replace(setup.literal, "cloud", 1), "StringLike")


@mistake("C01")
def no_value_of_a_list_fits(setup):
    wrong = [setup.pattern.replace(setup.literal, word, 1) for word in ("cloud", "tenant")]
    return with_subject(setup, wrong)


@mistake("C02")
def a_tail_star_that_the_subject_lacks(setup):
    return with_subject(setup, f"{setup.subject}:*", "StringLike")


@mistake("C02")
def a_tail_segment_that_the_subject_lacks(setup):
    return with_subject(setup, f"{setup.subject}:component:cube_api")


@mistake("C02")
def a_tail_under_ignore_case(setup):
    return with_subject(setup, f"{setup.subject}:scope:write", "StringEqualsIgnoreCase")


@mistake("C03")
def the_tail_forgotten(setup):
    head, _, tail = setup.subject.rpartition(":")
    return with_subject(setup, head, "StringEquals") if tail else None


@mistake("C03")
def the_tail_forgotten_under_string_like(setup):
    head, _, tail = setup.subject.rpartition(":")
    return with_subject(setup, head, "StringLike") if tail else None


@mistake("C03")
def the_tail_forgotten_under_a_set_operator(setup):
    head, _, tail = setup.subject.rpartition(":")
    return with_subject(setup, [head], "ForAnyValue:StringEquals") if tail else None


@mistake("C04")
def a_star_under_string_equals(setup):
    head, _, _ = setup.subject.rpartition(":")
    return with_subject(setup, f"{head}:*", "StringEquals")


@mistake("C04")
def a_question_mark_under_string_equals(setup):
    return with_subject(setup, f"{setup.subject[:-1]}?", "StringEquals")


@mistake("C04")
def a_star_under_a_set_operator(setup):
    head, _, _ = setup.subject.rpartition(":")
    return with_subject(setup, f"{head}:*", "ForAnyValue:StringEquals")


@mistake("C04")
def a_star_under_ignore_case(setup):
    head, _, _ = setup.subject.rpartition(":")
    return with_subject(setup, f"{head}:*", "StringEqualsIgnoreCase")


@mistake("C04")
def a_star_in_the_audience(setup):
    return with_audience(setup, f"{setup.audience[:4]}*")


@mistake("C05")
def letter_case(setup):
    return with_subject(setup, setup.subject.replace(setup.literal, setup.literal.capitalize(), 1))


@mistake("C05")
def all_upper_case(setup):
    return with_subject(setup, setup.subject.upper())


@mistake("C05")
def a_space_at_the_end(setup):
    return with_subject(setup, f"{setup.pattern} ")


@mistake("C05")
def a_space_after_a_colon(setup):
    return with_subject(setup, setup.pattern.replace(":", ": ", 1))


@mistake("C05")
def a_name_without_its_id(setup):
    if "-01KJ" not in setup.tenant:
        return None
    return with_subject(setup, setup.pattern.replace(setup.tenant, setup.tenant.split("-01KJ")[0], 1))


@mistake("C05", "C07")
def names_where_the_issuer_sends_ids(setup):
    if setup.name != "github-deploy":
        return None
    return denied(
        setup, setup.policy(), setup.claims(sub="repo:octo-org@65/app@4242:ref:refs/heads/main"), notes={"foreign": False}
    )


@mistake("C06", "C01")
def a_token_of_another_context(setup):
    mine, other = setup.context
    claims = setup.claims(sub=setup.subject.replace(mine, other, 1))
    return denied(setup, setup.policy(), claims, notes={"foreign": False})


@mistake("C06")
def a_token_of_the_control_plane(setup):
    if setup.name != "cube-acme":
        return None
    return denied(setup, setup.policy(), setup.claims(sub="cube:deployment:global:component:cube_api"), notes={"foreign": False})


@mistake("C06", "C01")
def a_token_of_another_component(setup):
    if setup.name != "cube-acme":
        return None
    return denied(setup, setup.policy(), setup.claims(sub="cube:deployment:42:component:cube_store"), notes={"foreign": False})


@mistake("C07")
def an_old_token_beside_a_new_one(setup):
    old = setup.claims(sub=f"old-format:{setup.tenant}", iat=1_789_990_000)
    return denied(setup, setup.policy(), old, pasted=json.dumps(setup.claims()), patch=False)


# The audience.


@mistake("C08")
def another_audience_in_the_policy(setup):
    other = "sts.amazonaws.com" if setup.audience != "sts.amazonaws.com" else "https://github.com/octo-org"
    return with_audience(setup, other)


@mistake("C08")
def an_audience_with_a_scheme(setup):
    return with_audience(setup, f"https://{setup.audience}")


@mistake("C08")
def audiences_in_a_list_none_of_which_fits(setup):
    return with_audience(setup, ["vault", "azure"])


@mistake("C09")
def an_authorized_party(setup):
    return denied(setup, setup.policy(), setup.claims(azp="client-7"))


@mistake("C09")
def several_audiences(setup):
    message = "Token audience contains more than one audience while authorized party is not present"
    claims = setup.claims(aud=[setup.audience, "other"])
    return Case(setup, setup.policy(), claims, cli("InvalidIdentityToken", message), patch=False)


# Condition keys.


@mistake("C10")
def a_key_without_the_path(setup):
    host, slash, _ = setup.prefix.partition("/")
    return with_prefix(setup, host) if slash else None


@mistake("C10")
def a_key_with_a_scheme(setup):
    return with_prefix(setup, setup.issuer)


@mistake("C10")
def a_key_with_a_slash_at_the_end(setup):
    return with_prefix(setup, f"{setup.prefix}/")


@mistake("C10")
def a_key_of_another_host(setup):
    return with_prefix(setup, "oidc.other.example")


@mistake("C10")
def only_the_audiences_key_of_another_host(setup):
    return with_prefix(setup, "oidc.other.example", ("aud",))


@mistake("C10")
def only_the_subjects_key_with_a_scheme(setup):
    return with_prefix(setup, setup.issuer, ("sub",))


@mistake("C11")
def a_condition_on_the_issuer(setup):
    return with_condition(setup, "StringEquals", f"{setup.prefix}:iss", setup.issuer)


@mistake("C11")
def a_condition_on_a_custom_claim(setup):
    return with_condition(setup, "StringEquals", f"{setup.prefix}:deployment_name", "production")


@mistake("C11")
def a_misspelt_claim(setup):
    return with_key(setup, "sud")


@mistake("C11")
def a_claim_by_its_long_name(setup):
    return with_key(setup, "subject")


@mistake("C11")
def a_condition_on_groups(setup):
    return with_condition(setup, "ForAnyValue:StringEquals", f"{setup.prefix}:groups", ["admins"])


@mistake("C12")
def an_external_id(setup):
    return with_condition(setup, "StringEquals", "sts:ExternalId", "acme-42")


@mistake("C12")
def multi_factor(setup):
    return with_condition(setup, "Bool", "aws:MultiFactorAuthPresent", "true")


@mistake("C12")
def the_callers_organisation(setup):
    return with_condition(setup, "StringEquals", "aws:PrincipalOrgID", "o-abcdefghij")


@mistake("C12")
def the_callers_arn(setup):
    return with_condition(setup, "ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*")


@mistake("C12")
def a_tag_of_the_caller(setup):
    return with_condition(setup, "StringEquals", "aws:PrincipalTag/team", "data")


@mistake("C12")
def another_address(setup):
    event = {
        "eventName": "AssumeRoleWithWebIdentity",
        "eventSource": "sts.amazonaws.com",
        "eventTime": "2026-11-20T10:00:00Z",
        "errorCode": "AccessDenied",
        "errorMessage": "An unknown error occurred",
        "sourceIPAddress": "203.0.113.9",
        "userIdentity": {
            "type": "WebIdentityUser",
            "principalId": f"{setup.provider}:{setup.audience}:{setup.subject}",
            "userName": setup.subject,
            "identityProvider": setup.provider,
        },
        "requestParameters": {"roleArn": setup.role, "roleSessionName": "run"},
    }
    case = with_condition(setup, "IpAddress", "aws:SourceIp", "198.51.100.0/24")
    case.pasted = json.dumps(event, indent=2)
    case.notes["context"] = ["aws:SourceIp=203.0.113.9"]
    return case


@mistake("C12")
def a_private_network(setup):
    return with_condition(setup, "StringEquals", "aws:SourceVpc", "vpc-0123456789abcdef0")


# The principal.


@mistake("C13")
def another_provider(setup):
    return with_principal(setup, {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.other.example"})


@mistake("C13")
def the_providers_path_dropped(setup):
    host, slash, _ = setup.prefix.partition("/")
    return with_principal(setup, {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"}) if slash else None


@mistake("C13")
def a_provider_of_another_account(setup):
    return with_principal(setup, {"Federated": setup.provider.replace(ACCOUNT, "210987654321")})


@mistake("C13")
def a_provider_of_another_partition(setup):
    return with_principal(setup, {"Federated": setup.provider.replace("arn:aws:", "arn:aws-cn:")})


@mistake("C13")
def a_provider_with_a_slash_at_the_end(setup):
    return with_principal(setup, {"Federated": f"{setup.provider}/"})


@mistake("C13")
def the_issuers_url_as_provider(setup):
    return with_principal(setup, {"Federated": setup.issuer})


@mistake("C13")
def a_scheme_in_the_providers_arn(setup):
    return with_principal(setup, {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{setup.issuer}"})


@mistake("C13")
def a_saml_provider(setup):
    return with_principal(setup, {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/corporate"})


@mistake("C14")
def a_task_role_as_principal(setup):
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/task"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
    return denied(setup, policy, role_arn=setup.role)


@mistake("C14")
def a_service_as_principal(setup):
    principal = {"Service": "ecs-tasks.amazonaws.com"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
    return denied(setup, policy, role_arn=setup.role)


@mistake("C14")
def the_provider_as_an_aws_principal(setup):
    return with_principal(setup, {"AWS": setup.provider})


@mistake("C14")
def everyone_as_principal(setup):
    return with_principal(setup, {"AWS": "*"})


@mistake("C14")
def the_account_as_principal(setup):
    return with_principal(setup, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})


# Actions, tags, source identity.


@mistake("C15")
def the_action_of_signed_callers(setup):
    return with_action(setup, "sts:AssumeRole")


@mistake("C15")
def a_misspelt_action(setup):
    return with_action(setup, "sts:AssumeRoleWithWebIdentities")


@mistake("C15")
def the_action_of_saml(setup):
    return with_action(setup, ["sts:AssumeRoleWithSAML"])


@mistake("C15")
def only_the_action_of_tags(setup):
    return with_action(setup, ["sts:TagSession"])


def tags(setup: Setup) -> dict:
    return setup.claims(**{"https://aws.amazon.com/tags": {"principal_tags": {"team": ["data"]}, "transitive_tag_keys": ["team"]}})


@mistake("C16")
def tags_without_their_action(setup):
    return denied(setup, setup.policy(), tags(setup))


@mistake("C16")
def flattened_tags_without_their_action(setup):
    return denied(setup, setup.policy(), setup.claims(**{"https://aws.amazon.com/tags/principal_tags/team": "data"}))


@mistake("C16")
def a_tag_asked_for_that_does_not_come(setup):
    return with_condition(setup, "StringEquals", "aws:RequestTag/team", "data")


@mistake("C16")
def a_tag_with_another_value(setup):
    policy, statement = changed(setup.policy())
    statement["Action"] = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    statement["Condition"].setdefault("StringEquals", {})["aws:RequestTag/team"] = "finance"
    return denied(setup, policy, tags(setup))


@mistake("C17")
def a_source_identity_without_its_action(setup):
    return denied(setup, setup.policy(), setup.claims(**{"https://aws.amazon.com/source_identity": "alice"}))


# The role, and what lies beyond the policy.


@mistake("C18")
def another_role_was_called(setup):
    case = denied(setup, setup.policy(), patch=False, form="get-role")
    case.role_arn = f"arn:aws:iam::{ACCOUNT}:role/{setup.name}-old"
    return case


@mistake("C18")
def the_roles_path_was_left_out(setup):
    case = denied(setup, setup.policy(), patch=False, form="get-role")
    case.role_arn = f"arn:aws:iam::{ACCOUNT}:role/team/{setup.name}"
    return case


@mistake("C18")
def the_role_of_another_account(setup):
    case = denied(setup, setup.policy(), patch=False, form="get-role")
    case.role_arn = f"arn:aws:iam::210987654321:role/{setup.name}"
    return case


@mistake("C19")
def the_policy_is_not_live(setup):
    return denied(setup, setup.policy(), patch=False)


@mistake("C20")
def an_explicit_deny(setup):
    policy, statement = changed(setup.policy())
    policy["Statement"].append(
        {
            "Sid": "NotThisOne",
            "Effect": "Deny",
            "Principal": statement["Principal"],
            "Action": statement["Action"],
            "Condition": {"StringEquals": {f"{setup.prefix}:sub": setup.subject}},
        }
    )
    return denied(setup, policy, patch=False)


@mistake("C20")
def a_deny_of_all_but_one(setup):
    policy, statement = changed(setup.policy())
    policy["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": statement["Principal"],
            "Action": statement["Action"],
            "Condition": {"StringNotEquals": {f"{setup.prefix}:aud": "another-audience"}},
        }
    )
    return denied(setup, policy, patch=False)


@mistake("C21")
def a_control_of_the_organisation(setup):
    message = (
        f"User: {setup.provider} is not authorized to perform: sts:AssumeRoleWithWebIdentity on resource: "
        f"{setup.role} with an explicit deny in a resource control policy"
    )
    return Case(setup, setup.policy(), setup.claims(), cli("AccessDenied", message), patch=False)


@mistake("C22")
def the_second_hop(setup):
    message = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{setup.name}/run is not authorized to perform: sts:AssumeRole on "
        "resource: arn:aws:iam::210987654321:role/customer"
    )
    return Case(setup, setup.policy(), setup.claims(), cli("AccessDenied", message, "AssumeRole"), patch=False)


@mistake("C22")
def a_call_of_a_service(setup):
    message = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{setup.name}/run is not authorized to perform: "
        f"athena:GetWorkGroup on resource: arn:aws:athena:us-east-1:{ACCOUNT}:workgroup/primary because no "
        "identity-based policy allows the athena:GetWorkGroup action"
    )
    return Case(setup, setup.policy(), setup.claims(), cli("AccessDeniedException", message, "GetWorkGroup"), patch=False)


@mistake("C23")
def longer_than_the_role_allows(setup):
    message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    return Case(setup, setup.policy(), setup.claims(), cli("ValidationError", message), patch=False)


@mistake("C23")
def longer_than_a_chain_allows(setup):
    message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    return Case(setup, setup.policy(), setup.claims(), cli("ValidationError", message, "AssumeRole"), patch=False)


@mistake("C24")
def sts_is_off_in_the_region(setup):
    message = (
        f"STS is not activated in this region for account:{ACCOUNT}. Your account administrator can activate STS in "
        "this region using the IAM Console."
    )
    return Case(setup, setup.policy(), setup.claims(), cli("RegionDisabledException", message), patch=False)


@mistake("C25")
def no_credentials_at_all(setup):
    error = "botocore.exceptions.NoCredentialsError: Unable to locate credentials"
    return Case(setup, setup.policy(), setup.claims(), error, patch=False)


@mistake("C25")
def signed_by_root(setup):
    message = "Roles may not be assumed by root accounts."
    return Case(setup, setup.policy(), setup.claims(), cli("AccessDenied", message, "AssumeRole"), patch=False)


# What copying does.


@mistake("C26")
def a_placeholder_for_the_account(setup):
    return with_principal(setup, {"Federated": setup.provider.replace(ACCOUNT, "<ACCOUNT_ID>")})


@mistake("C26")
def a_placeholder_in_the_subject(setup):
    return with_subject(setup, setup.pattern.replace(setup.tenant, "<your-tenant>", 1))


@mistake("C26")
def a_placeholder_in_brackets(setup):
    return with_subject(setup, setup.pattern.replace(setup.tenant, "[REDACTED]", 1))


@mistake("C26")
def a_placeholder_in_capitals(setup):
    return with_subject(setup, setup.pattern.replace(setup.tenant, "YOUR_TENANT", 1))


@mistake("C26")
def a_word_became_an_emoji(setup):
    if setup.name != "prefect-pool":
        return None
    return with_subject(setup, setup.subject.replace(":account:", "☁️"))


@mistake("C26")
def an_audience_became_a_link(setup):
    if "." not in setup.audience:
        return None
    return with_audience(setup, f"<http://{setup.audience}|{setup.audience}>")


@mistake("C26")
def an_html_entity(setup):
    return with_subject(setup, setup.pattern.replace(setup.tenant, f"&lt;{setup.tenant}&gt;", 1))


@mistake("C26")
def colons_eaten_in_the_arn(setup):
    return with_principal(setup, {"Federated": setup.provider.replace("arn:aws:iam::", "arnawsiam::")})


@mistake("C26")
def smart_quotes(setup):
    def damage(text: str) -> str:
        return text.replace(f'"{setup.audience}"', f"“{setup.audience}”", 1)

    return denied(setup, setup.policy(), damage=damage, form="json", patch=False)


@mistake("C26")
def a_space_that_does_not_show(setup):
    return with_audience(setup, f"{setup.audience}\u200b")


# Errors that are about something else than the trust policy.


def routed(setup: Setup, code: str, message: str, **more) -> Case:
    return Case(setup, setup.policy(), setup.claims(), cli(code, message), patch=False, **more)


def registered(setup: Setup, url: str | None = None, client_ids: list[str] | None = None) -> dict:
    return {"url": url or setup.issuer, "client_ids": client_ids or [setup.audience]}


@mistake("R01")
def no_provider(setup):
    return routed(setup, "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {setup.issuer}")


@mistake("R01")
def a_provider_but_for_a_slash(setup):
    return routed(setup, "InvalidIdentityToken", COULD_NOT_VALIDATE, provider=registered(setup, f"{setup.issuer}/"))


@mistake("R01")
def a_provider_but_for_letter_case(setup):
    host = setup.issuer.removeprefix("https://")
    url = f"https://{host[0].upper()}{host[1:]}"
    return routed(setup, "InvalidIdentityToken", COULD_NOT_VALIDATE, provider=registered(setup, url))


@mistake("R02")
def the_older_words_for_the_audience(setup):
    return routed(setup, "InvalidIdentityToken", "Incorrect token audience")


@mistake("R02")
def a_provider_without_the_audience(setup):
    return routed(setup, "InvalidIdentityToken", COULD_NOT_VALIDATE, provider=registered(setup, None, ["some-other-client"]))


@mistake("R03")
def the_issuer_cannot_be_reached(setup):
    return routed(setup, "IDPCommunicationError", "Connection timed out while contacting the identity provider.")


@mistake("R03", "R05")
def no_verification_key(setup):
    message = (
        "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity "
        "documentation for requirements"
    )
    return routed(setup, "InvalidIdentityToken", message)


@mistake("R04")
def the_thumbprint(setup):
    return routed(setup, "InvalidIdentityToken", "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint")


@mistake("R06")
def an_expired_token(setup):
    message = "Token expired: current date/time 1790010000 must be before the expiration date/time 1790003600"
    return routed(setup, "ExpiredTokenException", message)


@mistake("R07")
def a_token_from_the_future(setup):
    return routed(setup, "InvalidIdentityToken", "Token issued in the future: 1790009999")


@mistake("R08")
def too_many_tags(setup):
    message = "Packed policy consumes 117% of allotted space, please use smaller policy."
    return routed(setup, "PackedPolicyTooLarge", message)


@mistake("R09")
def an_external_id_as_a_parameter(setup):
    error = (
        "botocore.exceptions.ParamValidationError: Parameter validation failed:\n"
        'Unknown parameter in input: "ExternalId", must be one of: RoleArn, RoleSessionName, WebIdentityToken, '
        "ProviderId, PolicyArns, Policy, DurationSeconds"
    )
    return Case(setup, setup.policy(), setup.claims(), error, patch=False)


@mistake("R10")
def a_roles_claim_without_the_role(setup):
    message = "The target role ARN is not present in the roles claim of the identity token"
    return routed(setup, "InvalidIdentityToken", message)


@mistake("R11")
def no_jwt(setup):
    message = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
    return routed(setup, "InvalidIdentityToken", message)


@mistake("R12")
def a_claim_is_missing(setup):
    return routed(setup, "InvalidIdentityToken", "Missing a required claim: iat")


@mistake("R13")
def a_session_name_that_is_too_long(setup):
    message = (
        f"1 validation error detected: Value '{'x' * 65}' at 'roleSessionName' failed to satisfy constraint: Member must "
        "have length less than or equal to 64"
    )
    return routed(setup, "ValidationError", message)


@mistake("R14")
def a_session_policy_that_cannot_be_read(setup):
    return routed(setup, "MalformedPolicyDocument", "This policy contains invalid Json")


@mistake("R15")
def throttled(setup):
    return routed(setup, "Throttling", "Rate exceeded")
