//! The rules, one row each. Codes do not change: a new rule takes a new one.

use serde::Serialize;

use super::Severity;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its code, stable for ever.
    pub code: &'static str,
    /// Its name in kebab case.
    pub name: &'static str,
    /// How grave it usually is.
    pub severity: Severity,
    /// What it finds, in one line.
    pub title: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do, in general.
    pub mend: &'static str,
    /// Where AWS, or the issuer, says so.
    pub reference: &'static str,
}

const OIDC: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html";
const KEYS: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html";
const OPERATORS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html";
const SETS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html";
const PRINCIPALS: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html";
const GRAMMAR: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html";
const VARIABLES: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html";
const SESSION_TAGS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html";
const QUOTAS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";
const SHARED: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html";
const RDS: &str =
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html";
const BEDROCK: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html";
const HERE: &str = "docs/lint.md";

macro_rules! rules {
    ($($code:literal $name:literal $severity:ident $reference:ident: $title:literal, $why:literal, $mend:literal;)*) => {
        /// Every rule, by code.
        pub const RULES: &[Rule] = &[$(Rule {
            code: $code,
            name: $name,
            severity: Severity::$severity,
            title: $title,
            why: $why,
            mend: $mend,
            reference: $reference,
        }),*];
    };
}

rules! {
    "RC1001" "no-subject" Security OIDC: "no condition on the subject", "every token of the issuer gets in; on a shared issuer everybody's", "Add a condition on `sub` for the subjects that are meant.";
    "RC1002" "no-audience" Security OIDC: "no condition on the audience", "tokens that were made for somebody else get in too", "Add `StringEquals` on `aud`.";
    "RC1003" "tenant-open" Security OIDC: "the subject's tenant is left open", "strangers on the same issuer can have such a subject", "Name the tenant exactly.";
    "RC1004" "prefix-without-separator" Security OIDC: "a name goes on behind `*` without a separator", "`contoso*` also fits `contoso-evil`, which anybody may register", "Put the separator before the `*`, or name it exactly.";
    "RC1005" "whole-issuer" Security OIDC: "the pattern fits every subject of the issuer", "what looks like a condition narrows nothing", "Name at least one part of the subject.";
    "RC1006" "phase-open" Warning OIDC: "what the run is about to do is left open", "unreviewed code, or a run that may only read, gets the same role", "Name the branch, phase or environment.";
    "RC1007" "for-all-values" Security SETS: "`ForAllValues` in an Allow", "it holds when the key is absent", "Drop the prefix for a key with one value; else add `Null` with `false`.";
    "RC1008" "if-exists" Security OPERATORS: "`IfExists` on a key that is to narrow", "it holds when the key is absent", "Drop `IfExists`.";
    "RC1009" "only-negated" Security OPERATORS: "only negated conditions narrow the statement", "everything that was not thought of gets in, and an absent key too", "Say who may, not who may not.";
    "RC1010" "floating-star" Security OIDC: "the pattern begins with `*`", "who can choose an early segment can write the rest of the pattern into it", "Anchor it from the left.";
    "RC1011" "audience-pattern" Warning OIDC: "the audience is a pattern", "an audience is one word; a pattern lets others in", "Use `StringEquals` with the audience.";
    "RC1012" "everyone" Security PRINCIPALS: "every AWS caller is a principal", "any account can ask; only conditions stand between", "Name the principals, or a condition on the account.";
    "RC1013" "deny-never-applies" Security OPERATORS: "a Deny that never applies", "it was to be a gate, and stands open", "Use the negated operator, so that an absent key is denied.";
    "RC1014" "mutable-name" Note OIDC: "names that can change hands", "a renamed owner's name can be registered by somebody else", "Use the issuer's identifiers where it sends them.";
    "RC2001" "wildcard-under-equals" Error OPERATORS: "a wildcard where it stands for itself", "the operator takes `*` and `?` literally: no token has them", "Use the `Like` operator.";
    "RC2002" "like-without-wildcard" Note OPERATORS: "a `Like` operator without a wildcard", "it works, and often a part was forgotten at its end", "Use `StringEquals`, or add what was forgotten.";
    "RC2003" "no-such-subject" Error OIDC: "no subject of the issuer has this form", "it never matches", "Compare it with a token: `rolecall trust explain`.";
    "RC2004" "key-prefix" Error OIDC: "the key does not begin with the provider that is trusted", "the request has no such key", "Begin it with the provider's URL without `https://`, path and all.";
    "RC2005" "key-not-offered" Error KEYS: "AWS makes no condition key of this claim", "the request has no such key", "Use `aud` and `sub`, or session tags.";
    "RC2006" "external-id" Error KEYS: "an external ID with a web identity", "the exchange of a token has no such parameter", "Remove it, and narrow by `sub`.";
    "RC2007" "never-present" Error KEYS: "a key that a web identity never has", "the request has no such key", "Remove it, and narrow by `sub`.";
    "RC2008" "action-does-not-fit" Error PRINCIPALS: "the action is not one of this kind of principal", "such a call is another action", "Use the action of the principal's kind.";
    "RC2009" "session-tags-action" Error SESSION_TAGS: "tags are asked for, and passing them is not allowed", "`sts:TagSession` is an action of its own", "Add `sts:TagSession`.";
    "RC2010" "source-identity-action" Error KEYS: "a source identity is asked for, and setting it is not allowed", "`sts:SetSourceIdentity` is an action of its own", "Add `sts:SetSourceIdentity`.";
    "RC2011" "provider-arn" Error OIDC: "the provider is not named by its ARN", "no provider has that name", "Write `arn:aws:iam::ACCOUNT:oidc-provider/URL`.";
    "RC2012" "placeholder" Error HERE: "a placeholder, or what copying did to a text", "it is taken literally", "Write what was meant.";
    "RC2013" "repeated-name" Error GRAMMAR: "a name that stands twice", "only the last one counts", "Put the values into one list.";
    "RC2014" "variable-without-version" Error VARIABLES: "a policy variable without `Version` 2012-10-17", "it is taken literally", "Add `\"Version\": \"2012-10-17\"`.";
    "RC2015" "refused-by-iam" Error GRAMMAR: "IAM refuses the policy", "it cannot be stored", "Do as IAM's message says.";
    "RC2016" "shared-issuer" Error SHARED: "IAM refuses this shared issuer without a condition", "it cannot be stored", "Add the condition that IAM asks for.";
    "RC2017" "size" Error QUOTAS: "longer than a trust policy may be", "IAM refuses more than 2,048 characters, blanks aside", "Use a pattern for many values, or two roles.";
    "RC2018" "many-valued-key" Error SETS: "a plain operator on a key with many values", "it never matches", "Put `ForAnyValue:` before the operator.";
    "RC2019" "contradiction" Error OPERATORS: "conditions that cannot hold together", "the statement never applies", "Take one of them away.";
    "RC2020" "redundant-value" Note HERE: "a value that another one covers", "it changes nothing", "Remove it.";
    "RC2021" "private-address" Warning KEYS: "an address that AWS never sees", "requests come to AWS from public addresses", "Use the public range, or `aws:SourceVpc`.";
    "RC2022" "arn-parts" Warning OPERATORS: "an ARN pattern with fewer than six parts", "it matches no ARN", "Write all six parts, or use `StringLike`.";
    "RC2023" "missing-version" Warning GRAMMAR: "no `Version`", "the policy is read by the rules of 2008", "Add `\"Version\": \"2012-10-17\"`.";
    "RC3001" "rds-user-arn" Error RDS: "a slash behind `dbuser`", "the part before the user is `dbuser:RESOURCE`", "Write `dbuser:RESOURCE-ID/USER`.";
    "RC3002" "bedrock-converse" Warning BEDROCK: "an action that governs nothing", "Converse is allowed by InvokeModel, ConverseStream by InvokeModelWithResponseStream", "Use `bedrock:InvokeModel` and `bedrock:InvokeModelWithResponseStream`.";
    "RC9001" "unreadable" Error GRAMMAR: "the document cannot be read", "it is no policy", "Write it as the grammar has it.";
    "RC9002" "suppression-without-reason" Error HERE: "a suppression without a reason", "nobody will know why", "Add `reason: …`.";
    "RC9003" "unused-suppression" Note HERE: "a suppression of nothing", "what it was for is gone", "Remove it.";
}
