//! A tenant's signing keys: slots and their rotation, generated, sealed, kept parsed, and bounded so
//! that RSA never starves the server.
//!
//! [`rotation`] decides what is due; [`Slots`] carry it out and tell the journal; [`Signers`] make
//! keys in the backends; [`KeyRing`] publishes and signs.

mod backend;
mod certificate;
mod document;
mod error;
mod journal;
mod key;
mod key_ring;
mod made_key;
pub mod rotation;
mod rsa_bits;
mod sealed_record;
mod signer_limit;
mod slots;
mod turn;

pub use backend::{Backend, BackendError, HeldKey, Pending, Signers, WantedKey};
pub use error::SigningKeysError;
pub use journal::{JournalEntry, Reason, SCHEDULE};
pub use key_ring::{JwkMembers, JwksForm, KeyRing};
pub use made_key::MadeKey;
pub use rsa_bits::RsaBits;
pub use sealed_record::{SealedSigningKey, reseal_keys};
pub use signer_limit::SignerLimit;
pub use slots::{KeyRecord, Order, Slot, Slots};
pub use turn::Turn;

/// The name of the backend that seals keys and keeps them beside the rest of the state.
pub const SOFTWARE: &str = "software";

#[cfg(test)]
mod tests;
