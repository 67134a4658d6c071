//! What IAM refuses when a policy is stored, in IAM's words.
//!
//! AWS documents the grammar and not the messages. The messages here are those that users, tools
//! and other implementations report; rules that rest on observation alone are rows of the table in
//! [`shared_issuers`], each with its source, date and confidence.

mod identity;
pub mod shared_issuers;
mod trust;

pub use identity::validate_identity_policy;
pub use trust::{validate_trust_policy, validate_trust_policy_within};

use crate::literal::{self, Decimal, Range};
use crate::operator::{Operator, Test};
use crate::template::Template;
use rolecall_documents::{Kind, Node};

/// A refusal, as an IAM client sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct WriteError {
    /// IAM's error code: `MalformedPolicyDocument`, `LimitExceeded` or `ValidationError`.
    pub code: &'static str,
    /// IAM's message, letter for letter as far as known.
    pub message: String,
}

impl WriteError {
    fn malformed(message: impl Into<String>) -> Self {
        Self {
            code: "MalformedPolicyDocument",
            message: message.into(),
        }
    }

    fn limit(message: impl Into<String>) -> Self {
        Self {
            code: "LimitExceeded",
            message: message.into(),
        }
    }

    /// A violated constraint of the API parameter that carries the policy.
    fn parameter(parameter: &str, constraint: &str) -> Self {
        Self {
            code: "ValidationError",
            message: format!(
                "1 validation error detected: Value at '{parameter}' failed to satisfy constraint: {constraint}"
            ),
        }
    }
}

/// The API's own constraints: length and characters of the parameter.
fn check_parameter(text: &str, parameter: &str) -> Result<(), WriteError> {
    if text.is_empty() {
        let constraint = "Member must have length greater than or equal to 1";
        return Err(WriteError::parameter(parameter, constraint));
    }
    if text.chars().count() > PARAMETER_LIMIT {
        let constraint = format!("Member must have length less than or equal to {PARAMETER_LIMIT}");
        return Err(WriteError::parameter(parameter, &constraint));
    }
    let allowed = |char| matches!(char, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if !text.chars().all(allowed) {
        let constraint =
            r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+";
        return Err(WriteError::parameter(parameter, constraint));
    }
    Ok(())
}

/// Characters that count against a size quota: all but whitespace outside of texts.
pub(crate) fn counted_size(text: &str) -> usize {
    let (mut size, mut in_text, mut escaped) = (0, false, false);
    for char in text.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ => {}
        }
        size += usize::from(in_text || !char.is_whitespace());
    }
    size
}

/// What a `Condition` block may be wrong in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConditionFault {
    /// Not the grammar: not objects, or an operator that does not exist.
    Grammar,
    /// A value that its operator cannot read.
    Literal,
}

/// The first fault of a `Condition` block. An operator without any key is not looked at, as IAM
/// does not look at it either.
fn condition_fault(condition: &Node) -> Option<ConditionFault> {
    let Some(operators) = condition.members() else {
        return Some(ConditionFault::Grammar);
    };
    let mut fault = None;
    for member in operators {
        let Some(keys) = member.value.members() else {
            return Some(ConditionFault::Grammar);
        };
        if keys.is_empty() {
            continue;
        }
        let Some(operator) = Operator::parse(member.name()) else {
            return Some(ConditionFault::Grammar);
        };
        for value in keys.iter().flat_map(|key| key.value.elements()) {
            let Some(text) = value.scalar() else {
                return Some(ConditionFault::Grammar);
            };
            if !readable(operator, &text.value) {
                fault = Some(ConditionFault::Literal);
            }
        }
    }
    fault
}

fn readable(operator: Operator, text: &str) -> bool {
    match operator.test {
        Test::Numeric(_) => Decimal::parse(text).is_some(),
        Test::Date(_) => literal::date(text).is_some() || dateish(text),
        Test::Bool | Test::Null => literal::boolean(text).is_some(),
        Test::Binary => literal::binary(text).is_some(),
        Test::Ip => Range::parse(text).is_some(),
        Test::Arn => Template::new(text, true, true)
            .constant()
            .is_none_or(|_| text == "*" || text.splitn(6, ':').count() == 6),
        Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike => true,
    }
}

/// IAM's date check on write is laxer than its reading of dates: digits and a `T` will do.
fn dateish(text: &str) -> bool {
    let allowed = |char: char| char.is_ascii_digit() || "-:.+TtZz".contains(char);
    text.starts_with(|char: char| char.is_ascii_digit())
        && text.contains(['T', 't'])
        && text.chars().all(allowed)
}

/// Whether a value is a text, or a list of texts.
fn texts_only(value: &Node) -> bool {
    value.elements().iter().all(|one| one.text().is_some())
}

fn is_empty(value: &Node) -> bool {
    match &value.kind {
        Kind::Text(text) => text.value.is_empty(),
        Kind::List(elements) => elements.is_empty(),
        Kind::Map(members) => members.is_empty(),
        Kind::Null => true,
        Kind::Bool(_) | Kind::Number(_) => false,
    }
}

/// Characters of the API field, at most.
const PARAMETER_LIMIT: usize = 131_072;

#[cfg(test)]
mod tests;
