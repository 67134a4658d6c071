//! What a diagnosis finds.

use rolecall_documents::TreeEdit;
use rolecall_source::{SourceText, Span};
use serde::Serialize;

use super::catalogue::CauseId;
use crate::reason::Difference;

/// A cause, with what speaks for it and what to do about it. Serialises to JSON with members in
/// camel case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which cause, by its stable name.
    pub cause: CauseId,
    /// What the cause is, in one line.
    pub title: &'static str,
    /// What happened here, in one clause: lower case, no full stop.
    pub message: String,
    /// What was seen and where, a line each.
    pub evidence: Vec<String>,
    /// How sure it is, in a word.
    pub confidence: Confidence,
    /// How sure it is, of 100: findings are in this order.
    pub score: u8,
    /// Where it stands in a policy.
    pub place: Option<Site>,
    /// For subjects: what the policy wants above what the token has.
    pub alignment: Option<Alignment>,
    /// What to do, as one sentence.
    pub mend: String,
    /// The change to the policy, where the policy is to change.
    pub patch: Option<Patch>,
    /// What would make it surer, a line each.
    pub next: Vec<String>,
    /// Which of the evidence's policies it is about.
    #[serde(skip)]
    pub policy: Option<usize>,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Confidence {
    /// Cannot be ruled out, and nothing speaks for it in particular.
    Possible,
    /// The evidence speaks for it.
    Likely,
    /// The evidence leaves no other way.
    Certain,
}

impl Confidence {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        }
    }

    pub(crate) fn of(score: u8) -> Self {
        match score {
            95.. => Self::Certain,
            60..=94 => Self::Likely,
            _ => Self::Possible,
        }
    }
}

/// A place in a policy, as people find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// The document.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The statement, by its `Sid` or number, and the part of it.
    pub part: String,
    /// The line's text.
    pub text: String,
}

impl Site {
    pub(crate) fn new(source: &SourceText, span: Span, part: String) -> Self {
        let position = source.position(span.start);
        Self {
            file: source.name.clone(),
            line: position.line,
            column: position.column,
            part,
            text: source.line_at(span.start).trim().to_owned(),
        }
    }
}

/// Two texts one above the other, and the part of each that differs, in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alignment {
    /// The policy's value.
    pub policy: String,
    /// Where its differing part begins, in characters, and how long it is.
    pub policy_mark: (usize, usize),
    /// What stands against it: `token`, or `usual` for the form that the issuer documents.
    pub against: &'static str,
    /// The token's value.
    pub token: String,
    /// Where its differing part begins, in characters, and how long it is.
    pub token_mark: (usize, usize),
}

impl Alignment {
    /// Sets a policy's value beside the form that is usual; one segment differs.
    pub(crate) fn usual(policy: &str, segment: usize, usual: &str) -> Self {
        let mark = |text: &str| {
            let before: Vec<&str> = text.split(':').take(segment).collect();
            let start = before.iter().map(|part| part.chars().count() + 1).sum();
            let length = text
                .split(':')
                .nth(segment)
                .map_or(0, |part| part.chars().count());
            (start, length)
        };
        Self {
            policy: policy.to_owned(),
            policy_mark: mark(policy),
            against: "usual",
            token: usual.to_owned(),
            token_mark: mark(usual),
        }
    }

    /// Sets a value beside the pattern that it leaves.
    pub(crate) fn new(difference: &Difference, value: &str) -> Self {
        let mark = |text: &str, index: usize, part: Option<&str>| {
            let mut start = 0;
            for (number, segment) in text.split(':').enumerate() {
                if number == index && part.is_none_or(|part| part == segment) {
                    return Some((start, segment.chars().count()));
                }
                start += segment.chars().count() + 1;
            }
            None
        };
        let end = |text: &str| (text.chars().count(), 0);
        let pattern = difference.pattern.as_str();
        let policy_mark = mark(pattern, difference.segment, None).unwrap_or_else(|| end(pattern));
        let token_mark = match difference.actual.as_deref() {
            None => end(value),
            // A `*` before it may have stood for several segments.
            Some(actual) => mark(value, difference.segment, Some(actual))
                .or_else(|| {
                    let index = value.split(':').position(|segment| segment == actual)?;
                    mark(value, index, Some(actual))
                })
                .unwrap_or_else(|| end(value)),
        };
        Self {
            policy: pattern.to_owned(),
            policy_mark,
            against: "token",
            token: value.to_owned(),
            token_mark,
        }
    }
}

/// A change to a policy, decided before it is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Patch {
    /// The change as edits of the policy's tree.
    #[serde(skip)]
    pub edits: Vec<TreeEdit>,
    /// Whether the token is allowed with it.
    pub complete: bool,
    /// What else stands in the way where it is not complete, and which other causes the patch
    /// mends beside, a line each.
    pub besides: Vec<String>,
    /// The change as a unified diff, where the document can be written.
    pub diff: Option<String>,
    /// How to apply it, where it is no change of a file.
    pub apply: Option<String>,
    /// The whole document with the change made.
    #[serde(skip)]
    pub changed: Option<String>,
}

impl Finding {
    pub(crate) fn new(
        cause: CauseId,
        score: u8,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            cause,
            title: cause.title(),
            message: message.into(),
            evidence: Vec::new(),
            confidence: Confidence::of(score),
            score,
            place: None,
            alignment: None,
            mend: mend.into(),
            patch: None,
            next: Vec::new(),
            policy: None,
        }
    }

    pub(crate) fn scored(mut self, score: u8) -> Self {
        self.score = score;
        self.confidence = Confidence::of(score);
        self
    }

    pub(crate) fn seen(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    pub(crate) fn next(mut self, line: impl Into<String>) -> Self {
        self.next.push(line.into());
        self
    }
}
