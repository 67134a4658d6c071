//! How the `sub` claim is made of attributes.
//!
//! For a self-hosted issuer `sub` and `aud` are all that a trust policy can look at, so a subject
//! must say everything that a customer may want to pin, and no attribute may forge a part of it.

use std::fmt;
use std::str::FromStr;

use crate::error::{nearest, shown};
use crate::template::{Grammar, Piece, Template};
use crate::{Attributes, FormatError, MintError};

/// A template that renders the `sub` claim, such as
/// `cube:deployment:{deployment_id}:component:{component}`.
///
/// Literals are `A-Z a-z 0-9 : _ - / | . @ +`, the template has at most 1000 characters, the
/// subject at most 2048. In values, `%` and `:` are always percent-encoded; `/`, `|`, `@` and `+`
/// are where the template itself uses them as literals. So no value can add a segment, and values
/// such as `project/environment` stay readable where `/` separates nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectFormat {
    template: Template,
    escaped: Vec<char>,
}

impl SubjectFormat {
    /// Parses a template.
    ///
    /// # Errors
    /// [`FormatError`] with column and span.
    pub fn parse(template: &str) -> Result<Self, FormatError> {
        let template = Template::parse(FIELD, template, &GRAMMAR)?;
        let mut escaped = vec![':', '%'];
        for separator in ['/', '|', '@', '+'] {
            let used = template.pieces.iter().any(
                |piece| matches!(piece, Piece::Literal(literal) if literal.contains(separator)),
            );
            if used {
                escaped.push(separator);
            }
        }
        Ok(Self { template, escaped })
    }

    /// Refuses placeholders that are not among the `known` attributes, naming the nearest.
    ///
    /// # Errors
    /// [`FormatError`] for the first one.
    pub fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.template.check_known(FIELD, known)
    }

    /// The names of the attributes in the template, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.template.placeholders()
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.template.text
    }

    /// Renders the subject.
    ///
    /// # Errors
    /// `AttributeMissing`, `AttributeValue` for an empty value or a character that does not belong
    /// in a subject (control characters, blanks, anything beyond ASCII, and the wildcards `*` and
    /// `?`, which would turn into permissions in a policy written from the subject), or
    /// `SubjectTooLong`.
    pub fn render(&self, attributes: &Attributes) -> Result<String, MintError> {
        let mut subject = String::with_capacity(self.template.text.len() + 32);
        for piece in &self.template.pieces {
            match piece {
                Piece::Literal(literal) => subject.push_str(literal),
                Piece::Placeholder { name, .. } => {
                    let value =
                        attributes
                            .resolve(name)
                            .ok_or_else(|| MintError::AttributeMissing {
                                field: FIELD.to_owned(),
                                name: name.clone(),
                                nearest: nearest(name, attributes.names()),
                            })?;
                    self.push_value(name, value, &mut subject)?;
                }
            }
        }
        if subject.len() > LONGEST_SUBJECT {
            return Err(MintError::SubjectTooLong {
                length: subject.len(),
                limit: LONGEST_SUBJECT,
            });
        }
        Ok(subject)
    }

    fn push_value(&self, name: &str, value: &str, out: &mut String) -> Result<(), MintError> {
        let refused = |why: String| MintError::AttributeValue {
            field: FIELD.to_owned(),
            name: name.to_owned(),
            why,
        };
        if value.is_empty() {
            return Err(refused("is empty".to_owned()));
        }
        for character in value.chars() {
            if !is_value_character(character) {
                return Err(refused(why_not(value, character)));
            }
            if self.escaped.contains(&character) {
                // invariant: value characters are ASCII, so two hexadecimal digits are enough.
                let code = u32::from(character);
                out.push('%');
                for digit in [code >> 4, code & 0xf] {
                    out.extend(char::from_digit(digit, 16).map(|digit| digit.to_ascii_uppercase()));
                }
            } else {
                out.push(character);
            }
        }
        Ok(())
    }
}

impl FromStr for SubjectFormat {
    type Err = FormatError;

    fn from_str(template: &str) -> Result<Self, Self::Err> {
        Self::parse(template)
    }
}

impl fmt::Display for SubjectFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template.text)
    }
}

/// Whether a character may come from an attribute into a subject or the midst of a claim.
pub(crate) fn is_value_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-.@+/|:%=,~#!&();'".contains(character)
}

/// Says why a character may not.
pub(crate) fn why_not(value: &str, character: char) -> String {
    let value = shown(value);
    match character {
        '*' | '?' => format!(
            "`{value}` holds the wildcard `{character}`, which would match others in a policy written from it"
        ),
        other => format!(
            "`{value}` holds `{}`; letters, digits and `_-.@+/|:%=,~#!&();'` are possible",
            other.escape_debug()
        ),
    }
}

const FIELD: &str = "subject";
const LONGEST_SUBJECT: usize = 2048;

const GRAMMAR: Grammar = Grammar {
    longest: 1000,
    may_be_empty: false,
    literal: |character| character.is_ascii_alphanumeric() || ":_-/|.@+".contains(character),
    literals: "letters, digits and `:_-/|.@+`",
    doubled_braces: false,
};
