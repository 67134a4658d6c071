//! Signing keys that AWS KMS makes, holds and signs with. The private key never leaves KMS.
//!
//! Four operations of KMS's JSON protocol are all that is needed, so they are asked for directly,
//! signed as the SDK signs; credentials come from the SDK's own chain.

mod backend;
mod calling;
mod messages;

pub use backend::{KmsBackend, KmsSettings};

#[cfg(test)]
mod tests;
