//! The issuer's side.

use rolecall_jose::Compact;
use serde_json::{Map, Value};

use crate::error::shown;
use crate::{AttestError, WorkloadKeys};

/// A workload that proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attested {
    /// Its name.
    pub workload: String,
    /// The id of the assertion, 1 to 256 characters.
    pub jti: String,
    /// When the assertion ends, in seconds since the epoch.
    pub exp: i64,
}

impl Attested {
    /// Until when the assertion must be remembered, in seconds since the epoch: from then on it is
    /// refused as expired.
    #[must_use]
    pub fn remember_until(&self) -> i64 {
        self.exp.saturating_add(LEEWAY_SECONDS)
    }
}

/// Verifies a client assertion (RFC 7523 §3) at the time `now`, in seconds since the epoch.
///
/// `keys_of` finds the keys of the workload that the assertion names; `accepted` are the audiences
/// by which this issuer is known, usually its URL and its token endpoint. The signature is checked
/// before any claim but the name. Replays are not noticed here but by a
/// [`ReplayMemory`](crate::ReplayMemory), which must see each [`Attested`] before it is used.
///
/// # Errors
/// See [`AttestError`]; the first thing that is wrong.
pub fn verify<'k>(
    assertion: &str,
    keys_of: impl FnOnce(&str) -> Option<&'k WorkloadKeys>,
    accepted: &[&str],
    now: i64,
) -> Result<Attested, AttestError> {
    let token = Compact::parse(assertion).map_err(AttestError::Jose)?;
    let claims = token.claims().map_err(AttestError::Jose)?;
    let workload = text(&claims, "iss")?;
    if text(&claims, "sub")? != workload {
        return Err(AttestError::TwoNames);
    }
    let keys = keys_of(workload).ok_or_else(|| AttestError::UnknownWorkload {
        workload: shown(workload),
    })?;
    token
        .verify(keys.for_header(token.header())?)
        .map_err(AttestError::Jose)?;

    check_audience(&claims, accepted)?;
    let exp = check_times(&claims, now)?;
    Ok(Attested {
        workload: workload.to_owned(),
        jti: text(&claims, "jti")?.to_owned(),
        exp,
    })
}

fn check_audience(claims: &Map<String, Value>, accepted: &[&str]) -> Result<(), AttestError> {
    let known = |value: &Value| value.as_str().is_some_and(|text| accepted.contains(&text));
    let fits = match claims.get("aud") {
        None => return Err(AttestError::ClaimMissing { claim: "aud" }),
        Some(Value::Array(several)) => several.iter().any(known),
        Some(one) => known(one),
    };
    fits.then_some(()).ok_or_else(|| {
        let quoted: Vec<String> = accepted.iter().map(|text| format!("`{text}`")).collect();
        AttestError::Audience {
            accepted: quoted.join(" or "),
        }
    })
}

fn check_times(claims: &Map<String, Value>, now: i64) -> Result<i64, AttestError> {
    let exp = time(claims, "exp")?.ok_or(AttestError::ClaimMissing { claim: "exp" })?;
    let left = exp.saturating_sub(now);
    if left.saturating_add(LEEWAY_SECONDS) <= 0 {
        return Err(AttestError::Expired {
            seconds: left.saturating_neg(),
        });
    }
    if left > MAX_LIFETIME_SECONDS + LEEWAY_SECONDS {
        return Err(AttestError::TooLong {
            seconds: left,
            limit: MAX_LIFETIME_SECONDS,
        });
    }
    for claim in ["iat", "nbf"] {
        let seconds = time(claims, claim)?.unwrap_or(now).saturating_sub(now);
        if seconds > LEEWAY_SECONDS {
            return Err(AttestError::NotYet { claim, seconds });
        }
    }
    Ok(exp)
}

fn text<'c>(claims: &'c Map<String, Value>, claim: &'static str) -> Result<&'c str, AttestError> {
    let value = claims
        .get(claim)
        .ok_or(AttestError::ClaimMissing { claim })?;
    value
        .as_str()
        .filter(|text| !text.is_empty() && text.chars().nth(LONGEST_TEXT).is_none())
        .ok_or(AttestError::Claim {
            claim,
            expected: "a text of 1 to 256 characters",
        })
}

/// A NumericDate (RFC 7519 §2), fractions cut off.
fn time(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<i64>, AttestError> {
    let Some(value) = claims.get(claim) else {
        return Ok(None);
    };
    seconds(value).map(Some).ok_or(AttestError::Claim {
        claim,
        expected: "a number of seconds since 1970",
    })
}

/// A NumericDate's whole seconds.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        value
            .as_f64()
            .filter(|seconds| seconds.abs() < LATEST)
            .map(|seconds| seconds.floor() as i64)
    })
}

/// The longest that an assertion may still be valid, in seconds.
pub const MAX_LIFETIME_SECONDS: i64 = 600;

/// By how much the clocks of workload and issuer may differ, in seconds.
pub const LEEWAY_SECONDS: i64 = 60;

const LONGEST_TEXT: usize = 256;
const LATEST: f64 = 1e15;
