//! Edits between brackets: JSON, HCL objects and lists, YAML's flow style.

use rolecall_source::Span;

use super::layout::single_line;
use super::quoting::Dialect;
use super::{Place, Splice};
use crate::{Member, Node, Value};

/// A new member behind the last one.
pub(super) fn insert_member(
    place: &Place<'_>,
    map: &Node,
    members: &[Member],
    name: &str,
    value: &Value,
) -> Splice {
    let Some((first, last)) = members.first().zip(members.last()) else {
        let value = Value::Map(vec![(name.to_owned(), value.clone())]);
        return in_empty(place, map, &value);
    };
    let child = Span::new(last.name_span.start, last.value.span.end);
    let as_in = place.source.slice(first.name_span);
    let indent = own_line(place, map, first.name_span.start);
    let name = place.dialect.name(name, as_in);
    let nested = indent.as_deref().map(|indent| (indent, "  "));
    let value = place.dialect.bracketed(value, nested);
    let text = place.dialect.member(&name, &value);
    insert(
        place,
        child,
        indent.as_deref(),
        &text,
        place.dialect == Dialect::Hcl,
    )
}

/// A new element behind the last one.
pub(super) fn insert_element(
    place: &Place<'_>,
    list: &Node,
    elements: &[Node],
    value: &Value,
) -> Splice {
    let Some((first, last)) = elements.first().zip(elements.last()) else {
        return in_empty(place, list, &Value::List(vec![value.clone()]));
    };
    let indent = own_line(place, list, first.span.start);
    let several = indent.clone().or_else(|| {
        // A list of objects that begins on the bracket's line still has them over several lines.
        let written = place.source.slice(last.span);
        written
            .contains('\n')
            .then(|| line_indent(place, last.span.end))
    });
    let nested = several.as_deref().map(|indent| (indent, "  "));
    let text = match value {
        Value::Text(text) => place.dialect.text(text, place.source.slice(last.span)),
        value => place.dialect.bracketed(value, nested),
    };
    insert(place, last.span, indent.as_deref(), &text, false)
}

fn insert(
    place: &Place<'_>,
    last: Span,
    indent: Option<&str>,
    text: &str,
    newline_separates: bool,
) -> Splice {
    let text_of = &place.source.text;
    let comma = comma_behind(text_of, last.end);
    let at = comma.map_or(last.end, |comma| comma + 1);
    let text = match (indent, comma) {
        // The comma behind the last one shows that the next wants one too.
        (Some(indent), Some(_)) => format!("\n{indent}{text},"),
        (Some(indent), None) if newline_separates => format!("\n{indent}{text}"),
        (Some(indent), None) => format!(",\n{indent}{text}"),
        (None, Some(_)) => format!(" {text},"),
        (None, None) => format!(", {text}"),
    };
    // With a newline between, a comment at the end of the line stays on it.
    let at = match (indent, comma, newline_separates) {
        (Some(_), Some(_), _) | (Some(_), None, true) => end_of_line(text_of, at),
        _ => at,
    };
    Splice {
        span: Span::new(at, at),
        text: line_endings(place, text),
    }
}

fn in_empty(place: &Place<'_>, node: &Node, value: &Value) -> Splice {
    let indent = line_indent(place, node.span.start);
    let several = !single_line(place) && matches!(value, Value::Map(_));
    let text = place
        .dialect
        .bracketed(value, several.then_some((&indent, "  ")));
    Splice {
        span: node.span,
        text: line_endings(place, text),
    }
}

/// Takes one of the children away, with its comma and its line.
pub(super) fn remove(
    place: &Place<'_>,
    parent: &Node,
    children: &[Span],
    index: usize,
) -> Vec<Splice> {
    let text = &place.source.text;
    let gone = |start: usize, end: usize| Splice {
        span: Span::new(start, end),
        text: String::new(),
    };
    if children.len() == 1 {
        return vec![gone(parent.span.start + 1, parent.span.end - 1)];
    }
    let child = children[index];
    let comma = comma_behind(text, child.end);
    let end = comma.map_or(child.end, |comma| comma + 1);
    let mut splices = Vec::new();
    // The last one of a list without a comma at its end takes the comma before it along.
    if index + 1 == children.len()
        && comma.is_none()
        && let Some(before) = comma_behind(text, children[index - 1].end)
    {
        splices.push(gone(before, before + 1));
    }
    let line_start = text[..child.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = end_of_line(text, end);
    let alone =
        text[line_start..child.start].trim().is_empty() && text[end..line_end].trim().is_empty();
    splices.push(match alone {
        true if line_end < text.len() => gone(line_start, line_end + 1),
        true => gone(line_start, line_end),
        false => {
            let blanks = text[end..].len() - text[end..].trim_start_matches(' ').len();
            let start = match index + 1 == children.len() {
                true => text[..child.start].trim_end_matches(' ').len(),
                false => child.start,
            };
            match index + 1 == children.len() {
                true => gone(start, end),
                false => gone(start, end + blanks),
            }
        }
    });
    splices
}

/// The indentation of children that have lines of their own.
fn own_line(place: &Place<'_>, parent: &Node, first: usize) -> Option<String> {
    let between = &place.source.text[parent.span.start..first];
    between.contains('\n').then(|| line_indent(place, first))
}

fn line_indent(place: &Place<'_>, offset: usize) -> String {
    let line = place.source.line_at(offset);
    line[..line.len() - line.trim_start().len()].to_owned()
}

/// The comma behind a child, comments and blanks between.
fn comma_behind(text: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.starts_with(',') {
            return Some(at);
        }
        if trimmed.starts_with('#') || trimmed.starts_with("//") {
            at += trimmed.find('\n')?;
        } else if trimmed.starts_with("/*") {
            at += trimmed.find("*/")? + 2;
        } else {
            return None;
        }
    }
}

fn end_of_line(text: &str, at: usize) -> usize {
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline);
    text[..end].trim_end_matches('\r').len().max(at)
}

fn line_endings(place: &Place<'_>, text: String) -> String {
    match place.source.text.contains("\r\n") {
        true => text.replace('\n', "\r\n"),
        false => text,
    }
}
