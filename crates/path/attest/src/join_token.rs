//! Join tokens: what an operator gives a new machine once, so that it can register a key of its own.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// A join token as it is kept: who it is for and until when, and a digest by which it is known again.
///
/// The digest is SHA-256 and needs no salt: the token has 256 random bits, so there is nothing to
/// guess.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinToken {
    /// [`JoinToken::digest`] of the token.
    pub digest: String,
    /// The tenant.
    pub tenant: String,
    /// The workload whose key it may register.
    pub workload: String,
    /// When it ends, in seconds since the epoch.
    pub expires: i64,
}

/// Why a join token was not made or not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinTokenError {
    /// A lifetime out of bounds. The operator's.
    #[error("a join token lives 1 minute to 7 days, not {seconds} s")]
    Lifetime {
        /// What was asked for.
        seconds: i64,
    },
    /// Never made, used already, or another tenant's: nobody learns which.
    #[error("the join token is unknown or was used before; ask for a new one")]
    Unknown,
    /// Past its end.
    #[error("the join token ended {seconds} s ago; ask for a new one")]
    Expired {
        /// Seconds since its end.
        seconds: i64,
    },
}

impl JoinToken {
    /// Makes a token for one key of one workload, and what is kept of it. The token itself is shown
    /// once: `rcj_` and 43 characters.
    ///
    /// # Errors
    /// [`JoinTokenError::Lifetime`].
    pub fn make(
        random: &[u8; 32],
        tenant: &str,
        workload: &str,
        lifetime_seconds: i64,
        now: i64,
    ) -> Result<(SecretString, Self), JoinTokenError> {
        if !(60..=7 * 86_400).contains(&lifetime_seconds) {
            return Err(JoinTokenError::Lifetime {
                seconds: lifetime_seconds,
            });
        }
        let mut text = String::with_capacity(PREFIX.len() + 43);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        let token = SecretString::from(text);
        let kept = Self {
            digest: Self::digest(&token),
            tenant: tenant.to_owned(),
            workload: workload.to_owned(),
            expires: now.saturating_add(lifetime_seconds),
        };
        Ok((token, kept))
    }

    /// By what a token is found among those that are kept.
    #[must_use]
    pub fn digest(token: &SecretString) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"rolecall join token\0");
        context.update(token.expose_secret().as_bytes());
        URL_SAFE_NO_PAD.encode(context.finish())
    }

    /// Whether the token with this digest may be used at `tenant` at `now`, in seconds since the
    /// epoch. Whoever keeps tokens takes this one away in the same step.
    ///
    /// # Errors
    /// `Unknown`, `Expired`.
    pub fn admits(&self, digest: &str, tenant: &str, now: i64) -> Result<(), JoinTokenError> {
        if self.digest != digest || self.tenant != tenant {
            return Err(JoinTokenError::Unknown);
        }
        if now >= self.expires {
            return Err(JoinTokenError::Expired {
                seconds: now.saturating_sub(self.expires),
            });
        }
        Ok(())
    }
}

/// By which people and scanners know what they have found.
const PREFIX: &str = "rcj_";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn a_token_is_for_one_tenant_and_a_while() {
        let (token, kept) = JoinToken::make(&[1; 32], "acme", "cube", 600, NOW).unwrap();
        assert!(token.expose_secret().starts_with("rcj_AQEB"));
        assert!(
            !serde_json::to_string(&kept)
                .unwrap()
                .contains(token.expose_secret())
        );
        let digest = JoinToken::digest(&token);
        assert_eq!(kept.admits(&digest, "acme", NOW + 599), Ok(()));
        let refused =
            |digest: &str, tenant, now| kept.admits(digest, tenant, now).unwrap_err().to_string();
        insta::assert_snapshot!(refused(&digest, "other", NOW), @"the join token is unknown or was used before; ask for a new one");
        insta::assert_snapshot!(refused("x", "acme", NOW), @"the join token is unknown or was used before; ask for a new one");
        insta::assert_snapshot!(refused(&digest, "acme", NOW + 660), @"the join token ended 60 s ago; ask for a new one");
        insta::assert_snapshot!(JoinToken::make(&[1; 32], "acme", "cube", 30, NOW).unwrap_err(), @"a join token lives 1 minute to 7 days, not 30 s");
    }
}
