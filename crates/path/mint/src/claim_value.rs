//! The value of a custom claim, session tag or source identity: any text, with placeholders.

use crate::error::{nearest, shown};
use crate::subject::{is_value_character, why_not};
use crate::template::{Grammar, Piece, Template};
use crate::{Attributes, FormatError, MintError};

/// A parsed value. Values of attributes enter it as they are; they may be any text where the
/// placeholder is the whole value, but beside other text only what a subject takes too, so that an
/// attribute cannot add a second scope or list entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimValue {
    field: String,
    template: Template,
}

impl ClaimValue {
    pub(crate) fn parse(field: String, text: &str) -> Result<Self, FormatError> {
        let template = Template::parse(&field, text, &GRAMMAR)?;
        Ok(Self { field, template })
    }

    pub(crate) fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.template.check_known(&self.field, known)
    }

    pub(crate) fn field(&self) -> &str {
        &self.field
    }

    /// The value, if it has no placeholders.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match self.template.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    pub(crate) fn render(&self, attributes: &Attributes) -> Result<String, MintError> {
        let whole = self.template.pieces.len() == 1;
        let mut out = String::with_capacity(self.template.text.len() + 16);
        for piece in &self.template.pieces {
            match piece {
                Piece::Literal(literal) => out.push_str(literal),
                Piece::Placeholder { name, .. } => {
                    out.push_str(self.value(attributes, name, whole)?);
                }
            }
        }
        let length = out.chars().count();
        if length > LONGEST {
            return Err(MintError::Rendered {
                field: self.field.clone(),
                why: format!("it has {length} characters; at most {LONGEST} are possible"),
            });
        }
        Ok(out)
    }

    fn value<'a>(
        &self,
        attributes: &'a Attributes,
        name: &str,
        whole: bool,
    ) -> Result<&'a str, MintError> {
        let value = attributes
            .resolve(name)
            .ok_or_else(|| MintError::AttributeMissing {
                field: self.field.clone(),
                name: name.to_owned(),
                nearest: nearest(name, attributes.names()),
            })?;
        let refused = value
            .chars()
            .find(|&character| character.is_control() || !(whole || is_value_character(character)));
        match refused {
            None => Ok(value),
            Some(character) => Err(MintError::AttributeValue {
                field: self.field.clone(),
                name: name.to_owned(),
                why: if character.is_control() {
                    format!("`{}` holds a control character", shown(value))
                } else {
                    why_not(value, character)
                },
            }),
        }
    }
}

/// Longest value of a claim, written and rendered.
pub(crate) const LONGEST: usize = 1024;

const GRAMMAR: Grammar = Grammar {
    longest: LONGEST,
    may_be_empty: true,
    literal: |character| !character.is_control(),
    literals: "everything but control characters",
    doubled_braces: true,
};
