//! Why keys could not be made, loaded or used.

use rolecall_jose::{Algorithm, JoseError};
use rolecall_sealed::SealedError;

use crate::BackendError;
use crate::rotation::RotationError;

/// Why keys could not be made, loaded or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeysError {
    /// The operator asks for an RSA size that is not offered.
    #[error("RSA keys of {given} bits are not possible; 2048, 3072 and 4096 are")]
    RsaBits {
        /// Bits asked for.
        given: u32,
    },
    /// A sealed key does not open: wrong master key, or an altered state.
    #[error("the signing key `{kid}` of tenant `{tenant}` cannot be opened: {source}")]
    Sealed {
        /// The tenant.
        tenant: String,
        /// The key.
        kid: String,
        /// Why.
        source: SealedError,
    },
    /// What was sealed is not the key that the record says.
    #[error("the signing key `{kid}` of tenant `{tenant}` is not what its record says")]
    Record {
        /// The tenant.
        tenant: String,
        /// The key that the record names.
        kid: String,
    },
    /// The tenant has no key for an algorithm.
    #[error("tenant `{tenant}` has no {algorithm} signing key")]
    Missing {
        /// The tenant.
        tenant: String,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A backend could not do what it was asked.
    #[error("the key backend `{backend}` failed: {source}")]
    Backend {
        /// Its name in the configuration.
        backend: String,
        /// Why.
        source: BackendError,
    },
    /// A key is held by, or is to be made in, a backend that the configuration does not name.
    #[error(
        "tenant `{tenant}` has keys in the backend `{backend}`, which is not configured; there is {known}"
    )]
    UnknownBackend {
        /// The tenant.
        tenant: String,
        /// The backend's name.
        backend: String,
        /// The backends that there are.
        known: String,
    },
    /// The ring has no keys of this algorithm: only RS256 and ES256 are signed with.
    #[error("tokens are signed with RS256 or ES256, not with {algorithm}")]
    Algorithm {
        /// The algorithm asked for.
        algorithm: Algorithm,
    },
    /// The rotation was refused.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// The crypto library failed.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// The runtime is shutting down, or the signing thread died.
    #[error("the signing thread ended before it answered; the server is shutting down")]
    Stopped,
}

impl SigningKeysError {
    /// Whether the same may succeed a moment later without anybody's doing.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Backend { source, .. } => matches!(source, BackendError::Unavailable { .. }),
            // Its key was revoked, and the successor is being made.
            Self::Missing { .. } | Self::Stopped => true,
            _ => false,
        }
    }
}
