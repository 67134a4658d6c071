//! Why an exchange failed: from any part of the evidence to ranked causes, each with its proof and,
//! where the policy is to change, with a patch that was decided before it is offered.
//!
//! The way: [`Evidence`] reads what was given; what the error proves is looked up; the policy is
//! asked the token's question; what remains is ranked by how much speaks for it.

mod blocks;
mod catalogue;
mod cause;
mod choice;
mod element;
mod errors;
mod event;
mod evidence;
mod finding;
mod judge;
mod order;
mod paste;
mod patch;
mod place;
mod provider;
mod question;
mod rank;
mod redacted;
mod routed;
mod scrub;
mod seen;
mod subject;
mod surroundings;
mod symbols;
mod token;
mod unproven;
mod usual;
mod without_token;

pub use catalogue::{CauseId, catalogue};
pub use errors::{ErrorRow, error_rows};
pub use event::SeenEvent;
pub use evidence::{Evidence, SeenPolicy};
pub use finding::{Alignment, Confidence, Finding, Patch, Site};
pub use provider::SeenProvider;
pub use seen::SeenError;
pub use surroundings::Surroundings;
pub use token::SeenClaims;

use serde::Serialize;

use crate::compiled::Decision;

/// What can be said about a failed exchange. Serialises to JSON with members in camel case.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// What was recognised in what was given, a line each.
    pub read: Vec<String>,
    /// The errors, each with what it proves.
    pub errors: Vec<SeenError>,
    /// What the token presented.
    pub presented: Option<Presented>,
    /// What the policy says to the token, where both are known.
    pub decision: Option<Decision>,
    /// What is right in the policy and is to stay as it is, a line each.
    pub kept: Vec<String>,
    /// The causes, the surest first.
    pub findings: Vec<Finding>,
    /// What had to be taken for granted, a line each.
    pub assumptions: Vec<String>,
    /// What to supply next, a line each.
    pub supply: Vec<String>,
}

/// The claims that matter, as a token or an event has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Presented {
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`; several joined by a comma.
    pub audience: Option<String>,
    /// `azp`, which counts in the place of `aud`.
    pub authorized_party: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// Where they were read.
    pub origin: String,
}

impl Presented {
    fn new(claims: &SeenClaims) -> Self {
        Self {
            issuer: claims.text("iss"),
            audience: claims.text("aud"),
            authorized_party: claims.text("azp"),
            subject: claims.text("sub"),
            origin: claims.origin.clone(),
        }
    }
}

/// Diagnoses. `now` is seconds since the epoch; without it, expiry is not judged.
pub fn diagnose(evidence: &Evidence, now: Option<i64>) -> Diagnosis {
    let mut diagnosis = rank::ranked(evidence, now);
    scrub::scrub(&mut diagnosis);
    diagnosis
}

#[cfg(test)]
mod tests;
