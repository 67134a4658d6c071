//! The instance metadata service, version 2, as far as credentials and region go: for programs that
//! look for credentials nowhere else.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>
//!
//! Its form has no place for a secret of the caller, so the kernel is asked whose connection it is.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use http::{HeaderMap, StatusCode, header};
use rolecall_deliver::{CachedCredentials, Clock};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::peer;

/// One connection in the form of instance metadata.
pub(crate) struct Metadata {
    pub(crate) credentials: CachedCredentials,
    /// The name that the role is listed by.
    pub(crate) role: String,
    pub(crate) region: String,
    /// The users whose processes are answered.
    pub(crate) users: BTreeSet<u32>,
    pub(crate) server: SocketAddr,
    pub(crate) clock: Clock,
    sessions: hmac::Key,
}

impl Metadata {
    /// With a key of its own for sessions; `None` where the system gives no random bytes.
    pub(crate) fn new(
        credentials: CachedCredentials,
        role: String,
        region: String,
        users: BTreeSet<u32>,
        server: SocketAddr,
        clock: Clock,
    ) -> Option<Self> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let sessions = hmac::Key::generate(hmac::HMAC_SHA256, &random).ok()?;
        Some(Self {
            credentials,
            role,
            region,
            users,
            server,
            clock,
            sessions,
        })
    }

    /// A session token: its end, and a mark that only this process can make.
    fn session(&self, seconds: i64) -> String {
        let end = self.clock.now().as_second().saturating_add(seconds);
        let mark = hmac::sign(&self.sessions, &end.to_be_bytes());
        let hex: String = mark
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{end}-{hex}")
    }

    fn is_session(&self, token: &str) -> bool {
        let Some((end, mark)) = token.split_once('-') else {
            return false;
        };
        let Ok(end) = end.parse::<i64>() else {
            return false;
        };
        let bytes: Option<Vec<u8>> = (0..mark.len() / 2)
            .map(|at| u8::from_str_radix(mark.get(2 * at..2 * at + 2)?, 16).ok())
            .collect();
        let Some(bytes) = bytes.filter(|bytes| bytes.len() * 2 == mark.len()) else {
            return false;
        };
        hmac::verify(&self.sessions, &end.to_be_bytes(), &bytes).is_ok()
            && self.clock.now().as_second() < end
    }
}

pub(crate) fn router(metadata: Arc<Metadata>) -> Router {
    let listed = "/latest/meta-data/iam/security-credentials";
    let guarded = Router::new()
        .route(&format!("{listed}/"), get(role))
        .route(listed, get(role))
        .route(&format!("{listed}/{{role}}"), get(credentials))
        .route("/latest/meta-data/placement/region", get(region))
        // botocore takes the last letter off to have the region.
        .route("/latest/meta-data/placement/availability-zone", get(zone))
        .route("/latest/meta-data/placement/availability-zone/", get(zone))
        .route(
            "/latest/dynamic/instance-identity/document",
            get(async |State(metadata): State<Arc<Metadata>>| {
                axum::Json(json!({ "region": metadata.region }))
            }),
        )
        .layer(from_fn_with_state(Arc::clone(&metadata), with_session));
    Router::new()
        .route("/latest/api/token", put(session))
        .merge(guarded)
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(Arc::clone(&metadata), of_user))
        .with_state(metadata)
}

/// Only processes of the users that are named, and nobody through a proxy.
async fn of_user(
    State(metadata): State<Arc<Metadata>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    // As the real service does: a request that was passed on is a server tricked into asking.
    if request.headers().contains_key("x-forwarded-for") {
        return StatusCode::FORBIDDEN.into_response();
    }
    // A page in a browser reaches loopback under a name of its own (DNS rebinding).
    if request.headers().contains_key(header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let server = metadata.server;
    let user = tokio::task::spawn_blocking(move || peer::of_loopback(client, server)).await;
    match user.ok().flatten() {
        Some(user) if metadata.users.contains(&user) => next.run(request).await,
        user => {
            tracing::warn!(?user, "somebody asked the metadata endpoint who may not");
            StatusCode::FORBIDDEN.into_response()
        }
    }
}

async fn with_session(
    State(metadata): State<Arc<Metadata>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let given = headers.get(TOKEN).and_then(|value| value.to_str().ok());
    match given {
        Some(token) if metadata.is_session(token) => next.run(request).await,
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn session(State(metadata): State<Arc<Metadata>>, headers: HeaderMap) -> Response {
    let seconds = headers
        .get(TTL)
        .and_then(|value| value.to_str().ok()?.parse::<i64>().ok())
        .filter(|seconds| (1..=LONGEST_SESSION).contains(seconds));
    match seconds {
        Some(seconds) => ([(TTL, seconds.to_string())], metadata.session(seconds)).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn role(State(metadata): State<Arc<Metadata>>) -> String {
    metadata.role.clone()
}

async fn region(State(metadata): State<Arc<Metadata>>) -> String {
    metadata.region.clone()
}

async fn zone(State(metadata): State<Arc<Metadata>>) -> String {
    format!("{}a", metadata.region)
}

async fn credentials(State(metadata): State<Arc<Metadata>>, Path(role): Path<String>) -> Response {
    if role != metadata.role {
        return StatusCode::NOT_FOUND.into_response();
    }
    let now = metadata
        .clock
        .now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    match metadata.credentials.current().await {
        Ok(found) => axum::Json(json!({
            "Code": "Success",
            "LastUpdated": now,
            "Type": "AWS-HMAC",
            "AccessKeyId": found.access_key_id,
            "SecretAccessKey": found.secret_access_key.expose_secret(),
            "Token": found.session_token.expose_secret(),
            "Expiration": found.expiration_text(),
        }))
        .into_response(),
        // As the real service does where a role cannot be assumed: SDKs show the message.
        Err(error) => axum::Json(json!({
            "Code": if error.permanent { "AssumeRoleUnauthorizedAccess" } else { "Failed" },
            "LastUpdated": now,
            "Message": error.to_string(),
        }))
        .into_response(),
    }
}

const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
/// Six hours, in seconds.
const LONGEST_SESSION: i64 = 21_600;
