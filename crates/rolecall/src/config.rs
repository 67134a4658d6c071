//! The configuration file: one form for the server's side (`server`, `tenants`) and the
//! workload's (`workload`, `connections`). Reading it changes nothing; every error says file, line
//! and column. `docs/configuration.md` is its reference.

pub mod agent;
mod evidence;
pub mod keys;
mod places;
mod previewed;
mod proxies;
mod reading;
mod registered;
mod subscription;
pub mod tls;
mod token_config;
mod workload;
mod writing;

pub mod api;
pub mod issuer;

pub use previewed::{Wanted, refused};
pub use reading::{Loaded, read_yaml};
pub use workload::{AskingWorkload, Proof};
pub use writing::{Written, yaml};

#[cfg(test)]
mod tests;
