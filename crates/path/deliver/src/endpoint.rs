use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::{CachedCredentials, DeliverError};

/// The container credentials endpoint on 127.0.0.1, which the AWS SDKs ask where
/// `AWS_CONTAINER_CREDENTIALS_FULL_URI` says so. Ends when it is dropped.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
#[derive(Debug)]
pub struct ContainerEndpoint {
    url: String,
    serving: JoinHandle<()>,
}

/// What a caller of the endpoint must send as `Authorization`, as it is.
#[derive(Debug, Clone)]
pub struct AuthorizationToken(SecretString);

impl AuthorizationToken {
    /// A token of 256 random bits.
    ///
    /// # Errors
    /// [`DeliverError::Random`].
    pub fn generate() -> Result<Self, DeliverError> {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| DeliverError::Random)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes.as_slice()).into()))
    }

    /// The token.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    fn is(&self, given: &[u8]) -> bool {
        verify_slices_are_equal(self.0.expose_secret().as_bytes(), given).is_ok()
    }
}

struct Served {
    credentials: CachedCredentials,
    authorization: AuthorizationToken,
}

impl ContainerEndpoint {
    /// Serves what the cache holds, on a port that the system chooses.
    ///
    /// # Errors
    /// [`DeliverError::Listen`].
    pub async fn start(
        credentials: CachedCredentials,
        authorization: AuthorizationToken,
    ) -> Result<Self, DeliverError> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), credentials, authorization).await
    }

    /// The same at an address that is chosen here, for programs that are started elsewhere.
    ///
    /// # Errors
    /// [`DeliverError::Listen`].
    pub async fn start_at(
        address: SocketAddr,
        credentials: CachedCredentials,
        authorization: AuthorizationToken,
    ) -> Result<Self, DeliverError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(DeliverError::Listen)?;
        let address = listener.local_addr().map_err(DeliverError::Listen)?;
        let router = Router::new()
            .route(PATH, get(serve))
            .fallback(async || refuse(StatusCode::NOT_FOUND, "NotFound", "no such path"))
            .method_not_allowed_fallback(async || {
                refuse(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "MethodNotAllowed",
                    "only GET is answered",
                )
            })
            .with_state(Arc::new(Served {
                credentials,
                authorization,
            }));
        let serving = tokio::spawn(async move {
            // An answer is one small write, which must not wait for the one before to be
            // acknowledged.
            let listener = listener.tap_io(|stream| {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection waits for acknowledgements");
                }
            });
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the credentials endpoint ended");
            }
        });
        Ok(Self {
            url: format!("http://{address}{PATH}"),
            serving,
        })
    }

    /// The value for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for ContainerEndpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    let given = headers
        .get(header::AUTHORIZATION)
        .map_or(&b""[..], |value| value.as_bytes());
    if !served.authorization.is(given) {
        return refuse(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "the Authorization header does not hold this endpoint's token",
        );
    }
    match served.credentials.current().await {
        Ok(credentials) => answer(
            StatusCode::OK,
            credentials.to_json().expose_secret().to_owned(),
        ),
        Err(error) => {
            let status = if error.permanent {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            refuse(status, &error.code, &error.message)
        }
    }
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    answer(
        status,
        json!({ "code": code, "message": message }).to_string(),
    )
}

fn answer(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

const PATH: &str = "/credentials";
