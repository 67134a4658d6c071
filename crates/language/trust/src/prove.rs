//! Proofs about policies: what one admits and another does not, who gets in, the narrowest policy.
//!
//! A statement is a conjunction of conditions, each on one key, so a policy is a union of boxes
//! with boxes cut out. Along each key the edges are patterns, thresholds and the key's absence;
//! all of these can be decided exactly. What cannot is named with its place.

mod callers;
mod compare;
mod language;
mod least;
mod pattern;
mod predicate;
mod search;
mod value;
mod who;

pub use compare::{
    Answer, Comparison, Side, Undecided, Witness, compare, compare_compiled, reachable,
};
pub use least::{Least, LeastError, Width, least};
pub use who::{Group, Reach, who};

#[cfg(test)]
mod tests;
