//! Role chains: planned as data before the first network call, then walked hop by hop.
//!
//! A [`Plan`] holds everything that will be sent except the token, and what each role's policies
//! must allow for it; it prints as text ([`Plan::explain`]) and as JSON ([`Plan::explain_json`]).
//! [`walk`] does what the plan says and tells an observer each [`Event`]; [`take`] does one step.

mod error;
mod explain;
mod needs;
mod plan;
mod walk;

pub use error::ChainError;
pub use plan::{Call, Plan, Step};
pub use walk::{Event, take, walk};

#[cfg(test)]
mod tests;
