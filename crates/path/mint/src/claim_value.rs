//! The value of a custom claim, session tag or source identity: any text, with placeholders.

use crate::declared::DeclaredAttributes;
use crate::error::shown;
use crate::form::Form;
use crate::template::{Grammar, Piece, Placeholder, Template};
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

    pub(crate) fn bind(&mut self, declared: &DeclaredAttributes) -> Result<(), FormatError> {
        self.template.bind(&self.field, declared)
    }

    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.template.placeholders()
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
                Piece::Placeholder(placeholder) => {
                    out.push_str(self.value(attributes, placeholder, whole)?);
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
        &'a self,
        attributes: &'a Attributes,
        placeholder: &'a Placeholder,
        whole: bool,
    ) -> Result<&'a str, MintError> {
        let (value, _) = placeholder.value(&self.field, attributes)?;
        let refused = if placeholder.rule.is_some() {
            // Its form was checked already.
            None
        } else if let Some(character) = value.chars().find(|character| character.is_control()) {
            Some(format!(
                "`{}` holds the control character `{}`",
                shown(value),
                character.escape_debug()
            ))
        } else if whole || value.is_empty() {
            None
        } else {
            Form::Any.check(value).err()
        };
        match refused {
            None => Ok(value),
            Some(why) => Err(MintError::AttributeValue {
                field: self.field.clone(),
                name: placeholder.name.clone(),
                why,
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
