//! A signing key as it is stored.

use rolecall_sealed::{MasterKey, SealedError, open, reseal};

use crate::document::Document;
use crate::{KeyRecord, SigningKeysError};

/// A signing key as it is stored: nothing in it is secret. It opens only for the tenant and `kid`
/// that it was sealed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSigningKey {
    /// What is known about it.
    pub record: KeyRecord,
    /// Its private key, or the reference to it in a backend, sealed.
    pub sealed: Vec<u8>,
}

impl SealedSigningKey {
    pub(crate) fn open(
        &self,
        tenant: &str,
        master: &MasterKey,
    ) -> Result<Document, SigningKeysError> {
        let kid = &self.record.kid;
        let opened = open(master, &identity(tenant, kid), &self.sealed)
            .map_err(|source| failed(tenant, kid, source))?;
        let unreadable = || SigningKeysError::Record {
            tenant: tenant.to_owned(),
            kid: kid.clone(),
        };
        let document = Document::read(&opened).ok_or_else(unreadable)?;
        document.map_err(|_| unreadable())
    }
}

/// The sealed bytes of keys, `(tenant, kid, sealed)`, under a new master key, in the same order.
/// The keys themselves stay the same, and so do their names and the JWKS.
///
/// All or none: on an error nothing is given back, and nothing may be written. What is given back
/// is to be written in one transaction, and the old master key kept until that is done. Keys that
/// are sealed under the new one already come back as they are, so the same call can be repeated.
///
/// # Errors
/// `Sealed` for the first key that opens under neither, was altered, or belongs to another record.
pub fn reseal_keys<'k>(
    keys: impl IntoIterator<Item = (&'k str, &'k str, &'k [u8])>,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<Vec<Vec<u8>>, SigningKeysError> {
    keys.into_iter()
        .map(|(tenant, kid, sealed)| {
            reseal(old, new, &identity(tenant, kid), sealed)
                .map_err(|source| failed(tenant, kid, source))
        })
        .collect()
}

/// What the sealed bytes are bound to. Lengths keep (`a`, `bc`) apart from (`ab`, `c`).
pub(crate) fn identity(tenant: &str, kid: &str) -> Vec<u8> {
    let mut identity = b"signing key".to_vec();
    for part in [tenant, kid] {
        identity.extend_from_slice(&(part.len() as u64).to_be_bytes());
        identity.extend_from_slice(part.as_bytes());
    }
    identity
}

pub(crate) fn failed(tenant: &str, kid: &str, source: SealedError) -> SigningKeysError {
    SigningKeysError::Sealed {
        tenant: tenant.to_owned(),
        kid: kid.to_owned(),
        source,
    }
}
