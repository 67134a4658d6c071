//! Rules of the engine that AWS's documentation does not settle: seen on live AWS, told by others,
//! or concluded. Each has a source, a date and how sure it is, and a verdict that hangs on one
//! names it.

use crate::arn::ArnPattern;
use crate::literal;
use crate::operator::{Operator, Set, Test};
use crate::policy::{Condition, Effect, PrincipalKind, Statement};
use crate::request::{Context, ContextValue, Principal, Request};
use crate::template::Template;
use crate::wildcard::Token;

mod weighing;

pub(crate) use weighing::verdict;

/// A rule that rests on observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedRule {
    /// Its name in verdicts.
    pub id: &'static str,
    /// What it says.
    pub rule: &'static str,
    /// Where it is known from.
    pub source: &'static str,
    /// Year and month of the source.
    pub date: &'static str,
    /// How far it can be relied on.
    pub confidence: RuleConfidence,
}

/// How sure a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleConfidence {
    /// Somebody saw live AWS do so. AWS does not promise it.
    Observed,
    /// AWS's pages can be read so, and not only so.
    Concluded,
}

impl RuleConfidence {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Concluded => "concluded",
        }
    }
}

/// The rule of that name.
pub fn observed_rule(id: &str) -> Option<&'static ObservedRule> {
    OBSERVED.iter().find(|rule| rule.id == id)
}

/// The rules by which a condition came out as it did.
pub(crate) fn of_condition(
    written: &Condition,
    effect: Effect,
    variables: bool,
    context: &Context,
) -> Vec<&'static str> {
    let found = context.value(&written.key);
    let mut rules = Vec::new();
    let mut add = |id: &'static str, bears: bool| {
        if bears {
            rules.push(id);
        }
    };
    let operator = written.operator;
    if CALLER_KEYS
        .iter()
        .any(|key| key.eq_ignore_ascii_case(&written.key))
    {
        let web_identity = context.value("aws:FederatedProvider").is_some();
        add("web-identity-keys", web_identity);
    }
    let Some(found) = found else {
        let any_if_exists = operator.set == Some(Set::Any) && operator.if_exists;
        add("any-value-if-exists", any_if_exists);
        return rules;
    };
    let empty = found.values().iter().any(String::is_empty);
    if operator.test == Test::Null {
        add("empty-is-present", empty);
        return rules;
    }
    let multivalued = matches!(found, ContextValue::Multiple(_));
    if operator.set.is_none() && multivalued {
        add("plain-operator-on-set", true);
        return rules;
    }
    let one = |test: &dyn Fn(&str) -> bool| found.values().iter().any(|value| test(value));
    match operator.test {
        Test::Numeric(_) => add(
            "unreadable-value",
            one(&|value| literal::Decimal::parse(value).is_none()),
        ),
        Test::Date(_) => add(
            "unreadable-value",
            one(&|value| literal::date(value).is_none()),
        ),
        Test::Bool => add(
            "not-a-boolean",
            one(&|value| literal::boolean(value).is_none()),
        ),
        Test::Ip => {
            add(
                "malformed-address",
                one(&|value| literal::address(value).is_none()),
            );
            add(
                "mapped-address",
                one(&|value| value.contains(':') && value.contains('.')),
            );
            add(
                "ipv6-host-bits",
                written
                    .values
                    .iter()
                    .any(|value| has_host_bits(&value.text)),
            );
        }
        Test::Arn => {
            let is_arn =
                |value: &str| value.starts_with("arn:") && value.splitn(6, ':').count() == 6;
            add("malformed-arn", one(&|value| !is_arn(value)));
            add(
                "short-arn-pattern",
                written.values.iter().any(|value| {
                    Template::new(&value.text, variables, true)
                        .constant()
                        .is_some_and(|tokens| ArnPattern::from_tokens(&tokens).is_none())
                }) && (operator.negated || effect == Effect::Deny),
            );
        }
        Test::StringEqualsIgnoreCase => add("lower-case", one(&|value| !value.is_ascii())),
        Test::StringEquals | Test::StringLike | Test::Binary | Test::Null => {}
    }
    if matches!(operator.test, Test::StringLike | Test::Arn) {
        let wildcard = |wanted: Token| {
            written.values.iter().any(|value| {
                let wanted = match wanted {
                    Token::One => '?',
                    _ => '*',
                };
                value.text.contains(wanted)
            })
        };
        let beyond = one(&|value| value.chars().any(|char| char.len_utf16() > 1));
        add("question-mark-utf16", beyond && wildcard(Token::One));
        add(
            "star-over-line-feed",
            one(&|value| value.contains('\n')) && wildcard(Token::Run),
        );
    }
    for id in of_variables(written, operator, variables, context) {
        add(id, true);
    }
    rules
}

/// The rules by which a statement covers the caller or does not, and takes the action.
pub(crate) fn of_principal(written: &Statement, request: &Request) -> Vec<&'static str> {
    let everyone = written.principal.as_ref().is_some_and(|element| {
        element.values.iter().any(|entry| {
            entry.kind == PrincipalKind::Everyone
                || (entry.kind == PrincipalKind::Aws && entry.value.text == "*")
        })
    });
    match (everyone, &request.principal) {
        (true, Principal::Federated(_)) => vec!["star-not-web-identity"],
        _ => Vec::new(),
    }
}

/// The rules by which a statement's action element covers the action.
pub(crate) fn of_action(written: &Statement) -> Vec<&'static str> {
    let excluding = written.action.as_ref().is_some_and(|element| element.not);
    match excluding && written.principal.is_some() && written.resource.is_none() {
        true => vec!["not-action-in-trust"],
        false => Vec::new(),
    }
}

fn of_variables(
    written: &Condition,
    operator: Operator,
    variables: bool,
    context: &Context,
) -> Vec<&'static str> {
    if !variables || !operator.takes_variables() {
        return Vec::new();
    }
    let mut rules = Vec::new();
    let wildcards = matches!(operator.test, Test::StringLike | Test::Arn);
    for value in &written.values {
        for key in Template::new(&value.text, true, wildcards).keys() {
            match context.lowered(key) {
                Some(ContextValue::Multiple(_)) => rules.push("variable-of-set"),
                Some(ContextValue::Single(text)) if wildcards && text.contains(['*', '?']) => {
                    rules.push("substituted-wildcards");
                }
                _ => {}
            }
        }
    }
    rules.dedup();
    rules
}

fn has_host_bits(range: &str) -> bool {
    let mut masked = false;
    if let Some(literal::Range::V6 { network, mask }) = literal::Range::parse(range) {
        masked = network & mask != network;
    }
    masked
}

/// Context keys that a web identity's request is seen to have.
const CALLER_KEYS: &[&str] = &[
    "aws:PrincipalAccount",
    "aws:PrincipalType",
    "aws:PrincipalArn",
    "aws:userid",
    "sts:RoleAuthorizedByIdp",
];

const PROBES: &str = "github.com/radkawar/stackd, probe records of live STS and IAM in us-east-1";
const OPERATORS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html";

/// Every such rule that the engine follows.
pub const OBSERVED: &[ObservedRule] = &[
    ObservedRule {
        id: "plain-operator-on-set",
        rule: "an operator without ForAllValues or ForAnyValue never holds for a key with a set of values, negated or not",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "any-value-if-exists",
        rule: "ForAnyValue with IfExists holds when the key is absent",
        source: OPERATORS,
        date: "2026-11",
        confidence: RuleConfidence::Concluded,
    },
    ObservedRule {
        id: "empty-is-present",
        rule: "for Null, a key with an empty text is present",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "unreadable-value",
        rule: "a request value that is no number or date equals none, so that only a negated comparison holds",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "not-a-boolean",
        rule: "for Bool, a request value that does not spell true counts as false",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "malformed-address",
        rule: "a condition on an address that cannot be read never holds, negated or not",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "mapped-address",
        rule: "an IPv4 address written as an IPv6 address compares as IPv4",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "ipv6-host-bits",
        rule: "an IPv6 range with host bits set contains no address",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "malformed-arn",
        rule: "a condition on a text that is no ARN never holds under ARN operators, negated or not",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "short-arn-pattern",
        rule: "a pattern that is no ARN of six parts cannot grant, and is passed over in a Deny",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "lower-case",
        rule: "without letter case means both texts in lower case, not Unicode's case folding",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "question-mark-utf16",
        rule: "`?` stands for one UTF-16 unit: a character beyond U+FFFF needs two",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "star-over-line-feed",
        rule: "`*` goes over line feeds",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "variable-of-set",
        rule: "a variable for a key with a set of values stands for nothing, not even for its default",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "substituted-wildcards",
        rule: "`*` and `?` in what is put in for a variable are plain characters",
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
        date: "2026-11",
        confidence: RuleConfidence::Concluded,
    },
    ObservedRule {
        id: "star-not-web-identity",
        rule: "the principals `*` and `AWS: *` do not cover a caller with an OIDC token",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
    ObservedRule {
        id: "not-action-in-trust",
        rule: "NotAction works in a trust policy as in others",
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html",
        date: "2026-11",
        confidence: RuleConfidence::Concluded,
    },
    ObservedRule {
        id: "web-identity-keys",
        rule: "a web identity's request has aws:PrincipalAccount, aws:PrincipalType `User`, aws:userid, and sts:RoleAuthorizedByIdp, and no aws:PrincipalArn",
        source: PROBES,
        date: "2026-09",
        confidence: RuleConfidence::Observed,
    },
];

#[cfg(test)]
mod tests;
