//! The published keys of trusted issuers, fetched over HTTPS and kept: what
//! [`rolecall_attest::federated`] judges with.
//!
//! An issuer that many tenants trust is fetched once for all of them. Keys are fetched again when
//! they are some minutes old and when a token names one that is not known, never more than once in
//! ten seconds and never twice at the same time. While the issuer cannot be reached, the keys that
//! are known serve on, for a day at most. No address is ever taken from a token.

mod error;
mod fetching;
mod key_cache;
mod trusted_keys;

pub use error::AttestKeysError;
pub use key_cache::KeyCache;
pub use trusted_keys::TrustedKeys;
