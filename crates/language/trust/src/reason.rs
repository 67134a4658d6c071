//! Why a policy said no: the nearest miss, what it wanted, what came, and how to mend it.

mod condition;
mod element;
mod placeholder;
mod segments;

pub(crate) use placeholder::placeholder;
pub use segments::{Difference, difference};

use serde::Serialize;

use crate::compiled::Decision;
use crate::policy::Effect;
use crate::verdict::{ConditionProof, Place, StatementProof, Verdict};

/// Why a request was denied. Serialises to JSON with members in camel case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// What kind of miss it is.
    pub cause: Cause,
    /// The number of the statement that came nearest (or that denies), from 0; `None` when the
    /// policy has no statement that could allow anything.
    pub statement: Option<usize>,
    /// Its `Sid`, when it has one.
    pub sid: Option<String>,
    /// The part that failed: `Principal`, `Action`, or operator and key of a condition.
    pub part: String,
    /// What the policy wants, as written.
    pub expected: Vec<String>,
    /// What the request has; empty when it has nothing of that kind.
    pub actual: Vec<String>,
    /// What happened, in one clause: lower case, no full stop.
    pub message: String,
    /// For texts with `:` between their segments: the first segment that differs.
    pub difference: Option<Difference>,
    /// What to do about it.
    pub mend: Mend,
    /// What else in the same statement does not hold, a clause each.
    pub also: Vec<String>,
    /// Where the failing part stands.
    pub place: Place,
}

/// A way to mend a denial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mend {
    /// What to do, as one sentence.
    pub sentence: String,
    /// The part of the policy as it would have to read, where the policy is to change.
    pub line: Option<String>,
}

/// The kinds of misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// A Deny statement applies.
    ExplicitDeny,
    /// The policy has no Allow statement.
    NothingAllowed,
    /// The action is not among those allowed.
    Action,
    /// The token carries session tags and the policy does not allow `sts:TagSession`.
    TagSessionMissing,
    /// A source identity is set and the policy does not allow `sts:SetSourceIdentity`.
    SetSourceIdentityMissing,
    /// The statement trusts another identity provider.
    Provider,
    /// The right name in another account.
    Account,
    /// Another caller, or another kind of caller.
    Principal,
    /// The resource is not among those covered.
    Resource,
    /// A placeholder of a template was left in.
    Placeholder,
    /// `*` or `?` under an operator that takes them literally.
    WildcardUnderEquals,
    /// Only the letter case differs.
    LetterCase,
    /// A segment differs.
    Segment,
    /// The value goes on after what the policy wants.
    ExtraTail,
    /// The value ends before what the policy wants.
    MissingTail,
    /// The token's audience is another.
    Audience,
    /// The key's prefix is not the provider that the token came from.
    KeyPrefix,
    /// AWS makes no condition key of that claim.
    UnsupportedKey,
    /// An external ID is asked of a call that cannot carry one.
    ExternalId,
    /// The key has a set of values and the operator takes one.
    MultivaluedKey,
    /// The request has no such key.
    KeyAbsent,
    /// The value is one of those that a negated operator refuses.
    RefusedValue,
    /// Another value.
    Value,
}

/// What one failing part amounts to, before it is put into its statement.
pub(crate) struct Miss {
    pub(crate) cause: Cause,
    pub(crate) part: String,
    pub(crate) expected: Vec<String>,
    pub(crate) actual: Vec<String>,
    pub(crate) message: String,
    pub(crate) difference: Option<Difference>,
    pub(crate) mend: Mend,
    pub(crate) place: Place,
}

/// Why the verdict is a denial: the Deny statement that applies, or the nearest miss among the
/// Allow statements. `None` for a verdict that allows.
pub fn reason(verdict: &Verdict) -> Option<Reason> {
    match verdict.decision {
        Decision::Allow => None,
        Decision::ExplicitDeny => verdict
            .statements
            .iter()
            .find(|proof| proof.matched && proof.effect == Effect::Deny)
            .map(|proof| denied(verdict, proof)),
        Decision::ImplicitDeny => Some(
            nearest(verdict)
                .and_then(|proof| nearest_miss(verdict, proof))
                .unwrap_or_else(|| nothing_allowed(verdict)),
        ),
    }
}

/// The Allow statement that is least far from allowing.
pub(crate) fn nearest(verdict: &Verdict) -> Option<&StatementProof> {
    verdict
        .statements
        .iter()
        .filter(|proof| proof.effect == Effect::Allow)
        .min_by_key(|proof| {
            let (distance, index) = distance(verdict, proof);
            (distance, !names_subject(proof), index)
        })
}

/// Whether a statement is about the caller's subject: of two that are as near, it is the one meant.
fn names_subject(proof: &StatementProof) -> bool {
    proof
        .conditions
        .iter()
        .any(|condition| condition.holds && condition.key.ends_with(":sub"))
}

/// Everything about a statement that does not hold; conditions with their number.
pub(crate) fn misses(verdict: &Verdict, proof: &StatementProof) -> Vec<(Option<usize>, Miss)> {
    let elements = element::misses(verdict, proof);
    let conditions = proof.conditions.iter().enumerate();
    elements
        .into_iter()
        .map(|miss| (None, miss))
        .chain(
            conditions
                .filter(|(_, one)| !one.holds)
                .map(|(index, one)| (Some(index), condition::miss(verdict, one))),
        )
        .collect()
}

/// What a condition that does not hold amounts to.
pub(crate) fn condition_miss(verdict: &Verdict, failed: &ConditionProof) -> Miss {
    condition::miss(verdict, failed)
}

/// How far a statement is from allowing: a wrong caller weighs more than a wrong action, and that
/// more than conditions.
fn distance(verdict: &Verdict, proof: &StatementProof) -> (usize, usize) {
    let principal = proof.principal.as_ref().is_some_and(|one| !one.holds);
    let resource = proof.resource.as_ref().is_some_and(|one| !one.holds);
    let action = !proof.action.as_ref().is_some_and(|one| one.holds);
    let weight = 8 * usize::from(principal && !element::nearly(verdict, proof))
        + 2 * usize::from(principal)
        + 4 * usize::from(action)
        + 4 * usize::from(resource);
    (weight + proof.misses(), proof.index)
}

fn nearest_miss(verdict: &Verdict, proof: &StatementProof) -> Option<Reason> {
    let mut misses = misses(verdict, proof).into_iter().map(|(_, miss)| miss);
    let first = misses.next()?;
    Some(Reason {
        cause: first.cause,
        statement: Some(proof.index),
        sid: proof.sid.clone(),
        part: first.part,
        expected: first.expected,
        actual: first.actual,
        message: first.message,
        difference: first.difference,
        mend: first.mend,
        also: misses.map(|miss| miss.message).collect(),
        place: first.place,
    })
}

fn denied(verdict: &Verdict, proof: &StatementProof) -> Reason {
    let name = match &proof.sid {
        Some(sid) if !sid.is_empty() => format!("statement `{sid}`"),
        _ => format!("statement {}", proof.index + 1),
    };
    let because: Vec<String> = proof
        .conditions
        .iter()
        .map(|condition| format!("`{}` on `{}` holds", condition.operator, condition.key))
        .collect();
    let because = match because.is_empty() {
        true => String::new(),
        false => format!(" because {}", because.join(" and ")),
    };
    Reason {
        cause: Cause::ExplicitDeny,
        statement: Some(proof.index),
        sid: proof.sid.clone(),
        part: "Effect".to_owned(),
        expected: Vec::new(),
        actual: vec![verdict.principal.clone()],
        message: format!("{name} denies `{}` explicitly{because}", verdict.action),
        difference: None,
        mend: Mend {
            sentence: format!(
                "An explicit deny wins over every allow: narrow the conditions of {name} or remove it."
            ),
            line: None,
        },
        also: Vec::new(),
        place: proof.place,
    }
}

fn nothing_allowed(verdict: &Verdict) -> Reason {
    Reason {
        cause: Cause::NothingAllowed,
        statement: None,
        sid: None,
        part: "Statement".to_owned(),
        expected: Vec::new(),
        actual: vec![verdict.action.clone()],
        message: "no statement of the policy allows anything".to_owned(),
        difference: None,
        mend: Mend {
            sentence: format!(
                "Add a statement with `\"Effect\": \"Allow\"` and `\"Action\": \"{}\"`.",
                verdict.action
            ),
            line: None,
        },
        also: Vec::new(),
        place: Place::default(),
    }
}

/// A JSON text.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One JSON text, or a list of several.
fn quoted_all(texts: &[String]) -> String {
    match texts {
        [one] => quoted(one),
        many => {
            let many: Vec<String> = many.iter().map(|text| quoted(text)).collect();
            format!("[{}]", many.join(", "))
        }
    }
}

/// Texts in backticks, joined by "or".
fn named(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    texts.join(" or ")
}

#[cfg(test)]
mod tests;
