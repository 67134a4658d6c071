//! Where deliveries get fresh credentials and tokens from: the way from the issuer through the
//! chain, walked again whenever it is asked.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use rolecall_deliver::{CredentialSource, Credentials, IdentityToken, SourceError, TokenSource};
use rolecall_exchange::Session;

use crate::asking::Asking;
use crate::failure::{Exit, Failure};
use crate::issuer_client::{IssuerClient, Minted, TokenAsk};

/// Walks the whole way at each fetch, but for the first, whose result is there already: it was
/// fetched before, so that a failure could be told in full.
pub struct ChainSource {
    asking: Arc<Asking>,
    first: Mutex<Option<Credentials>>,
}

/// Mints at each fetch, but for the first where that is there already, as [`ChainSource`].
pub struct IssuerSource {
    client: IssuerClient,
    ask: TokenAsk,
    first: Mutex<Option<IdentityToken>>,
}

impl ChainSource {
    /// A source that walks whenever it is asked.
    pub fn new(asking: Arc<Asking>) -> Self {
        Self {
            asking,
            first: Mutex::new(None),
        }
    }

    /// A source that begins with `first`.
    pub fn starting_with(asking: Arc<Asking>, first: Credentials) -> Self {
        Self {
            asking,
            first: Mutex::new(Some(first)),
        }
    }
}

impl IssuerSource {
    /// A source that mints whenever it is asked.
    pub fn new(client: IssuerClient, ask: TokenAsk) -> Self {
        Self {
            client,
            ask,
            first: Mutex::new(None),
        }
    }

    /// The same, beginning with a token that is there already.
    #[must_use]
    pub fn starting_with(self, first: Minted) -> Self {
        Self {
            first: Mutex::new(Some(identity_token(first))),
            ..self
        }
    }
}

impl CredentialSource for ChainSource {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, SourceError>> + Send + '_>> {
        Box::pin(async {
            let first = self
                .first
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(first) = first {
                return Ok(first);
            }
            match self.asking.obtain(&mut |_| {}).await {
                Ok(session) => Ok(credentials(&session, &self.asking)),
                Err(failure) => Err(told(&failure)),
            }
        })
    }
}

impl TokenSource for IssuerSource {
    fn fetch(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<IdentityToken, SourceError>> + Send + '_>> {
        Box::pin(async {
            let first = self
                .first
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(first) = first {
                return Ok(first);
            }
            match self.client.token(&self.ask).await {
                Ok(minted) => Ok(identity_token(minted)),
                Err(failure) => Err(told(&failure)),
            }
        })
    }
}

/// A session as it is handed to a workload.
pub fn credentials(session: &Session, asking: &Asking) -> Credentials {
    Credentials {
        access_key_id: session.access_key_id().to_owned(),
        secret_access_key: session.secret_access_key().clone(),
        session_token: session.session_token().clone(),
        expiration: session.expiration(),
        account_id: Some(session.account().to_owned()),
        role_arn: asking
            .planned()
            .steps()
            .last()
            .map(|step| step.role().to_string()),
    }
}

/// A minted token as deliveries take it.
pub fn identity_token(minted: Minted) -> IdentityToken {
    IdentityToken {
        token: minted.token,
        expiration: minted.expires_at,
        target_variable: minted.target_variable,
    }
}

/// A failure as a workload is told it.
pub fn told(failure: &Failure) -> SourceError {
    SourceError {
        code: failure.exit().code_word().to_owned(),
        message: anstream::adapter::strip_str(&failure.told()).to_string(),
        permanent: !matches!(failure.exit(), Exit::Unreachable),
    }
}
