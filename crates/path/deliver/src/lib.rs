//! Credentials in the form a workload reads.
//!
//! - printed: [`Format`] as text for shells, dotenv, AWS's files, JSON or `credential_process`, and
//!   [`GithubStep`] for the steps of a job;
//! - as a file: [`SecretFile`], replaced atomically, and [`keep_token_fresh`] for token files;
//! - as [`profiles`] in the user's `~/.aws/config`, all else in it kept;
//! - by HTTP: [`ContainerEndpoint`], which every AWS SDK knows how to ask;
//! - to a child process: [`exec`], by any of the ways above.
//!
//! Where credentials come from is a [`CredentialSource`]; [`CachedCredentials`] asks it ahead of
//! the end and once at a time. The clock and the inherited environment are parameters.

mod cache;
mod child;
mod clock;
mod credentials;
mod endpoint;
mod error;
mod exec;
mod format;
mod profile_name;
pub mod profiles;
mod secret_file;
mod signals;
mod source;
mod token_file;

pub use cache::{Cached, CachedCredentials, CachedToken, Timed};
pub use child::ChildSettings;
pub use clock::Clock;
pub use credentials::Credentials;
pub use endpoint::{AuthorizationToken, ContainerEndpoint};
pub use error::DeliverError;
pub use exec::{ChildToken, Delivery, Execution, Names, exec};
pub use format::github::GithubStep;
pub use format::{Format, Printed};
pub use profile_name::ProfileName;
pub use profiles::file::UserFile;
pub use secret_file::SecretFile;
pub use source::{CredentialSource, IdentityToken, SourceError, TokenSource};
pub use token_file::{keep_token_file, keep_token_fresh};

#[cfg(test)]
mod tests;
