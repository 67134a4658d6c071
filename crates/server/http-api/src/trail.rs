use std::sync::Mutex;

use rolecall_store::{AuditRecord, Outcome, Store};

use crate::refusal::Refusal;

/// Records refusals without waiting for the disk, and not more of them than are useful: whoever
/// has no key at all must not be able to fill the disk.
#[derive(Debug, Default)]
pub(crate) struct RefusalTrail {
    window: Mutex<Window>,
}

/// What was recorded of the strangers of one second.
#[derive(Debug, Default)]
struct Window {
    second: i64,
    recorded: u32,
    left_out: u32,
}

impl RefusalTrail {
    /// Notes `record` as refused for `refusal`. `attested` tells whether the asker proved who it
    /// is; refusals of those are always noted as long as the queue has room.
    pub(crate) fn note(
        &self,
        store: &Store,
        mut record: AuditRecord,
        refusal: &Refusal,
        attested: bool,
    ) {
        if !attested && !self.has_room(record.at.as_second()) {
            return;
        }
        record.outcome = if refusal.code.is_ours() {
            Outcome::Failed
        } else {
            Outcome::Refused
        };
        record.reason = Some(bounded(refusal.to_string(), REASON_LENGTH));
        record.workload = record.workload.map(|name| bounded(name, NAME_LENGTH));
        if !store.note(record) {
            tracing::warn!("a refusal was not recorded: the audit queue is full");
        }
    }

    fn has_room(&self, second: i64) -> bool {
        let mut window = match self.window.lock() {
            Ok(window) => window,
            Err(poisoned) => poisoned.into_inner(),
        };
        if window.second != second {
            if window.left_out > 0 {
                tracing::warn!(
                    left_out = window.left_out,
                    "refusals of unproven askers were not recorded one by one"
                );
            }
            *window = Window {
                second,
                ..Window::default()
            };
        }
        let room = window.recorded < STRANGERS_PER_SECOND;
        if room {
            window.recorded += 1;
        } else {
            window.left_out += 1;
        }
        room
    }
}

/// `text`, cut after `length` characters.
fn bounded(text: String, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

const STRANGERS_PER_SECOND: u32 = 100;
const REASON_LENGTH: usize = 500;
const NAME_LENGTH: usize = 100;
