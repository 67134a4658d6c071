//! Evidence becomes an attested workload: `private_key_jwt` (RFC 7523), both sides, and tokens of
//! other issuers ([`federated`]). Pure: the clock and the assertion's id are parameters, keys and
//! replay memory are the caller's.
//!
//! The workload [makes](Assertion::make) an assertion with its private key; the issuer
//! [verifies](verify) it with the public keys that were registered for that workload, and
//! [remembers](ReplayMemory) it until it would be refused anyway.

mod assertion;
mod certificate;
mod client_secret;
mod error;
pub mod federated;
mod join_token;
mod replay;
mod socket_peer;
mod verification;
mod workload_keys;

pub use assertion::Assertion;
pub use certificate::{
    CertificateError, CertificateNames, CertificateRule, CertificateText, TrustBundle,
    TrustBundleText, certificates_from_pem,
};
pub use client_secret::{ClientSecret, SecretHash};
pub use error::AttestError;
pub use join_token::{JoinToken, JoinTokenError};
pub use replay::ReplayMemory;
pub use socket_peer::{SocketPeer, SocketPeerError, SocketPeerRule, SocketPeerText};
pub use verification::{Attested, LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, verify};
pub use workload_keys::WorkloadKeys;

#[cfg(test)]
mod tests;
