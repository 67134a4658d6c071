//! Secrets in memory and at rest: types that cannot be printed, and envelope encryption.
//!
//! In memory, everything secret lives in a [`secrecy`] type: it has no `Display`, its `Debug` says
//! `[REDACTED]`, and its memory is wiped when it is dropped. At rest, everything secret is
//! [sealed](seal) under the installation's [`MasterKey`] together with the identity of the record
//! it belongs to, so that a sealed value cannot be moved to another record unnoticed.

mod envelope;
mod error;
mod key_file;
mod master_key;

pub use envelope::{open, reseal, seal};
pub use error::SealedError;
pub use key_file::{create_key_file, read_key_file, read_or_create_key_file};
pub use master_key::MasterKey;
pub use secrecy::{
    ExposeSecret, ExposeSecretMut, SecretBox, SecretSlice, SecretString, zeroize::Zeroizing,
};

#[cfg(test)]
mod tests;
