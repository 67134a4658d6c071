//! One look at an issuer: discovery and JWKS, within bounds of time and size.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Certificate, Client, redirect};
use rolecall_attest::federated::{IssuerKeys, may_be_fetched};
use rolecall_jose::JwkSet;
use serde::Deserialize;
use tracing::Instrument as _;

use crate::AttestKeysError;

/// Where an issuer's keys are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Discovery,
    Jwks(String),
}

/// What of a discovery document (OpenID Connect Discovery 1.0 §3) is read.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// A client that follows no redirect: an address that is not the one declared is a mistake, or
/// somebody's attempt.
///
/// # Errors
/// [`AttestKeysError::Authorities`].
pub(crate) fn client(issuer: &str, authorities: Option<&str>) -> Result<Client, AttestKeysError> {
    let refused = |why: String| AttestKeysError::Authorities {
        issuer: issuer.to_owned(),
        why,
    };
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_WITHIN)
        .timeout(ANSWER_WITHIN)
        .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = authorities {
        let certificates =
            Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| refused(chain(&error)))?;
        if certificates.is_empty() {
            return Err(refused(
                "there is no `-----BEGIN CERTIFICATE-----` in it".to_owned(),
            ));
        }
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| refused(chain(&error)))
}

/// Fetches the keys of `issuer`.
///
/// # Errors
/// Whatever kept them from being read; also where the set has no key that can be used.
pub(crate) async fn keys(
    client: &Client,
    issuer: &str,
    address: &Address,
) -> Result<IssuerKeys, AttestKeysError> {
    let url = match address {
        Address::Jwks(url) => url.clone(),
        Address::Discovery => discovered(client, issuer).await?,
    };
    let body = body(client, &url, JWKS_LIMIT).await?;
    let unusable = |why: String| AttestKeysError::Document {
        url: url.clone(),
        why,
    };
    let set = JwkSet::parse(&body).map_err(|error| unusable(error.to_string()))?;
    let keys = IssuerKeys::new(&set);
    if keys.is_empty() {
        return Err(unusable(format!(
            "none of its {} keys can verify RS256/384/512 or ES256/384/512",
            set.keys.len()
        )));
    }
    Ok(keys)
}

async fn discovered(client: &Client, issuer: &str) -> Result<String, AttestKeysError> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let body = body(client, &url, DISCOVERY_LIMIT).await?;
    let unusable = |why: String| AttestKeysError::Document {
        url: url.clone(),
        why,
    };
    let discovery: Discovery =
        serde_json::from_slice(&body).map_err(|error| unusable(error.to_string()))?;
    if discovery.issuer != issuer {
        return Err(unusable(format!(
            "it is the document of the issuer `{}`",
            discovery.issuer.escape_debug()
        )));
    }
    let keeps_tls = issuer.starts_with("http://") || discovery.jwks_uri.starts_with("https://");
    if !keeps_tls || !may_be_fetched(&discovery.jwks_uri) {
        return Err(unusable(format!(
            "its `jwks_uri` `{}` is not an `https` URL without query or fragment",
            discovery.jwks_uri.escape_debug()
        )));
    }
    Ok(discovery.jwks_uri)
}

async fn body(client: &Client, url: &str, limit: usize) -> Result<Vec<u8>, AttestKeysError> {
    let unreachable = |error: reqwest::Error| AttestKeysError::Unreachable {
        url: url.to_owned(),
        why: chain(&error.without_url()),
    };
    let span = tracing::info_span!("fetch", otel.kind = "client", url.full = url);
    let mut response = client
        .get(url)
        .header("Accept", "application/json")
        .send()
        .instrument(span)
        .await
        .map_err(unreachable)?;
    if response.status() != 200 {
        return Err(AttestKeysError::Status {
            url: url.to_owned(),
            status: response.status().as_u16(),
        });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > limit {
            return Err(AttestKeysError::TooLarge {
                url: url.to_owned(),
                limit,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes: the outermost alone only says that something was sent.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const DISCOVERY_LIMIT: usize = 64 * 1024;
const JWKS_LIMIT: usize = 512 * 1024;
