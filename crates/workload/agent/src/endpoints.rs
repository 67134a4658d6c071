//! Endpoints of AWS's own forms, one connection each, for programs that are started elsewhere.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use rolecall_deliver::{AuthorizationToken, Clock, ContainerEndpoint, SecretFile};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::broker::Wanted;
use crate::metadata::{self, Metadata};
use crate::{AgentError, Holding};

/// What an endpoint speaks.
#[derive(Debug, Clone)]
pub enum EndpointForm {
    /// The container credentials endpoint. Its authorization token is made anew at each start and
    /// written to this file; whoever can read it may ask.
    Container {
        /// For `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
        authorization: SecretFile,
    },
    /// Instance metadata, version 2, for processes of these users.
    Metadata {
        /// User ids.
        users: BTreeSet<u32>,
    },
}

/// An endpoint that is served until this is dropped.
#[derive(Debug)]
pub struct ServedEndpoint {
    variable: &'static str,
    url: String,
    _container: Option<ContainerEndpoint>,
    serving: Option<JoinHandle<()>>,
}

impl ServedEndpoint {
    /// The environment variable that SDKs read, and what belongs into it.
    #[must_use]
    pub fn variable(&self) -> (&'static str, &str) {
        (self.variable, &self.url)
    }
}

impl Drop for ServedEndpoint {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// Serves what is wanted at `listen`, which must be an address of this machine alone.
///
/// # Errors
/// [`AgentError::Listen`], [`AgentError::Deliver`] for the authorization file, or why it cannot be
/// planned.
pub async fn serve_endpoint(
    holding: &Holding,
    wanted: &Wanted,
    listen: SocketAddr,
    form: &EndpointForm,
    clock: &Clock,
) -> Result<ServedEndpoint, AgentError> {
    let failed = |error| AgentError::Listen {
        address: listen.to_string(),
        error,
    };
    if !listen.ip().is_loopback() {
        return Err(failed(std::io::Error::other(
            "credentials are served on loopback addresses only",
        )));
    }
    let unplanned = |error: rolecall_deliver::SourceError| AgentError::Deliver(error.into());
    let credentials = holding.cache(wanted).map_err(unplanned)?;
    let users = match form {
        EndpointForm::Container { authorization } => {
            let token = AuthorizationToken::generate()?;
            authorization.write(token.secret())?;
            let endpoint = ContainerEndpoint::start_at(listen, credentials, token).await?;
            return Ok(ServedEndpoint {
                variable: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                url: endpoint.url().to_owned(),
                _container: Some(endpoint),
                serving: None,
            });
        }
        EndpointForm::Metadata { users } => users.clone(),
    };
    let described = holding.describe(wanted).map_err(unplanned)?;
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let server = listener.local_addr().map_err(failed)?;
    let role = described.role_arn.rsplit('/').next().unwrap_or_default();
    let metadata = Metadata::new(
        credentials,
        role.to_owned(),
        described.region,
        users,
        server,
        clock.clone(),
    )
    .ok_or(rolecall_deliver::DeliverError::Random)?;
    let router = metadata::router(Arc::new(metadata));
    let serving = tokio::spawn(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the metadata endpoint ended");
        }
    });
    Ok(ServedEndpoint {
        variable: "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        url: format!("http://{server}/"),
        _container: None,
        serving: Some(serving),
    })
}
