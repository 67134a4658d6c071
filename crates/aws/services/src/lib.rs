//! Reads an AWS account: its roles and their trust policies, its OIDC providers, and the exchanges
//! that CloudTrail saw. It writes nothing but public documents into a [`Bucket`].
//!
//! [`AccountReader`] calls; what it calls with comes from the SDK's own chain of credentials
//! ([`AccountReader::from_environment`]) or from the caller. What answers mean is read by functions
//! that call nothing (`iam`, `cloudtrail`), so that they are tested on text.

mod address;
mod bucket;
mod calling;
mod cloudtrail;
mod error;
mod iam;
mod reader;
mod retry;
mod xml;

pub use address::{Addresses, Service};
pub use bucket::Bucket;
pub use cloudtrail::{Exchange, Searched, Window};
pub use error::{Refusal, ServiceError};
pub use iam::{Provider, Role};
pub use reader::{AccountReader, Caller};
pub use retry::Retry;

#[cfg(test)]
mod tests;
