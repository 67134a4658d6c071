//! All signing keys of one tenant.

use std::sync::Arc;

use rolecall_jose::{Algorithm, JwkSet, KeyKind, SigningKey, sign_compact};
use rolecall_sealed::{MasterKey, SecretString};

use crate::{RsaBits, SealedSigningKey, SignerLimit, SigningKeysError};

/// The signing keys of one tenant: an RS256 and an ES256 key, both published, both able to sign.
///
/// A ring never changes; a rotation makes a new one. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct KeyRing {
    tenant: String,
    rs256: Slots,
    es256: Slots,
    published: JwkSet,
    limit: SignerLimit,
}

/// The keys of one algorithm by what they are for. Only the signing key exists yet; a key that is
/// published ahead of its turn and keys that tokens in flight still need are published beside it.
#[derive(Clone, Debug)]
struct Slots {
    active: Arc<SigningKey>,
}

impl KeyRing {
    /// Makes new keys: RSA on a blocking thread (0.1 s for 2048 bits, up to 2 s for 4096), P-256 at
    /// once.
    ///
    /// # Errors
    /// `Jose` if the crypto library fails, `Stopped` if the runtime is shutting down.
    pub async fn generate(
        tenant: &str,
        bits: RsaBits,
        limit: SignerLimit,
    ) -> Result<Self, SigningKeysError> {
        let rs256 = limit
            .run(move || SigningKey::generate(bits.kind()))
            .await??;
        let es256 = SigningKey::generate(KeyKind::P256)?;
        Ok(Self::new(tenant, rs256, es256, limit))
    }

    /// Opens stored keys. Of several keys for one algorithm the last in the list signs.
    ///
    /// # Errors
    /// `Sealed` for a wrong master key or altered bytes, `Record`, `Missing` if there is no key for
    /// one of the two algorithms.
    pub fn load(
        tenant: &str,
        records: &[SealedSigningKey],
        master: &MasterKey,
        limit: SignerLimit,
    ) -> Result<Self, SigningKeysError> {
        let key = |algorithm| {
            records
                .iter()
                .rfind(|record| record.algorithm == algorithm)
                .ok_or_else(|| SigningKeysError::Missing {
                    tenant: tenant.to_owned(),
                    algorithm,
                })?
                .open(tenant, master)
        };
        Ok(Self::new(
            tenant,
            key(Algorithm::Rs256)?,
            key(Algorithm::Es256)?,
            limit,
        ))
    }

    /// The keys as they are stored: RS256 first.
    ///
    /// # Errors
    /// `Jose` or `Sealed` if the crypto library fails.
    pub fn seal(&self, master: &MasterKey) -> Result<Vec<SealedSigningKey>, SigningKeysError> {
        [&self.rs256, &self.es256]
            .into_iter()
            .map(|slots| SealedSigningKey::seal(&self.tenant, &slots.active, master))
            .collect()
    }

    /// The public keys as they are published: RS256 first, always in the same order.
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
    /// [`SigningKeysError::Algorithm`] for anything but RS256 and ES256.
    pub fn kid(&self, algorithm: Algorithm) -> Result<&str, SigningKeysError> {
        self.slots(algorithm).map(|slots| slots.active.kid())
    }

    /// Signs a JSON payload into a token with `typ: JWT`.
    ///
    /// ES256 takes some 25 µs and is done at once; RS256 takes a millisecond or more and goes to a
    /// blocking thread under the [`SignerLimit`], in the order of asking.
    ///
    /// # Errors
    /// `Algorithm` for anything but RS256 and ES256, `Jose` if the crypto library fails, `Stopped`
    /// if the runtime is shutting down.
    pub async fn sign(
        &self,
        algorithm: Algorithm,
        payload: impl Into<Vec<u8>>,
    ) -> Result<SecretString, SigningKeysError> {
        let payload = payload.into();
        let key = Arc::clone(&self.slots(algorithm)?.active);
        if !algorithm.is_rsa() {
            return Ok(sign_compact(&key, "JWT", &payload)?);
        }
        let signed = self
            .limit
            .run(move || sign_compact(&key, "JWT", &payload))
            .await?;
        Ok(signed?)
    }

    fn new(tenant: &str, rs256: SigningKey, es256: SigningKey, limit: SignerLimit) -> Self {
        let published = JwkSet::new(vec![rs256.public_jwk().clone(), es256.public_jwk().clone()]);
        let slots = |key| Slots {
            active: Arc::new(key),
        };
        Self {
            tenant: tenant.to_owned(),
            rs256: slots(rs256),
            es256: slots(es256),
            published,
            limit,
        }
    }

    fn slots(&self, algorithm: Algorithm) -> Result<&Slots, SigningKeysError> {
        match algorithm {
            Algorithm::Rs256 => Ok(&self.rs256),
            Algorithm::Es256 => Ok(&self.es256),
            algorithm => Err(SigningKeysError::Algorithm { algorithm }),
        }
    }
}
