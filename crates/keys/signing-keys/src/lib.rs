//! A tenant's signing keys: generated, sealed, kept parsed, and bounded so that RSA never starves
//! the server.

mod error;
mod journal;
mod key_ring;
pub mod rotation;
mod rsa_bits;
mod sealed_record;
mod signer_limit;
mod slots;

pub use error::SigningKeysError;
pub use journal::{JournalEntry, Reason, SCHEDULE};
pub use key_ring::KeyRing;
pub use rsa_bits::RsaBits;
pub use sealed_record::SealedSigningKey;
pub use signer_limit::SignerLimit;
pub use slots::{KeyRecord, Order, Slot, Slots};

/// The name of the backend that seals keys and keeps them beside the rest of the state.
pub const SOFTWARE: &str = "software";

#[cfg(test)]
mod tests;
