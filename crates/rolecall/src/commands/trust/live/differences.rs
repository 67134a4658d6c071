//! What a policy in a file and the one that is live differ in.

use rolecall_documents::{Kind, Node};
use serde_json::{Map, Value};

/// What differs, a line each; nothing where both say the same. The order of lists, and whether a
/// single value stands in a list, do not count. Parts that only a template engine knows are left
/// out.
pub fn differences(file: &Node, live: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", &value(file), &value(live), &mut lines);
    lines
}

fn compare(place: &str, file: &Value, live: &Value, lines: &mut Vec<String>) {
    match (file, live) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in ours {
                let place = format!("{place}.{name}");
                match theirs.get(name) {
                    Some(other) => compare(&place, value, other, lines),
                    None => lines.push(format!("{} is in the file, not live", shown(&place))),
                }
            }
            for name in theirs.keys().filter(|name| !ours.contains_key(*name)) {
                let place = format!("{place}.{name}");
                lines.push(format!("{} is live, not in the file", shown(&place)));
            }
        }
        // Statements keep their order; a list of other things is a set.
        (Value::Array(ours), Value::Array(theirs))
            if ours.iter().chain(theirs).any(Value::is_object) =>
        {
            for (at, pair) in ours.iter().zip(theirs).enumerate() {
                compare(&format!("{place}[{at}]"), pair.0, pair.1, lines);
            }
            if ours.len() != theirs.len() {
                let what = shown(place);
                let (ours, theirs) = (ours.len(), theirs.len());
                lines.push(format!("{what} has {ours} in the file, {theirs} live"));
            }
        }
        (ours, theirs) if ours == theirs || unknown(ours) => {}
        (ours, theirs) => lines.push(format!(
            "{} is `{}` in the file, `{}` live",
            shown(place),
            text(ours),
            text(theirs)
        )),
    }
}

fn shown(place: &str) -> &str {
    place.trim_start_matches('.')
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

/// Whether a template engine has a part in it.
fn unknown(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(unknown),
        value => value.is_null(),
    }
}

/// A tree without places: leaves in sorted lists, what a template engine has a part in as null.
fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Map(members) => Value::Object(
            members
                .iter()
                .map(|member| {
                    let name = member.name.value.clone();
                    // A single statement needs no list around it.
                    let value = match value(&member.value) {
                        one @ Value::Object(_) if name == "Statement" => Value::Array(vec![one]),
                        value => value,
                    };
                    (name, value)
                })
                .collect::<Map<_, _>>(),
        ),
        Kind::List(items) => list(items.iter().map(value).collect()),
        Kind::Text(text) if text.symbols.is_empty() => list(vec![text.value.clone().into()]),
        Kind::Number(number) => list(vec![number.clone().into()]),
        Kind::Bool(boolean) => list(vec![boolean.to_string().into()]),
        _ => list(vec![Value::Null]),
    }
}

fn list(items: Vec<Value>) -> Value {
    let mut flat: Vec<Value> = items
        .into_iter()
        .flat_map(|item| match item {
            Value::Array(items) => items,
            item => vec![item],
        })
        .collect();
    if !flat.iter().any(Value::is_object) {
        flat.sort_by_key(Value::to_string);
    }
    Value::Array(flat)
}

#[cfg(test)]
mod tests {
    use rolecall_documents::json;
    use rolecall_source::SourceText;

    use super::differences;

    fn between(file: &str, live: &str) -> String {
        let tree = |text: &str| json(&SourceText::new("policy", text)).unwrap();
        differences(&tree(file), &tree(live)).join("\n")
    }

    #[test]
    fn lists_of_one_and_order_do_not_differ() {
        let file = r#"{"Statement": {"Action": ["b", "a"], "Condition": {"Bool": {"k": "true"}}}}"#;
        let live = r#"{"Statement": [{"Action": ["a", "b"], "Condition": {"Bool": {"k": true}}}]}"#;
        assert_eq!(between(file, live), "");
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let file = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Condition": {"StringEquals": {"p:sub": "org:cloud:1"}}}]}"#;
        let live = r#"{"Statement": [{"Effect": "Allow", "Sid": "a",
            "Condition": {"StringEquals": {"p:sub": ["org:account:1", "org:account:2"]}}}, {}]}"#;
        insta::assert_snapshot!(between(file, live), @r"
        Statement[0].Condition.StringEquals.p:sub is `org:cloud:1` in the file, `org:account:1, org:account:2` live
        Statement[0].Sid is live, not in the file
        Statement has 1 in the file, 2 live
        Version is in the file, not live
        ");
    }
}
