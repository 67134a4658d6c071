use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};

use prometheus_client::registry::Registry;
use rolecall_listening::AskedInPlain;

use crate::directory::Seat;
use crate::enrolling;
use crate::installation::Installation;
use crate::refusal::error_response;
use crate::routing::{Endpoint, Found};
use crate::snapshot::Tenant;
use crate::token;

/// Everything that an installation serves.
///
/// `/healthz` and `/readyz` answer at any Host; everything else is found by Host and path, since
/// each tenant's endpoints hang below its own issuer URL.
pub fn router(installation: Installation) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(dispatch)
        .with_state(installation)
}

/// What concerns those who run the server: health, readiness and metrics. Meant for an address that
/// only they can reach.
pub fn operations(installation: Installation) -> Router {
    operations_with(installation, Registry::default())
}

/// As [`operations`], with figures of others in the metrics.
pub fn operations_with(installation: Installation, others: Registry) -> Router {
    let others = Arc::new(others);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route(
            "/metrics",
            get(async move |State(installation): State<Installation>| {
                let ready = installation.ready().await.is_ok();
                let (tenants, read) = (installation.tenants(), installation.tenants_read());
                let metrics = &installation.shared.metrics;
                metrics.answer(tenants, read, ready, &others)
            }),
        )
        .with_state(installation)
}

/// Ready means: a token that is asked for now could be recorded and so be issued.
async fn ready(State(installation): State<Installation>) -> Response {
    match installation.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            error_response(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "tokens cannot be recorded at the moment; the server's log tells why",
            )
        }
    }
}

async fn dispatch(State(installation): State<Installation>, request: Request<Body>) -> Response {
    let authority = match authority(&request) {
        Ok(authority) => authority,
        Err(response) => return *response,
    };
    let directory = installation.directory();
    let path = request.uri().path();
    let (seat, endpoint) = match directory.routes.find(authority, path) {
        Found::Endpoint(seat, endpoint) => (seat, endpoint),
        Found::Issuer(seat) => return no_endpoint(seat, path),
        Found::Host => {
            return not_found(format!(
                "the host `{authority}` has no issuer at `{path}`; an issuer's path is compared character by character"
            ));
        }
        Found::Nowhere => {
            return not_found(format!(
                "no issuer has the host `{authority}`; it must be the host of the issuer URL, and a proxy in front must pass the Host header on unchanged"
            ));
        }
    };
    tell(request.method(), seat, endpoint);
    let tenant = match installation.tenant(seat).await {
        Ok(tenant) => tenant,
        Err(error) => {
            tracing::error!(tenant = seat.name, %error, "a tenant cannot be served");
            return error_response(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "the issuer cannot be served at the moment; the server's log tells why",
            );
        }
    };
    if !tenant.issuance {
        return not_found(format!(
            "the issuer `{}` does not issue tokens at the moment: its tenant's `issuance` is off",
            seat.issuer.as_str()
        ));
    }
    if matches!(endpoint, Endpoint::Token | Endpoint::Enrol)
        && request.extensions().get::<AskedInPlain>().is_some()
        && seat.issuer.as_str().starts_with("https://")
    {
        return error_response(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the proxy in front says that this was asked over plain HTTP: what was sent could be read on its way, so ask over https and with a new proof",
        );
    }
    match endpoint {
        Endpoint::Discovery => {
            installation.shared.metrics.served("discovery");
            tenant.document(&tenant.discovery, &request)
        }
        Endpoint::Jwks => {
            installation.shared.metrics.served("jwks");
            tenant.document(&tenant.jwks, &request)
        }
        Endpoint::Token if request.method() == Method::POST => {
            token::answer(&installation, &tenant, request).await
        }
        Endpoint::Enrol if request.method() == Method::POST => {
            enrolling::answer(&installation, &tenant, request).await
        }
        Endpoint::Enrol => not_allowed("POST", "keys are registered with POST"),
        Endpoint::Token => not_allowed("POST", "tokens are asked for with POST"),
    }
}

/// Tells whoever traces the request what it is for; the paths of tenants are too many for a name.
fn tell(method: &Method, seat: &Seat, endpoint: Endpoint) {
    let span = tracing::Span::current();
    if !span.is_disabled() {
        span.record("tenant", &seat.name);
        span.record("http.route", endpoint.suffix());
        span.record("otel.name", format!("{method} {}", endpoint.suffix()));
    }
}

impl Tenant {
    fn document(&self, document: &crate::documents::Document, request: &Request<Body>) -> Response {
        match *request.method() {
            Method::GET | Method::HEAD => document.answer(request.method(), request.headers()),
            _ => not_allowed("GET, HEAD", "this document can only be read"),
        }
    }
}

/// The host that the request is for: of an absolute request target, else of the one Host header
/// (RFC 9112 §3.2).
fn authority(request: &Request<Body>) -> Result<&str, Box<Response>> {
    if let Some(authority) = Uri::authority(request.uri()) {
        return Ok(authority.as_str());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
        (Some(Ok(host)), None) => Ok(host),
        _ => Err(Box::new(error_response(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the request must have exactly one Host header",
        ))),
    }
}

fn no_endpoint(seat: &Seat, path: &str) -> Response {
    let [discovery, token] = [Endpoint::Discovery, Endpoint::Token].map(Endpoint::suffix);
    let jwks = &seat.jwks_path;
    not_found(format!(
        "the issuer `{}` serves nothing at `{path}`; below it there are `{discovery}`, `{jwks}` and `{token}`",
        seat.issuer.as_str()
    ))
}

fn not_found(description: String) -> Response {
    error_response(StatusCode::NOT_FOUND, "not_found", &description)
}

fn not_allowed(allow: &'static str, description: &str) -> Response {
    let mut response = error_response(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request",
        description,
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
