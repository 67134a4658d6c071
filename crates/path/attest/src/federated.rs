//! Tokens of other issuers as evidence: a Kubernetes service account, a job at GitHub or GitLab, an
//! AWS principal, anything that an OpenID provider signs for.
//!
//! The tenant declares whom it [trusts](TrustedIssuer) and each workload which
//! [claims](EvidenceRule) it takes. A token is [taken apart](Presented), then
//! [judged](Presented::judge) with the issuer's published [keys](IssuerKeys), and only then read by
//! a workload's rule, which also decides the attributes that come with it. Fetching keys is not
//! done here.

mod claim_path;
mod claim_rule;
mod error;
mod evidence_rule;
mod guard;
mod issuer_keys;
mod presented;
mod preset;
mod takers;
mod trusted_issuer;

pub use claim_path::ClaimPath;
pub(crate) use claim_rule::Expected;
pub use claim_rule::{ClaimRule, ExpectedText, ScalarText, TextOrTexts};
pub use error::EvidenceError;
pub use evidence_rule::{AttributeText, EvidenceRule, EvidenceText};
pub use guard::GuardText;
pub use issuer_keys::IssuerKeys;
pub use presented::{Evidence, LONGEST_EVIDENCE, Presented, UsedOnce};
pub use preset::Preset;
pub use takers::Takers;
pub use trusted_issuer::{KeysFrom, TrustedIssuer, TrustedIssuerText, may_be_fetched};

#[cfg(test)]
mod tests;
