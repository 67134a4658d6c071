//! A patch in the language of its document.

use rolecall_documents::{TreeEdit, amended, unified};

use super::evidence::SeenPolicy;

/// The changed document, and the change as a unified diff; `None` where it cannot be written.
pub(crate) fn written(policy: &SeenPolicy, edits: &[TreeEdit]) -> Option<(String, String)> {
    let document = &policy.document;
    let whole = &policy.source;
    let after = amended(std::slice::from_ref(&document.text), &document.found, edits).ok()?;
    // What a reader needed around the part is not in the text.
    let behind = document
        .text
        .text
        .len()
        .checked_sub(document.before + (document.block.end - document.block.start))?;
    let part = after.get(document.before..after.len().checked_sub(behind)?)?;
    let changed = format!(
        "{}{part}{}",
        whole.text.get(..document.block.start)?,
        whole.text.get(document.block.end..)?
    );
    let diff = unified(&whole.name, &whole.text, &changed);
    Some((changed, diff))
}
