//! The admin API `/api/v1`: what is declared, read and changed over HTTP.
//!
//! Every request goes the same way: who asks ([`wire::Me`]), whether it may (`rolecall-access`
//! decides), what a tenant would declare afterwards, whether that may be served (the issuer judges),
//! and one transaction that holds the change, its rows of the audit trail, and the answer that is
//! given again when the same request comes again. What was changed is served before the answer
//! leaves.

mod access;
mod api;
mod applying;
mod asked;
mod changing;
mod document;
mod expects;
mod from;
mod keys;
mod named;
mod once;
mod openapi;
mod paging;
mod plan;
mod proofs;
mod randomness;
mod refused;
mod reply;
mod router;
mod sessions;
mod settings;
mod tenants;
mod trail;
pub mod wire;

pub use api::AdminApi;
pub use openapi::document as openapi;
pub use refused::Refused;
pub use router::router;
pub use settings::{Settings, SignInProvider};
