//! What happened to the keys of a tenant, step by step.

use rolecall_jose::Algorithm;
use serde::{Deserialize, Serialize};

use crate::{Order, Slot};

/// One step in the life of a key. Entries are appended and never changed; there is nothing secret
/// in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When, in seconds since the epoch.
    pub at: i64,
    /// Who: [`SCHEDULE`] or an operator.
    pub by: String,
    /// The key.
    pub kid: String,
    /// What it signs.
    pub algorithm: Algorithm,
    /// The backend that holds it.
    pub backend: String,
    /// What it was for; `None` for a key that was made just now.
    pub from: Option<Slot>,
    /// What it is for now; `None` for a key that is gone. The same as `from` where the step changed
    /// something else: it was seen published, its tokens may live longer, an order was given.
    pub to: Option<Slot>,
    /// Why.
    pub reason: Reason,
}

/// Why a step was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The policy names another backend than the one that holds the key.
    Backend,
    /// The tenant is new.
    First,
    /// The tokens that the key signed are past their lives.
    Expired,
    /// There was no key that signs with this algorithm.
    Missing,
    /// An operator gave this order.
    Ordered(Order),
    /// Every replica publishes the key.
    Published,
    /// The rotation period is over.
    Scheduled,
    /// The policy keeps a successor ready at all times.
    Standby,
    /// Tokens may live longer than before.
    TokenLife,
    /// Two keys of one algorithm were signing, which no step leads to.
    TwoActive,
}

/// `by` of the steps that nobody asked for.
pub const SCHEDULE: &str = "schedule";
