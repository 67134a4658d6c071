//! An issuer as AWS sees it from outside: what was seen goes in, findings come out.
//!
//! Nothing here looks at anything itself; [`Sighting`] holds what somebody fetched, so that every
//! judgement can be repeated. `rolecall issuer check` fetches and prints.

mod address;
mod answer;
mod certificate;
mod discovery;
mod finding;
mod keys;
mod publication;
mod report;
mod sighting;

pub use discovery::jwks_uri;
pub use finding::{Finding, Step, Verdict};
pub use publication::{Publication, PublishedFile, PublishingError, Shelf};
pub use report::{json, text};
pub use sighting::{Answer, Fetch, Handshake, Sighting};

/// Judges an issuer step by step, in the order in which AWS would stumble. `now` is in seconds
/// since the epoch.
#[must_use]
pub fn judge(sighting: &Sighting, now: i64) -> Vec<Finding> {
    let mut findings = address::judge(&sighting.issuer);
    if let Some(discovery) = &sighting.discovery {
        findings.extend(answer::judge(discovery, now, "the discovery document"));
        if let Some(document) = answer::body(discovery) {
            findings.extend(discovery::judge(&sighting.issuer, document));
        }
    }
    if let Some(jwks) = &sighting.jwks {
        findings.extend(answer::judge(jwks, now, "the JWKS"));
        if let Some(document) = answer::body(jwks) {
            findings.extend(keys::judge(document));
        }
    }
    findings
}

/// Whether AWS would take the issuer: no finding is a failure.
#[must_use]
pub fn passes(findings: &[Finding]) -> bool {
    findings
        .iter()
        .all(|finding| finding.verdict != Verdict::Failure)
}

#[cfg(test)]
mod tests;
