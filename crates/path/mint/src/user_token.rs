//! Tokens of people who are signed in, rather than of the workload that serves them.
//!
//! Such a token is handed on in memory and never written to a file, and there is no falling back:
//! where one cannot be made, whoever needs it must see an error and not somebody else's token.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::claims::push_json_text;
use crate::declared::{AttributeRule, DeclaredAttributes};
use crate::form::Form;

/// Whom the tokens of a config speak for. Fixed when the config is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSubject {
    /// The workload that asks.
    #[default]
    Workload,
    /// The person who is signed in to it.
    User,
}

/// What a person's session holds in place of a token config's token.
#[derive(Debug)]
pub enum UserToken {
    /// There is a token.
    Active {
        /// The token.
        token: SecretString,
        /// Its `iat`, seconds since the epoch. Caches must have it in their keys.
        issued_at: i64,
        /// Its `exp`, seconds since the epoch.
        expires_at: i64,
    },
    /// There is none, and what needs it must fail.
    Error {
        /// Why.
        error: String,
    },
}

impl UserToken {
    /// `{"status":"active","token":…,"expiresAt":…,"issuedAt":…}` or
    /// `{"status":"error","error":…}`, times in RFC 3339.
    #[must_use]
    pub fn to_json(&self) -> SecretString {
        let mut json = Vec::new();
        match self {
            Self::Active {
                token,
                issued_at,
                expires_at,
            } => {
                json.extend_from_slice(br#"{"status":"active","token":"#);
                push_json_text(token.expose_secret(), &mut json);
                let mut times = String::new();
                for (name, seconds) in [("expiresAt", expires_at), ("issuedAt", issued_at)] {
                    let time = Timestamp::from_second(*seconds).unwrap_or_default();
                    // Writing into a text cannot fail.
                    let _ = write!(times, r#","{name}":"{time}""#);
                }
                json.extend_from_slice(times.as_bytes());
            }
            Self::Error { error } => {
                json.extend_from_slice(br#"{"status":"error","error":"#);
                push_json_text(error, &mut json);
            }
        }
        json.push(b'}');
        SecretString::from(String::from_utf8(json).unwrap_or_default())
    }
}

/// When a token is to be made again: at half of its life. Seconds since the epoch, as all times
/// here.
#[must_use]
pub fn half_life(issued_at: i64, expires_at: i64) -> i64 {
    issued_at.saturating_add(expires_at.saturating_sub(issued_at).max(0) / 2)
}

/// Whether a token is to be made again now. Also where the clock went back behind its `iat`: a
/// token from the future was made by a clock that is not to be trusted.
#[must_use]
pub fn needs_renewal(issued_at: i64, expires_at: i64, now: i64) -> bool {
    now >= half_life(issued_at, expires_at) || now < issued_at
}

/// What the formats of a person's tokens may name; `user_attribute:<name>` in claims only.
pub(crate) fn subject_attributes() -> DeclaredAttributes {
    DeclaredAttributes::of(
        IDENTIFIERS
            .iter()
            .map(|name| ((*name).to_owned(), person())),
    )
}

/// The same for claims: with the attributes of a person that these `names` name.
pub(crate) fn claim_attributes<'n>(names: impl Iterator<Item = &'n str>) -> DeclaredAttributes {
    let named = names
        .filter(|name| {
            name.strip_prefix("user_attribute:")
                .is_some_and(|n| !n.is_empty())
        })
        .map(|name| (name.to_owned(), person()));
    subject_attributes().and(&DeclaredAttributes::of(named))
}

fn person() -> Arc<AttributeRule> {
    AttributeRule::of_form(Form::Person)
}

/// The placeholders that tell people apart.
pub(crate) const IDENTIFIERS: [&str; 3] = ["user_email", "username", "user_id"];
