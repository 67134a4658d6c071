//! When keys are made, begin to sign, cease to sign, and go: decided over records, policy and the
//! time, and nothing else.
//!
//! A shell around it makes the steps that [`Slots::plan`] says are due, one after the other, and
//! stores after each the records and the journal entries in one transaction. It may die between
//! any two: what is due then is due again. [`Signers::advance`](crate::Signers::advance) is one
//! round of that shell; [`Slots::forecast`] tells what is to come.

mod forecast;
mod plan;
mod policy;

pub use forecast::{LONGEST_FORECAST, Overview};
pub(crate) use plan::ALGORITHMS;
pub use plan::{Due, NewKey, Plan, Step};
pub use policy::{PolicyText, Publishing, RotationPolicy};

use crate::{Order, Slot};

/// Why a rotation was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RotationError {
    /// The clock stands before something that has happened already. Nothing is changed: with a
    /// wrong clock a key would sign too early or go too early.
    #[error(
        "the clock stands {} seconds before what was recorded last; no key is rotated until it is right",
        latest - now
    )]
    ClockBackwards {
        /// What the clock says, in seconds since the epoch.
        now: i64,
        /// The latest time that was recorded.
        latest: i64,
    },
    /// The step has been made already, or its time has not come.
    #[error("the step is not due any more or not yet; plan again with the latest records")]
    NotDue,
    /// The tenant has no such key.
    #[error("there is no signing key `{kid}`")]
    Unknown {
        /// The key asked for.
        kid: String,
    },
    /// The tenant has this key already.
    #[error("there is a signing key `{kid}` already")]
    Duplicate {
        /// The key.
        kid: String,
    },
    /// An order that would change nothing.
    #[error("the order `{}` changes nothing for the {} key `{kid}`", order.as_str(), slot.as_str())]
    Pointless {
        /// The key.
        kid: String,
        /// What was asked for.
        order: Order,
        /// What the key is for.
        slot: Slot,
    },
    /// A record contradicts itself, which no step leads to.
    #[error(
        "the record of the signing key `{kid}` {what}; the state was changed by something else"
    )]
    Record {
        /// The key.
        kid: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The policy asks for what cannot be.
    #[error("{field} is {given} seconds; it must be at least {least}, {why}")]
    Policy {
        /// The setting.
        field: &'static str,
        /// What was given.
        given: i64,
        /// The least that is possible.
        least: i64,
        /// Why.
        why: &'static str,
    },
}

/// Seconds for which AWS takes a token after its `exp`.
pub const AWS_GRACE: i64 = 300;

#[cfg(test)]
mod tests;
