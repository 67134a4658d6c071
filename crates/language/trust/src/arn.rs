//! ARN patterns: six parts between colons, each matched on its own; only the last may hold colons.

use crate::wildcard::{Token, Wildcard};

/// A pattern for ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArnPattern {
    parts: Vec<Wildcard>,
}

impl ArnPattern {
    /// The pattern of six parts that tokens spell, or `None` when there are fewer.
    pub(crate) fn from_tokens(tokens: &[Token]) -> Option<Self> {
        let parts: Vec<Wildcard> = tokens
            .splitn(PARTS, |token| *token == Token::Char(':'))
            .map(Wildcard::from_tokens)
            .collect();
        (parts.len() == PARTS).then_some(Self { parts })
    }

    /// As [`Self::from_tokens`]; parts that are missing at the end match anything, as IAM
    /// completes a `Resource`.
    pub(crate) fn completed(tokens: &[Token]) -> Self {
        let mut parts: Vec<Wildcard> = tokens
            .splitn(PARTS, |token| *token == Token::Char(':'))
            .map(Wildcard::from_tokens)
            .collect();
        parts.resize_with(PARTS, || Wildcard::from_tokens(&[Token::Run]));
        Self { parts }
    }

    /// Whether an ARN fits; `None` when the text is not an ARN at all.
    pub(crate) fn matches(&self, arn: &str) -> Option<bool> {
        let parts: Vec<&str> = arn.splitn(PARTS, ':').collect();
        if parts.len() < PARTS || parts[0] != "arn" {
            return None;
        }
        Some(
            self.parts
                .iter()
                .zip(parts)
                .all(|(pattern, part)| pattern.matches(part)),
        )
    }
}

const PARTS: usize = 6;
