//! Parts of the path and of the query, refused in the same form as everything else.

use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::refused::Refused;

/// What the path names.
pub(crate) struct Named<T>(pub(crate) T);

/// What the query asks for.
pub(crate) struct Asking<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let Path(named) = Path::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Refused::malformed(rejection.body_text()))?;
        Ok(Self(named))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Asking<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let Query(asking) = Query::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Refused::malformed(rejection.body_text()))?;
        Ok(Self(asking))
    }
}
