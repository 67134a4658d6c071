//! A token that somebody presents as evidence, and what a trusted issuer says by it.

use rolecall_jose::{Algorithm, Compact};
use serde_json::{Map, Value};

use crate::error::shown;
use crate::federated::{EvidenceError, IssuerKeys, Preset, TrustedIssuer};

/// A token taken apart. Nothing in it may be believed before it is [judged](Self::judge).
#[derive(Debug)]
pub struct Presented<'t> {
    token: Compact<'t>,
    signed_text: &'t str,
    claims: Map<String, Value>,
    issuer: String,
    algorithm: Algorithm,
}

/// What a trusted issuer says about whoever presents its token.
///
/// `Debug` shows neither claims nor digest: claims may be personal.
#[derive(Clone, PartialEq)]
pub struct Evidence {
    issuer: String,
    preset: Preset,
    pub(super) claims: Map<String, Value>,
    used_once: Option<UsedOnce>,
}

/// By what a token is known again that may be used once only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedOnce {
    /// Unique among the tokens of its issuer: the `jti`, or the digest of what was signed.
    pub id: String,
    /// Until when it must be remembered, in seconds since the epoch; from then on it is refused as
    /// expired or stale.
    pub until: i64,
}

impl<'t> Presented<'t> {
    /// Takes a token apart: its length first, then its header, then its claims.
    ///
    /// # Errors
    /// `TooLarge`, `Jose` for what is no signed JWT, asks for extensions or is signed with a shared
    /// secret or not at all, `OwnKey`, `Type`, `ClaimMissing` or `Claim` for `iss`.
    pub fn read(token: &'t str) -> Result<Self, EvidenceError> {
        if token.len() > LONGEST_EVIDENCE {
            return Err(EvidenceError::TooLarge {
                length: token.len(),
                limit: LONGEST_EVIDENCE,
            });
        }
        let parsed = Compact::parse(token).map_err(EvidenceError::Jose)?;
        let algorithm = parsed.header().algorithm().map_err(EvidenceError::Jose)?;
        refuse_own_keys(parsed.header_json())?;
        if let Some(typ) = parsed.header().typ() {
            let plain = typ.rsplit('/').next().unwrap_or_default();
            if !TYPES.iter().any(|known| plain.eq_ignore_ascii_case(known)) {
                return Err(EvidenceError::Type { typ: shown(typ) });
            }
        }
        let claims = parsed.claims().map_err(EvidenceError::Jose)?;
        let issuer = text(&claims, "iss")?.to_owned();
        let signed = token.rfind('.').unwrap_or(token.len());
        Ok(Self {
            signed_text: &token[..signed],
            token: parsed,
            claims,
            issuer,
            algorithm,
        })
    }

    /// Whom it claims to come from.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The name of the key that it claims to be signed with.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.token.header().kid()
    }

    /// Judges it as a token of `issuer`, whose published keys are `keys`, at the time `now` in
    /// seconds since the epoch. The signature is checked before any claim but `iss`. That a token
    /// is used again is not noticed here: see [`Evidence::used_once`].
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn judge(
        self,
        issuer: &TrustedIssuer,
        keys: &IssuerKeys,
        now: i64,
    ) -> Result<Evidence, EvidenceError> {
        if self.issuer != issuer.url {
            return Err(EvidenceError::UnknownIssuer {
                issuer: shown(&self.issuer),
            });
        }
        if !issuer.algorithms.contains(&self.algorithm) {
            let allowed: Vec<&str> = issuer.algorithms.iter().map(|one| one.as_str()).collect();
            return Err(EvidenceError::Algorithm {
                found: self.algorithm.to_string(),
                allowed: allowed.join(" or "),
            });
        }
        let key = keys.for_header(self.token.header(), self.algorithm)?;
        self.token.verify(key).map_err(EvidenceError::Jose)?;

        check_audience(&self.claims, &issuer.audiences)?;
        let ends = check_times(&self.claims, issuer, now)?;
        let used_once = self.used_once(issuer, ends)?;
        Ok(Evidence {
            issuer: issuer.name.clone(),
            preset: issuer.preset,
            claims: self.claims,
            used_once,
        })
    }

    fn used_once(
        &self,
        issuer: &TrustedIssuer,
        ends: i64,
    ) -> Result<Option<UsedOnce>, EvidenceError> {
        let jti = match self.claims.get("jti") {
            None if issuer.jti_required => {
                return Err(EvidenceError::ClaimMissing {
                    claim: "jti".to_owned(),
                });
            }
            None => None,
            Some(_) => Some(text(&self.claims, "jti")?),
        };
        if !issuer.one_use {
            return Ok(None);
        }
        let id = match jti {
            Some(jti) => format!("jti {jti}"),
            // Of what was signed, not of the token: an ECDSA signature has a twin that is as valid.
            None => format!("sha256 {}", digest(self.signed_text)),
        };
        Ok(Some(UsedOnce {
            id,
            until: ends.saturating_add(issuer.leeway),
        }))
    }
}

impl Evidence {
    /// The name of the trusted issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What kind of issuer that is.
    #[must_use]
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// The claims, all of which the issuer signed.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// By what the token is known again, where it may be used once only. The caller remembers it
    /// before the evidence is used.
    #[must_use]
    pub fn used_once(&self) -> Option<&UsedOnce> {
        self.used_once.as_ref()
    }
}

impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// A key or an address of one in the header is an attempt, or at best a misunderstanding.
fn refuse_own_keys(header: &[u8]) -> Result<(), EvidenceError> {
    let members: Map<String, Value> = serde_json::from_slice(header).unwrap_or_default();
    match OWN_KEYS
        .iter()
        .find(|member| members.contains_key(**member))
    {
        Some(member) => Err(EvidenceError::OwnKey { member }),
        None => Ok(()),
    }
}

fn check_audience(claims: &Map<String, Value>, accepted: &[String]) -> Result<(), EvidenceError> {
    let known = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| accepted.iter().any(|one| one == text))
    };
    let fits = match claims.get("aud") {
        None => {
            return Err(EvidenceError::ClaimMissing {
                claim: "aud".to_owned(),
            });
        }
        Some(Value::Array(several)) => several.iter().any(known),
        Some(one) => known(one),
    };
    fits.then_some(()).ok_or_else(|| {
        let quoted: Vec<String> = accepted.iter().map(|text| format!("`{text}`")).collect();
        EvidenceError::Audience {
            accepted: quoted.join(" or "),
        }
    })
}

/// Until when the token could be used again: it is refused as expired or as stale from then on.
fn check_times(
    claims: &Map<String, Value>,
    issuer: &TrustedIssuer,
    now: i64,
) -> Result<i64, EvidenceError> {
    let required = |claim: &'static str| {
        time(claims, claim)?.ok_or_else(|| EvidenceError::ClaimMissing {
            claim: claim.to_owned(),
        })
    };
    let expires = required("exp")?;
    let over = now.saturating_sub(expires);
    if over >= issuer.leeway {
        return Err(EvidenceError::Expired { seconds: over });
    }
    let made = required("iat")?;
    for (claim, time) in [("iat", Some(made)), ("nbf", time(claims, "nbf")?)] {
        let seconds = time.unwrap_or(now).saturating_sub(now);
        if seconds > issuer.leeway {
            return Err(EvidenceError::NotYet { claim, seconds });
        }
    }
    let age = now.saturating_sub(made);
    if age >= issuer.maximum_age.saturating_add(issuer.leeway) {
        return Err(EvidenceError::Stale {
            seconds: age,
            limit: issuer.maximum_age,
        });
    }
    Ok(expires.min(made.saturating_add(issuer.maximum_age)))
}

fn text<'c>(claims: &'c Map<String, Value>, claim: &str) -> Result<&'c str, EvidenceError> {
    let value = claims
        .get(claim)
        .ok_or_else(|| EvidenceError::ClaimMissing {
            claim: claim.to_owned(),
        })?;
    value
        .as_str()
        .filter(|text| !text.is_empty() && text.chars().nth(LONGEST_TEXT).is_none())
        .ok_or_else(|| EvidenceError::Claim {
            claim: claim.to_owned(),
            expected: "a text of 1 to 512 characters",
        })
}

/// A NumericDate (RFC 7519 §2), fractions cut off.
fn time(claims: &Map<String, Value>, claim: &str) -> Result<Option<i64>, EvidenceError> {
    claims
        .get(claim)
        .map(|value| {
            crate::verification::seconds(value).ok_or_else(|| EvidenceError::Claim {
                claim: claim.to_owned(),
                expected: "a number of seconds since 1970",
            })
        })
        .transpose()
}

/// SHA-256 in hexadecimal.
fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The longest token that is looked at, in bytes. AWS's own stay below it with 14,984 bytes of
/// claims, in base64 about 20,000.
pub const LONGEST_EVIDENCE: usize = 24 * 1024;

const LONGEST_TEXT: usize = 512;

/// Types of tokens that say who somebody is: JWT (RFC 7519 §5.1) and access tokens (RFC 9068 §2.1).
/// Logout tokens, security events and the like are made by the same issuers.
const TYPES: [&str; 2] = ["JWT", "at+jwt"];

const OWN_KEYS: [&str; 5] = ["jwk", "jku", "x5u", "x5c", "jwks"];
