//! JSON (RFC 8259), duplicate members included.

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use rolecall_source::{Diagnostic, SourceText, Span};

use crate::{DocumentError, Kind, Member, Node, Text};

/// Reads a JSON document. Size and depth are bounded before anything is built.
///
/// # Errors
/// [`DocumentError`], with the place, when it is too large, too deep or not JSON.
pub fn json(source: &SourceText) -> Result<Node, DocumentError> {
    if source.text.len() > SIZE_LIMIT {
        return Err(DocumentError::TooLarge {
            name: source.name.clone(),
            size: source.text.len(),
            limit: SIZE_LIMIT,
        });
    }
    let refused = |code: &str, message: String, span: Span| {
        DocumentError::syntax(source, Diagnostic::error(code, message, span))
    };
    if let Some(offset) = too_deep(&source.text) {
        let message = format!("JSON nested more than {DEPTH_LIMIT} levels deep");
        return Err(refused(
            "json-depth",
            message,
            Span::new(offset, offset + 1),
        ));
    }
    let parsed =
        parse_to_ast(&source.text, &CollectOptions::default(), &strict()).map_err(|error| {
            let range = error.range();
            let message = format!("not JSON: {}", lower_first(&error.kind().to_string()));
            refused("json-syntax", message, Span::new(range.start, range.end))
        })?;
    parsed.value.map(node).ok_or_else(|| {
        let span = Span::new(0, source.text.len());
        refused("json-empty", "the document is empty".to_owned(), span)
    })
}

fn node(value: Value<'_>) -> Node {
    let range = value.range();
    let span = Span::new(range.start, range.end);
    let kind = match value {
        Value::StringLit(text) => Kind::Text(Text::known(text.value)),
        Value::NumberLit(number) => Kind::Number(number.value.to_owned()),
        Value::BooleanLit(boolean) => Kind::Bool(boolean.value),
        Value::NullKeyword(_) => Kind::Null,
        Value::Array(array) => Kind::List(array.elements.into_iter().map(node).collect()),
        Value::Object(object) => Kind::Map(
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
                        name: Text::known(property.name.into_string()),
                        value: node(property.value),
                    }
                })
                .collect(),
        ),
    };
    Node::new(kind, span)
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
/// Levels of nesting, at most; a policy needs six, a template around it a few more.
const DEPTH_LIMIT: usize = 64;
