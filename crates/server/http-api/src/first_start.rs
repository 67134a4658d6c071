//! A tenant's signing keys between the store and the ring that signs.

use jiff::Timestamp;
use rolecall_jose::Jwk;
use rolecall_sealed::{MasterKey, SealedError};
use rolecall_signing_keys::{
    JournalEntry, KeyRecord, KeyRing, SCHEDULE, SealedSigningKey, Signers, SigningKeysError, Slot,
    Slots, Turn,
};
use rolecall_store::{AuditKind, AuditRecord, Edit, KeyState, Outcome, SealedKey};

use crate::InstallationError;
use crate::lowering::CheckedTenant;

/// The ring of stored keys; `None` if there are none.
pub(crate) fn stored_ring(
    tenant: &CheckedTenant,
    stored: &[SealedKey],
    master: &MasterKey,
    signers: &Signers,
) -> Result<Option<KeyRing>, InstallationError> {
    if stored.is_empty() {
        return Ok(None);
    }
    let keys = opened(stored)?;
    KeyRing::load(&tenant.name, &keys, master, signers, tenant.jwks)
        .map(Some)
        .map_err(|error| unusable(&tenant.name, &error))
}

/// Stored keys as those who sign and rotate know them.
pub(crate) fn opened(stored: &[SealedKey]) -> Result<Vec<SealedSigningKey>, InstallationError> {
    stored
        .iter()
        .map(|key| {
            Ok(SealedSigningKey {
                record: record(&key.tenant, &key.record)?,
                sealed: key.sealed.clone(),
            })
        })
        .collect()
}

/// A slot's record as it is stored.
pub(crate) fn record(tenant: &str, json: &str) -> Result<KeyRecord, InstallationError> {
    serde_json::from_str(json).map_err(|error| InstallationError::Stored {
        tenant: tenant.to_owned(),
        why: format!("the record of a signing key: {error}"),
    })
}

/// The first keys of a tenant that has none: what to write.
pub(crate) async fn first_keys(
    tenant: &CheckedTenant,
    master: &MasterKey,
    signers: &Signers,
    now: Timestamp,
) -> Result<(Vec<Edit>, Vec<AuditRecord>), InstallationError> {
    let name = &tenant.name;
    let failed = |error: SigningKeysError| match error {
        SigningKeysError::Backend { .. } | SigningKeysError::UnknownBackend { .. } => {
            unusable(name, &error)
        }
        error => InstallationError::KeyGeneration {
            tenant: name.clone(),
            why: error.to_string(),
        },
    };
    let mut slots = Slots::default();
    let (policy, rsa) = (&tenant.rotation, tenant.rsa);
    let turn = signers
        .advance(
            name,
            &mut slots,
            policy,
            rsa,
            master,
            now.as_second(),
            SCHEDULE,
        )
        .await
        .map_err(failed)?
        .unwrap_or_default();
    written(name, &turn, &[], master, signers, now)
}

/// What a turn of the slots changes in the store, and what the trail says of it.
pub(crate) fn written(
    tenant: &str,
    turn: &Turn,
    stored: &[SealedKey],
    master: &MasterKey,
    signers: &Signers,
    now: Timestamp,
) -> Result<(Vec<Edit>, Vec<AuditRecord>), InstallationError> {
    let mut edits = Vec::new();
    for made in &turn.made {
        let public = KeyRing::public_of(tenant, made, master, signers)
            .map_err(|error| unusable(tenant, &error))?;
        edits.push(Edit::PutKey(row(
            tenant,
            &made.record,
            &public,
            &made.sealed,
        )?));
    }
    for changed in &turn.changed {
        if let Some(key) = stored.iter().find(|key| key.kid == changed.kid) {
            edits.push(Edit::PutKey(SealedKey {
                state: state(changed.slot),
                record: text(changed)?,
                ..key.clone()
            }));
        }
    }
    for kid in &turn.removed {
        edits.push(Edit::RemoveKey {
            tenant: tenant.to_owned(),
            kid: kid.clone(),
        });
    }
    let records = turn
        .journal
        .iter()
        .map(|entry| told(tenant, entry, now))
        .collect();
    Ok((edits, records))
}

fn row(
    tenant: &str,
    record: &KeyRecord,
    public: &Jwk,
    sealed: &[u8],
) -> Result<SealedKey, InstallationError> {
    Ok(SealedKey {
        tenant: tenant.to_owned(),
        kid: record.kid.clone(),
        algorithm: record.algorithm.as_str().to_owned(),
        state: state(record.slot),
        record: text(record)?,
        public: text(public)?,
        sealed: sealed.to_vec(),
        created_at: record.created_at,
    })
}

pub(crate) fn text<T: serde::Serialize>(one: &T) -> Result<String, InstallationError> {
    serde_json::to_string(one).map_err(|error| InstallationError::Declaration {
        field: String::new(),
        message: format!("a signing key cannot be written as JSON: {error}"),
    })
}

fn state(slot: Slot) -> KeyState {
    match slot {
        Slot::Active => KeyState::Active,
        Slot::Next => KeyState::Next,
        Slot::Retired => KeyState::Retired,
    }
}

/// What the trail says of a step: `next to active: published`.
fn told(tenant: &str, entry: &JournalEntry, now: Timestamp) -> AuditRecord {
    let mut record = AuditRecord::new(now, AuditKind::SigningKey, tenant, Outcome::Granted);
    record.kid = Some(entry.kid.clone());
    record.actor = Some(entry.by.clone());
    let slot = |slot: Option<Slot>, none: &'static str| slot.map_or(none, Slot::as_str);
    record.target = Some(format!("signing_key/{}", entry.algorithm.as_str()));
    let reason = serde_json::to_value(entry.reason).unwrap_or_default();
    let reason = match &reason {
        serde_json::Value::String(word) => word.clone(),
        other => other.to_string(),
    };
    record.reason = Some(format!(
        "{} to {}: {reason}",
        slot(entry.from, "nothing"),
        slot(entry.to, "nothing"),
    ));
    record
}

pub(crate) fn unusable(tenant: &str, error: &SigningKeysError) -> InstallationError {
    match error {
        SigningKeysError::Sealed {
            tenant,
            kid,
            source: SealedError::OtherMasterKey,
        } => InstallationError::WrongMasterKey {
            tenant: tenant.clone(),
            kid: kid.clone(),
        },
        SigningKeysError::Sealed { kid, source, .. } => InstallationError::Key {
            tenant: tenant.to_owned(),
            kid: kid.clone(),
            why: source.to_string(),
        },
        SigningKeysError::Record { kid, .. } => InstallationError::Key {
            tenant: tenant.to_owned(),
            kid: kid.clone(),
            why: "it is not the key that its record says".to_owned(),
        },
        SigningKeysError::Backend { .. } | SigningKeysError::UnknownBackend { .. } => {
            InstallationError::KeyBackend {
                tenant: tenant.to_owned(),
                why: error.to_string(),
            }
        }
        other => InstallationError::Keys {
            tenant: tenant.to_owned(),
            why: other.to_string(),
        },
    }
}
