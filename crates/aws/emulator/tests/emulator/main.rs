//! The emulator from outside: AWS's own SDK, plain HTTP, and an issuer that lives in the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chain;
mod iam;
mod lab;
mod requests;
mod signing;
mod state;
mod trail_lookup;
mod web_identity;
