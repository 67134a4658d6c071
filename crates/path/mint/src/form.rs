//! The forms that an attribute's values can be held to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::shown;

/// What a value is made of. Whatever the form, wildcards, quotes, control characters and characters
/// beyond ASCII stay out: a subject ends up in policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Letters, digits and ``_-.@+/|:%=,~#!&();'``.
    #[default]
    Any,
    /// As `any`, and blanks, though not at the ends: names that people chose.
    Spaced,
    /// Digits: identifiers that are never given twice.
    Digits,
    /// Letters, digits, `_`, `-` and `.`.
    Name,
    /// Hexadecimal digits and `-`.
    Uuid,
    /// As `name`, and `/`.
    Path,
    /// `host/owner/name`: three names between slashes. As it has always two of them, they can
    /// stand in any subject as they are.
    Repository,
    /// Letters, digits and `_.@+-`: what identifies a person. Nothing of it divides a list.
    Person,
}

impl Form {
    /// Whether values can hold a character.
    #[must_use]
    pub fn takes(self, byte: u8) -> bool {
        match self {
            Self::Any => is_value_byte(byte),
            Self::Spaced => byte == b' ' || is_value_byte(byte),
            Self::Digits => byte.is_ascii_digit(),
            Self::Name => is_name_byte(byte),
            Self::Uuid => byte.is_ascii_hexdigit() || byte == b'-',
            Self::Path | Self::Repository => byte == b'/' || is_name_byte(byte),
            Self::Person => is_name_byte(byte) || byte == b'@' || byte == b'+',
        }
    }

    /// Checks a value.
    ///
    /// # Errors
    /// What is wrong with it, to be put after "its value".
    pub fn check(self, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err("is empty".to_owned());
        }
        if let Some(at) = value.bytes().position(|byte| !self.takes(byte)) {
            // The first byte that is refused begins a character: the others before it are ASCII.
            let character = value[at..].chars().next().unwrap_or_default();
            return Err(self.why_not(value, character));
        }
        if self == Self::Spaced && value.trim_matches(' ') != value {
            return Err(format!("`{}` begins or ends with a blank", shown(value)));
        }
        if self == Self::Repository
            && (value.split('/').count() != 3 || value.split('/').any(str::is_empty))
        {
            return Err(format!(
                "`{}` is not of the form `host/owner/name`",
                shown(value)
            ));
        }
        Ok(())
    }

    fn why_not(self, value: &str, character: char) -> String {
        let value = shown(value);
        match character {
            '*' | '?' => format!(
                "`{value}` holds the wildcard `{character}`, which would match others in a policy written from it"
            ),
            other => format!(
                "`{value}` holds `{}`; {} are possible",
                other.escape_debug(),
                self.words()
            ),
        }
    }

    /// The characters in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Any => "letters, digits and `_-.@+/|:%=,~#!&();'`",
            Self::Spaced => "letters, digits, blanks and `_-.@+/|:%=,~#!&();'`",
            Self::Digits => "digits",
            Self::Name => "letters, digits and `_-.`",
            Self::Uuid => "hexadecimal digits and `-`",
            Self::Path => "letters, digits and `_-./`",
            Self::Repository => "`host/owner/name` of letters, digits and `_-.`",
            Self::Person => "letters, digits and `_.@+-`",
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_value_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.@+/|:%=,~#!&();'".contains(&byte)
}
