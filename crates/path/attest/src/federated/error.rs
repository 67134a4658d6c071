//! Why a token of another issuer was not accepted as evidence.

use rolecall_jose::JoseError;

/// Why evidence was not accepted, or why a declaration about it was not.
///
/// At the token endpoint every variant is `invalid_request` (RFC 8693 §2.2.2), except
/// [`Declared`](Self::Declared), which is the operator's configuration. Messages name claims and
/// what was found in them; what a workload expects is not told to strangers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A trusted issuer or a rule that cannot be. The operator's.
    #[error("{why}")]
    Declared {
        /// Where in the declaration, such as `where.repository`; empty for all of it.
        field: String,
        /// Which rule is broken, and what to write.
        why: String,
    },

    /// Too long to be looked at.
    #[error("the evidence has {length} bytes; at most {limit} are looked at")]
    TooLarge {
        /// Its length.
        length: usize,
        /// The bound.
        limit: usize,
    },
    /// Not a signed JWT, or not signed by the issuer.
    #[error("the evidence was not accepted: {0}")]
    Jose(JoseError),
    /// The header brings a key, or an address of one.
    #[error(
        "the evidence brings its own key (`{member}` in its header); only keys that the issuer publishes count"
    )]
    OwnKey {
        /// The header's member.
        member: &'static str,
    },
    /// A token made for something else (RFC 8725 §3.11).
    #[error("the evidence is a token of type `{typ}`, which proves nothing about a workload")]
    Type {
        /// The header's `typ`.
        typ: String,
    },
    /// A claim that every token needs is absent.
    #[error("the evidence has no `{claim}`")]
    ClaimMissing {
        /// The claim.
        claim: String,
    },
    /// A claim has another JSON type, or is empty or too long.
    #[error("the `{claim}` of the evidence must be {expected}")]
    Claim {
        /// The claim.
        claim: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The tenant does not trust the issuer.
    #[error(
        "the evidence is of the issuer `{issuer}`, which is not trusted here; issuers are compared character by character"
    )]
    UnknownIssuer {
        /// The `iss`, cut and escaped.
        issuer: String,
    },
    /// Signed with an algorithm that the issuer is not known for.
    #[error("the evidence is signed with {found}; {allowed} is accepted of its issuer")]
    Algorithm {
        /// The header's algorithm.
        found: String,
        /// The accepted ones.
        allowed: String,
    },
    /// The issuer publishes no such key.
    #[error("the issuer publishes no signing key with `kid` `{kid}` for this algorithm")]
    UnknownKey {
        /// The name, cut and escaped.
        kid: String,
    },
    /// No `kid`, and not exactly one key.
    #[error(
        "the evidence has no `kid`, and its issuer publishes {keys} keys for this algorithm instead of 1"
    )]
    KidMissing {
        /// Keys that fit.
        keys: usize,
    },
    /// Meant for somebody else.
    #[error("the evidence is not meant for this issuer: its `aud` must be {accepted}")]
    Audience {
        /// The accepted audiences, quoted.
        accepted: String,
    },
    /// Past its `exp`.
    #[error("the evidence expired {seconds} s ago")]
    Expired {
        /// Seconds since `exp`.
        seconds: i64,
    },
    /// Made too long ago.
    #[error("the evidence was made {seconds} s ago; at most {limit} s are accepted of its issuer")]
    Stale {
        /// Seconds since `iat`.
        seconds: i64,
        /// The bound.
        limit: i64,
    },
    /// `iat` or `nbf` ahead of the clock.
    #[error("the `{claim}` of the evidence is {seconds} s in the future; compare the clocks")]
    NotYet {
        /// The claim.
        claim: &'static str,
        /// Seconds until it is reached.
        seconds: i64,
    },

    /// A claim that a rule needs is absent.
    #[error("the evidence has no `{claim}`, which {needed_for}")]
    RuleClaimMissing {
        /// The claim.
        claim: String,
        /// What for.
        needed_for: String,
    },
    /// A claim is not what the workload's rule says.
    #[error("the `{claim}` of the evidence is {found}, which the workload does not accept")]
    RuleNotMet {
        /// The claim.
        claim: String,
        /// What it is, cut and escaped.
        found: String,
    },
    /// A claim cannot become an attribute.
    #[error("the `{claim}` of the evidence cannot become the attribute `{attribute}`: {why}")]
    Attribute {
        /// The claim.
        claim: String,
        /// The attribute.
        attribute: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Started by an event that people without write access can cause.
    #[error(
        "the evidence is of a run started by `{trigger}`, which somebody who may not write to the repository can cause; where that is meant, the workload's evidence says `allow: {{ triggers: [{trigger}] }}`"
    )]
    Trigger {
        /// The event, cut and escaped.
        trigger: String,
    },
    /// A run for a fork.
    #[error(
        "the evidence is of a run for the fork `{fork}`; where that is meant, the workload's evidence says `allow: {{ forks: true }}`"
    )]
    Fork {
        /// The head repository, cut and escaped.
        fork: String,
    },
    /// A branch or tag that is not protected.
    #[error(
        "the evidence is of `{reference}`, which is not protected, so whoever may push can run anything on it; protect it, name an `environment` in the workload's rule, or allow it with `allow: {{ unprotected_refs: true }}`"
    )]
    UnprotectedRef {
        /// The ref, cut and escaped.
        reference: String,
    },
}

impl EvidenceError {
    /// The refusal of a token whose issuer nobody declared.
    #[must_use]
    pub fn unknown_issuer(issuer: &str) -> Self {
        Self::UnknownIssuer {
            issuer: crate::error::shown(issuer),
        }
    }

    pub(super) fn declared(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Declared {
            field: field.into(),
            why: why.into(),
        }
    }

    /// The same, one step further out in the declaration.
    pub(super) fn within(self, outer: &str) -> Self {
        match self {
            Self::Declared { field, why } => Self::Declared {
                field: match field.as_str() {
                    "" => outer.to_owned(),
                    inner => format!("{outer}.{inner}"),
                },
                why,
            },
            other => other,
        }
    }
}
