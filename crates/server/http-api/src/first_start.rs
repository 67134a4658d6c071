//! A tenant's signing keys: those that it has, or new ones if it has none.

use jiff::Timestamp;
use rolecall_jose::Algorithm;
use rolecall_sealed::{MasterKey, SealedError};
use rolecall_signing_keys::{KeyRing, RsaBits, SealedSigningKey, SignerLimit, SigningKeysError};
use rolecall_store::{AuditKind, AuditRecord, KeyState, Outcome, SealedKey};

use crate::InstallationError;

/// Opens the keys of `tenant` among `stored`; `None` if it has none yet.
pub(crate) fn stored_ring(
    tenant: &str,
    stored: &[SealedKey],
    master: &MasterKey,
    limit: &SignerLimit,
) -> Result<Option<KeyRing>, InstallationError> {
    let records = stored
        .iter()
        .filter(|key| key.tenant == tenant && key.state == KeyState::Active)
        .map(|key| {
            let algorithm: Algorithm =
                key.algorithm.parse().map_err(|_| InstallationError::Key {
                    tenant: tenant.to_owned(),
                    kid: key.kid.clone(),
                    why: format!("its algorithm `{}` is not known", key.algorithm),
                })?;
            Ok(SealedSigningKey {
                kid: key.kid.clone(),
                algorithm,
                sealed: key.sealed.clone(),
            })
        })
        .collect::<Result<Vec<_>, InstallationError>>()?;
    if records.is_empty() {
        return Ok(None);
    }
    KeyRing::load(tenant, &records, master, limit.clone())
        .map(Some)
        .map_err(|error| unusable(tenant, &error))
}

/// New keys, both to sign with and in the form in which they are stored.
pub(crate) async fn new_ring(
    tenant: &str,
    rsa: RsaBits,
    master: &MasterKey,
    limit: &SignerLimit,
    now: Timestamp,
) -> Result<(KeyRing, Vec<SealedKey>), InstallationError> {
    let failed = |error: SigningKeysError| InstallationError::KeyGeneration {
        tenant: tenant.to_owned(),
        why: error.to_string(),
    };
    let ring = KeyRing::generate(tenant, rsa, limit.clone())
        .await
        .map_err(failed)?;
    let sealed = ring.seal(master).map_err(failed)?;
    let stored = sealed
        .into_iter()
        .map(|key| SealedKey {
            tenant: tenant.to_owned(),
            kid: key.kid,
            algorithm: key.algorithm.as_str().to_owned(),
            sealed: key.sealed,
            created_at: now.as_second(),
            state: KeyState::Active,
        })
        .collect();
    Ok((ring, stored))
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
        other => InstallationError::Keys {
            tenant: tenant.to_owned(),
            why: other.to_string(),
        },
    }
}
