//! Why a request was not carried out, as the asker is told.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use rolecall_access::{AccessError, Deed};
use rolecall_attest::JoinTokenError;
use rolecall_http_api::InstallationError;
use rolecall_store::StoreError;

use crate::wire::Problem;

/// A request that is not carried out; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct Refused(Box<Problem>, Option<u64>);

impl Refused {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let problem = Problem {
            code: code.to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            hint: None,
        };
        Self(Box::new(problem), None)
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into()).filter(|field| !field.is_empty());
        self
    }

    /// Without a token, or with one that is not good (RFC 6750 §3.1). It is the same answer for
    /// every token that is not good.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).hint(
            "Send `Authorization: Bearer TOKEN` with a token of the admin API, or sign in at `/api/v1/sessions`.",
        )
    }

    pub(crate) fn forbidden(asker: &str, deed: Deed) -> Self {
        let roles: Vec<&str> = deed.roles().map(rolecall_access::Role::as_str).collect();
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!(
                "`{asker}` may not {} here; this takes the role {}{}",
                deed.in_words(),
                roles.join(" or "),
                if deed == Deed::HoldTenants {
                    " of the whole installation"
                } else {
                    ""
                }
            ),
        )
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no {what}"),
        )
    }

    pub(crate) fn exists(what: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "exists",
            format!("{what} is there already"),
        )
        .hint("Choose another name, or change what is there with PUT.")
    }

    pub(crate) fn changed_meanwhile(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "changed_meanwhile", detail)
            .hint("Read it again and decide on what it says now.")
    }

    pub(crate) fn precondition(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            detail,
        )
        .hint("Read it again and decide on what it says now.")
    }

    pub(crate) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).field(field)
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub(crate) fn too_many(detail: &str, wait_seconds: u64) -> Self {
        let mut refused = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail);
        refused.1 = Some(wait_seconds.max(1));
        refused
    }

    pub(crate) fn unavailable(detail: &str) -> Self {
        let mut refused = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        refused.1 = Some(1);
        refused
    }

    /// Ours. What it is, the log says.
    pub(crate) fn ours(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request to the admin API failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "the server could not do this; its log tells why",
        )
    }

    /// What is said of it.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = serde_json::to_string(&self.0).unwrap_or_default();
        let headers = [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        let mut response = (status, headers, body).into_response();
        let added = response.headers_mut();
        if let Some(wait) = self.1 {
            added.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"rolecall\"");
            added.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let said = error.to_string();
        let refused = match &error {
            StoreError::Exists { what } => return Self::exists(what),
            StoreError::Missing { what } => return Self::not_found(what),
            StoreError::Stale { .. } => return Self::changed_meanwhile(said),
            StoreError::IssuerTaken | StoreError::IssuerKept { .. } => {
                Self::new(StatusCode::CONFLICT, "issuer", said).field("issuer")
            }
            StoreError::Closed
            | StoreError::Unreachable { .. }
            | StoreError::Full { .. }
            | StoreError::Io { .. } => {
                tracing::error!(%error, "a request to the admin API could not be carried out");
                return Self::unavailable(
                    "the state cannot be read or written at the moment; nothing was changed, try again",
                );
            }
            _ => return Self::ours(&error),
        };
        match error.hint() {
            Some(hint) => refused.hint(hint),
            None => refused,
        }
    }
}

impl From<InstallationError> for Refused {
    fn from(error: InstallationError) -> Self {
        match &error {
            InstallationError::Declaration { field, message } => {
                // `tenant acme.token_configs[0].subject`: what stands before the dot is known.
                let field = match field.strip_prefix("tenant ") {
                    Some(rest) => rest.split_once('.').map_or("", |(_, field)| field),
                    None => field,
                };
                Self::invalid(field, message)
            }
            InstallationError::OfTheFile { .. } => {
                let refused = Self::new(StatusCode::CONFLICT, "of_the_file", error.to_string());
                match error.hint() {
                    Some(hint) => refused.hint(hint),
                    None => refused,
                }
            }
            InstallationError::LocksOut(_) => {
                Self::new(StatusCode::CONFLICT, "locks_out", error.to_string()).hint(
                    "Widen the trust policies first and update the subscriptions (`rolecall trust migrate` stages the change), or insist with `force`.",
                )
            }
            InstallationError::TrustedIssuer { .. } => {
                Self::invalid("trusted_issuers", error.to_string())
            }
            InstallationError::KeyBackend { .. } => {
                Self::invalid("keys.backend", error.to_string())
            }
            InstallationError::Store(store) => store.clone().into(),
            _ => Self::ours(&error),
        }
    }
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        let field = match &error {
            AccessError::Lifetime { .. } => "lifetime_seconds",
            _ => "name",
        };
        Self::invalid(field, error.to_string())
    }
}

impl From<JoinTokenError> for Refused {
    fn from(error: JoinTokenError) -> Self {
        Self::invalid("lifetime_seconds", error.to_string())
    }
}
