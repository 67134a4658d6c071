//! Edits of trees that are written as trees: JSON, HCL expressions, YAML.

use rolecall_source::Span;

use super::brackets;
use super::quoting::Dialect;
use super::{AmendError, Place, Splice};
use crate::{Kind, Member, Node, Step, TreeEdit, Value};

/// The pieces of text that make an edit.
pub(super) fn write(place: &Place<'_>, edit: &TreeEdit) -> Result<Vec<Splice>, AmendError> {
    match edit {
        TreeEdit::Set { path, value } => set(place, path, value),
        TreeEdit::Append { path, value } => append(place, path, value),
        TreeEdit::Rename { path, name } => {
            let (_, member) = member(place, path)?;
            if !member.name.symbols.is_empty() {
                return Err(place.refused(
                    member.name_span,
                    &format!("`{}` is filled in elsewhere", member.name.symbols[0].name),
                    "Change it where it is defined, or write the key here by hand.",
                ));
            }
            let written = place.source.slice(member.name_span);
            Ok(vec![Splice {
                span: member.name_span,
                text: place.dialect.name(name, written),
            }])
        }
        TreeEdit::Remove { path } => remove(place, path),
    }
}

fn set(place: &Place<'_>, path: &[Step], value: &Value) -> Result<Vec<Splice>, AmendError> {
    if let Some(node) = place.at(path) {
        let node = place.known(node)?;
        return Ok(vec![replaced(place, node, value)]);
    }
    let (last, before) = path.split_last().ok_or(AmendError::Missing)?;
    let (Step::Name(name), Some(parent)) = (last, place.at(before)) else {
        return Err(AmendError::Missing);
    };
    let Kind::Map(members) = &parent.kind else {
        return Err(AmendError::Missing);
    };
    Ok(vec![if is_block(place, parent) {
        let indent = block_indent(place, parent);
        let as_in = place.source.slice(members[0].name_span);
        let name = place.dialect.name(name, as_in);
        let text = format!("{name}:{}", block(place.dialect, value, &indent));
        behind(place, parent.span.end, format!("\n{indent}{text}"))
    } else {
        brackets::insert_member(place, parent, members, name, value)
    }])
}

fn append(place: &Place<'_>, path: &[Step], value: &Value) -> Result<Vec<Splice>, AmendError> {
    let node = place.at(path).ok_or(AmendError::Missing)?;
    let Kind::List(elements) = &node.kind else {
        // The single value stays as it is written, its symbols too.
        let old = place.source.slice(node.span);
        let as_in = if place.dialect == Dialect::Yaml && matches!(node.kind, Kind::Text(_)) {
            return append_to_single_yaml(place, node, value);
        } else {
            old
        };
        let new = place.dialect.bracketed(value, None);
        let text = format!("[{as_in}, {new}]");
        return Ok(vec![Splice {
            span: node.span,
            text,
        }]);
    };
    if !is_block(place, node) {
        return Ok(vec![brackets::insert_element(place, node, elements, value)]);
    }
    let last = &elements[elements.len() - 1];
    let line = place.source.line_at(elements[0].span.start);
    let indent = &line[..line.len() - line.trim_start().len()];
    let text = match value {
        Value::Text(text) => place.dialect.text(text, place.source.slice(last.span)),
        value => block_lines(place.dialect, value, &format!("{indent}  "))
            .trim_start()
            .to_owned(),
    };
    let text = format!("\n{indent}- {text}");
    Ok(vec![behind(place, last.span.end, text)])
}

/// `key: value` becomes `key: [value, new]`, both in quotes where they need them.
fn append_to_single_yaml(
    place: &Place<'_>,
    node: &Node,
    value: &Value,
) -> Result<Vec<Splice>, AmendError> {
    let old = place.source.slice(node.span);
    let quoted = old.starts_with(['"', '\'']);
    let old = match node.text() {
        Some(text) if !quoted && place.known(node).is_ok() => place.dialect.text(text, ""),
        _ if quoted => old.to_owned(),
        _ => {
            return Err(place.refused(
                node.span,
                "the value is filled in elsewhere",
                "Make it a list by hand.",
            ));
        }
    };
    let Value::Text(new) = value else {
        return Err(AmendError::Missing);
    };
    let new = place.dialect.text(new, &old);
    Ok(vec![Splice {
        span: node.span,
        text: format!("[{old}, {new}]"),
    }])
}

fn remove(place: &Place<'_>, path: &[Step]) -> Result<Vec<Splice>, AmendError> {
    let (last, before) = path.split_last().ok_or(AmendError::Missing)?;
    let parent = place.at(before).ok_or(AmendError::Missing)?;
    let (index, spans): (usize, Vec<Span>) = match (last, &parent.kind) {
        (Step::Name(name), Kind::Map(members)) => {
            let index = members.iter().rposition(|one| one.name() == name);
            (index.ok_or(AmendError::Missing)?, spans_of(members))
        }
        (Step::Index(index), Kind::List(elements)) if *index < elements.len() => {
            (*index, elements.iter().map(|one| one.span).collect())
        }
        _ => return Err(AmendError::Missing),
    };
    if !is_block(place, parent) {
        return Ok(brackets::remove(place, parent, &spans, index));
    }
    if spans.len() == 1 {
        let text = match parent.kind {
            Kind::Map(_) => "{}",
            _ => "[]",
        };
        return Ok(vec![behind_its_name(place, parent, text)]);
    }
    let span = match spans.get(index + 1) {
        Some(next) => Span::new(
            starting(place, parent, spans[index]),
            starting(place, parent, *next),
        ),
        None => {
            let from = line_end(place, spans[index - 1].end);
            Span::new(from, line_end(place, spans[index].end))
        }
    };
    Ok(vec![Splice {
        span,
        text: String::new(),
    }])
}

/// Where a child of a block begins: an element at its dash.
fn starting(place: &Place<'_>, parent: &Node, child: Span) -> usize {
    match parent.kind {
        Kind::List(_) => place.source.text[..child.start]
            .rfind('-')
            .unwrap_or(child.start),
        _ => child.start,
    }
}

fn spans_of(members: &[Member]) -> Vec<Span> {
    members
        .iter()
        .map(|member| Span::new(member.name_span.start, member.value.span.end))
        .collect()
}

/// A value in place of another.
fn replaced(place: &Place<'_>, node: &Node, value: &Value) -> Splice {
    let written = place.source.slice(node.span);
    let text = match value {
        Value::Text(text) => place.dialect.text(text, written),
        Value::Map(_) if place.dialect == Dialect::Yaml && is_block(place, node) => {
            let indent = block_indent(place, node);
            let lines = block_lines(place.dialect, value, &indent);
            lines.trim_start().to_owned()
        }
        Value::List(items)
            if place.dialect == Dialect::Yaml
                && items.iter().all(|item| matches!(item, Value::Text(_))) =>
        {
            let items: Vec<String> = items
                .iter()
                .map(|item| match item {
                    Value::Text(text) => place.dialect.text(text, ""),
                    other => place.dialect.bracketed(other, None),
                })
                .collect();
            format!("[{}]", items.join(", "))
        }
        value => {
            let line = place.source.line_at(node.span.start);
            let indent = &line[..line.len() - line.trim_start().len()];
            let several =
                written.contains('\n') || matches!(value, Value::Map(_)) && !single_line(place);
            place
                .dialect
                .bracketed(value, several.then_some((indent, "  ")))
        }
    };
    if place.dialect == Dialect::Yaml
        && is_block(place, node)
        && matches!(node.kind, Kind::List(_) | Kind::Map(_))
        && !matches!(value, Value::Map(_))
    {
        return behind_its_name(place, node, &text);
    }
    Splice {
        span: node.span,
        text,
    }
}

/// What stood below its name, in block style, stands behind it in brackets.
fn behind_its_name(place: &Place<'_>, node: &Node, text: &str) -> Splice {
    let before = place.source.text[..node.span.start].trim_end();
    match before.ends_with(':') {
        true => Splice {
            span: Span::new(before.len(), node.span.end),
            text: format!(" {text}"),
        },
        false => Splice {
            span: node.span,
            text: format!("  {text}"),
        },
    }
}

/// Whether the whole policy is on one line.
pub(super) fn single_line(place: &Place<'_>) -> bool {
    !place.source.slice(place.tree.span).contains('\n')
}

fn member<'p>(place: &'p Place<'_>, path: &[Step]) -> Result<(&'p Node, &'p Member), AmendError> {
    let (last, before) = path.split_last().ok_or(AmendError::Missing)?;
    let (Step::Name(name), Some(parent)) = (last, place.at(before)) else {
        return Err(AmendError::Missing);
    };
    let member = parent.member(name).ok_or(AmendError::Missing)?;
    Ok((parent, member))
}

/// Whether a map or list is written by indentation.
fn is_block(place: &Place<'_>, node: &Node) -> bool {
    place.dialect == Dialect::Yaml && !place.source.slice(node.span).starts_with(['{', '['])
}

/// The indentation of a block map's names: blanks, as many as the first name's column has before
/// it (a name behind a dash stands in the column behind it).
fn block_indent(place: &Place<'_>, node: &Node) -> String {
    let start = match &node.kind {
        Kind::Map(members) => members
            .first()
            .map_or(node.span.start, |one| one.name_span.start),
        _ => node.span.start,
    };
    " ".repeat(place.source.position(start).column - 1)
}

/// Puts text behind the line on which something ends.
fn behind(place: &Place<'_>, end: usize, text: String) -> Splice {
    let at = line_end(place, end);
    let text = match place.source.text.contains("\r\n") {
        true => text.replace('\n', "\r\n"),
        false => text,
    };
    Splice {
        span: Span::new(at, at),
        text,
    }
}

fn line_end(place: &Place<'_>, offset: usize) -> usize {
    let text = &place.source.text;
    // A block may be said to end behind its last line.
    let offset = text[..offset].trim_end().len();
    let end = text[offset..]
        .find('\n')
        .map_or(text.len(), |at| offset + at);
    text[..end].trim_end_matches('\r').len()
}

/// A member's value in block style, with what stands between the colon and it.
fn block(dialect: Dialect, value: &Value, indent: &str) -> String {
    match value {
        Value::Text(text) => format!(" {}", dialect.text(text, "")),
        Value::List(_) => {
            let Value::List(items) = value else {
                return String::new();
            };
            let texts = items.iter().all(|item| matches!(item, Value::Text(_)));
            if texts && items.len() < 3 {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| match item {
                        Value::Text(text) => dialect.text(text, ""),
                        other => dialect.bracketed(other, None),
                    })
                    .collect();
                return format!(" [{}]", items.join(", "));
            }
            let deeper = format!("{indent}  ");
            let lines: Vec<String> = items
                .iter()
                .map(|item| match item {
                    Value::Text(text) => format!("\n{deeper}- {}", dialect.text(text, "")),
                    other => format!(
                        "\n{deeper}- {}",
                        block_lines(dialect, other, &format!("{deeper}  ")).trim_start()
                    ),
                })
                .collect();
            lines.concat()
        }
        Value::Map(members) if members.is_empty() => " {}".to_owned(),
        Value::Map(_) => {
            let deeper = format!("{indent}  ");
            format!("\n{}", block_lines(dialect, value, &deeper))
        }
    }
}

/// A map's members, one a line, indented.
fn block_lines(dialect: Dialect, value: &Value, indent: &str) -> String {
    let Value::Map(members) = value else {
        return block(dialect, value, indent).trim_start().to_owned();
    };
    let lines: Vec<String> = members
        .iter()
        .map(|(name, value)| {
            let name = dialect.name(name, "");
            format!("{indent}{name}:{}", block(dialect, value, indent))
        })
        .collect();
    lines.join("\n")
}
