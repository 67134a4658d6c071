//! The agent: one process on a machine that fetches credentials for all programs of it.
//!
//! Programs ask over a Unix socket ([`serve_socket`]); the kernel says who they are, and
//! [`Callers`] what each may have. Each connection is fetched once, ahead of its end, however many
//! ask ([`Holding`]). For programs that know only AWS's own ways there are the container
//! credentials endpoint and the instance metadata service ([`serve_endpoint`]), and token files
//! ([`keep_files`]).
//!
//! How credentials are come by is not the agent's: it asks its [`Broker`].

mod broker;
mod callers;
mod endpoints;
mod error;
mod files;
mod holding;
mod metadata;
mod peer;
mod socket;
mod socket_api;

pub use broker::{Broker, Described, Pending, PersonToken, Target, Wanted};
pub use callers::{Caller, CallerText, Callers};
pub use endpoints::{EndpointForm, ServedEndpoint, serve_endpoint};
pub use error::AgentError;
pub use files::{KeptFile, keep_files};
pub use holding::Holding;
pub use socket::{Socket, SocketSettings};
pub use socket_api::serve_socket;

#[cfg(test)]
mod tests;
