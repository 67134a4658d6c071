//! What is answered over the socket: HTTP/1.1 with JSON.

use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, FromRequestParts, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::IncomingStream;
use axum::{Json, Router};
use http::StatusCode;
use http::request::Parts;
use rolecall_deliver::SourceError;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::net::UnixListener;
use tokio::net::unix::UCred;

use crate::broker::Target;
use crate::callers::{Caller, Callers};
use crate::holding::Holding;
use crate::{Socket, peer};

/// Answers callers until `stop` is ready; requests under way are answered then.
pub async fn serve_socket(
    socket: Socket,
    holding: Holding,
    callers: Callers,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let state = Arc::new(Serving { holding, callers });
    let router = Router::new()
        .route("/v1/whoami", get(whoami))
        .route("/v1/status", get(status))
        .route("/v1/flush", post(flush))
        .route("/v1/connections/{name}", get(described))
        .route("/v1/connections/{name}/credentials", get(credentials))
        .route("/v1/roles", get(described_role))
        .route("/v1/roles/credentials", get(role_credentials))
        .route("/v1/tokens/{token_config}", get(token))
        .route("/v1/user-tokens/{token_config}", post(person))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "NotFound", "no such path", true))
        .with_state(state);
    let (listener, place) = socket.parted();
    let service = router.into_make_service_with_connect_info::<Connection>();
    if let Err(error) = axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await
    {
        tracing::error!(%error, "the agent's socket ended");
    }
    // Taken away only now: until here somebody answered.
    drop(place);
}

struct Serving {
    holding: Holding,
    callers: Callers,
}

/// What the kernel said when the connection was made.
#[derive(Clone, Copy, Debug)]
struct Connection(Option<UCred>);

impl Connected<IncomingStream<'_, UnixListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok())
    }
}

/// The caller of a request.
struct Asker(Caller);

impl FromRequestParts<Arc<Serving>> for Asker {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        serving: &Arc<Serving>,
    ) -> Result<Self, Response> {
        let connection = ConnectInfo::<Connection>::from_request_parts(parts, serving)
            .await
            .ok()
            .and_then(|ConnectInfo(Connection(credentials))| credentials);
        let Some(credentials) = connection else {
            return Err(not_allowed("the kernel does not say who you are"));
        };
        let peer = peer::of_socket(credentials);
        let caller = serving.callers.find(&peer).map_err(|why| {
            tracing::warn!(
                uid = peer.uid,
                gid = peer.gid,
                executable = peer.executable,
                "somebody asked who is no caller"
            );
            not_allowed(&why)
        })?;
        Ok(Self(caller))
    }
}

async fn whoami(State(serving): State<Arc<Serving>>, Asker(caller): Asker) -> Response {
    let connections = caller.connections(serving.holding.connections());
    Json(json!({ "caller": caller.name(), "connections": connections })).into_response()
}

async fn status(State(serving): State<Arc<Serving>>, Asker(caller): Asker) -> Response {
    let held: Vec<_> = (serving.holding.held(&caller).into_iter())
        .map(|(wanted, until)| {
            let (connection, role) = match wanted.what {
                Target::Connection(name) => (Some(name), None),
                Target::Role(role) => (None, Some(role)),
            };
            let until = until.map(|until| until.to_string());
            json!({ "connection": connection, "role": role, "attributes": wanted.attributes, "heldUntil": until })
        })
        .collect();
    Json(json!({ "held": held })).into_response()
}

async fn flush(State(serving): State<Arc<Serving>>, Asker(caller): Asker) -> Response {
    tracing::info!(caller = caller.name(), "what was held is forgotten");
    serving.holding.flush(&caller);
    StatusCode::NO_CONTENT.into_response()
}

async fn described(
    State(serving): State<Arc<Serving>>,
    Asker(caller): Asker,
    Path(name): Path<String>,
) -> Response {
    describe(&serving, &caller, Target::Connection(name))
}

async fn described_role(
    State(serving): State<Arc<Serving>>,
    Asker(caller): Asker,
    Query(query): Query<ByRole>,
) -> Response {
    describe(&serving, &caller, Target::Role(query.arn))
}

async fn credentials(
    State(serving): State<Arc<Serving>>,
    Asker(caller): Asker,
    Path(name): Path<String>,
) -> Response {
    fetch(&serving, &caller, Target::Connection(name)).await
}

async fn role_credentials(
    State(serving): State<Arc<Serving>>,
    Asker(caller): Asker,
    Query(query): Query<ByRole>,
) -> Response {
    fetch(&serving, &caller, Target::Role(query.arn)).await
}

async fn token(
    State(serving): State<Arc<Serving>>,
    Asker(caller): Asker,
    Path(token_config): Path<String>,
) -> Response {
    let wanted = match caller.wants_token(&token_config) {
        Ok(wanted) => wanted,
        Err(why) => return not_allowed(&why),
    };
    match serving.holding.token(&wanted).await {
        Ok(token) => Json(json!({
            "token": token.token.expose_secret(),
            "expiresAt": token.expiration.to_string(),
            "targetVariable": token.target_variable,
        }))
        .into_response(),
        Err(error) => failed(&error),
    }
}

/// The body is the person's own token, as it is.
async fn person(
    State(serving): State<Arc<Serving>>,
    Asker(caller): Asker,
    Path(token_config): Path<String>,
    body: String,
) -> Response {
    if let Err(why) = caller.wants_token(&token_config) {
        return not_allowed(&why);
    }
    let subject_token = SecretString::from(body.trim().to_owned());
    if subject_token.expose_secret().is_empty() {
        return refuse(
            StatusCode::BAD_REQUEST,
            "Malformed",
            "the body must be the token of the person who is signed in",
            true,
        );
    }
    // An error is a member of the session as well: whoever reads it must not go on without.
    let session = match serving.holding.person(&token_config, &subject_token).await {
        Ok(person) => rolecall_mint::UserToken::Active {
            token: person.token.clone(),
            issued_at: person.issued_at,
            expires_at: person.expires_at,
        },
        Err(error) => rolecall_mint::UserToken::Error {
            error: error.to_string(),
        },
    };
    let headers = [(http::header::CONTENT_TYPE, "application/json")];
    (headers, session.to_json().expose_secret().to_owned()).into_response()
}

fn describe(serving: &Serving, caller: &Caller, target: Target) -> Response {
    let wanted = match caller.wants(target) {
        Ok(wanted) => wanted,
        Err(why) => return not_allowed(&why),
    };
    match serving.holding.describe(&wanted) {
        Ok(found) => Json(json!({
            "roleArn": found.role_arn,
            "region": found.region,
            "stsEndpoint": found.sts_endpoint,
        }))
        .into_response(),
        Err(error) => failed(&error),
    }
}

async fn fetch(serving: &Serving, caller: &Caller, target: Target) -> Response {
    let wanted = match caller.wants(target) {
        Ok(wanted) => wanted,
        Err(why) => return not_allowed(&why),
    };
    match serving.holding.credentials(&wanted).await {
        Ok(credentials) => {
            let headers = [(http::header::CONTENT_TYPE, "application/json")];
            (headers, credentials.to_json().expose_secret().to_owned()).into_response()
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &SourceError) -> Response {
    let status = if error.permanent {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    refuse(status, &error.code, &error.message, error.permanent)
}

fn not_allowed(why: &str) -> Response {
    refuse(StatusCode::FORBIDDEN, "NotAllowed", why, true)
}

fn refuse(status: StatusCode, code: &str, message: &str, permanent: bool) -> Response {
    let body = json!({ "code": code, "message": message, "permanent": permanent });
    (status, Json(body)).into_response()
}

/// A role by its ARN, which has slashes.
#[derive(Deserialize)]
struct ByRole {
    arn: String,
}
