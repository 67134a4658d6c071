//! The address that a request came from.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::asked::client;

/// The address that a request came from, where it came over a network.
pub(crate) struct From(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(client(parts)))
    }
}
