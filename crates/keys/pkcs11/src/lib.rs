//! Signing keys that a PKCS#11 token (OASIS PKCS#11 2.40 and later) makes, holds and signs with. The
//! private key never leaves the token.

mod backend;
mod point;
mod token;

pub use backend::{Pkcs11Backend, Pkcs11Settings};
pub use token::Module;
