//! A tenant's signing keys: those that it has, or new ones if it has none.

use jiff::Timestamp;
use rolecall_jose::Algorithm;
use rolecall_mint::LONGEST_LIFETIME;
use rolecall_sealed::{MasterKey, SealedError};
use rolecall_signing_keys::rotation::NewKey;
use rolecall_signing_keys::{
    KeyRecord, KeyRing, SCHEDULE, SOFTWARE, SealedSigningKey, Signers, SigningKeysError, Slot,
    Slots,
};
use rolecall_store::{AuditKind, AuditRecord, KeyState, Outcome, SealedKey};

use crate::InstallationError;
use crate::lowering::CheckedTenant;

/// Opens the keys of `tenant` among `stored`; `None` if it has none yet.
pub(crate) fn stored_ring(
    tenant: &CheckedTenant,
    stored: &[SealedKey],
    master: &MasterKey,
    signers: &Signers,
) -> Result<Option<KeyRing>, InstallationError> {
    let keys = stored
        .iter()
        .filter(|key| key.tenant == tenant.name)
        .map(|key| {
            Ok(SealedSigningKey {
                record: record(key)?,
                sealed: key.sealed.clone(),
            })
        })
        .collect::<Result<Vec<_>, InstallationError>>()?;
    if keys.is_empty() {
        return Ok(None);
    }
    ring(tenant, &keys, master, signers).map(Some)
}

/// New keys, both to sign with and in the form in which they are stored.
pub(crate) async fn new_ring(
    tenant: &CheckedTenant,
    master: &MasterKey,
    signers: &Signers,
    now: Timestamp,
) -> Result<(KeyRing, Vec<SealedKey>), InstallationError> {
    let failed = |error: SigningKeysError| match error {
        SigningKeysError::Backend { .. } | SigningKeysError::UnknownBackend { .. } => {
            unusable(&tenant.name, &error)
        }
        error => InstallationError::KeyGeneration {
            tenant: tenant.name.clone(),
            why: error.to_string(),
        },
    };
    let mut slots = Slots::default();
    let now = now.as_second();
    let turn = signers
        .advance(
            &tenant.name,
            &mut slots,
            &tenant.rotation,
            tenant.rsa,
            master,
            now,
            SCHEDULE,
        )
        .await
        .map_err(failed)?
        .unwrap_or_default();
    let ring = ring(tenant, &turn.made, master, signers)?;
    let stored = turn
        .made
        .into_iter()
        .map(|key| SealedKey {
            tenant: tenant.name.clone(),
            kid: key.record.kid,
            algorithm: key.record.algorithm.as_str().to_owned(),
            sealed: key.sealed,
            created_at: now,
            state: KeyState::Active,
        })
        .collect();
    Ok((ring, stored))
}

fn ring(
    tenant: &CheckedTenant,
    keys: &[SealedSigningKey],
    master: &MasterKey,
    signers: &Signers,
) -> Result<KeyRing, InstallationError> {
    KeyRing::load(&tenant.name, keys, master, signers, tenant.jwks)
        .map_err(|error| unusable(&tenant.name, &error))
}

/// What the store keeps of a record.
fn record(key: &SealedKey) -> Result<KeyRecord, InstallationError> {
    let algorithm: Algorithm = key.algorithm.parse().map_err(|_| InstallationError::Key {
        tenant: key.tenant.clone(),
        kid: key.kid.clone(),
        why: format!("its algorithm `{}` is not known", key.algorithm),
    })?;
    let made = NewKey {
        kid: key.kid.clone(),
        algorithm,
        backend: SOFTWARE.to_owned(),
    };
    let mut record = KeyRecord::first(made, LONGEST_LIFETIME.into(), key.created_at);
    record.slot = match key.state {
        KeyState::Active => Slot::Active,
        KeyState::Next => Slot::Next,
        KeyState::Retired => Slot::Retired,
    };
    Ok(record)
}

/// What the trail says of a new key.
pub(crate) fn made(key: &SealedKey, now: Timestamp) -> AuditRecord {
    let mut record = AuditRecord::new(
        now,
        AuditKind::SigningKey,
        key.tenant.as_str(),
        Outcome::Granted,
    );
    record.kid = Some(key.kid.clone());
    record
}

fn unusable(tenant: &str, error: &SigningKeysError) -> InstallationError {
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
