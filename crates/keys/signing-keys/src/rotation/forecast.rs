//! What the schedule will do: for people who want to see it before it happens.

use rolecall_jose::Algorithm;
use serde::Serialize;

use super::{NewKey, RotationError, RotationPolicy, Step};
use crate::{JournalEntry, KeyRecord, SCHEDULE, Slot, Slots};

/// A key as people look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Its record.
    #[serde(flatten)]
    pub record: KeyRecord,
    /// Whether it is in the JWKS.
    pub published: bool,
    /// When it will be for something else, in seconds since the epoch; `None` if that is further
    /// away than the forecast reaches, or never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes_at: Option<i64>,
    /// What it will be for then; `None` if it will be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub becomes: Option<Slot>,
}

impl Slots {
    /// The keys with what comes next for each, in the order of the JWKS, then those that are not in
    /// it. Looks ahead by two periods, or a year without one.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn overview(
        &self,
        policy: &RotationPolicy,
        now: i64,
    ) -> Result<Vec<Overview>, RotationError> {
        let ahead = policy.period().unwrap_or(A_YEAR).saturating_mul(2);
        let told = self.forecast(policy, now, now.saturating_add(ahead))?;
        let published = self.published(Algorithm::Rs256);
        let hidden = self.keys().iter().filter(|key| !key.is_published());
        let keys = published.into_iter().chain(hidden);
        Ok(keys
            .map(|key| {
                let change = told
                    .iter()
                    .find(|entry| entry.kid == key.kid && entry.from != entry.to);
                Overview {
                    record: key.clone(),
                    published: key.is_published(),
                    changes_at: change.map(|entry| entry.at),
                    becomes: change.and_then(|entry| entry.to),
                }
            })
            .collect())
    }

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

const A_YEAR: i64 = 365 * 86_400;
