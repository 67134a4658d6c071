//! How the `sub` claim is made of attributes.
//!
//! For a self-hosted issuer `sub` and `aud` are all that a trust policy can look at, so a subject
//! must say everything that a customer may want to pin, and no attribute may forge a part of it.

use std::fmt;
use std::str::FromStr;

use crate::declared::{DeclaredAttributes, Source};
use crate::form::Form;
use crate::literals::Literals;
use crate::template::{Grammar, Piece, Placeholder, Template};
use crate::{Attributes, FormatError, FormatProblem, MintError};

/// A template that renders the `sub` claim, such as
/// `cube:deployment:{deployment_id}:component:{component}`.
///
/// Literals are `A-Z a-z 0-9 : _ - / | . @ +` (a preset may take fewer), the template has at most
/// 1000 characters, the subject at most 2048. In values, `%` and `:` are always percent-encoded;
/// `/`, `|`, `@` and `+` are where the template itself uses them as literals between the same two
/// colons. So no value can add a segment, no two sets of attributes give the same subject, and
/// values such as `refs/heads/main` stay readable where `/` separates nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectFormat {
    template: Template,
    /// What is percent-encoded in each piece, as bits of [`bit`]; unused for literals.
    escapes: Vec<u8>,
}

impl SubjectFormat {
    /// Parses a template whose attributes may be any.
    ///
    /// # Errors
    /// [`FormatError`] with column and span.
    pub fn parse(template: &str) -> Result<Self, FormatError> {
        Self::parse_with(template, Literals::Usual, &DeclaredAttributes::default())
    }

    /// Parses a template with the literals that are allowed and the attributes that are declared.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); also where a placeholder is not declared.
    pub fn parse_with(
        template: &str,
        literals: Literals,
        declared: &DeclaredAttributes,
    ) -> Result<Self, FormatError> {
        let grammar = Grammar {
            longest: LONGEST_TEMPLATE,
            may_be_empty: false,
            literal: literals.takes(),
            literals: literals.words(),
            doubled_braces: false,
        };
        let mut template = Template::parse(FIELD, template, &grammar)?;
        template.bind(FIELD, declared)?;
        let escapes = escapes(&template)?;
        Ok(Self { template, escapes })
    }

    /// Refuses placeholders that are not among the `known` attributes of a workload and have no
    /// stand-in, naming the nearest.
    ///
    /// # Errors
    /// [`FormatError`] for the first one.
    pub fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.template.check_known(FIELD, known)
    }

    /// The names of the attributes in the template, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.template
            .placeholders()
            .map(|placeholder| placeholder.name.as_str())
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
    /// in a subject (control characters, blanks unless declared, anything beyond ASCII, and the
    /// wildcards `*` and `?`, which would turn into permissions in a policy written from the
    /// subject), or `SubjectTooLong`.
    pub fn render(&self, attributes: &Attributes) -> Result<String, MintError> {
        let mut subject = String::with_capacity(self.template.text.len() + 32);
        for (piece, &escapes) in self.template.pieces.iter().zip(&self.escapes) {
            match piece {
                Piece::Literal(literal) => subject.push_str(literal),
                Piece::Placeholder(placeholder) => {
                    let (value, source) = placeholder.value(FIELD, attributes)?;
                    if placeholder.rule.is_none() {
                        Form::Any
                            .check(value)
                            .map_err(|why| MintError::AttributeValue {
                                field: FIELD.to_owned(),
                                name: placeholder.name.clone(),
                                why,
                            })?;
                    }
                    if source == Source::Attribute {
                        push_escaped(value, escapes, &mut subject);
                    } else {
                        subject.push_str(value);
                    }
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

    pub(crate) fn template(&self) -> &Template {
        &self.template
    }

    pub(crate) fn whole_span(&self) -> std::ops::Range<usize> {
        0..self.template.text.len()
    }
}

/// Finds for each placeholder which separators its values must not hold, and refuses templates
/// that could give two workloads the same subject. Values never hold a `:`, so what stands between
/// two colons is settled on its own: there, a value ends where the next literal's separator begins.
fn escapes(template: &Template) -> Result<Vec<u8>, FormatError> {
    let mut escapes = vec![0; template.pieces.len()];
    let mut segment = Segment::default();
    for (at, piece) in template.pieces.iter().enumerate() {
        match piece {
            Piece::Literal(literal) => {
                for (number, part) in literal.split(':').enumerate() {
                    if number > 0 {
                        segment.close(&mut escapes);
                    }
                    segment.literal(part);
                }
            }
            Piece::Placeholder(placeholder) => {
                segment
                    .placeholder(at, placeholder)
                    .map_err(|problem| FormatError {
                        field: FIELD.to_owned(),
                        text: template.text.clone(),
                        span: placeholder.span.clone(),
                        problem,
                    })?;
            }
        }
    }
    segment.close(&mut escapes);
    Ok(escapes)
}

/// What stands between two colons of a template.
#[derive(Default)]
struct Segment {
    separators: u8,
    /// Placeholders whose separators are encoded, as indices of pieces.
    encoded: Vec<usize>,
    /// The placeholder that keeps its separators.
    has_plain: bool,
    /// Whether a placeholder stands before, with no separator since.
    open: bool,
}

impl Segment {
    fn literal(&mut self, text: &str) {
        for bit in text.bytes().map(bit) {
            self.separators |= bit;
            self.open &= bit == 0;
        }
    }

    fn placeholder(&mut self, at: usize, placeholder: &Placeholder) -> Result<(), FormatProblem> {
        if self.open {
            return Err(FormatProblem::Inseparable);
        }
        self.open = true;
        let declared = placeholder.rule.as_deref().map(|rule| rule.text());
        match declared {
            // It has always two slashes, so that it ends where the third one is.
            Some(text) if text.form == Form::Repository => {}
            Some(text) if text.plain && self.has_plain => {
                return Err(FormatProblem::TwoPlain {
                    name: placeholder.name.clone(),
                });
            }
            Some(text) if text.plain => self.has_plain = true,
            _ => self.encoded.push(at),
        }
        Ok(())
    }

    fn close(&mut self, escapes: &mut [u8]) {
        for at in self.encoded.drain(..) {
            escapes[at] = self.separators;
        }
        *self = Self::default();
    }
}

/// The bit of a separator; 0 for other characters.
const fn bit(byte: u8) -> u8 {
    match byte {
        b'/' => 1,
        b'|' => 2,
        b'@' => 4,
        b'+' => 8,
        _ => 0,
    }
}

/// Appends a value that was checked already: it is ASCII.
fn push_escaped(value: &str, escapes: u8, out: &mut String) {
    let mut plain = 0;
    for (at, byte) in value.bytes().enumerate() {
        if byte == b':' || byte == b'%' || bit(byte) & escapes != 0 {
            out.push_str(&value[plain..at]);
            plain = at + 1;
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 0xf)]));
        }
    }
    out.push_str(&value[plain..]);
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

pub(crate) const FIELD: &str = "subject";
/// Characters of a template, at most.
pub const LONGEST_TEMPLATE: usize = 1000;
/// Characters of a subject, at most.
pub const LONGEST_SUBJECT: usize = 2048;
const HEX: &[u8; 16] = b"0123456789ABCDEF";
