//! Secrets that a workload and its operator share, for programs that can prove themselves in no
//! better way.
//!
//! The issuer keeps an argon2id hash only (RFC 9106), so whoever reads the configuration or the
//! state learns nothing to sign in with.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, Params};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::AttestError;

/// A client secret (RFC 6749 §2.3.1) in the making.
pub struct ClientSecret;

impl ClientSecret {
    /// Makes a secret of 256 random bits: `rcs_` and 43 characters that need no escaping anywhere.
    #[must_use]
    pub fn make(random: &[u8; 32]) -> SecretString {
        let mut text = String::with_capacity(PREFIX.len() + 43);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        SecretString::from(text)
    }
}

/// The hash of a client secret: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash(String);

impl SecretHash {
    /// Hashes a secret with a salt of its own; takes some tens of milliseconds and 19 MiB.
    ///
    /// # Errors
    /// [`AttestError::SecretHash`] if the hash cannot be made.
    pub fn of(secret: &SecretString, salt: &[u8; 16]) -> Result<Self, AttestError> {
        Argon2::default()
            .hash_password_with_salt(secret.expose_secret().as_bytes(), salt)
            .map(|hash: PasswordHash| Self(hash.to_string()))
            .map_err(|error| AttestError::SecretHash {
                why: error.to_string(),
            })
    }

    /// Takes a hash as it is written. Its costs are bounded, so that a slip does not stop the
    /// server: 8 to 256 MiB of memory, up to 10 passes.
    ///
    /// # Errors
    /// [`AttestError::SecretHash`].
    pub fn parse(text: &str) -> Result<Self, AttestError> {
        let refused = |why: &str| AttestError::SecretHash {
            why: why.to_owned(),
        };
        let parsed = PasswordHash::new(text)
            .map_err(|_| refused("it is not of the form `$argon2id$v=19$m=…,t=…,p=…$salt$hash`"))?;
        if parsed.algorithm.as_str() != "argon2id" {
            return Err(refused("only argon2id is taken"));
        }
        if parsed.salt.is_none() || parsed.hash.is_none_or(|hash| hash.as_bytes().len() < 16) {
            return Err(refused("its salt or its hash is missing or too short"));
        }
        let costs = Params::try_from(&parsed).map_err(|_| refused("its costs cannot be read"))?;
        let bounded = (8 * 1024..=256 * 1024).contains(&costs.m_cost())
            && costs.t_cost() <= 10
            && costs.p_cost() <= 8;
        if !bounded {
            return Err(refused(
                "its costs are out of bounds: 8 to 256 MiB, up to 10 passes, up to 8 lanes",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether this is the hash of `secret`; as slow as [`SecretHash::of`], and as slow for a wrong
    /// secret as for the right one.
    #[must_use]
    pub fn verifies(&self, secret: &SecretString) -> bool {
        PasswordHash::new(&self.0).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(secret.expose_secret().as_bytes(), &hash)
                .is_ok()
        })
    }

    /// The hash as it is written down.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash")
    }
}

/// By which people and scanners know what they have found.
const PREFIX: &str = "rcs_";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_secret_is_verified_by_its_hash_and_by_no_other() {
        let secret = ClientSecret::make(&[7; 32]);
        assert!(secret.expose_secret().starts_with("rcs_BwcHB"));
        assert_eq!(secret.expose_secret().len(), 47);
        let hash = SecretHash::of(&secret, &[1; 16]).unwrap();
        let read = SecretHash::parse(hash.as_str()).unwrap();
        assert!(read.verifies(&secret));
        assert!(!read.verifies(&ClientSecret::make(&[8; 32])));
        assert!(!read.verifies(&SecretString::from("")));
        assert_ne!(hash, SecretHash::of(&secret, &[2; 16]).unwrap());
        assert_eq!(format!("{read:?}"), "SecretHash");
    }

    #[test]
    fn hashes_that_cannot_be_used_are_refused() {
        let refused = |text: &str| SecretHash::parse(text).unwrap_err().to_string();
        let of = |start: &str| {
            format!("{start}$AQEBAQEBAQEBAQEBAQEBAQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        };
        insta::assert_snapshot!(refused("secret"), @"the hash of the client secret cannot be used: it is not of the form `$argon2id$v=19$m=…,t=…,p=…$salt$hash`");
        insta::assert_snapshot!(refused(&of("$argon2i$v=19$m=19456,t=2,p=1")), @"the hash of the client secret cannot be used: only argon2id is taken");
        insta::assert_snapshot!(refused("$argon2id$v=19$m=19456,t=2,p=1"), @"the hash of the client secret cannot be used: its salt or its hash is missing or too short");
        for costs in [
            "m=4194304,t=2,p=1",
            "m=64,t=2,p=1",
            "m=19456,t=1000,p=1",
            "m=19456,t=2,p=64",
        ] {
            assert!(
                refused(&of(&format!("$argon2id$v=19${costs}"))).contains("out of bounds"),
                "{costs}"
            );
        }
        assert!(SecretHash::parse(&of("$argon2id$v=19$m=65536,t=3,p=4")).is_ok());
    }
}
