//! The parts of a policy that only a template engine knows, worked out where the token leaves no
//! doubt about them.

use std::collections::BTreeMap;

use rolecall_documents::{Node, Text};

use crate::web_identity::WebIdentity;

/// What the symbols must stand for, if the policy is meant for this token's provider; those that
/// the token does not settle are left out.
pub(crate) fn settled(tree: &Node, identity: &WebIdentity) -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    let parts: Vec<&str> = identity.provider.splitn(6, ':').collect();
    // What was blacked out is told by its place only, whatever it is called.
    let names = tree.symbols();
    for name in names
        .into_iter()
        .filter(|name| !name.starts_with(['[', '<']))
    {
        let lower = name.to_ascii_lowercase();
        let value = if lower == "aws::partition" || lower.ends_with("partition") {
            parts.get(1).copied()
        } else if lower.replace('_', "").contains("accountid")
            || lower.ends_with("caller_identity.current.id")
        {
            parts.get(4).copied()
        } else if lower == "aws::urlsuffix" {
            Some("amazonaws.com")
        } else {
            None
        };
        if let Some(value) = value {
            known.insert(name.to_owned(), value.to_owned());
        }
    }
    for statement in tree
        .get("Statement")
        .map(Node::elements)
        .unwrap_or_default()
    {
        let federated = statement
            .get("Principal")
            .and_then(|principal| principal.get("Federated"));
        for value in federated.map(Node::elements).unwrap_or_default() {
            settle(value.scalar().as_ref(), &identity.provider, &mut known);
        }
        let operators = statement.get("Condition").and_then(Node::members);
        for key in operators
            .into_iter()
            .flatten()
            .filter_map(|operator| operator.value.members())
            .flatten()
        {
            for claim in ["sub", "aud"] {
                settle(
                    Some(&key.name),
                    &format!("{}:{claim}", identity.prefix),
                    &mut known,
                );
            }
            let actual = match key.name().rsplit(':').next() {
                Some("sub") => &identity.subject,
                Some("aud") => &identity.audience,
                _ => continue,
            };
            for value in key.value.elements() {
                settle(value.scalar().as_ref(), actual, &mut known);
            }
        }
    }
    known
}

/// Adds what the symbols of a text are, if it is to read as `actual` does: as a whole, or else
/// segment by segment, so that a mistake in one segment leaves the others known.
fn settle(text: Option<&Text>, actual: &str, known: &mut BTreeMap<String, String>) {
    let Some(text) = text.filter(|text| !text.symbols.is_empty()) else {
        return;
    };
    let text = text.filled(&|name| known.get(name).map(String::as_str));
    if let Some(found) = captured(&text, actual) {
        known.extend(found);
        return;
    }
    let segments: Vec<&str> = actual.split(':').collect();
    for (index, segment) in text.value.split(':').enumerate() {
        let symbol = text
            .symbols
            .iter()
            .find(|symbol| segment == &text.value[symbol.start..symbol.end]);
        if let (Some(symbol), Some(value)) = (symbol, segments.get(index)) {
            known.insert(symbol.name.clone(), (*value).to_owned());
        }
    }
}

fn captured(text: &Text, actual: &str) -> Option<Vec<(String, String)>> {
    let (mut rest, mut done, mut found) = (actual, 0, Vec::new());
    for (index, symbol) in text.symbols.iter().enumerate() {
        let behind = rest.strip_prefix(&text.value[done..symbol.start])?;
        let next = text
            .symbols
            .get(index + 1)
            .map_or(text.value.len(), |next| next.start);
        let literal = &text.value[symbol.end..next];
        let end_of_literal = literal.find(['*', '?']).unwrap_or(literal.len());
        let last = next == text.value.len() && end_of_literal == literal.len();
        let length = if last {
            behind.strip_suffix(literal).map(str::len)
        } else {
            behind.find(&literal[..end_of_literal])
        };
        let length = length.filter(|length| *length > 0)?;
        found.push((symbol.name.clone(), behind[..length].to_owned()));
        rest = &behind[length..];
        done = symbol.end;
    }
    Some(found)
}
