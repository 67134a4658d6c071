//! Edits of `data "aws_iam_policy_document"`: what is one tree in JSON is a block each here, so
//! that an edit of the tree becomes a block, or an attribute of one.

use hcl_edit::Span as _;
use hcl_edit::structure::{Block, Body};
use rolecall_source::Span;

use super::quoting::Dialect;
use super::{AmendError, Place, Splice, layout};
use crate::{Node, Step, TreeEdit, Value};

/// The pieces of text that make an edit.
pub(super) fn write(place: &Place<'_>, edit: &TreeEdit) -> Result<Vec<Splice>, AmendError> {
    let path = match edit {
        TreeEdit::Set { path, .. }
        | TreeEdit::Append { path, .. }
        | TreeEdit::Rename { path, .. }
        | TreeEdit::Remove { path } => path,
    };
    let body = hcl_edit::parser::parse_body(&place.source.text).map_err(|_| AmendError::Missing)?;
    let document = body
        .blocks()
        .find(|block| place_of(block) == place.tree.span)
        .ok_or(AmendError::Missing)?;
    let names: Vec<&str> = path.iter().skip(2).filter_map(name).collect();
    let Some(statement) = statement_node(place, path) else {
        return whole_statements(place, document, edit);
    };
    let block = find_block(&document.body, statement.span).ok_or_else(|| {
        place.refused(
            statement.span,
            "the statement is of another document",
            "Change it in the document that it comes from.",
        )
    })?;
    match (edit, names.as_slice()) {
        (TreeEdit::Set { value, .. }, ["Condition"]) => add_conditions(place, block, value),
        (TreeEdit::Set { value, .. }, ["Condition", operator]) => {
            let Value::Map(keys) = value else {
                return Err(AmendError::Missing);
            };
            let splices = remove_conditions(place, block, operator, None)?;
            let added =
                condition_blocks(&[(operator, keys.as_slice())], &child_indent(place, block));
            Ok(in_their_place(place, block, "condition", splices, &added))
        }
        (TreeEdit::Set { value, .. }, ["Condition", operator, key]) if place.at(path).is_none() => {
            let keys = [((*key).to_owned(), value.clone())];
            let added = condition_blocks(&[(operator, &keys)], &child_indent(place, block));
            Ok(vec![at_the_end(place, block, "condition", &added)])
        }
        (TreeEdit::Rename { name, .. }, ["Condition", operator]) => {
            let tests = conditions(block)
                .into_iter()
                .filter(|condition| condition.test.1 == *operator);
            let splices: Vec<Splice> = tests
                .map(|condition| Splice {
                    span: condition.test.0,
                    text: place.dialect.text(name, ""),
                })
                .collect();
            found(splices)
        }
        (TreeEdit::Rename { name, .. }, ["Condition", operator, key]) => {
            let keys = conditions(block).into_iter().filter(|condition| {
                condition.test.1 == *operator && condition.holds(place, statement, operator, key)
            });
            let splices = keys
                .map(|condition| Splice {
                    span: condition.variable,
                    text: place.dialect.text(name, ""),
                })
                .collect();
            found(splices)
        }
        (TreeEdit::Remove { .. }, ["Condition"]) => {
            let splices = conditions(block)
                .iter()
                .map(|condition| gone(place, condition.block))
                .collect();
            found(splices)
        }
        (TreeEdit::Remove { .. }, ["Condition", operator]) => {
            found(remove_conditions(place, block, operator, None)?)
        }
        (TreeEdit::Remove { .. }, ["Condition", operator, key]) if path.len() == 5 => {
            let of = |condition: &Condition| condition.holds(place, statement, operator, key);
            found(remove_conditions(place, block, operator, Some(&of))?)
        }
        (TreeEdit::Set { value, .. }, ["Principal"]) => principals(place, block, value),
        (TreeEdit::Set { value, .. }, ["Principal", kind]) if place.at(path).is_none() => {
            let members = [((*kind).to_owned(), value.clone())];
            let added = principal_blocks(&members, &child_indent(place, block));
            Ok(vec![at_the_end(place, block, "principals", &added)])
        }
        (TreeEdit::Rename { name, .. }, ["Principal", kind]) => {
            let node = place.at(path).ok_or(AmendError::Missing)?;
            let types = block
                .body
                .blocks()
                .filter(|one| one.has_ident("principals"));
            let splices: Vec<Splice> = types
                .filter_map(|one| one.body.get_attribute("type"))
                .filter(|one| one.value.as_str() == Some(kind))
                .map(|one| Splice {
                    span: range(one.value.span()),
                    text: place.dialect.text(name, ""),
                })
                .collect();
            let _ = node;
            found(splices)
        }
        (TreeEdit::Remove { .. }, ["Principal", kind]) if path.len() == 4 => {
            let splices = block
                .body
                .blocks()
                .filter(|one| one.has_ident("principals"))
                .filter(|one| {
                    let kind_of = one.body.get_attribute("type");
                    kind_of.and_then(|one| one.value.as_str()) == Some(kind)
                })
                .map(|one| gone(place, place_of(one)))
                .collect();
            found(splices)
        }
        // A list is what these attributes take.
        (
            TreeEdit::Set {
                path,
                value: Value::Text(text),
            },
            _,
        ) if place.at(path).is_some_and(|node| node.members().is_none())
            && matches!(path.last(), Some(Step::Name(name)) if name != "Effect" && name != "Sid" && name != "Version") =>
        {
            let list = Value::List(vec![Value::Text(text.clone())]);
            layout::write(
                place,
                &TreeEdit::Set {
                    path: path.clone(),
                    value: list,
                },
            )
        }
        (TreeEdit::Set { value, .. }, [element]) if place.at(path).is_none() => {
            let attribute = match *element {
                "Action" => "actions",
                "NotAction" => "not_actions",
                "Sid" => "sid",
                "Effect" => "effect",
                _ => return Err(AmendError::Missing),
            };
            let listed = attribute.ends_with("actions") && matches!(value, Value::Text(_));
            let value = match listed {
                true => place
                    .dialect
                    .bracketed(&Value::List(vec![value.clone()]), None),
                false => place.dialect.bracketed(value, None),
            };
            let indent = child_indent(place, block);
            let start = range(block.span()).start;
            let brace = place.source.text[start..]
                .find('{')
                .ok_or(AmendError::Missing)?;
            let at = start + brace + 1;
            Ok(vec![Splice {
                span: Span::new(at, at),
                text: format!("\n{indent}{attribute} = {value}"),
            }])
        }
        (TreeEdit::Rename { .. }, _) => Err(place.refused(
            statement.span,
            "an attribute of a block cannot be renamed",
            "Change the block by hand.",
        )),
        (edit, _) => layout::write(place, edit),
    }
}

/// A condition block and its parts.
struct Condition {
    block: Span,
    test: (Span, String),
    variable: Span,
    values: Span,
}

impl Condition {
    /// Whether the block gives the values of a key: the tree's node stands in it.
    fn holds(&self, place: &Place<'_>, statement: &Node, operator: &str, key: &str) -> bool {
        let member = statement
            .get("Condition")
            .and_then(|conditions| conditions.get(operator)?.member(key));
        let Some(member) = member else {
            return false;
        };
        let same_text = place.source.slice(self.variable) == place.source.slice(member.name_span);
        same_text || member.name_span == self.variable || member.value.span == self.values
    }
}

fn conditions(statement: &Block) -> Vec<Condition> {
    statement
        .body
        .blocks()
        .filter(|block| block.has_ident("condition"))
        .filter_map(|block| {
            let part = |name: &str| block.body.get_attribute(name);
            let test = part("test")?;
            Some(Condition {
                block: place_of(block),
                test: (
                    range(test.value.span()),
                    test.value.as_str().unwrap_or_default().to_owned(),
                ),
                variable: range(part("variable")?.value.span()),
                values: range(part("values")?.value.span()),
            })
        })
        .collect()
}

type Chosen<'c> = Option<&'c dyn Fn(&Condition) -> bool>;

fn remove_conditions(
    place: &Place<'_>,
    statement: &Block,
    operator: &str,
    chosen: Chosen<'_>,
) -> Result<Vec<Splice>, AmendError> {
    Ok(conditions(statement)
        .iter()
        .filter(|condition| condition.test.1 == operator)
        .filter(|condition| chosen.is_none_or(|chosen| chosen(condition)))
        .map(|condition| gone(place, condition.block))
        .collect())
}

/// All conditions anew.
fn add_conditions(
    place: &Place<'_>,
    statement: &Block,
    value: &Value,
) -> Result<Vec<Splice>, AmendError> {
    let Value::Map(operators) = value else {
        return Err(AmendError::Missing);
    };
    let splices: Vec<Splice> = conditions(statement)
        .iter()
        .map(|condition| gone(place, condition.block))
        .collect();
    let operators: Vec<(&str, &[(String, Value)])> = operators
        .iter()
        .filter_map(|(operator, keys)| match keys {
            Value::Map(keys) => Some((operator.as_str(), keys.as_slice())),
            _ => None,
        })
        .collect();
    let added = condition_blocks(&operators, &child_indent(place, statement));
    Ok(in_their_place(
        place,
        statement,
        "condition",
        splices,
        &added,
    ))
}

fn condition_blocks(operators: &[(&str, &[(String, Value)])], indent: &str) -> String {
    let mut text = String::new();
    for (operator, keys) in operators {
        for (key, values) in *keys {
            text.push_str(&format!(
                "\n\n{indent}condition {{\n{indent}  test     = {}\n{indent}  variable = {}\n{indent}  values   = {}\n{indent}}}",
                Dialect::Document.text(operator, ""),
                Dialect::Document.text(key, ""),
                list(values),
            ));
        }
    }
    text
}

/// All principals anew.
fn principals(
    place: &Place<'_>,
    statement: &Block,
    value: &Value,
) -> Result<Vec<Splice>, AmendError> {
    let everyone = [("*".to_owned(), Value::Text("*".to_owned()))];
    let members: &[(String, Value)] = match value {
        Value::Map(members) => members,
        Value::Text(text) if text == "*" => &everyone,
        _ => return Err(AmendError::Missing),
    };
    let blocks: Vec<&Block> = statement
        .body
        .blocks()
        .filter(|block| block.has_ident("principals"))
        .collect();
    if let ([block], [(kind, identifiers)]) = (blocks.as_slice(), members)
        && let Some(type_of) = block.body.get_attribute("type")
        && let Some(named) = block.body.get_attribute("identifiers")
    {
        let text = |span: Option<std::ops::Range<usize>>, text: String| Splice {
            span: range(span),
            text,
        };
        return Ok(vec![
            text(type_of.value.span(), Dialect::Document.text(kind, "")),
            text(named.value.span(), list(identifiers)),
        ]);
    }
    let splices: Vec<Splice> = blocks
        .iter()
        .map(|block| gone(place, place_of(block)))
        .collect();
    let added = principal_blocks(members, &child_indent(place, statement));
    Ok(in_their_place(
        place,
        statement,
        "principals",
        splices,
        &added,
    ))
}

fn principal_blocks(members: &[(String, Value)], indent: &str) -> String {
    let mut text = String::new();
    for (kind, identifiers) in members {
        text.push_str(&format!(
            "\n\n{indent}principals {{\n{indent}  type        = {}\n{indent}  identifiers = {}\n{indent}}}",
            Dialect::Document.text(kind, ""),
            list(identifiers),
        ));
    }
    text
}

/// Statements added or taken away as wholes.
fn whole_statements(
    place: &Place<'_>,
    document: &Block,
    edit: &TreeEdit,
) -> Result<Vec<Splice>, AmendError> {
    match edit {
        TreeEdit::Append { path, value } if path.len() == 1 => {
            let Value::Map(members) = value else {
                return Err(AmendError::Missing);
            };
            let indent = child_indent(place, document);
            let text = statement_block(members, &indent);
            Ok(vec![at_the_end(place, document, "statement", &text)])
        }
        _ => Err(place.refused(
            place.tree.span,
            "this part of a policy document cannot be changed as a whole",
            "Change the blocks by hand.",
        )),
    }
}

fn statement_block(members: &[(String, Value)], indent: &str) -> String {
    let inner = format!("{indent}  ");
    let (mut attributes, mut blocks) = (String::new(), String::new());
    for (name, value) in members {
        let attribute = match (name.as_str(), value) {
            ("Sid", _) => "sid",
            ("Effect", _) => "effect",
            ("Action", _) => "actions",
            ("NotAction", _) => "not_actions",
            ("Principal", Value::Map(members)) => {
                blocks.push_str(&principal_blocks(members, &inner));
                continue;
            }
            ("Condition", Value::Map(operators)) => {
                for (operator, keys) in operators {
                    if let Value::Map(keys) = keys {
                        blocks.push_str(&condition_blocks(&[(operator, keys)], &inner));
                    }
                }
                continue;
            }
            _ => continue,
        };
        let value = match attribute {
            "sid" | "effect" => Dialect::Document.bracketed(value, None),
            _ => list(value),
        };
        attributes.push_str(&format!("\n{inner}{attribute} = {value}"));
    }
    format!("\n\n{indent}statement {{{attributes}{blocks}\n{indent}}}")
}

fn list(values: &Value) -> String {
    match values {
        Value::List(_) => Dialect::Document.bracketed(values, None),
        one => Dialect::Document.bracketed(&Value::List(vec![one.clone()]), None),
    }
}

/// The statement that a path leads into.
fn statement_node<'p>(place: &'p Place<'_>, path: &[Step]) -> Option<&'p Node> {
    match path {
        [Step::Name(_), Step::Index(_), _, ..] => place.at(&path[..2]),
        _ => None,
    }
}

fn find_block(body: &Body, span: Span) -> Option<&Block> {
    body.blocks()
        .find(|block| block.has_ident("statement") && place_of(block) == span)
}

/// Puts blocks behind the last one of their kind, or before the closing brace.
fn at_the_end(place: &Place<'_>, parent: &Block, kind: &str, text: &str) -> Splice {
    let last = parent
        .body
        .blocks()
        .filter(|block| block.has_ident(kind))
        .last()
        .map(|block| place_of(block).end);
    let at = last.unwrap_or_else(|| {
        let end = range(parent.span()).end;
        let inside = &place.source.text[..end.saturating_sub(1)];
        inside.trim_end().len()
    });
    Splice {
        span: Span::new(at, at),
        text: match place.source.text.contains("\r\n") {
            true => text.replace('\n', "\r\n"),
            false => text.to_owned(),
        },
    }
}

/// Puts blocks where the last of those stood that were taken away or, if none was, at the end.
fn in_their_place(
    place: &Place<'_>,
    parent: &Block,
    kind: &str,
    mut taken: Vec<Splice>,
    text: &str,
) -> Vec<Splice> {
    match taken.last_mut() {
        Some(last) => last.text = format!("{}\n", text.trim_start_matches('\n')),
        None => taken.push(at_the_end(place, parent, kind, text)),
    }
    taken
}

/// Takes a block away, with its line and one empty line before it.
fn gone(place: &Place<'_>, block: Span) -> Splice {
    let text = &place.source.text;
    let start = text[..block.start].rfind('\n').map_or(0, |at| at + 1);
    let before = text[..start].trim_end_matches([' ', '\t']);
    let start = match before
        .strip_suffix("\n\n")
        .or(before.strip_suffix("\n\r\n"))
    {
        Some(shorter) => shorter.len() + 1,
        None => start,
    };
    let end = text[block.end..]
        .find('\n')
        .map_or(text.len(), |at| block.end + at + 1);
    Splice {
        span: Span::new(start, end),
        text: String::new(),
    }
}

fn child_indent(place: &Place<'_>, block: &Block) -> String {
    let line = place.source.line_at(range(block.span()).start);
    let indent = &line[..line.len() - line.trim_start().len()];
    format!("{indent}  ")
}

fn found(splices: Vec<Splice>) -> Result<Vec<Splice>, AmendError> {
    match splices.is_empty() {
        true => Err(AmendError::Missing),
        false => Ok(splices),
    }
}

fn name(step: &Step) -> Option<&str> {
    match step {
        Step::Name(name) => Some(name),
        Step::Index(_) => None,
    }
}

fn place_of(block: &Block) -> Span {
    range(block.span())
}

fn range(range: Option<std::ops::Range<usize>>) -> Span {
    let range = range.unwrap_or_default();
    Span::new(range.start, range.end)
}
