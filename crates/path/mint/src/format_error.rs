//! What is wrong with a text with placeholders, and where exactly.

use std::fmt;
use std::ops::Range;

use crate::error::did_you_mean;

/// A malformed text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    pub(crate) field: String,
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
    pub(crate) problem: FormatProblem,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatProblem {
    /// The text is empty.
    Empty,
    /// The text is too long.
    TooLong {
        /// Characters found.
        length: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// A character that may not stand outside placeholders.
    Character {
        /// The character.
        character: char,
        /// Which may.
        allowed: &'static str,
    },
    /// A `{` without its `}`.
    Unclosed,
    /// A `}` without its `{`.
    Unopened,
    /// `{}`.
    NoName,
    /// A character that may not stand in a placeholder.
    NameCharacter {
        /// The character.
        character: char,
    },
    /// A placeholder of more than 64 characters.
    NameTooLong,
    /// Two placeholders with nothing between them: `{a}{b}` cannot tell `xy`+`z` from `x`+`yz`.
    Adjacent,
    /// Two placeholders with no separator between them: `{a}-{b}` cannot tell `x-y`+`z` from
    /// `x`+`y-z`.
    Inseparable,
    /// Two attributes that keep their separators, in one segment.
    TwoPlain {
        /// The second one.
        name: String,
    },
    /// A placeholder that is not among the declared attributes.
    Undeclared {
        /// The placeholder.
        name: String,
        /// The most similar one that is declared.
        nearest: Option<String>,
    },
    /// A format for people's tokens without anything that tells people apart.
    NoPerson,
    /// A placeholder that the workload has no attribute for.
    Unknown {
        /// The placeholder.
        name: String,
        /// The most similar attribute.
        nearest: Option<String>,
    },
}

impl FormatError {
    /// The field as in the configuration file, such as `subject` or `claims.team`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The text that is wrong.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the text that are wrong: for a caret under it. Empty at the end of the text.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where it is wrong: the column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        let before = self.text.get(..self.span.start).unwrap_or(&self.text);
        before.chars().count() + 1
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &FormatProblem {
        &self.problem
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` column {}: {}",
            self.field,
            self.column(),
            self.problem
        )
    }
}

impl std::error::Error for FormatError {}

impl fmt::Display for FormatProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the text is empty"),
            Self::TooLong { length, limit } => {
                write!(f, "the text has {length} characters; at most {limit} are possible")
            }
            Self::Character { character, allowed } => write!(
                f,
                "`{}` may not stand outside placeholders; {allowed} may",
                character.escape_debug()
            ),
            Self::Unclosed => f.write_str("this `{` has no `}`"),
            Self::Unopened => f.write_str("this `}` has no `{`"),
            Self::NoName => f.write_str("the placeholder is empty; write an attribute's name between the braces"),
            Self::NameCharacter { character } => write!(
                f,
                "`{}` may not stand in a placeholder; it begins with a letter and goes on with letters, digits and `_-.:`",
                character.escape_debug()
            ),
            Self::NameTooLong => f.write_str("the placeholder has more than 64 characters"),
            Self::Adjacent => f.write_str(
                "two placeholders stand side by side, so different workloads could get the same text; put a separator such as `:` between them",
            ),
            Self::Inseparable => f.write_str(
                "nothing between this placeholder and the one before it keeps their values apart; put `:`, `/`, `|`, `@` or `+` there",
            ),
            Self::TwoPlain { name } => write!(
                f,
                "`{name}` and an attribute before it both keep their separators (`plain`), so their values could not be told apart; put a `:` between them"
            ),
            Self::Undeclared { name, nearest } => write!(
                f,
                "no attribute `{name}` is declared{}",
                did_you_mean(nearest)
            ),
            Self::NoPerson => f.write_str(
                "tokens of people need `{user_email}`, `{username}` or `{user_id}` in their subject",
            ),
            Self::Unknown { name, nearest } => write!(
                f,
                "there is no attribute `{name}`{}",
                did_you_mean(nearest)
            ),
        }
    }
}
