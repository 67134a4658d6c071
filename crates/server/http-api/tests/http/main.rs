//! The issuer over real HTTP: what it publishes, whom it believes, what it remembers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod certificates;
mod discovery;
mod enrolling;
mod exchanging;
mod federating;
mod limiting;
mod minting;
mod refusing;
mod restarting;
mod rotating;
mod secrets;
mod site;
mod starving;
