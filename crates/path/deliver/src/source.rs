use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::Credentials;

/// A thing that can be asked for credentials again and again: a role chain, most often.
pub trait CredentialSource: Send + Sync + 'static {
    /// Fetches new credentials. May take as long as its own retries.
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, SourceError>> + Send + '_>>;
}

/// A thing that can be asked for identity tokens again and again: an issuer, most often.
pub trait TokenSource: Send + Sync + 'static {
    /// Fetches a new token. May take as long as its own retries.
    fn fetch(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<IdentityToken, SourceError>> + Send + '_>>;
}

/// A signed identity token.
#[derive(Debug, Clone)]
pub struct IdentityToken {
    /// The token.
    pub token: SecretString,
    /// Its `exp`.
    pub expiration: Timestamp,
    /// The environment variable by which programs find its file, where it has one.
    pub target_variable: Option<String>,
}

/// Why a source gave nothing. Holds no secret; it is shown to the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// A word for programs, such as AWS's `AccessDenied`.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// Whether asking again is pointless until somebody changes something.
    pub permanent: bool,
}

impl fmt::Display for SourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for SourceError {}
