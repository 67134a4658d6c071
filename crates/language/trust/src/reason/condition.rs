//! Misses of conditions.

use rolecall_source::nearest;

use super::placeholder::placeholder;
use super::segments::{Difference, difference};
use super::{Cause, Mend, Miss, named, quoted, quoted_all};
use crate::operator::{Operator, Test};
use crate::provider_keys;
use crate::verdict::{ConditionProof, Verdict};
use crate::wildcard::Wildcard;

/// What a condition that does not hold amounts to.
pub(super) fn miss(verdict: &Verdict, condition: &ConditionProof) -> Miss {
    let said = judge(verdict, condition);
    Miss {
        cause: said.cause,
        part: format!("{} {}", condition.operator, condition.key),
        expected: condition.expected.clone(),
        actual: condition.actual.clone().unwrap_or_default(),
        message: said.message,
        difference: said.difference,
        mend: Mend {
            sentence: said.sentence,
            line: said.line,
        },
        place: condition.place,
    }
}

struct Said {
    cause: Cause,
    message: String,
    sentence: String,
    line: Option<String>,
    difference: Option<Difference>,
}

impl Said {
    fn new(cause: Cause, message: String, sentence: impl Into<String>) -> Self {
        Self {
            cause,
            message,
            sentence: sentence.into(),
            line: None,
            difference: None,
        }
    }

    fn line(mut self, operator: &str, key: &str, values: &[String]) -> Self {
        self.line = Some(format!(
            "\"{operator}\": {{ {}: {} }}",
            quoted(key),
            quoted_all(values)
        ));
        self
    }
}

fn judge(verdict: &Verdict, condition: &ConditionProof) -> Said {
    let mark = std::iter::once(&condition.key)
        .chain(&condition.expected)
        .find_map(|text| placeholder(text));
    if let Some(mark) = mark {
        let key = &condition.key;
        let message = format!("the condition on `{key}` still has the placeholder `{mark}`");
        let said = Said::new(
            Cause::Placeholder,
            message,
            format!("Replace `{mark}` by its value."),
        );
        return match &condition.actual {
            Some(actual) => said.line(&condition.operator, key, actual),
            None => said,
        };
    }
    let Some(actual) = &condition.actual else {
        return absent(verdict, condition);
    };
    let Some(operator) = Operator::parse(&condition.operator) else {
        return other(condition, actual);
    };
    if condition.multivalued && operator.set.is_none() && operator.test != Test::Null {
        let key = &condition.key;
        let message = format!(
            "`{key}` has a set of values, and `{}` takes one",
            condition.operator
        );
        let sentence = "Keys with a set of values need `ForAnyValue:` or `ForAllValues:`.";
        let name = format!("ForAnyValue:{}", condition.operator);
        return Said::new(Cause::MultivaluedKey, message, sentence).line(
            &name,
            key,
            &condition.expected,
        );
    }
    if operator.negated {
        let message = format!(
            "`{}` is {}, which `{}` refuses",
            condition.key,
            named(actual),
            condition.operator
        );
        let sentence = "Take the value out of the condition if the caller should be let in.";
        return Said::new(Cause::RefusedValue, message, sentence);
    }
    match (&operator.test, actual.as_slice()) {
        (Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike, [value]) => {
            text(condition, operator, value)
        }
        _ => other(condition, actual),
    }
}

fn absent(verdict: &Verdict, condition: &ConditionProof) -> Said {
    let key = &condition.key;
    let web_identity = verdict
        .action
        .eq_ignore_ascii_case("sts:AssumeRoleWithWebIdentity");
    if key.eq_ignore_ascii_case("sts:ExternalId") {
        if web_identity {
            let message =
                "an external ID is demanded, and AssumeRoleWithWebIdentity has no such parameter";
            let sentence =
                "Remove the condition on `sts:ExternalId`; pin the token's audience and subject.";
            return Said::new(Cause::ExternalId, message.to_owned(), sentence);
        }
        let message = "an external ID is demanded, and the call passes none";
        let sentence = format!("Pass the external ID {}.", named(&condition.expected));
        return Said::new(Cause::KeyAbsent, message.to_owned(), sentence);
    }
    if let Some((prefix, tag)) = key.split_once('/')
        && prefix.eq_ignore_ascii_case("aws:RequestTag")
    {
        let message = format!("the call passes no session tag `{tag}`");
        let sentence = match web_identity {
            true => "Have the token carry the session tag, or remove the condition.",
            false => "Pass the session tag, or remove the condition.",
        };
        return Said::new(Cause::KeyAbsent, message, sentence);
    }
    let split = key
        .rsplit_once(':')
        .filter(|(prefix, _)| prefix.contains(['.', '/']) && !prefix.starts_with("aws:"));
    let Some((prefix, claim)) = split else {
        let message = format!("the request has no `{key}`");
        return match nearest(key, REQUEST_KEYS.iter().copied()) {
            Some(known) if !known.eq_ignore_ascii_case(key) => {
                let sentence = format!("Did you mean `{known}`?");
                Said::new(Cause::KeyAbsent, message, sentence).line(
                    &condition.operator,
                    known,
                    &condition.expected,
                )
            }
            _ => Said::new(
                Cause::KeyAbsent,
                message,
                "Remove the condition, or send what it asks for.",
            ),
        };
    };
    let provider = verdict
        .principal
        .split_once(":oidc-provider/")
        .map_or(verdict.principal.as_str(), |(_, url)| url);
    let federated = verdict.principal_kind == "Federated";
    if federated && !prefix.eq_ignore_ascii_case(provider) {
        let message = format!("the key begins with `{prefix}`, and the provider is `{provider}`");
        let sentence =
            "The key's prefix is the provider's URL without `https://`, path and slashes included.";
        return Said::new(Cause::KeyPrefix, message, sentence).line(
            &condition.operator,
            &format!("{provider}:{claim}"),
            &condition.expected,
        );
    }
    if federated && !provider_keys::known(provider, claim) {
        let message = format!("AWS makes no condition key of the claim `{claim}` for `{provider}`");
        let keys = provider_keys::provider_keys(provider)
            .collect::<Vec<_>>()
            .join(", ");
        let sentence = match nearest(claim, provider_keys::provider_keys(provider)) {
            Some(near) => format!("Did you mean `{provider}:{near}`? The keys are {keys}."),
            None => format!(
                "The keys are {keys}: carry `{claim}` in the subject and pin `{provider}:sub`."
            ),
        };
        return Said::new(Cause::UnsupportedKey, message, sentence);
    }
    Said::new(
        Cause::KeyAbsent,
        format!("the request has no `{key}`"),
        "Remove the condition, or have the token carry the claim.",
    )
}

fn text(condition: &ConditionProof, operator: Operator, value: &str) -> Said {
    let key = &condition.key;
    let like = operator.test == Test::StringLike;
    let expected = &condition.expected;
    let claim = key
        .rsplit_once(':')
        .map_or(key.as_str(), |(_, claim)| claim);
    if let Some(pattern) = expected.iter().find(|pattern| {
        !like && pattern.contains(['*', '?']) && Wildcard::new(pattern).matches(value)
    }) {
        let message = format!(
            "`{pattern}` is taken letter for letter under `{}`: its wildcards match nothing",
            condition.operator
        );
        let name = like_form(&condition.operator);
        let sentence = format!("Wildcards need `{name}`.");
        return Said::new(Cause::WildcardUnderEquals, message, sentence).line(&name, key, expected);
    }
    let lower = value.to_lowercase();
    if let Some(pattern) = expected.iter().find(|pattern| {
        let pattern = pattern.to_lowercase();
        pattern == lower || like && Wildcard::new(&pattern).matches(&lower)
    }) {
        let message = format!("`{value}` differs from `{pattern}` in letter case only");
        let sentence = "Values compare with letter case: spell it as the token does.";
        let corrected = match like {
            true => difference(pattern, value, true)
                .map_or_else(|| value.to_owned(), |one| one.mended(value, true)),
            false => value.to_owned(),
        };
        return Said::new(Cause::LetterCase, message, sentence).line(
            &condition.operator,
            key,
            &[corrected],
        );
    }
    if claim.eq_ignore_ascii_case("aud") {
        let message = format!(
            "the token's audience is `{value}`, the policy wants {}",
            named(expected)
        );
        let sentence = "Set the audience of the token config to what the policy wants, or name the token's audience in the policy.";
        return Said::new(Cause::Audience, message, sentence).line(
            &condition.operator,
            key,
            &[value.to_owned()],
        );
    }
    let nearest = expected
        .iter()
        .filter_map(|pattern| difference(pattern, value, like))
        .rev()
        .max_by_key(|one| one.agreed);
    match nearest {
        Some(nearest) if nearest.agreed > 0 || expected.len() == 1 => {
            segment(condition, value, nearest)
        }
        _ => other(condition, &[value.to_owned()]),
    }
}

fn segment(condition: &ConditionProof, value: &str, found: Difference) -> Said {
    let key = &condition.key;
    let place = match &found.label {
        Some(label) => format!("after `{label}`"),
        None => format!("in segment {}", found.segment + 1),
    };
    let (cause, message, sentence) = match (&found.expected, &found.actual) {
        (Some(expected), Some(actual)) => (
            Cause::Segment,
            format!("`{value}` has `{actual}` {place}, the policy wants `{expected}`"),
            // The first segment names the issuer's scheme rather than an attribute.
            match found.label.as_deref().filter(|_| found.segment > 1) {
                Some(label) => format!(
                    "Ask with {label} `{expected}` instead, or change the policy if this caller should be let in."
                ),
                None => "Change the segment in the policy if this caller should be let in, or ask as what the policy names.".to_owned(),
            },
        ),
        (None, _) => (
            Cause::ExtraTail,
            format!("`{value}` goes on after `{}`", found.pattern),
            "Let the value go on with a `*` at the end under `StringLike`, or write all of it.".to_owned(),
        ),
        (Some(expected), None) => (
            Cause::MissingTail,
            format!("`{value}` ends before `{expected}`, which the policy wants next"),
            "Have the subject format carry the missing segments, or shorten the value in the policy.".to_owned(),
        ),
    };
    let like = like_form(&condition.operator);
    let (operator, corrected) = match cause {
        Cause::ExtraTail => (&like, found.mended(value, true)),
        _ => (
            &condition.operator,
            found.mended(value, *like == condition.operator),
        ),
    };
    let mut said = Said::new(cause, message, sentence).line(operator, key, &[corrected]);
    said.difference = Some(found);
    said
}

/// The operator's form that takes wildcards.
fn like_form(operator: &str) -> String {
    operator
        .replace("EqualsIgnoreCase", "Like")
        .replace("Equals", "Like")
}

fn other(condition: &ConditionProof, actual: &[String]) -> Said {
    let message = format!(
        "`{}` is {}, and `{}` wants {}",
        condition.key,
        named(actual),
        condition.operator,
        named(&condition.expected)
    );
    Said::new(
        Cause::Value,
        message,
        "Change the value in the policy if this caller should be let in.",
    )
}

const REQUEST_KEYS: &[&str] = &[
    "sts:ExternalId",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
    "sts:TransitiveTagKeys",
    "sts:RoleAuthorizedByIdp",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:SecureTransport",
    "aws:RequestedRegion",
    "aws:UserAgent",
    "aws:TagKeys",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:PrincipalType",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthPresent",
    "aws:MultiFactorAuthAge",
    "aws:userid",
    "aws:username",
];
