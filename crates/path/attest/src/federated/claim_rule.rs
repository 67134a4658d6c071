//! What a claim must be.

use std::borrow::Cow;
use std::str::Chars;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::federated::{ClaimPath, EvidenceError};

/// What a claim must be, as it is written: a value, a list of values, or `like:` with patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "expected a value, a list of values, or `like:` with a pattern"
)]
pub enum ExpectedText {
    /// Exactly this.
    Exactly(ScalarText),
    /// Exactly one of these.
    OneOf(Vec<ScalarText>),
    /// Fits a pattern.
    Like(LikeText),
}

/// `like:` as it is written: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LikeText {
    /// One pattern or several.
    pub like: TextOrTexts,
}

/// A text or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub enum TextOrTexts {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// A value as it is written. Texts, whole numbers and booleans are compared by how they read, since
/// issuers differ in which of them they write: `"true"` and `true` are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text, a whole number or a boolean")]
pub enum ScalarText {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

/// A claim and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRule {
    path: ClaimPath,
    expected: Expected,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    OneOf(Vec<String>),
    Like(Vec<String>),
}

impl ClaimRule {
    pub(super) fn new(path: ClaimPath, expected: Expected) -> Self {
        Self { path, expected }
    }

    /// The claim.
    #[must_use]
    pub fn path(&self) -> &ClaimPath {
        &self.path
    }

    /// The values that the claim may have, where the rule names them one by one.
    #[must_use]
    pub fn exact_values(&self) -> Option<&[String]> {
        match &self.expected {
            Expected::OneOf(values) => Some(values),
            Expected::Like(_) => None,
        }
    }

    /// Whether every value that fits begins with the same characters up to and including
    /// `boundary`, or is named as a whole.
    pub(super) fn pins_up_to(&self, boundary: char) -> bool {
        match &self.expected {
            Expected::OneOf(_) => true,
            Expected::Like(patterns) => patterns.iter().all(|pattern| {
                let literal = pattern.split(['*', '?']).next().unwrap_or_default();
                literal.find(boundary).is_some_and(|at| at > 0)
            }),
        }
    }

    /// Whether `value` is as it must be; of a list, whether one of its items is.
    #[must_use]
    pub fn holds(&self, value: &Value) -> bool {
        self.expected.fits(value)
    }
}

impl Expected {
    /// # Errors
    /// [`EvidenceError::Declared`] for an empty list, an empty text, or a pattern without
    /// characters of its own.
    pub(crate) fn read(text: &ExpectedText) -> Result<Self, EvidenceError> {
        let (values, is_pattern): (Vec<String>, bool) = match text {
            ExpectedText::Exactly(value) => (vec![value.to_text()], false),
            ExpectedText::OneOf(values) => {
                (values.iter().map(ScalarText::to_text).collect(), false)
            }
            ExpectedText::Like(LikeText { like }) => match like {
                TextOrTexts::One(pattern) => (vec![pattern.clone()], true),
                TextOrTexts::Several(patterns) => (patterns.clone(), true),
            },
        };
        if values.is_empty() || values.iter().any(String::is_empty) {
            return Err(EvidenceError::declared(
                "",
                "a claim cannot be held to nothing: write a value, or `like:` with a pattern",
            ));
        }
        if !is_pattern {
            return Ok(Self::OneOf(values));
        }
        if let Some(open) = values
            .iter()
            .find(|pattern| pattern.chars().all(|c| matches!(c, '*' | '?')))
        {
            return Err(EvidenceError::declared(
                "",
                format!("the pattern `{open}` fits everything; leave the claim out, or say more"),
            ));
        }
        Ok(Self::Like(values))
    }

    pub(super) fn fits(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.fits_scalar(item)),
            scalar => self.fits_scalar(scalar),
        }
    }

    fn fits_scalar(&self, value: &Value) -> bool {
        scalar(value).is_some_and(|found| self.fits_text(&found))
    }

    pub(crate) fn fits_text(&self, found: &str) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|value| value == found),
            Self::Like(patterns) => patterns.iter().any(|pattern| is_like(found, pattern)),
        }
    }
}

impl ScalarText {
    fn to_text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }
}

/// A text, whole number or boolean as it reads.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(value) => Some(Cow::Owned(value.to_string())),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            Some(Cow::Owned(number.to_string()))
        }
        _ => None,
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters and `?` for one. Takes at
/// most the product of both lengths.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Where to go on from when what follows the latest `*` does not fit: it takes one more.
    let mut retry: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let fits = match pattern.next() {
            Some('*') => {
                retry = Some((pattern.clone(), text.clone()));
                continue;
            }
            Some('?') => text.next().is_some(),
            Some(expected) => text.next() == Some(expected),
            None if text.next().is_none() => return true,
            None => false,
        };
        if fits {
            continue;
        }
        let Some((after_star, from)) = &mut retry else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        pattern = after_star.clone();
        text = from.clone();
    }
}
