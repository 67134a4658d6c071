//! One step of a rotation, made.

use rolecall_sealed::MasterKey;

use crate::document::Document;
use crate::rotation::{Due, RotationPolicy, Step};
use crate::{JournalEntry, KeyRecord, RsaBits, SealedSigningKey, Signers, SigningKeysError, Slots};

/// What one step changed. To be stored whole, in one transaction, and only if the records that it
/// was planned with are still the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Keys that are new.
    pub made: Vec<SealedSigningKey>,
    /// Records that changed; what is sealed stays as it is.
    pub changed: Vec<KeyRecord>,
    /// Keys that are gone. Their backends are to be told by [`Signers::delete`] afterwards.
    pub removed: Vec<String>,
    /// What to append to the journal.
    pub journal: Vec<JournalEntry>,
}

impl Signers {
    /// Makes the first step that is due and can be made, in `slots` and in what it gives back;
    /// `None` if nothing is due. All first keys of a new tenant are one step.
    ///
    /// The caller stores the turn, serves what changed from every replica, and calls again until
    /// nothing is due: only what is served already may be taken as published. If it dies between,
    /// the next one begins with the stored records, and at worst a key in a backend is left that
    /// nobody knows of. A turn with a new key that is not stored after all, because another process
    /// was faster, is undone by [`delete`](Self::delete).
    ///
    /// # Errors
    /// What [`Slots::plan`] refuses, as `Rotation`. If a key cannot be made, other steps are made
    /// first; when none is left, the reason why it could not, as from [`Signers::make`].
    #[allow(clippy::too_many_arguments, reason = "a rotation hangs on all of them")]
    pub async fn advance(
        &self,
        tenant: &str,
        slots: &mut Slots,
        policy: &RotationPolicy,
        rsa_bits: RsaBits,
        master: &MasterKey,
        now: i64,
        by: &str,
    ) -> Result<Option<Turn>, SigningKeysError> {
        let plan = slots.plan(policy, now)?;
        if slots.keys().is_empty() {
            return self
                .first_keys(tenant, slots, &plan.due, policy, rsa_bits, master, now, by)
                .await
                .map(Some);
        }
        let mut failed = None;
        for due in &plan.due {
            let Step::Create {
                algorithm, backend, ..
            } = &due.step
            else {
                return Ok(Some(existing(slots, due, policy, now, by)?));
            };
            match self.make(tenant, backend, *algorithm, rsa_bits).await {
                Ok(made) => {
                    let sealed = made.seal(master)?;
                    let entry = slots.create(due, made.new_key(), policy, now, by)?;
                    return Ok(Some(new(slots, vec![(entry, sealed)])));
                }
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(None), Err)
    }

    #[allow(clippy::too_many_arguments, reason = "those of `advance`")]
    async fn first_keys(
        &self,
        tenant: &str,
        slots: &mut Slots,
        due: &[Due],
        policy: &RotationPolicy,
        rsa_bits: RsaBits,
        master: &MasterKey,
        now: i64,
        by: &str,
    ) -> Result<Turn, SigningKeysError> {
        let mut founded = Vec::new();
        let mut entries = Vec::new();
        for due in due {
            let Step::Create {
                algorithm, backend, ..
            } = &due.step
            else {
                continue;
            };
            let made = self.make(tenant, backend, *algorithm, rsa_bits).await?;
            // Each is the first of a tenant without keys, whatever was made just before.
            let mut alone = Slots::new(Vec::new(), slots.seen_at());
            let entry = alone.create(due, made.new_key(), policy, now, by)?;
            entries.push((entry, made.seal(master)?));
            founded.extend_from_slice(alone.keys());
        }
        *slots = Slots::new(founded, now);
        Ok(new(slots, entries))
    }

    /// Deletes a key in its backend, after its removal was stored. A sealed key is deleted with its
    /// record.
    ///
    /// # Errors
    /// `Sealed`, `Record` and `UnknownBackend` as when it is opened; `Backend` if the backend does
    /// not delete it. The key is of no use to anybody then, but it is still there.
    pub async fn delete(
        &self,
        tenant: &str,
        stored: &SealedSigningKey,
        master: &MasterKey,
    ) -> Result<(), SigningKeysError> {
        let Document::Headed { head, .. } = stored.open(tenant, master)? else {
            return Ok(());
        };
        let Some(reference) = &head.reference else {
            return Ok(());
        };
        let backend = self.known_backend(tenant, &head.backend)?;
        backend
            .delete(reference)
            .await
            .map_err(|source| SigningKeysError::Backend {
                backend: head.backend.clone(),
                source,
            })
    }
}

fn existing(
    slots: &mut Slots,
    due: &Due,
    policy: &RotationPolicy,
    now: i64,
    by: &str,
) -> Result<Turn, SigningKeysError> {
    let journal = slots.apply(due, policy, now, by)?;
    let mut turn = Turn::default();
    for entry in &journal {
        match slots.key(&entry.kid) {
            Some(key) => turn.changed.push(key.clone()),
            None => turn.removed.push(entry.kid.clone()),
        }
    }
    turn.journal = journal;
    Ok(turn)
}

fn new(slots: &Slots, entries: Vec<(JournalEntry, Vec<u8>)>) -> Turn {
    let mut turn = Turn::default();
    for (entry, sealed) in entries {
        if let Some(record) = slots.key(&entry.kid) {
            turn.made.push(SealedSigningKey {
                record: record.clone(),
                sealed,
            });
        }
        turn.journal.push(entry);
    }
    turn
}
