//! A condition's place in the tree, and the edits that can be made there.

use rolecall_documents::{Node, Step, TreeEdit, Value, edited, value_at};

use super::paste::damaged;
use crate::verdict::ConditionProof;
use crate::web_identity::WebIdentity;

/// A condition's place in the tree.
pub(crate) struct Place<'t> {
    operators: Option<&'t Node>,
    statement: Vec<Step>,
    operator: String,
    key: String,
    values: Vec<String>,
}

impl<'t> Place<'t> {
    pub(crate) fn new(tree: &'t Node, index: usize, failed: &ConditionProof) -> Self {
        let written = tree
            .get("Statement")
            .and_then(|list| list.elements().get(index));
        Self {
            operators: written.and_then(|statement| statement.get("Condition")),
            statement: statement(index),
            operator: failed.operator.clone(),
            key: failed.key.clone(),
            values: failed.expected.clone(),
        }
    }

    pub(crate) fn path(&self, names: &[&str]) -> Vec<Step> {
        let mut path = extended(&self.statement, &["Condition"]);
        path.extend(names.iter().map(|name| Step::Name((*name).to_owned())));
        path
    }

    pub(crate) fn value(&self, index: usize, value: &str) -> TreeEdit {
        let mut path = self.path(&[&self.operator, &self.key]);
        path.push(Step::Index(index));
        TreeEdit::Set {
            path,
            value: Value::Text(value.to_owned()),
        }
    }

    pub(crate) fn appended(&self, value: &str) -> TreeEdit {
        TreeEdit::Append {
            path: self.path(&[&self.operator, &self.key]),
            value: Value::Text(value.to_owned()),
        }
    }

    pub(crate) fn replaced(&self, failed: &ConditionProof, value: &str) -> Vec<TreeEdit> {
        match failed.expected.len() {
            1 => vec![self.value(0, value)],
            _ => vec![self.appended(value)],
        }
    }

    pub(crate) fn damaged(&self) -> Option<(usize, String, Option<String>)> {
        self.values.iter().enumerate().find_map(|(index, value)| {
            let (what, clean) = damaged(value)?;
            Some((index, what, clean))
        })
    }

    pub(crate) fn keys(&self, operator: &str) -> usize {
        let block = self.operators.and_then(|operators| operators.get(operator));
        block.and_then(Node::members).map_or(0, <[_]>::len)
    }

    pub(crate) fn has(&self, operator: &str, key: &str) -> bool {
        let block = self.operators.and_then(|operators| operators.get(operator));
        block
            .and_then(Node::members)
            .is_some_and(|keys| keys.iter().any(|one| one.name().eq_ignore_ascii_case(key)))
    }

    /// Takes the condition away; an operator without keys goes with it, and a statement never loses
    /// its only word on the subject.
    pub(crate) fn removed(&self, identity: &WebIdentity) -> Vec<TreeEdit> {
        let operators = self.operators.and_then(Node::members).unwrap_or_default();
        let sub = format!("{}:sub", identity.prefix);
        let pinned = operators.iter().any(|operator| {
            let keys = operator.value.members().unwrap_or_default();
            keys.iter().any(|key| {
                key.name().eq_ignore_ascii_case(&sub)
                    && !(operator.name() == self.operator && key.name() == self.key)
            })
        });
        if !pinned {
            let value = Value::Text(identity.subject.clone());
            let renamed = TreeEdit::Rename {
                path: self.path(&[&self.operator, &self.key]),
                name: sub.clone(),
            };
            if self.operator == "StringEquals" && !self.has("StringEquals", &sub) {
                return vec![
                    renamed,
                    TreeEdit::Set {
                        path: self.path(&[&self.operator, &sub]),
                        value,
                    },
                ];
            }
            let mut edits = self.taken();
            let block = self.keys("StringEquals") > 0;
            edits.push(match block {
                true => TreeEdit::Set {
                    path: self.path(&["StringEquals", &sub]),
                    value,
                },
                false => TreeEdit::Set {
                    path: self.path(&["StringEquals"]),
                    value: Value::Map(vec![(sub, value)]),
                },
            });
            return edits;
        }
        self.taken()
    }

    pub(crate) fn taken(&self) -> Vec<TreeEdit> {
        let path = match self.keys(&self.operator) {
            0 | 1 => self.path(&[&self.operator]),
            _ => self.path(&[&self.operator, &self.key]),
        };
        vec![TreeEdit::Remove { path }]
    }

    /// The key by another name; where that name is there already, this one goes.
    pub(crate) fn renamed(&self, name: &str) -> Vec<TreeEdit> {
        if self.has(&self.operator, name) {
            return vec![TreeEdit::Remove {
                path: self.path(&[&self.operator, &self.key]),
            }];
        }
        vec![TreeEdit::Rename {
            path: self.path(&[&self.operator, &self.key]),
            name: name.to_owned(),
        }]
    }

    /// The key under another operator.
    pub(crate) fn moved_to(&self, operator: &str) -> Vec<TreeEdit> {
        let there = self.keys(operator) > 0;
        if self.keys(&self.operator) == 1 && !there {
            return vec![TreeEdit::Rename {
                path: self.path(&[&self.operator]),
                name: operator.to_owned(),
            }];
        }
        let value = match self.values.as_slice() {
            [one] => Value::Text(one.clone()),
            many => Value::List(many.iter().cloned().map(Value::Text).collect()),
        };
        let mut edits = self.taken();
        edits.push(match there {
            true => TreeEdit::Set {
                path: self.path(&[operator, &self.key]),
                value,
            },
            false => TreeEdit::Set {
                path: self.path(&[operator]),
                value: Value::Map(vec![(self.key.clone(), value)]),
            },
        });
        edits
    }
}

/// The path of a statement.
pub(crate) fn statement(index: usize) -> Vec<Step> {
    vec![Step::Name("Statement".to_owned()), Step::Index(index)]
}

/// A path and further names.
pub(crate) fn extended(base: &[Step], names: &[&str]) -> Vec<Step> {
    let mut path = base.to_vec();
    path.extend(names.iter().map(|name| Step::Name((*name).to_owned())));
    path
}

/// Whether edits of conditions take nothing from one another: no key comes twice, no operator loses
/// keys that another edit gave it, and none is left without keys.
pub(crate) fn fits(tree: &Node, edits: &[TreeEdit]) -> bool {
    let mut tree = tree.clone();
    for edit in edits {
        let free = match edit {
            TreeEdit::Rename { path, name } => path.split_last().is_some_and(|(_, parent)| {
                value_at(&mut tree, parent).is_some_and(|parent| parent.get(name).is_none())
            }),
            TreeEdit::Set {
                path,
                value: Value::Map(_),
            } => !in_conditions(path) || value_at(&mut tree, path).is_none(),
            _ => true,
        };
        let Some(next) = edited(&tree, std::slice::from_ref(edit)).filter(|_| free) else {
            return false;
        };
        tree = next;
        if let TreeEdit::Remove { path } = edit
            && let Some((_, parent)) = path.split_last().filter(|(_, path)| in_conditions(path))
            && value_at(&mut tree, parent).is_some_and(|node| node.members() == Some(&[]))
        {
            return false;
        }
    }
    true
}

fn in_conditions(path: &[Step]) -> bool {
    let (_, above) = path.split_last().unwrap_or((&Step::Index(0), &[]));
    above.contains(&Step::Name("Condition".to_owned()))
}
