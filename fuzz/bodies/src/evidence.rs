//! What people paste: anything may be in it.

use rolecall_source::SourceText;
use rolecall_trust::diagnose::{Evidence, diagnose};

use crate::text;

/// A pasted text is read and diagnosed; a token's signature never comes back out.
pub(crate) fn evidence(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut evidence = Evidence::default();
    evidence.read(&SourceText::new("pasted", text));
    let diagnosis = diagnose(&evidence, Some(1_790_000_000));
    for finding in &diagnosis.findings {
        assert!(!finding.message.is_empty());
    }
}
