//! IAM policies: read with positions, decide, explain, validate as IAM does when it stores them. Pure.
//!
//! The path of a policy: [`Policy::parse`] keeps what was written and where; [`CompiledPolicy`]
//! does the work that needs doing once; `decide` answers, `explain` answers with the proof.

mod arn;
mod compiled;
mod condition;
pub mod diagnose;
mod error;
pub mod generate;
pub mod lint;
mod literal;
pub mod mend;
pub mod migrate;
mod observed;
mod operator;
mod policy;
mod principal;
pub mod prove;
mod provider_keys;
mod reason;
mod request;
pub mod shape;
mod template;
mod verdict;
pub mod web_identity;
mod wildcard;
pub mod write_time;

pub use compiled::{CompiledPolicy, Decision, Grant, decide_assume_role};
pub use error::TrustError;
pub use observed::{OBSERVED, ObservedRule, RuleConfidence, observed_rule};
pub use policy::{Effect, Policy};
pub use provider_keys::{KeyConfidence, PROVIDERS, ProviderKeys, claim_values, provider_keys};
pub use reason::{Cause, Difference, Mend, Reason, difference, reason};
pub use request::{Context, ContextValue, Principal, Request};
pub use verdict::{ConditionProof, ElementProof, Place, StatementProof, Verdict};
pub use web_identity::{ClaimFault, WebIdentity};

#[cfg(test)]
mod tests;
