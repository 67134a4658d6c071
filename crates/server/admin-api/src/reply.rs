//! What a request is answered with.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::refused::Refused;

/// An answer, before it becomes HTTP.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Version of what is shown (RFC 9110 §8.8.3).
    pub(crate) version: Option<i64>,
    pub(crate) body: Option<Value>,
}

impl Reply {
    pub(crate) fn of<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Refused> {
        let body = serde_json::to_value(body).map_err(|error| Refused::ours(&error))?;
        Ok(Self {
            status,
            version: None,
            body: Some(body),
        })
    }

    pub(crate) fn ok<T: Serialize>(body: &T) -> Result<Self, Refused> {
        Self::of(StatusCode::OK, body)
    }

    pub(crate) fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            version: None,
            body: None,
        }
    }

    pub(crate) fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => {
                let headers = [(header::CONTENT_TYPE, "application/json")];
                (self.status, headers, body.to_string()).into_response()
            }
            None => self.status.into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let etag = self.version.map(|version| format!("\"{version}\""));
        if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}
