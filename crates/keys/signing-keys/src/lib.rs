//! A tenant's signing keys: generated, sealed, kept parsed, and bounded so that RSA never starves
//! the server.

mod error;
mod key_ring;
mod rsa_bits;
mod sealed_record;
mod signer_limit;

pub use error::SigningKeysError;
pub use key_ring::KeyRing;
pub use rsa_bits::RsaBits;
pub use sealed_record::SealedSigningKey;
pub use signer_limit::SignerLimit;

#[cfg(test)]
mod tests;
