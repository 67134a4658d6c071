//! A patch in the language of its document.

use rolecall_documents::{AmendError, Form, Node, TreeEdit, amended, edited, unified};

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
            let (before, after) = (tree.to_pretty_json(), edited(tree, edits)?.to_pretty_json());
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
