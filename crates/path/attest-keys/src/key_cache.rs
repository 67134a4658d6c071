//! One set of keys for all who trust the same issuer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rolecall_attest::federated::{KeysFrom, TrustedIssuer};

use crate::{AttestKeysError, TrustedKeys};

/// Hands out the keys of trusted issuers, the same ones for the same issuer, for as long as
/// somebody asks. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeyCache(Arc<Mutex<HashMap<String, Vec<Entry>>>>);

#[derive(Debug)]
struct Entry {
    keys_from: KeysFrom,
    authorities: Option<String>,
    keys: TrustedKeys,
}

impl KeyCache {
    /// The keys of `issuer`: those that are known already, where its address is the same too.
    ///
    /// # Errors
    /// [`AttestKeysError::Authorities`].
    pub fn keys_of(&self, issuer: &TrustedIssuer) -> Result<TrustedKeys, AttestKeysError> {
        if matches!(issuer.keys(), KeysFrom::Offline(_)) {
            return TrustedKeys::new(issuer);
        }
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = entries.entry(issuer.url().to_owned()).or_default();
        let known = entries.iter().find(|entry| {
            entry.keys_from == *issuer.keys()
                && entry.authorities.as_deref() == issuer.authorities()
        });
        if let Some(entry) = known {
            return Ok(entry.keys.clone());
        }
        let keys = TrustedKeys::new(issuer)?;
        entries.push(Entry {
            keys_from: issuer.keys().clone(),
            authorities: issuer.authorities().map(str::to_owned),
            keys: keys.clone(),
        });
        Ok(keys)
    }

    /// Forgets what nobody uses any more.
    pub fn tidy(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, entries| {
                entries.retain(|entry| entry.keys.is_shared());
                !entries.is_empty()
            });
    }
}
