//! What waits to be written to the audit trail, for either backend.

use tokio::sync::oneshot;

use crate::{AuditRecord, Change, StoreError, UsedAssertion};

/// What a writer is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Append to the trail; grouped with whatever else waits.
    Record(Box<Entry>),
    /// Change what is declared, in a transaction of its own.
    Change(Box<Change>, oneshot::Sender<Result<(), StoreError>>),
    /// Find out whether the trail can be written.
    Check(oneshot::Sender<Result<(), StoreError>>),
    /// Finish what is queued and stop.
    Close(oneshot::Sender<()>),
}

/// An audit record with what must be remembered together with it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) record: AuditRecord,
    pub(crate) used: Option<UsedAssertion>,
    /// Nobody waits for the answer to a refusal.
    pub(crate) answer: Option<oneshot::Sender<Written>>,
}

/// The row's id, once it is durable.
pub(crate) type Written = Result<i64, StoreError>;

/// Tells everybody who waits what became of a group.
pub(crate) fn answer(entries: &mut Vec<Entry>, written: Result<Vec<Written>, StoreError>) {
    let mut written = written.map(Vec::into_iter);
    for entry in entries.drain(..) {
        let result = match &mut written {
            Ok(answers) => answers.next().unwrap_or(Err(StoreError::Closed)),
            Err(error) => Err(error.clone()),
        };
        if let Some(waiting) = entry.answer {
            // The asker may have gone away; the row stands all the same.
            let _ = waiting.send(result);
        }
    }
}
