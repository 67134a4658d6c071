//! The workload's side.

use rolecall_jose::{SigningKey, sign_compact};
use secrecy::SecretString;
use serde_json::json;

use crate::AttestError;

/// A client assertion (RFC 7523 §2.2) in the making.
pub struct Assertion;

impl Assertion {
    /// Makes an assertion: `iss` and `sub` are the workload's name, `aud` the issuer's URL or its
    /// token endpoint, `iat` is `now` (seconds since the epoch), `exp` two minutes later. `jti` must
    /// be new for each request, for instance a random UUID.
    ///
    /// # Errors
    /// [`AttestError::Signing`] if the crypto library fails.
    pub fn make(
        key: &SigningKey,
        workload: &str,
        audience: &str,
        now: i64,
        jti: &str,
    ) -> Result<SecretString, AttestError> {
        let claims = json!({
            "iss": workload,
            "sub": workload,
            "aud": audience,
            "iat": now,
            "exp": now.saturating_add(LIFETIME_SECONDS),
            "jti": jti,
        });
        sign_compact(key, "JWT", claims.to_string().as_bytes()).map_err(AttestError::Signing)
    }
}

/// Long enough for clocks that differ by a minute, short enough to keep replay memories small.
const LIFETIME_SECONDS: i64 = 120;
