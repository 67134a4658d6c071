//! The HTTP client towards an authority: the workspace's own, with time limits.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use http::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

/// Asks with reqwest.
pub(super) struct Client(reqwest::Client);

impl Client {
    /// Trusts the authorities in `ca` (PEM) alone; without, the system's.
    ///
    /// # Errors
    /// A certificate that cannot be read.
    pub(super) fn new(ca: Option<&[u8]>) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder().timeout(PATIENCE);
        let builder = match ca {
            Some(pem) => builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?),
            None => builder,
        };
        Ok(Self(builder.build()?))
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = to_bytes(Body::new(body), LONGEST).await.map_err(other)?;
            let request = Request::from_parts(head, body);
            let request = reqwest::Request::try_from(request).map_err(other)?;
            let answer = client.execute(request).await.map_err(other)?;
            let answer: Response<reqwest::Body> = answer.into();
            Ok(BytesResponse::from(answer))
        })
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}

/// For one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a request.
const LONGEST: usize = 1024 * 1024;
