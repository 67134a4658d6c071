//! JWS and JWK (RFC 7515, 7517, 7518, 7519, 7638) as a thin layer on aws-lc-rs. Pure: no I/O, no
//! clock.
//!
//! Only what federation with AWS uses: compact serialisation, RSASSA-PKCS1-v1_5 and ECDSA. A token
//! is verified only with a key that the caller chose; keys and addresses that the token carries in
//! its own header (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.

mod algorithm;
mod compact;
mod der;
mod ecdsa;
mod encoding;
mod error;
mod jwk;
mod jwk_set;
mod pem;
mod signing_key;
mod verifying_key;

pub use algorithm::Algorithm;
pub use compact::{Compact, Header, MAX_TOKEN_LENGTH, Unsigned, sign_compact};
pub use ecdsa::{es256_from_der, es256_to_der};
pub use error::{JoseError, Part};
pub use jwk::Jwk;
pub use jwk_set::JwkSet;
pub use signing_key::{KeyKind, SigningKey};
pub use verifying_key::VerifyingKey;
