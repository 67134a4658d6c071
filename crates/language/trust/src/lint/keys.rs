//! Condition keys and operators: those that are never there, and those that say less than they seem.

use super::{Findings, View, known, narrows};
use crate::operator::{Set, Test};
use crate::policy::{Condition, Effect};
use crate::provider_keys;

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    for condition in &view.statement.conditions {
        if condition.key_symbolic {
            continue;
        }
        if !view.providers.is_empty() {
            of_tokens(view, condition, findings);
        }
        operators(view, condition, findings);
    }
    if view.grants_to_tokens()
        && !view.statement.conditions.is_empty()
        && view
            .statement
            .conditions
            .iter()
            .all(|one| one.operator.negated)
    {
        findings.at(
            "RC1009",
            view,
            view.statement.conditions[0].span,
            "only negated conditions narrow the statement: an absent key satisfies them".to_owned(),
            "Say with `StringEquals` or `StringLike` who may.".to_owned(),
        );
    }
}

/// Keys in a statement for callers with a token.
fn of_tokens(view: &View<'_>, condition: &Condition, findings: &mut Findings) {
    let key = condition.key.to_lowercase();
    let span = condition.key_span;
    if key == "sts:externalid" {
        findings.at(
            "RC2006",
            view,
            span,
            "a token's exchange never has an external ID".to_owned(),
            "Remove the condition, and narrow by `sub`.".to_owned(),
        );
        return;
    }
    if NEVER_PRESENT
        .iter()
        .any(|one| key == *one || one.ends_with('/') && key.starts_with(one))
    {
        let message = format!("a web identity never has `{}`", condition.key);
        findings.at(
            "RC2007",
            view,
            span,
            message,
            "Remove the condition, and narrow by `sub`.".to_owned(),
        );
        return;
    }
    let general = ["aws:", "sts:", "iam:", "saml:"]
        .iter()
        .any(|one| key.starts_with(one));
    if general {
        return;
    }
    let Some((prefix, claim)) = condition.key.rsplit_once(':') else {
        return;
    };
    let own = view
        .providers
        .iter()
        .find(|one| one.eq_ignore_ascii_case(prefix));
    match own {
        Some(own) => {
            // GitHub's and others' keys have a slash and a host in them.
            let names: Vec<&str> = provider_keys(own).collect();
            if !names.iter().any(|one| one.eq_ignore_ascii_case(claim)) {
                let message =
                    format!("AWS makes no condition key of the claim `{claim}` of `{own}`");
                let near = rolecall_source::nearest(claim, names.iter().copied());
                let mend = match (claim, near) {
                    ("iss", _) => "Remove it: the principal already names the issuer.".to_owned(),
                    (_, Some(near)) => format!("Did you mean `{own}:{near}`?"),
                    _ => format!("Use one of {}, or session tags.", names.join(", ")),
                };
                findings.at("RC2005", view, span, message, mend);
            }
        }
        None => {
            let covered = view.providers.iter().any(|own| {
                provider_keys(own)
                    .any(|name| condition.key.eq_ignore_ascii_case(&format!("{own}:{name}")))
            });
            if covered {
                return;
            }
            let trusted = view.providers.join("`, `");
            let message = format!(
                "the key begins with `{prefix}`, and the provider is `{trusted}`{}",
                why(prefix, &view.providers)
            );
            let mend = format!("Write `{}:{claim}`.", view.providers[0]);
            findings.at("RC2004", view, span, message, mend);
        }
    }
}

/// What differs, in words, where it is little.
fn why(prefix: &str, providers: &[&str]) -> &'static str {
    let any = |fits: &dyn Fn(&str) -> bool| providers.iter().any(|one| fits(one));
    let bare = prefix
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    if prefix.contains("://") && any(&|one| one == bare.trim_end_matches('/')) {
        ": keys have no scheme"
    } else if any(&|one| one.trim_end_matches('/') == prefix.trim_end_matches('/')) {
        ": a slash at the end counts"
    } else if any(&|one| {
        one.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('/'))
    }) {
        ": the path is missing"
    } else {
        ""
    }
}

/// Operators that say less, or other, than they seem.
fn operators(view: &View<'_>, condition: &Condition, findings: &mut Findings) {
    let operator = condition.operator;
    let key = condition.key.to_lowercase();
    let many = key.ends_with(":amr") || key == "aws:tagkeys" || key == "sts:transitivetagkeys";
    if many && operator.set.is_none() && operator.test != Test::Null {
        let message = format!(
            "`{}` has many values, and `{}` takes one",
            condition.key, condition.operator_name
        );
        findings.at(
            "RC2018",
            view,
            condition.operator_span,
            message,
            format!("Write `ForAnyValue:{}`.", condition.operator_name),
        );
    }
    let allows = view.statement.effect == Effect::Allow;
    if allows && operator.set == Some(Set::All) {
        let guarded = view.statement.conditions.iter().any(|other| {
            other.key.eq_ignore_ascii_case(&condition.key)
                && (other.operator.test == Test::Null
                    && other
                        .values
                        .iter()
                        .any(|value| value.text.eq_ignore_ascii_case("false"))
                    || narrows(other))
        });
        if !guarded {
            let message = format!(
                "`{}` holds when the request has no `{}`",
                condition.operator_name, condition.key
            );
            let mend = match many {
                true => format!("Add `\"Null\": {{\"{}\": \"false\"}}`.", condition.key),
                false => format!(
                    "Write `{}`: the key has one value.",
                    condition.operator_name.trim_start_matches("ForAllValues:")
                ),
            };
            findings.at("RC1007", view, condition.operator_span, message, mend);
        }
    }
    if allows && operator.if_exists && !operator.negated {
        let message = format!(
            "`{}` holds when the request has no `{}`",
            condition.operator_name, condition.key
        );
        findings.at(
            "RC1008",
            view,
            condition.operator_span,
            message,
            format!(
                "Write `{}`.",
                condition.operator_name.trim_end_matches("IfExists")
            ),
        );
    }
    // A Deny on a key that its callers never bring was meant as a gate.
    let never = key == "sts:externalid" || NEVER_PRESENT.contains(&key.as_str());
    if !allows
        && !view.providers.is_empty()
        && never
        && !operator.negated
        && !operator.if_exists
        && operator.test != Test::Null
    {
        let message = format!(
            "the Deny applies where `{}` has a value, which a web identity never has",
            condition.key
        );
        findings.at(
            "RC1013",
            view,
            condition.span,
            message,
            "Use the negated operator, so that an absent key is denied too.".to_owned(),
        );
    }
    values(view, condition, findings);
}

fn values(view: &View<'_>, condition: &Condition, findings: &mut Findings) {
    let operator = condition.operator;
    let equals = matches!(
        operator.test,
        Test::StringEquals | Test::StringEqualsIgnoreCase
    );
    for value in known(&condition.values) {
        let text = value.text.as_str();
        if equals && text.contains(['*', '?']) && !text.contains("${") {
            let message = format!(
                "`{}` takes the wildcard in `{text}` literally",
                condition.operator_name
            );
            let like = condition
                .operator_name
                .replace("EqualsIgnoreCase", "Like")
                .replace("NotEquals", "NotLike")
                .replace("Equals", "Like");
            findings.at(
                "RC2001",
                view,
                value.span,
                message,
                format!("Use `{like}` for this key, or write the value out."),
            );
        }
        if operator.test == Test::StringLike
            && !text.contains(['*', '?'])
            && condition.values.len() == 1
        {
            let message = format!(
                "`{text}` has no wildcard under `{}`",
                condition.operator_name
            );
            findings.at(
                "RC2002",
                view,
                value.span,
                message,
                "Use `StringEquals`, or add the part that was forgotten.".to_owned(),
            );
        }
        if !view.policy.variables && text.contains("${") && operator.takes_variables() {
            let message = format!("the variable in `{text}` is text without `Version` 2012-10-17");
            findings.at(
                "RC2014",
                view,
                value.span,
                message,
                "Add `\"Version\": \"2012-10-17\"`.".to_owned(),
            );
        }
        if operator.test == Test::Ip && !operator.negated && private(text) {
            let message = format!("AWS never sees the private address `{text}`");
            findings.at(
                "RC2021",
                view,
                value.span,
                message,
                "Use the public addresses that requests come from.".to_owned(),
            );
        }
        if operator.test == Test::Arn
            && text != "*"
            && text.splitn(6, ':').count() < 6
            && !text.contains("${")
        {
            let message = format!("`{text}` has fewer than an ARN's six parts");
            findings.at(
                "RC2022",
                view,
                value.span,
                message,
                "Write all six parts, `arn:aws:iam::111122223333:role/*`.".to_owned(),
            );
        }
    }
    if !matches!(operator.test, Test::StringLike) || operator.negated {
        return;
    }
    for value in known(&condition.values) {
        let covered = known(&condition.values).find(|other| {
            !std::ptr::eq(*other, value)
                && other.text != value.text
                && crate::wildcard::Wildcard::new(&other.text).matches(&value.text)
                && !value.text.contains('?')
        });
        if let Some(other) = covered {
            let message = format!("`{}` is covered by `{}`", value.text, other.text);
            findings.at(
                "RC2020",
                view,
                value.span,
                message,
                "Remove the narrower value, or the wider one.".to_owned(),
            );
        }
    }
}

fn private(text: &str) -> bool {
    ["10.", "192.168.", "127.", "169.254."]
        .iter()
        .any(|start| text.starts_with(start))
        || text
            .strip_prefix("172.")
            .and_then(|rest| rest.split('.').next()?.parse::<u8>().ok())
            .is_some_and(|second| (16..32).contains(&second))
        || text.to_lowercase().starts_with("fc")
        || text.to_lowercase().starts_with("fd")
}

/// Keys of callers who sign, which no token brings; those with a slash are prefixes.
const NEVER_PRESENT: &[&str] = &[
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltag/",
    "aws:username",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:viaawsservice",
    "aws:calledvia",
    "sts:durationseconds",
    "sts:awsservicename",
];
