//! A signing key as it is stored.

use rolecall_jose::{Algorithm, SigningKey};
use rolecall_sealed::{ExposeSecret as _, MasterKey, open, seal};

use crate::SigningKeysError;

/// A signing key as it is stored: nothing in it is secret. It opens only for the tenant and `kid`
/// that it was sealed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSigningKey {
    /// The key's name, its RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs: RS256 or ES256.
    pub algorithm: Algorithm,
    /// Its PKCS#8 form, sealed.
    pub sealed: Vec<u8>,
}

impl SealedSigningKey {
    pub(crate) fn seal(
        tenant: &str,
        key: &SigningKey,
        master: &MasterKey,
    ) -> Result<Self, SigningKeysError> {
        let pkcs8 = key.to_pkcs8_der()?;
        let sealed = seal(master, &identity(tenant, key.kid()), pkcs8.expose_secret())
            .map_err(|source| failed(tenant, key.kid(), source))?;
        Ok(Self {
            kid: key.kid().to_owned(),
            algorithm: key.algorithm(),
            sealed,
        })
    }

    pub(crate) fn open(
        &self,
        tenant: &str,
        master: &MasterKey,
    ) -> Result<SigningKey, SigningKeysError> {
        let pkcs8 = open(master, &identity(tenant, &self.kid), &self.sealed)
            .map_err(|source| failed(tenant, &self.kid, source))?;
        SigningKey::from_pkcs8_der(pkcs8.expose_secret())
            .ok()
            .filter(|key| key.kid() == self.kid && key.algorithm() == self.algorithm)
            .ok_or_else(|| SigningKeysError::Record {
                tenant: tenant.to_owned(),
                kid: self.kid.clone(),
            })
    }
}

/// What the sealed bytes are bound to. Lengths keep (`a`, `bc`) apart from (`ab`, `c`).
fn identity(tenant: &str, kid: &str) -> Vec<u8> {
    let mut identity = b"signing key".to_vec();
    for part in [tenant, kid] {
        identity.extend_from_slice(&(part.len() as u64).to_be_bytes());
        identity.extend_from_slice(part.as_bytes());
    }
    identity
}

fn failed(tenant: &str, kid: &str, source: rolecall_sealed::SealedError) -> SigningKeysError {
    SigningKeysError::Sealed {
        tenant: tenant.to_owned(),
        kid: kid.to_owned(),
        source,
    }
}
