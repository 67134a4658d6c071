//! Which characters may stand outside placeholders in a subject format.

use serde::{Deserialize, Serialize};

/// A set of literal characters. Systems differ in what they let their users write; a tenant that
/// follows one of them keeps to its set, so that a format can move between the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Literals {
    /// `A-Z a-z 0-9 : _ - / | . @ +`.
    #[default]
    Usual,
    /// Cube's: `A-Z a-z 0-9 : _ -`.
    Cube,
    /// Cube's for tokens of people: also `.`, `@` and `+`.
    CubePerson,
    /// Spacelift's: `A-Z a-z 0-9 - _ : / |`.
    Spacelift,
    /// The usual ones and `<` and `>`, for the `<yaml>` of Pulumi's unnamed documents.
    Pulumi,
}

impl Literals {
    pub(crate) fn takes(self) -> fn(char) -> bool {
        match self {
            Self::Usual => |c| c.is_ascii_alphanumeric() || ":_-/|.@+".contains(c),
            Self::Cube => |c| c.is_ascii_alphanumeric() || ":_-".contains(c),
            Self::CubePerson => |c| c.is_ascii_alphanumeric() || ":_-.@+".contains(c),
            Self::Spacelift => |c| c.is_ascii_alphanumeric() || "-_:/|".contains(c),
            Self::Pulumi => |c| c.is_ascii_alphanumeric() || ":_-/|.@+<>".contains(c),
        }
    }

    /// The characters in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Usual => "letters, digits and `:_-/|.@+`",
            Self::Cube => "letters, digits and `:_-`",
            Self::CubePerson => "letters, digits and `:_-.@+`",
            Self::Spacelift => "letters, digits and `-_:/|`",
            Self::Pulumi => "letters, digits and `:_-/|.@+<>`",
        }
    }
}
