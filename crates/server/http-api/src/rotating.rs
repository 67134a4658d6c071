//! Keys are rotated by whichever process leads, a step at a time. It may die between any two: what
//! is due then is due again.

use std::collections::HashMap;
use std::time::Duration;

use rolecall_mint::LONGEST_LIFETIME;
use rolecall_signing_keys::rotation::{PolicyText, RotationError, RotationPolicy};
use rolecall_signing_keys::{KeyRecord, SCHEDULE, Slots};
use rolecall_store::{
    AuditFilter, AuditKind, Change, Edit, Leadership, Outcome, SealedKey, Store, StoreError,
    TenantEntry,
};
use tracing::Instrument as _;

use crate::InstallationError;
use crate::documents::MAX_AGE;
use crate::first_start;
use crate::installation::Installation;
use crate::lowering::lower_stored;
use crate::seeing::LOOK_FOR_UNSEEN_EVERY;
use crate::stored::declared;

impl Installation {
    /// Rotates keys for as long as the future is polled.
    pub async fn rotate_keys(&self) {
        let mut leads: Option<Leadership> = None;
        let mut changes = self.shared.store.changes();
        let mut seen = 0;
        loop {
            let mut pause = LOOK_EVERY;
            match self.look(&mut leads, &mut seen, &mut pause).await {
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "signing keys could not be rotated"),
            }
            // What was ordered is done at once; our own steps are changes too, and find nothing due.
            let ordered = async {
                let _ = changes.recv().await;
                tokio::time::sleep(SETTLING).await;
                changes = changes.resubscribe();
            };
            tokio::select! {
                () = ordered => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One look at all keys, if this process leads; how many steps were made.
    ///
    /// # Errors
    /// The state cannot be read or written, or a key cannot be made. What is due stays due.
    pub async fn rotate_if_leading(
        &self,
        leads: &mut Option<Leadership>,
    ) -> Result<usize, InstallationError> {
        let mut pause = LOOK_EVERY;
        self.look(leads, &mut 0, &mut pause).await
    }

    /// `seen` is the latest time, in seconds since the epoch, that a look before this one saw: a
    /// clock that stands before it went backwards, and nothing is rotated then.
    async fn look(
        &self,
        leads: &mut Option<Leadership>,
        seen: &mut i64,
        pause: &mut Duration,
    ) -> Result<usize, InstallationError> {
        let holds = match leads {
            Some(leadership) => leadership.holds().await,
            None => false,
        };
        if !holds {
            *leads = self.shared.store.lead().await?;
        }
        if leads.is_none() {
            return Ok(0);
        }
        let now = self.shared.clock.now().as_second();
        *seen = last_recorded(&self.shared.store).await?.max(*seen);
        if now < *seen {
            let error = RotationError::ClockBackwards { now, latest: *seen };
            tracing::error!(%error, "no key is rotated");
            return Ok(0);
        }
        *seen = now;
        let mut steps = 0;
        let (due, unseen) = self.due(now).await?;
        for tenant in unseen {
            match self.look_outside(&tenant).await {
                Ok(false) => {}
                Ok(true) => *pause = LOOK_FOR_UNSEEN_EVERY,
                Err(error) => {
                    tracing::error!(tenant, %error, "the published keys of a tenant could not be looked for");
                }
            }
        }
        for tenant in due {
            let rotating = tracing::info_span!("rotate keys", tenant);
            match self.advance(&tenant, now).instrument(rotating).await {
                Ok(made) => steps += made,
                Err(error) => {
                    tracing::error!(tenant, %error, "the signing keys of a tenant could not be rotated");
                    let why = error.to_string();
                    self.note(AuditKind::SigningKey, &tenant, Outcome::Failed, why);
                }
            }
        }
        self.shared.metrics.rotated(steps);
        Ok(steps)
    }

    /// The tenants for whose keys something is due, and those whose keys are to be looked for where
    /// somebody else shows them.
    async fn due(&self, now: i64) -> Result<(Vec<String>, Vec<String>), InstallationError> {
        let shared = &*self.shared;
        let mut records: HashMap<String, Vec<KeyRecord>> = HashMap::new();
        for (tenant, json) in shared.store.reader().key_records().await? {
            let record = first_start::record(&tenant, &json)?;
            records.entry(tenant).or_default().push(record);
        }
        let entries = shared.store.reader().directory("", None).await?;
        let mut unseen = Vec::new();
        let mut due: Vec<String> = entries
            .iter()
            .filter_map(|entry| {
                let tenant = entry.name.clone();
                let records = records.remove(&tenant)?;
                let policy = match policy(entry) {
                    Ok(policy) => policy,
                    Err(error) => {
                        tracing::error!(tenant, %error, "no key is rotated");
                        return None;
                    }
                };
                let slots = Slots::new(records, 0);
                if slots.unseen(&policy).next().is_some() {
                    unseen.push(tenant.clone());
                    // What is seen may make something due.
                    return Some(tenant);
                }
                match slots.plan(&policy, now) {
                    Ok(plan) => (!plan.due.is_empty()).then_some(tenant),
                    Err(error) => {
                        tracing::error!(tenant, %error, "no key is rotated");
                        None
                    }
                }
            })
            .collect();
        due.sort_unstable();
        Ok((due, unseen))
    }

    /// Makes the steps that are due for one tenant.
    async fn advance(&self, name: &str, seen: i64) -> Result<usize, InstallationError> {
        let shared = &*self.shared;
        for step in 0..STEPS_AT_MOST {
            let Some(found) = shared.store.reader().tenant(name).await? else {
                return Ok(step);
            };
            let now = shared.clock.now();
            let records = first_start::opened(&found.keys)?
                .into_iter()
                .map(|key| key.record);
            let mut slots = Slots::new(records.collect(), seen);
            let checked = lower_stored(&declared(&found)?)?;
            let turn = shared
                .signers
                .advance(
                    name,
                    &mut slots,
                    &checked.rotation,
                    checked.rsa,
                    &shared.master,
                    now.as_second(),
                    SCHEDULE,
                )
                .await
                .map_err(|error| first_start::unusable(name, &error))?;
            let Some(turn) = turn else {
                return Ok(step);
            };
            let (changed, records) = first_start::written(
                name,
                &turn,
                &found.keys,
                &shared.master,
                &shared.signers,
                now,
            )?;
            let mut edits = vec![Edit::Guard {
                tenant: name.to_owned(),
                revision: found.entry.revision,
            }];
            edits.extend(changed);
            let change = Change {
                edits,
                records,
                answered: None,
                now: now.as_second(),
            };
            match shared.store.change(change).await {
                Ok(()) => {}
                // Somebody changed the tenant meanwhile: it is looked at again.
                Err(StoreError::Stale { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            for entry in &turn.journal {
                tracing::info!(
                    tenant = name,
                    kid = entry.kid,
                    from = entry.from.map(rolecall_signing_keys::Slot::as_str),
                    to = entry.to.map(rolecall_signing_keys::Slot::as_str),
                    "a signing key changed its slot"
                );
            }
            self.refresh(name).await?;
            self.delete(name, &turn.removed, &found.keys).await;
        }
        Ok(STEPS_AT_MOST)
    }

    /// Has the backends delete keys whose records are gone. One that stays is of no use to anybody,
    /// since it is published no more; people are told, for it may cost something.
    async fn delete(&self, name: &str, removed: &[String], keys: &[SealedKey]) {
        let shared = &*self.shared;
        let gone: Vec<_> = keys
            .iter()
            .filter(|key| removed.contains(&key.kid))
            .cloned()
            .collect();
        let gone = match first_start::opened(&gone) {
            Ok(gone) => gone,
            Err(error) => {
                tracing::warn!(tenant = name, %error, "a removed key may still be in its backend");
                return;
            }
        };
        for key in gone {
            let deleted = shared.signers.delete(name, &key, &shared.master).await;
            if let Err(error) = deleted {
                let kid = &key.record.kid;
                tracing::warn!(tenant = name, kid, %error, "a removed key is still in its backend");
            }
        }
    }
}

/// The latest time in the end of the trail, in seconds since the epoch, less what the clocks of
/// replicas may differ by. It is not always the last row's: that one may be of a clock that went
/// backwards.
///
/// # Errors
/// The trail cannot be read.
pub(crate) async fn last_recorded(store: &Store) -> Result<i64, StoreError> {
    let last = AuditFilter {
        last: Some(ROWS_LOOKED_AT),
        ..AuditFilter::default()
    };
    let rows = store.reader().audit(&last).await?;
    let latest = rows.iter().map(|row| row.record.at.as_second()).max();
    Ok(latest.map_or(0, |at| at - CLOCKS_DIFFER))
}

/// The policy that a tenant's keys are rotated by, without the rest of it.
fn policy(entry: &TenantEntry) -> Result<RotationPolicy, InstallationError> {
    #[derive(serde::Deserialize)]
    struct Keys {
        #[serde(default)]
        keys: PolicyText,
    }

    let stored = |why: String| InstallationError::Stored {
        tenant: entry.name.clone(),
        why,
    };
    let read: Keys = serde_json::from_str(&entry.document).map_err(|e| stored(e.to_string()))?;
    RotationPolicy::new(read.keys, MAX_AGE, LONGEST_LIFETIME.into())
        .map_err(|error| stored(error.to_string()))
}

/// How often the leader looks. Nothing of a rotation is due to the minute.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long more changes are waited for.
const SETTLING: Duration = Duration::from_secs(1);
/// How much of the trail's end is looked at for its latest time.
const ROWS_LOOKED_AT: u32 = 1_000;
/// Seconds by which the clocks of replicas may differ without anybody being told.
const CLOCKS_DIFFER: i64 = 60;
/// More than any plan has.
const STEPS_AT_MOST: usize = 16;
