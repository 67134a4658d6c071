//! One key of a ring: ready to be published, and parsed when it signs for the first time.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rolecall_jose::{Jwk, SigningKey, Unsigned, VerifyingKey, sign_compact};
use rolecall_sealed::{ExposeSecret as _, MasterKey, SecretSlice, SecretString};

use crate::certificate::self_signed;
use crate::document::Document;
use crate::{
    Backend, JwkMembers, KeyRecord, SealedSigningKey, SignerLimit, Signers, SigningKeysError,
};

/// A key of a tenant, opened.
pub(crate) struct Key {
    tenant: String,
    pub(crate) record: KeyRecord,
    public: Jwk,
    material: Material,
}

enum Material {
    /// Parsed when it is first needed: of most keys in an installation that was just started only
    /// the public half is, and parsing an RSA key takes a quarter of a millisecond.
    Software {
        pkcs8: SecretSlice<u8>,
        parsed: OnceLock<SigningKey>,
    },
    Elsewhere {
        backend: Arc<dyn Backend>,
        reference: String,
        verifying: OnceLock<VerifyingKey>,
    },
}

impl Key {
    /// Opens a stored key and sees that it is the one that its record says.
    pub(crate) fn open(
        tenant: &str,
        stored: &SealedSigningKey,
        master: &MasterKey,
        signers: &Signers,
    ) -> Result<Self, SigningKeysError> {
        let mut record = stored.record.clone();
        let (public, material) = match stored.open(tenant, master)? {
            Document::Bare(key) => {
                let certificate = self_signed(&key)?;
                let public = key.public_jwk().clone().with_certificate(&certificate);
                let material = Material::Software {
                    pkcs8: SecretSlice::from(Vec::new()),
                    parsed: key.into(),
                };
                (public, material)
            }
            Document::Headed { head, pkcs8 } => {
                let material = match head.reference {
                    None => Material::Software {
                        pkcs8,
                        parsed: OnceLock::new(),
                    },
                    Some(reference) => Material::Elsewhere {
                        backend: Arc::clone(signers.known_backend(tenant, &head.backend)?),
                        reference,
                        verifying: OnceLock::new(),
                    },
                };
                record.backend = head.backend;
                (head.public, material)
            }
        };
        let is_it = public.thumbprint()? == record.kid
            && public.alg.as_deref() == Some(record.algorithm.as_str());
        if !is_it {
            return Err(SigningKeysError::Record {
                tenant: tenant.to_owned(),
                kid: record.kid,
            });
        }
        Ok(Self {
            tenant: tenant.to_owned(),
            record,
            public,
            material,
        })
    }

    /// The public half as it is published.
    pub(crate) fn published(&self, members: JwkMembers) -> Jwk {
        match members {
            JwkMembers::Minimal => self.public.clone().without_certificate(),
            JwkMembers::WithX5c => self.public.clone().publishing_certificate(),
        }
    }

    /// A token of this payload.
    pub(crate) async fn sign(
        self: &Arc<Self>,
        payload: Vec<u8>,
        limit: &SignerLimit,
    ) -> Result<SecretString, SigningKeysError> {
        match &self.material {
            Material::Software { .. } if self.record.algorithm.is_rsa() => {
                let key = Arc::clone(self);
                limit
                    .run(move || Ok(sign_compact(key.parsed()?, "JWT", &payload)?))
                    .await?
            }
            Material::Software { .. } => Ok(sign_compact(self.parsed()?, "JWT", &payload)?),
            Material::Elsewhere {
                backend,
                reference,
                verifying,
            } => {
                let unsigned = Unsigned::jwt(self.record.algorithm, &self.record.kid, &payload);
                let signature = backend
                    .sign(reference, self.record.algorithm, unsigned.message())
                    .await
                    .map_err(|source| SigningKeysError::Backend {
                        backend: self.record.backend.clone(),
                        source,
                    })?;
                let key = match verifying.get() {
                    Some(key) => key,
                    None => {
                        let key = VerifyingKey::from_jwk(&self.public)?;
                        verifying.get_or_init(|| key)
                    }
                };
                Ok(unsigned.signed(&signature, key)?)
            }
        }
    }

    /// The private key of a sealed key.
    fn parsed(&self) -> Result<&SigningKey, SigningKeysError> {
        let wrong = || SigningKeysError::Record {
            tenant: self.tenant.clone(),
            kid: self.record.kid.clone(),
        };
        let Material::Software { pkcs8, parsed } = &self.material else {
            return Err(wrong());
        };
        if let Some(key) = parsed.get() {
            return Ok(key);
        }
        let key = SigningKey::from_pkcs8_der(pkcs8.expose_secret())
            .ok()
            .filter(|key| key.kid() == self.record.kid)
            .ok_or_else(wrong)?;
        Ok(parsed.get_or_init(|| key))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.record.kid)
            .field("algorithm", &self.record.algorithm)
            .field("slot", &self.record.slot)
            .field("backend", &self.record.backend)
            .finish_non_exhaustive()
    }
}
