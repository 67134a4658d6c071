//! A token becomes an AWS session: the STS calls of a role chain, with the AWS SDK's client.
//!
//! [`StsAddress`] says where STS is called and why there; [`Sts`] calls it. Retries are ours
//! ([`Retry`]), not the SDK's, so that they are one policy for every call, tested with a paused
//! clock, and never spent on a denial. The environment, the clock of the retries and their
//! randomness come in as parameters.

mod address;
mod error;
mod refusal;
mod request;
mod retry;
mod session;
mod sts;

pub use address::{Origin, StsAddress, StsEnvironment};
pub use error::ExchangeError;
pub use refusal::Refusal;
pub use request::{AssumeRole, WebIdentity};
pub use retry::{Jitter, Retry};
pub use session::{CallerIdentity, Session};
pub use sts::Sts;

#[cfg(test)]
mod tests;
