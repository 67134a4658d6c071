//! A patch in the language of its document.

use rolecall_documents::{Node, TreeEdit};

use super::evidence::SeenPolicy;

/// The changed document, and the change as a unified diff; `None` where it cannot be written.
pub(crate) fn written(
    _policy: &SeenPolicy,
    _tree: &Node,
    _edits: &[TreeEdit],
) -> Option<(String, String)> {
    None
}
