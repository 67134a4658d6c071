//! Where in a token's claims a value stands.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::shown;
use crate::federated::EvidenceError;

/// The place of a claim: `repository`, `realm_access.tier`, or, for names that hold dots or
/// slashes themselves, a JSON pointer (RFC 6901) such as `/kubernetes.io/namespace`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClaimPath {
    written: String,
    steps: Vec<String>,
}

impl ClaimPath {
    /// The value there, if there is one. Only objects are entered.
    #[must_use]
    pub fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, rest) = self.steps.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |value, step| {
            value.as_object()?.get(step)
        })
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// A path under the name by which the operator knows it.
    pub(super) fn named(name: &str, steps: &[&str]) -> Self {
        Self {
            written: name.to_owned(),
            steps: steps.iter().map(|&step| step.to_owned()).collect(),
        }
    }

    /// Whether the path is this one claim at the top.
    pub(super) fn is_top(&self, claim: &str) -> bool {
        self.steps.len() == 1 && self.steps[0] == claim
    }

    /// Whether both lead to the same place, however they are written.
    pub(super) fn leads_where(&self, other: &Self) -> bool {
        self.steps == other.steps
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for ClaimPath {
    type Err = EvidenceError;

    /// Reads a path.
    ///
    /// # Errors
    /// [`EvidenceError::Declared`] for an empty step, more than eight steps, more than 256
    /// characters, or a `~` in a pointer that is neither `~0` nor `~1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why: &str| {
            EvidenceError::declared("", format!("`{}` is not a claim: {why}", shown(text)))
        };
        if text.chars().nth(LONGEST).is_some() {
            return Err(refused("it is longer than 256 characters"));
        }
        let steps: Vec<String> = match text.strip_prefix('/') {
            Some(pointer) => pointer
                .split('/')
                .map(unescaped)
                .collect::<Option<_>>()
                .ok_or_else(|| refused("in a JSON pointer `~` is written `~0` and `/` is `~1`"))?,
            None => text.split('.').map(str::to_owned).collect(),
        };
        if steps.iter().any(String::is_empty) {
            return Err(refused(
                "write a name, names joined by dots, or a JSON pointer such as `/kubernetes.io/namespace`",
            ));
        }
        if steps.len() > DEEPEST {
            return Err(refused("it is more than eight names deep"));
        }
        Ok(Self {
            written: text.to_owned(),
            steps,
        })
    }
}

fn unescaped(step: &str) -> Option<String> {
    let mut out = String::with_capacity(step.len());
    let mut characters = step.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}

const LONGEST: usize = 256;
const DEEPEST: usize = 8;
