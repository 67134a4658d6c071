//! A patch in the language of its document.

use rolecall_documents::{AmendError, Form, Kind, Node, TreeEdit, amended, edited, unified};

use super::evidence::SeenPolicy;

/// The changed document, and the change as a unified diff; `None` where it cannot be written. What
/// AWS answered is no document: there the policy itself is shown, as
/// `aws iam update-assume-role-policy` takes it.
pub(crate) fn written(
    policy: &SeenPolicy,
    tree: &Node,
    edits: &[TreeEdit],
) -> Option<(String, String)> {
    let document = &policy.document;
    match amended(&document.files, &document.found, edits) {
        Ok(changed) => {
            let (text, block) = (&policy.source.text, document.block);
            let length = document.files[document.found.file].text.len();
            let behind = length.checked_sub(document.before + (block.end - block.start))?;
            let part = changed.get(document.before..changed.len().checked_sub(behind)?)?;
            let changed = format!("{}{part}{}", &text[..block.start], &text[block.end..]);
            let diff = unified(&policy.source.name, text, &changed);
            Some((changed, diff))
        }
        Err(AmendError::NotASource(_)) => {
            let (before, after) = (json(tree), json(&edited(tree, edits)?));
            let diff = unified("trust-policy.json", &before, &after);
            Some((after, diff))
        }
        Err(_) => None,
    }
}

/// The command that stores a changed policy, where the policy is what AWS answered.
pub(crate) fn apply(policy: &SeenPolicy) -> Option<String> {
    let role = policy.found.role.as_deref().unwrap_or("NAME");
    let name = role.rsplit('/').next().unwrap_or(role);
    (policy.found.form == Form::GetRole).then(|| {
        format!(
            "aws iam update-assume-role-policy --role-name {name} --policy-document file://trust-policy.json"
        )
    })
}

/// A tree as JSON, as the aws CLI prints it: four blanks a level, names in their order. So the diff
/// is one for what `aws iam get-role --query Role.AssumeRolePolicyDocument` prints.
fn json(tree: &Node) -> String {
    let mut text = String::new();
    write(tree, 0, &mut text);
    text.push('\n');
    text
}

fn write(node: &Node, level: usize, text: &mut String) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let line = |level: usize| format!("\n{}", "    ".repeat(level));
    match &node.kind {
        Kind::Null => text.push_str("null"),
        Kind::Bool(truth) => text.push_str(&truth.to_string()),
        Kind::Number(number) => text.push_str(number),
        Kind::Text(value) => text.push_str(&quoted(&value.value)),
        Kind::List(items) if items.is_empty() => text.push_str("[]"),
        Kind::Map(members) if members.is_empty() => text.push_str("{}"),
        Kind::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(&line(level + 1));
                write(item, level + 1, text);
            }
            text.push_str(&line(level));
            text.push(']');
        }
        Kind::Map(members) => {
            text.push('{');
            for (index, member) in members.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(&line(level + 1));
                text.push_str(&format!("{}: ", quoted(member.name())));
                write(&member.value, level + 1, text);
            }
            text.push_str(&line(level));
            text.push('}');
        }
    }
}
