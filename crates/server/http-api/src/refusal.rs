use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// Why a token request was not granted, as it is answered (RFC 6749 §5.2).
///
/// The description is written for the person at the workload. It never quotes an assertion or a
/// token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) description: String,
}

/// The `error` of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Who asks is not proven.
    InvalidClient,
    /// A join token that is unknown, used or ended (RFC 6749 §5.2).
    InvalidGrant,
    /// The request is malformed.
    InvalidRequest,
    /// More than the workload may have (RFC 6749 §5.2): an attribute or a value.
    InvalidScope,
    /// An audience or a role that is not served (RFC 8707 §2).
    InvalidTarget,
    /// The body is larger than any request needs.
    RequestTooLarge,
    /// Our side could not sign.
    ServerError,
    /// Our side cannot record what it would issue.
    TemporarilyUnavailable,
    /// Proven, but more often than it may; the wait is in seconds (RFC 6585 §4).
    TooMany { wait: u64 },
    /// Proven, but the token config is not for this workload.
    UnauthorizedClient,
    /// Not `client_credentials`.
    UnsupportedGrantType,
}

impl Refusal {
    pub(crate) fn new(code: Code, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
        }
    }
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest | Self::RequestTooLarge => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable | Self::TooMany { .. } => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether the fault is ours: what the audit trail calls failed rather than refused.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::ServerError | Self::TemporarilyUnavailable)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.description)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response =
            error_response(self.code.status(), self.code.as_str(), &self.description);
        if self.code == Code::InvalidClient {
            // RFC 6749 §5.2 and RFC 9110 §15.5.2 ask for it.
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"rolecall\", charset=\"UTF-8\""),
            );
        }
        let wait = match self.code {
            Code::TemporarilyUnavailable => Some(1),
            Code::TooMany { wait } => Some(wait),
            _ => None,
        };
        if let Some(wait) = wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}

/// An error in the one JSON form that every endpoint uses; never cached.
pub(crate) fn error_response(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": printable(description) }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// RFC 6749 §5.2 allows printable ASCII without `"` and `\` in a description.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => character,
            _ => '?',
        })
        .collect()
}
