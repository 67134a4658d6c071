//! Where private keys are held and who signs with them.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use rolecall_jose::{Algorithm, Jwk};

use crate::{RsaBits, SOFTWARE, SignerLimit};

/// What a backend does when asked, and answers some time later.
pub type Pending<'b, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'b>>;

/// Something that holds private keys and never gives them away: a security module or a service.
///
/// A backend names its keys by a reference of its own, a text that is stored (sealed) with the
/// key's record. It bounds how many calls it makes at once and how long each may take.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Makes a key that signs with this algorithm, for this tenant.
    fn make<'b>(&'b self, wanted: &'b WantedKey) -> Pending<'b, HeldKey>;

    /// Signs `message`: PKCS#1 v1.5 with SHA-256, or ECDSA as `r || s` (RFC 7518 §3.3, §3.4).
    fn sign<'b>(
        &'b self,
        reference: &'b str,
        algorithm: Algorithm,
        message: &'b [u8],
    ) -> Pending<'b, Vec<u8>>;

    /// Deletes a key that is published no longer. One that is gone already is no error.
    fn delete<'b>(&'b self, reference: &'b str) -> Pending<'b, ()>;

    /// Whether the backend can be used at all: reached, opened, allowed.
    fn check(&self) -> Pending<'_, ()>;
}

/// A key to be made by a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedKey {
    /// The tenant that will sign with it.
    pub tenant: String,
    /// RS256 or ES256.
    pub algorithm: Algorithm,
    /// Its size if it is an RSA key.
    pub rsa_bits: RsaBits,
}

/// A key that a backend made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// How the backend finds it again.
    pub reference: String,
    /// Its public half, in the form in which it is published.
    pub public: Jwk,
}

/// Why a backend could not do what it was asked. No variant carries a PIN or a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The operator's configuration does not fit the backend: a wrong PIN, label or permission.
    #[error("{why}")]
    Configuration {
        /// What is wrong, and what to do.
        why: String,
    },
    /// The backend has no key for this reference.
    #[error(
        "the key `{reference}` is not there; it was deleted, or this is another token or account"
    )]
    KeyMissing {
        /// The reference.
        reference: String,
    },
    /// It cannot be reached at present: a token that was removed, a network that is down.
    #[error("{why}")]
    Unavailable {
        /// What happened, and what to do.
        why: String,
    },
    /// It answered what it should not have.
    #[error("{why}")]
    Unexpected {
        /// What it answered.
        why: String,
    },
}

/// What all tenants sign with: the bound on RSA signatures of sealed keys, and the backends by
/// name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Signers {
    pub(crate) limit: SignerLimit,
    backends: Arc<BTreeMap<String, Arc<dyn Backend>>>,
}

impl Signers {
    /// With these backends beside [`SOFTWARE`], which is always there. One of that name is not
    /// looked at.
    #[must_use]
    pub fn new(limit: SignerLimit, backends: BTreeMap<String, Arc<dyn Backend>>) -> Self {
        Self {
            limit,
            backends: Arc::new(backends),
        }
    }

    /// The backend of this name; `None` for [`SOFTWARE`] too.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<&Arc<dyn Backend>> {
        self.backends.get(name).filter(|_| name != SOFTWARE)
    }

    /// The names of all backends, [`SOFTWARE`] first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let others = self.backends.keys().map(String::as_str);
        std::iter::once(SOFTWARE).chain(others.filter(|name| *name != SOFTWARE))
    }
}

/// Sealed keys only.
impl From<SignerLimit> for Signers {
    fn from(limit: SignerLimit) -> Self {
        Self::new(limit, BTreeMap::new())
    }
}
