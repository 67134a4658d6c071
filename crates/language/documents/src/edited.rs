//! Edits applied to a tree, so that a change is decided before it is written.

use rolecall_source::Span;

use crate::{Kind, Member, Node, Step, Text, TreeEdit, Value};

/// The tree with the edits made, one after the other; `None` where one finds no place, or a new
/// name is another member's already. New values have the place of what they stand in.
pub fn edited(tree: &Node, edits: &[TreeEdit]) -> Option<Node> {
    let mut tree = tree.clone();
    for edit in edits {
        apply(&mut tree, edit)?;
    }
    Some(tree)
}

fn apply(tree: &mut Node, edit: &TreeEdit) -> Option<()> {
    match edit {
        TreeEdit::Set { path, value } => {
            let (last, before) = path.split_last()?;
            let parent = value_at(tree, before)?;
            let new = node(value, parent.span);
            match (last, &mut parent.kind) {
                (Step::Name(name), Kind::Map(members)) => {
                    match members
                        .iter_mut()
                        .rev()
                        .find(|member| member.name() == name)
                    {
                        Some(member) => member.value = new,
                        None => members.push(Member {
                            name: Text::known(name.clone()),
                            name_span: parent.span,
                            value: new,
                        }),
                    }
                }
                (Step::Index(index), Kind::List(items)) => *items.get_mut(*index)? = new,
                (Step::Index(0), _) => *parent = new,
                _ => return None,
            }
        }
        TreeEdit::Append { path, value } => {
            let place = value_at(tree, path)?;
            let new = node(value, place.span);
            if let Kind::List(items) = &mut place.kind {
                items.push(new);
            } else {
                let single = place.clone();
                place.kind = Kind::List(vec![single, new]);
            }
        }
        TreeEdit::Rename { path, name } => {
            let (last, before) = path.split_last()?;
            let parent = value_at(tree, before)?;
            let (Step::Name(old), Kind::Map(members)) = (last, &mut parent.kind) else {
                return None;
            };
            // A second member of one name would hide the first from every reader.
            if name != old && members.iter().any(|member| member.name() == name) {
                return None;
            }
            let member = members
                .iter_mut()
                .rev()
                .find(|member| member.name() == old)?;
            member.name = Text::known(name.clone());
        }
        TreeEdit::Remove { path } => {
            let (last, before) = path.split_last()?;
            let parent = value_at(tree, before)?;
            match (last, &mut parent.kind) {
                (Step::Name(name), Kind::Map(members)) => {
                    let index = members.iter().rposition(|member| member.name() == name)?;
                    members.remove(index);
                }
                (Step::Index(index), Kind::List(items)) if *index < items.len() => {
                    items.remove(*index);
                }
                _ => return None,
            }
        }
    }
    Some(())
}

/// The value at a path.
pub fn value_at<'n>(tree: &'n mut Node, path: &[Step]) -> Option<&'n mut Node> {
    let mut node = tree;
    for step in path {
        // Index 0 of a single value is the value itself.
        if *step == Step::Index(0) && !matches!(node.kind, Kind::List(_)) {
            continue;
        }
        node = match (step, &mut node.kind) {
            (Step::Name(name), Kind::Map(members)) => {
                let member = members
                    .iter_mut()
                    .rev()
                    .find(|member| member.name() == name)?;
                &mut member.value
            }
            (Step::Index(index), Kind::List(items)) => items.get_mut(*index)?,
            _ => return None,
        };
    }
    Some(node)
}

fn node(value: &Value, span: Span) -> Node {
    let kind = match value {
        Value::Text(text) => Kind::Text(Text::known(text.clone())),
        Value::List(items) => Kind::List(items.iter().map(|item| node(item, span)).collect()),
        Value::Map(members) => Kind::Map(
            members
                .iter()
                .map(|(name, value)| Member {
                    name: Text::known(name.clone()),
                    name_span: span,
                    value: node(value, span),
                })
                .collect(),
        ),
    };
    Node::new(kind, span)
}
