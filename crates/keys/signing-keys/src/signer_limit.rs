//! How many RSA signatures are made at once.

use std::num::NonZero;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::SigningKeysError;

/// A bound on concurrent RSA signatures, shared by all tenants: clone it into every ring.
///
/// A signature takes a millisecond of a whole core. With one permit a core, more requests wait in
/// order instead of filling the machine with signing threads, and discovery, health checks and
/// ES256 go on between them.
#[derive(Clone, Debug)]
pub struct SignerLimit(Arc<Semaphore>);

impl SignerLimit {
    /// One signature a core at once.
    #[must_use]
    pub fn per_core() -> Self {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// This many at once.
    #[must_use]
    pub fn new(at_once: NonZero<usize>) -> Self {
        Self(Arc::new(Semaphore::new(
            at_once.get().min(Semaphore::MAX_PERMITS),
        )))
    }

    /// How many more could begin now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }

    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit, SigningKeysError> {
        Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(|_| SigningKeysError::Stopped)
    }
}
