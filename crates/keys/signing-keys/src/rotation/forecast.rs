//! What the schedule will do: for people who want to see it before it happens.

use super::{NewKey, RotationError, RotationPolicy, Step};
use crate::{JournalEntry, SCHEDULE, Slots};

impl Slots {
    /// The steps from `now` until `until`, in seconds since the epoch, if nothing else happens and
    /// every step is made when it is due. Keys that are not there yet are called `new-1`, `new-2`
    /// and so on. At most [`LONGEST_FORECAST`] entries; none for a tenant without keys, whose
    /// first ones are made when it is first served.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn forecast(
        &self,
        policy: &RotationPolicy,
        now: i64,
        until: i64,
    ) -> Result<Vec<JournalEntry>, RotationError> {
        let mut slots = self.clone();
        let mut entries = Vec::new();
        let mut at = now;
        let mut made = 0;
        while at <= until && entries.len() < LONGEST_FORECAST && !slots.keys().is_empty() {
            let plan = slots.plan(policy, at)?;
            let Some(due) = plan.due.first() else {
                match plan.next_at {
                    Some(next) => at = next,
                    None => break,
                }
                continue;
            };
            if let Step::Create {
                algorithm, backend, ..
            } = &due.step
            {
                made += 1;
                let new = NewKey {
                    kid: format!("new-{made}"),
                    algorithm: *algorithm,
                    backend: backend.clone(),
                };
                entries.push(slots.create(due, new, policy, at, SCHEDULE)?);
            } else {
                entries.extend(slots.apply(due, policy, at, SCHEDULE)?);
            }
        }
        Ok(entries)
    }
}

/// Entries; some fifteen rotations of both algorithms.
pub const LONGEST_FORECAST: usize = 256;
