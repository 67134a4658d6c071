//! What the agent needs from outside: sources of credentials and tokens.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use rolecall_deliver::{CredentialSource, SourceError, TokenSource};
use secrecy::SecretString;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A declared connection.
    Connection(String),
    /// A role by its ARN, reached directly.
    Role(String),
}

/// What is asked for and in whose name: everything that changes the answer. Two programs share
/// credentials only where all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted<T = Target> {
    /// What.
    pub what: T,
    /// What is said to the issuer of the one who asks.
    pub attributes: BTreeMap<String, String>,
}

/// What a program must know beside its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The role in which the chain ends.
    pub role_arn: String,
    /// The region.
    pub region: String,
    /// The STS endpoint, where it is not AWS's own.
    pub sts_endpoint: Option<String>,
}

/// A person's token with its times.
#[derive(Clone, Debug)]
pub struct PersonToken {
    /// The token.
    pub token: SecretString,
    /// Its `iat`, seconds since the epoch.
    pub issued_at: i64,
    /// Its `exp`, seconds since the epoch.
    pub expires_at: i64,
}

/// What is not there yet.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

/// How the agent comes by what it serves.
pub trait Broker: Send + Sync + 'static {
    /// The names of all connections that there are.
    fn connections(&self) -> Vec<String>;

    /// What a program must know of it.
    ///
    /// # Errors
    /// It cannot be planned: unknown, or an attribute that it needs is missing.
    fn describe(&self, wanted: &Wanted) -> Result<Described, SourceError>;

    /// Where its credentials come from.
    ///
    /// # Errors
    /// As [`Self::describe`].
    fn credentials(&self, wanted: &Wanted) -> Result<Arc<dyn CredentialSource>, SourceError>;

    /// Where tokens of that token config come from.
    fn tokens(&self, wanted: &Wanted<String>) -> Arc<dyn TokenSource>;

    /// A new token of that token config for the person who has `subject_token`.
    fn person<'a>(
        &'a self,
        token_config: &'a str,
        subject_token: &'a SecretString,
    ) -> Pending<'a, PersonToken>;
}
