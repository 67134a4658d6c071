//! JSON (RFC 8259) with the place of everything, duplicate members included.

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use rolecall_source::{Diagnostic, SourceText, Span};

use crate::TrustError;

/// A JSON value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Json {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// What a JSON value is. Numbers keep the text they were written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<Member>),
}

/// A member of an object, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) name_span: Span,
    pub(crate) value: Json,
}

impl Json {
    /// Reads a document. Size and depth are bounded before anything is built.
    pub(crate) fn parse(source: &SourceText) -> Result<Self, TrustError> {
        if source.text.len() > SIZE_LIMIT {
            return Err(TrustError::TooLarge {
                name: source.name.clone(),
                size: source.text.len(),
                limit: SIZE_LIMIT,
            });
        }
        if let Some(offset) = too_deep(&source.text) {
            let message = format!("JSON nested more than {DEPTH_LIMIT} levels deep");
            let span = Span::new(offset, offset + 1);
            return Err(TrustError::json(
                source,
                Diagnostic::error("json-depth", message, span),
            ));
        }
        let parsed =
            parse_to_ast(&source.text, &CollectOptions::default(), &strict()).map_err(|error| {
                let range = error.range();
                let message = format!("not JSON: {}", lower_first(&error.kind().to_string()));
                let span = Span::new(range.start, range.end);
                TrustError::json(source, Diagnostic::error("json-syntax", message, span))
            })?;
        let Some(value) = parsed.value else {
            let span = Span::new(0, source.text.len());
            let diagnostic = Diagnostic::error("json-empty", "the document is empty", span);
            return Err(TrustError::json(source, diagnostic));
        };
        Ok(Self::from_ast(value))
    }

    fn from_ast(value: Value<'_>) -> Self {
        let range = value.range();
        let span = Span::new(range.start, range.end);
        let kind = match value {
            Value::StringLit(text) => Kind::Text(text.value.into_owned()),
            Value::NumberLit(number) => Kind::Number(number.value.to_owned()),
            Value::BooleanLit(boolean) => Kind::Bool(boolean.value),
            Value::NullKeyword(_) => Kind::Null,
            Value::Array(array) => {
                Kind::Array(array.elements.into_iter().map(Self::from_ast).collect())
            }
            Value::Object(object) => Kind::Object(
                object
                    .properties
                    .into_iter()
                    .map(|property| {
                        let range = match &property.name {
                            ObjectPropName::String(name) => name.range,
                            ObjectPropName::Word(name) => name.range,
                        };
                        Member {
                            name_span: Span::new(range.start, range.end),
                            name: property.name.into_string(),
                            value: Self::from_ast(property.value),
                        }
                    })
                    .collect(),
            ),
        };
        Self { kind, span }
    }

    /// The text of a string, or `None`.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The members of an object, or `None`.
    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The elements of an array, or the value itself as the only one.
    pub(crate) fn elements(&self) -> &[Json] {
        match &self.kind {
            Kind::Array(elements) => elements,
            _ => std::slice::from_ref(self),
        }
    }

    /// A text, boolean or number as text, as condition values are read.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text.clone()),
            Kind::Bool(boolean) => Some(boolean.to_string()),
            Kind::Null | Kind::Array(_) | Kind::Object(_) => None,
        }
    }
}

/// The place of the first bracket that is nested too deeply.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > DEPTH_LIMIT {
                    return Some(offset);
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// Bytes of a document that are read, at most; IAM's own limits are far below.
const SIZE_LIMIT: usize = 1024 * 1024;
/// Levels of nesting, at most; a policy needs six.
const DEPTH_LIMIT: usize = 64;
