use serde::{Deserialize, Serialize};

use crate::{AccessError, Role};

/// Somebody with access, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessText {
    /// Unique in its tenant, or in the installation.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// How it proves itself.
    pub proof: Proof,
}

/// How somebody proves itself. Nothing here lets anybody in: a digest of 256 random bits, a slow
/// hash of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// A token, by its digest.
    Token {
        /// [`AccessToken::digest`](crate::AccessToken::digest).
        digest: String,
        /// When it ends, in seconds since the epoch; none for never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ends: Option<i64>,
    },
    /// A password, with which a session is opened.
    Password {
        /// Its hash: argon2id in PHC form.
        hash: String,
    },
}

/// Whether `name` can be the name of somebody with access.
///
/// # Errors
/// [`AccessError::Name`].
pub fn check_name(name: &str) -> Result<(), AccessError> {
    let fits = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._@-".contains(c));
    if fits {
        Ok(())
    } else {
        Err(AccessError::Name {
            name: name.chars().take(80).collect(),
        })
    }
}
