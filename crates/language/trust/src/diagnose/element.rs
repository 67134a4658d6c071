//! Principals, actions and denying statements: which cause they are, and the edit that mends them.

use rolecall_documents::{Node, Step, TreeEdit, Value};

use super::catalogue as c;
use super::cause::Mended;
use super::paste::damaged;
use super::place::{extended, statement};
use crate::reason::{Cause, Miss, placeholder};
use crate::verdict::{StatementProof, Verdict};
use crate::web_identity::{ASSUME, WebIdentity};

/// `Principal` or `Action` that does not hold.
pub(crate) fn element(
    tree: &Node,
    identity: &WebIdentity,
    proof: &StatementProof,
    miss: &Miss,
) -> Mended {
    let base = statement(proof.index);
    let path = |names: &[&str]| extended(&base, names);
    let written = tree
        .get("Statement")
        .and_then(|list| list.elements().get(proof.index));
    let values = |name: &str| -> Vec<String> {
        let node = written.and_then(|statement| statement.get(name));
        let items = node.map(Node::elements).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item.scalar().map(|text| text.value))
            .collect()
    };
    match miss.part.as_str() {
        "Principal" | "NotPrincipal" => {
            let principal = written.and_then(|statement| statement.get("Principal"));
            let federated: Vec<String> = principal
                .and_then(|principal| principal.get("Federated"))
                .map(Node::elements)
                .unwrap_or_default()
                .iter()
                .filter_map(|item| item.scalar().map(|text| text.value))
                .collect();
            let whole = || {
                let value = Value::Map(vec![(
                    "Federated".to_owned(),
                    Value::Text(identity.provider.clone()),
                )]);
                let mut edits = vec![TreeEdit::Set {
                    path: path(&["Principal"]),
                    value,
                }];
                edits.extend(pinned(written, &path(&["Condition"]), identity));
                edits
            };
            let at = |index: usize| {
                let mut path = path(&["Principal", "Federated"]);
                path.push(Step::Index(index));
                vec![TreeEdit::Set {
                    path,
                    value: Value::Text(identity.provider.clone()),
                }]
            };
            if let Some((index, (what, _))) = federated
                .iter()
                .enumerate()
                .find_map(|(index, text)| Some((index, damaged(text)?)))
            {
                let message = format!(
                    "the principal `{}` was damaged when it was copied: {what}",
                    federated[index]
                );
                return Mended::of(c::PASTE, miss, at(index))
                    .saying(message, "Write the provider's ARN.");
            }
            match miss.cause {
                Cause::Placeholder => {
                    let index = federated
                        .iter()
                        .position(|text| placeholder(text).is_some());
                    Mended::of(c::PASTE, miss, index.map_or_else(whole, at))
                }
                _ if federated.is_empty() => Mended::of(c::PRINCIPAL_KIND, miss, whole()),
                _ => Mended::of(
                    c::PROVIDER,
                    miss,
                    if federated.len() == 1 {
                        at(0)
                    } else {
                        vec![TreeEdit::Append {
                            path: path(&["Principal", "Federated"]),
                            value: Value::Text(identity.provider.clone()),
                        }]
                    },
                ),
            }
        }
        _ => {
            let asked = miss
                .actual
                .first()
                .cloned()
                .unwrap_or_else(|| ASSUME.to_owned());
            let cause = match miss.cause {
                Cause::TagSessionMissing => c::SESSION_TAGS,
                Cause::SetSourceIdentityMissing => c::SOURCE_IDENTITY,
                _ => c::ACTION,
            };
            let actions = values("Action");
            let text = Value::Text(asked.clone());
            if actions.is_empty() {
                let mut edits = vec![TreeEdit::Set {
                    path: path(&["Action"]),
                    value: text,
                }];
                if !values("NotAction").is_empty() {
                    edits.insert(
                        0,
                        TreeEdit::Remove {
                            path: path(&["NotAction"]),
                        },
                    );
                }
                return Mended::of(cause, miss, edits);
            }
            if cause != c::ACTION {
                return Mended::of(
                    cause,
                    miss,
                    vec![TreeEdit::Append {
                        path: path(&["Action"]),
                        value: text,
                    }],
                );
            }
            // A companion of the assume action stays where it is.
            let wrong = actions.iter().position(|action| {
                !COMPANIONS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(action))
            });
            let edits = match wrong {
                Some(index) => {
                    let mut path = path(&["Action"]);
                    path.push(Step::Index(index));
                    vec![TreeEdit::Set { path, value: text }]
                }
                None => vec![TreeEdit::Append {
                    path: path(&["Action"]),
                    value: text,
                }],
            };
            Mended::of(cause, miss, edits)
        }
    }
}

/// Conditions on audience and subject, where a statement that trusts a provider anew has none.
fn pinned(statement: Option<&Node>, path: &[Step], identity: &WebIdentity) -> Option<TreeEdit> {
    let condition = statement.and_then(|statement| statement.get("Condition"));
    let operators = condition.and_then(Node::members).unwrap_or_default();
    let sub = format!("{}:sub", identity.prefix);
    let there = operators
        .iter()
        .filter_map(|operator| operator.value.members())
        .flatten()
        .any(|key| key.name().eq_ignore_ascii_case(&sub));
    if there {
        return None;
    }
    let keys = Value::Map(vec![
        (
            format!("{}:aud", identity.prefix),
            Value::Text(identity.audience.clone()),
        ),
        (sub.clone(), Value::Text(identity.subject.clone())),
    ]);
    let step = |name: &str| Step::Name(name.to_owned());
    let mut path = path.to_vec();
    let value = match condition.map(|condition| condition.get("StringEquals").is_some()) {
        None => Value::Map(vec![("StringEquals".to_owned(), keys)]),
        Some(false) => {
            path.push(step("StringEquals"));
            keys
        }
        Some(true) => {
            path.extend([step("StringEquals"), step(&sub)]);
            Value::Text(identity.subject.clone())
        }
    };
    Some(TreeEdit::Set { path, value })
}

/// A statement that denies: the narrowest way out exempts this one subject.
pub(crate) fn deny(
    tree: &Node,
    identity: &WebIdentity,
    verdict: &Verdict,
    proof: &StatementProof,
) -> Mended {
    let name = match &proof.sid {
        Some(sid) if !sid.is_empty() => format!("statement `{sid}`"),
        _ => format!("statement {}", proof.index + 1),
    };
    let because: Vec<String> = proof
        .conditions
        .iter()
        .map(|one| format!("`{}` on `{}` holds", one.operator, one.key))
        .collect();
    let because = if because.is_empty() {
        String::new()
    } else {
        format!(" because {}", because.join(" and "))
    };
    let key = format!("{}:sub", identity.prefix);
    let path = extended(
        &statement(proof.index),
        &["Condition", "StringNotEquals", &key],
    );
    let value = Value::Text(identity.subject.clone());
    let written = tree
        .get("Statement")
        .and_then(|list| list.elements().get(proof.index));
    let condition = written.and_then(|statement| statement.get("Condition"));
    let exists = condition
        .and_then(|one| one.get("StringNotEquals"))
        .and_then(|one| one.get(&key))
        .is_some();
    let allows = |statement: &Node| statement.get("Effect").and_then(Node::text) == Some("Allow");
    let statements = tree
        .get("Statement")
        .map(Node::elements)
        .unwrap_or_default();
    if !statements.iter().any(allows) {
        let path = extended(&self::statement(proof.index), &["Effect"]);
        let value = Value::Text("Allow".to_owned());
        return Mended {
            cause: c::EXPLICIT_DENY,
            message: format!(
                "{name} denies `{}`, and no statement allows anything",
                verdict.action
            ),
            mend: "Write `\"Effect\": \"Allow\"` if it was meant to let the token in.".to_owned(),
            edits: vec![TreeEdit::Set { path, value }],
        };
    }
    let edit = if exists {
        TreeEdit::Append { path, value }
    } else if condition
        .and_then(|one| one.get("StringNotEquals"))
        .is_some()
    {
        TreeEdit::Set { path, value }
    } else if condition.is_some() {
        let value = Value::Map(vec![(key, value)]);
        TreeEdit::Set {
            path: extended(&statement(proof.index), &["Condition", "StringNotEquals"]),
            value,
        }
    } else {
        let value = Value::Map(vec![(
            "StringNotEquals".to_owned(),
            Value::Map(vec![(key, value)]),
        )]);
        TreeEdit::Set {
            path: extended(&statement(proof.index), &["Condition"]),
            value,
        }
    };
    Mended {
        cause: c::EXPLICIT_DENY,
        message: format!("{name} denies `{}`{because}", verdict.action),
        mend: format!(
            "A deny wins over every allow: exempt this subject from {name}, narrow its conditions, or remove it."
        ),
        edits: vec![edit],
    }
}

/// Actions that go beside the assume action.
const COMPANIONS: &[&str] = &["sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"];
