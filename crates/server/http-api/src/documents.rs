use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rolecall_jose::{Algorithm, JwkSet};
use rolecall_mint::TokenConfig;
use serde_json::json;

use crate::federation::Federation;
use crate::request::{CLIENT_CREDENTIALS, TOKEN_EXCHANGE};

/// A public document, serialised once and answered as it lies.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    body: Bytes,
    etag: HeaderValue,
}

impl Document {
    fn new(json: &serde_json::Value) -> Self {
        let body = json.to_string();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        Self {
            body: body.into(),
            // invariant: quotes and hexadecimal digits are visible ASCII.
            etag: HeaderValue::from_str(&etag)
                .unwrap_or_else(|_| HeaderValue::from_static("\"document\"")),
        }
    }

    /// Answers GET and HEAD, and `If-None-Match` with 304 (RFC 9110 §13.1.2).
    pub(crate) fn answer(&self, method: &Method, headers: &HeaderMap) -> Response {
        let known = headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/").as_bytes())
            .any(|tag| tag == self.etag.as_bytes() || tag == b"*");
        let mut response = Response::new(if known || method == Method::HEAD {
            Body::empty()
        } else {
            Body::from(self.body.clone())
        });
        let answer = response.headers_mut();
        answer.insert(header::ETAG, self.etag.clone());
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        answer.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if method == Method::HEAD {
            answer.insert(header::CONTENT_LENGTH, self.body.len().into());
        }
        response
    }
}

/// By what the workloads of a tenant prove who they are, beside their own keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proofs {
    /// Client certificates.
    pub(crate) certificates: bool,
    /// Tokens of trusted issuers.
    pub(crate) tokens: bool,
    /// Client secrets.
    pub(crate) secrets: bool,
}

/// OpenID Provider Metadata (OpenID Connect Discovery 1.0 §3), as much as a relying party such as
/// IAM reads, with the token endpoint for workloads.
///
/// `proofs` tells by what workloads prove who they are, beside their own keys.
pub(crate) fn discovery(
    federation: &Federation,
    token_endpoint: &str,
    token_configs: &[Arc<TokenConfig>],
    proofs: Proofs,
) -> Document {
    let custom: BTreeSet<&str> = token_configs
        .iter()
        .flat_map(|config| config.claims().names())
        .collect();
    let claims: Vec<&str> = REGISTERED.into_iter().chain(custom).collect();
    let signing = [Algorithm::Rs256, Algorithm::Es256].map(Algorithm::as_str);
    let mut grants = vec![CLIENT_CREDENTIALS];
    if proofs.tokens {
        grants.push(TOKEN_EXCHANGE);
    }
    let mut methods = vec!["private_key_jwt"];
    if proofs.certificates {
        methods.push("tls_client_auth");
    }
    if proofs.secrets {
        methods.extend(["client_secret_basic", "client_secret_post"]);
    }
    let proving = Algorithm::ALL.map(Algorithm::as_str);
    Document::new(&json!({
        "issuer": federation.issuer.as_str(),
        "jwks_uri": federation.jwks_uri,
        "token_endpoint": token_endpoint,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": signing,
        "claims_supported": claims,
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": proving,
    }))
}

/// The public keys (RFC 7517 §5), each with no member that AWS would stumble over.
pub(crate) fn jwks(keys: &JwkSet) -> Document {
    Document::new(&json!(keys))
}

const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"];

/// Short enough that a key that is published now is seen before it signs.
const CACHE: &str = "public, max-age=300";

/// Seconds of [`CACHE`].
pub(crate) const MAX_AGE: i64 = 300;
