//! Issuer URLs, subject formats, token configs and claims, seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod claims;
mod config;
mod issuer;
mod levers;
mod people;
mod presets;
mod subject;
