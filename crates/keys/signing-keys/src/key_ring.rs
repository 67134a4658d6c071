//! All signing keys of one tenant, ready to sign and to be published.

use std::sync::Arc;

use rolecall_jose::{Algorithm, JwkSet};
use rolecall_sealed::{MasterKey, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::key::Key;
use crate::rotation::ALGORITHMS;
use crate::{Backend, KeyRecord, SealedSigningKey, SignerLimit, Signers, SigningKeysError, Slots};

/// The signing keys of one tenant: those that sign RS256 and ES256, their successors, and those
/// before them.
///
/// A ring never changes; a rotation makes a new one. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct KeyRing {
    tenant: String,
    rs256: Option<Arc<Key>>,
    es256: Option<Arc<Key>>,
    published: Arc<JwkSet>,
    limit: SignerLimit,
}

/// How a tenant's JWKS is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JwksForm {
    /// Which members each key has.
    pub members: JwkMembers,
    /// Whose active key is the very first. Some verifiers look at no other.
    pub first: Algorithm,
}

/// Which members each key of a JWKS has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JwkMembers {
    /// `kty kid use alg` and the key itself: what AWS reads without stumbling.
    #[default]
    Minimal,
    /// Also `x5c`, a self-signed certificate of the key: for Ceph's object gateway, which reads
    /// nothing else. AWS takes it too, since certificate and key agree.
    WithX5c,
}

impl Default for JwksForm {
    fn default() -> Self {
        Self {
            members: JwkMembers::default(),
            first: Algorithm::Rs256,
        }
    }
}

impl KeyRing {
    /// Opens stored keys. Private keys are parsed when they sign for the first time, and backends
    /// are not asked yet.
    ///
    /// # Errors
    /// `Sealed` for a wrong master key or altered bytes, `Record` for a key that is not what its
    /// record says, `UnknownBackend`; `Missing` if the tenant has no key at all for one of the two
    /// algorithms. One whose keys were all revoked has some, and gets a successor by rotation.
    pub fn load(
        tenant: &str,
        stored: &[SealedSigningKey],
        master: &MasterKey,
        signers: &Signers,
        form: JwksForm,
    ) -> Result<Self, SigningKeysError> {
        let keys = stored
            .iter()
            .map(|key| Key::open(tenant, key, master, signers).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        for algorithm in ALGORITHMS {
            if !keys.iter().any(|key| key.record.algorithm == algorithm) {
                return Err(SigningKeysError::Missing {
                    tenant: tenant.to_owned(),
                    algorithm,
                });
            }
        }
        let slots = Slots::new(keys.iter().map(|key| key.record.clone()).collect(), 0);
        let opened = |kid: &str| keys.iter().find(|key| key.record.kid == kid);
        let signer = |algorithm| {
            let signer = slots.signer(algorithm)?;
            opened(&signer.kid).map(Arc::clone)
        };
        let published = slots.published(form.first);
        let published = published
            .iter()
            .filter_map(|record| opened(&record.kid))
            .map(|key| key.published(form.members));
        Ok(Self {
            tenant: tenant.to_owned(),
            rs256: signer(Algorithm::Rs256),
            es256: signer(Algorithm::Es256),
            published: Arc::new(JwkSet::new(published.collect())),
            limit: signers.limit.clone(),
        })
    }

    /// The public keys as they are published: those that sign, then those that will, then those
    /// that did. The same keys are always in the same order.
    #[must_use]
    pub fn jwks(&self) -> &JwkSet {
        &self.published
    }

    /// The tenant that signs with it.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The name of the key that signs with this algorithm.
    ///
    /// # Errors
    /// `Algorithm` for anything but RS256 and ES256; `Missing` if none signs at present: it was
    /// revoked, and its successor is being made.
    pub fn kid(&self, algorithm: Algorithm) -> Result<&str, SigningKeysError> {
        self.signer(algorithm).map(|key| key.record.kid.as_str())
    }

    /// What is known of the key that signs with this algorithm.
    ///
    /// # Errors
    /// As [`kid`](Self::kid).
    pub fn record(&self, algorithm: Algorithm) -> Result<&KeyRecord, SigningKeysError> {
        self.signer(algorithm).map(|key| &key.record)
    }

    /// Signs a JSON payload into a token with `typ: JWT`, with the active key.
    ///
    /// With a sealed key, ES256 takes some 25 µs and is done at once; RS256 takes a millisecond or
    /// more and goes to a blocking thread under the [`SignerLimit`], in the order of asking. What
    /// another backend answers is verified before it is handed on.
    ///
    /// # Errors
    /// As [`kid`](Self::kid); `Backend` if the backend does not sign, `Jose` if the crypto library
    /// fails or a backend's signature is wrong, `Stopped` if the runtime is shutting down.
    pub async fn sign(
        &self,
        algorithm: Algorithm,
        payload: impl Into<Vec<u8>>,
    ) -> Result<SecretString, SigningKeysError> {
        self.signer(algorithm)?
            .sign(payload.into(), &self.limit)
            .await
    }

    /// The public JWK of a stored key, without certificates.
    ///
    /// # Errors
    /// The key cannot be opened, or is not the one that its record says.
    pub fn public_of(
        tenant: &str,
        stored: &SealedSigningKey,
        master: &MasterKey,
        signers: &Signers,
    ) -> Result<rolecall_jose::Jwk, SigningKeysError> {
        let key = Key::open(tenant, stored, master, signers)?;
        Ok(key.published(JwkMembers::Minimal))
    }

    fn signer(&self, algorithm: Algorithm) -> Result<&Arc<Key>, SigningKeysError> {
        let signer = match algorithm {
            Algorithm::Rs256 => &self.rs256,
            Algorithm::Es256 => &self.es256,
            algorithm => return Err(SigningKeysError::Algorithm { algorithm }),
        };
        signer.as_ref().ok_or_else(|| SigningKeysError::Missing {
            tenant: self.tenant.clone(),
            algorithm,
        })
    }
}

impl Signers {
    pub(crate) fn known_backend(
        &self,
        tenant: &str,
        name: &str,
    ) -> Result<&Arc<dyn Backend>, SigningKeysError> {
        self.backend(name).ok_or_else(|| {
            let known: Vec<_> = self.names().map(|name| format!("`{name}`")).collect();
            SigningKeysError::UnknownBackend {
                tenant: tenant.to_owned(),
                backend: name.to_owned(),
                known: known.join(", "),
            }
        })
    }
}
