//! An issuer's discovery document and keys, fetched over the network as STS fetches them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rolecall_jose::{JoseError, JwkSet, VerifyingKey};
use serde::Deserialize;
use url::Url;

use crate::EmulatorError;

/// Fetches issuers' keys and keeps them for a moment.
#[derive(Debug)]
pub(crate) struct Issuers {
    client: reqwest::Client,
    /// Origin to address.
    connect_to: HashMap<String, Url>,
    kept: Mutex<HashMap<String, Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    keys: Arc<PublishedKeys>,
    fetched: i64,
}

/// What an issuer publishes.
#[derive(Debug)]
pub(crate) struct PublishedKeys {
    pub(crate) discovery_url: String,
    pub(crate) jwks_url: String,
    signing_keys: usize,
    rsa_keys: usize,
    by_kid: BTreeMap<String, Result<VerifyingKey, String>>,
}

/// Why there is no key to verify with.
#[derive(Debug, Clone)]
pub(crate) struct NoKey {
    pub(crate) why: String,
}

impl Issuers {
    pub(crate) fn new(connect_to: &[(String, String)]) -> Result<Self, EmulatorError> {
        let client = reqwest::Client::builder()
            .timeout(FETCH_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(EmulatorError::Client)?;
        let mut addresses = HashMap::new();
        for (origin, address) in connect_to {
            addresses.insert(self::origin(&parse_origin(origin)?), parse_origin(address)?);
        }
        Ok(Self {
            client,
            connect_to: addresses,
            kept: Mutex::new(HashMap::new()),
        })
    }

    /// The keys of `issuer`, at most a minute old, and fetched anew when `kid` is not among them.
    pub(crate) async fn keys(
        &self,
        issuer: &str,
        kid: Option<&str>,
        now: i64,
    ) -> Result<Arc<PublishedKeys>, NoKey> {
        let kept = self.lock().get(issuer).cloned();
        if let Some(kept) = kept {
            let fresh = (0..KEEP_SECONDS).contains(&(now - kept.fetched));
            if fresh && kid.is_none_or(|kid| kept.keys.by_kid.contains_key(kid)) {
                return Ok(kept.keys);
            }
        }
        let keys = Arc::new(self.fetch(issuer).await?);
        let mut all = self.lock();
        if all.len() >= KEPT_ISSUERS {
            all.clear();
        }
        all.insert(
            issuer.to_owned(),
            Kept {
                keys: Arc::clone(&keys),
                fetched: now,
            },
        );
        Ok(keys)
    }

    /// Whether the issuer answers with a discovery document and keys at all.
    pub(crate) async fn probe(&self, issuer: &str) -> Result<(), NoKey> {
        self.fetch(issuer).await.map(|_| ())
    }

    async fn fetch(&self, issuer: &str) -> Result<PublishedKeys, NoKey> {
        let discovery_url = format!(
            "{}/.well-known/openid-configuration",
            issuer.strip_suffix('/').unwrap_or(issuer)
        );
        let text = self.load(&discovery_url).await?;
        let discovery: Discovery = serde_json::from_slice(&text).map_err(|error| {
            NoKey::new(format!(
                "{discovery_url} is not a discovery document: {error}"
            ))
        })?;
        if discovery.issuer != issuer {
            return Err(NoKey::new(format!(
                "{discovery_url} says that its issuer is `{}`, and the token's is `{issuer}`",
                discovery.issuer
            )));
        }
        let text = self.load(&discovery.jwks_uri).await?;
        let set = JwkSet::parse(&text)
            .map_err(|error| NoKey::new(format!("{}: {error}", discovery.jwks_uri)))?;
        Ok(PublishedKeys::new(discovery_url, discovery.jwks_uri, &set))
    }

    async fn load(&self, address: &str) -> Result<Vec<u8>, NoKey> {
        let failed = |why: String| NoKey::new(format!("{address}: {why}"));
        let url = Url::parse(address).map_err(|error| failed(error.to_string()))?;
        if url.scheme() != "https" && !is_loopback_http(&url) {
            return Err(failed("keys are fetched over https only".to_owned()));
        }
        let mut request = match self.connect_to.get(&origin(&url)) {
            None => self.client.get(url.clone()),
            Some(to) => {
                let mut there = url.clone();
                // A URL with a host takes any of http and https, so these two cannot fail.
                let _ = there.set_scheme(to.scheme());
                let _ = there.set_host(to.host_str());
                let _ = there.set_port(to.port());
                self.client
                    .get(there)
                    .header(http::header::HOST, authority(&url))
            }
        };
        request = request.header(http::header::ACCEPT, "application/json");
        let mut response = request
            .send()
            .await
            .map_err(|error| failed(cause(&error)))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(failed(format!("answered {}", response.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| failed(cause(&error)))?
        {
            if body.len() + chunk.len() > DOCUMENT_LIMIT {
                return Err(failed(format!("is longer than {DOCUMENT_LIMIT} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PublishedKeys {
    fn new(discovery_url: String, jwks_url: String, set: &JwkSet) -> Self {
        let signing: Vec<_> = set
            .keys
            .iter()
            .filter(|key| key.is_for_signatures())
            .collect();
        let mut by_kid = BTreeMap::new();
        for jwk in &signing {
            let Some(kid) = &jwk.kid else { continue };
            let key = if jwk.key_ops.is_some() {
                Err("the key carries `key_ops`, which AWS refuses".to_owned())
            } else if jwk.agrees_with_certificate() == Some(false) {
                Err("the key's `x5c` holds another key".to_owned())
            } else {
                VerifyingKey::from_jwk(jwk).map_err(|error| error.to_string())
            };
            by_kid.insert(kid.clone(), key);
        }
        Self {
            discovery_url,
            jwks_url,
            signing_keys: signing.len(),
            rsa_keys: signing.iter().filter(|key| key.kty == "RSA").count(),
            by_kid,
        }
    }

    /// The key that a token with this `kid` is verified with, by AWS's rules.
    pub(crate) fn key(&self, kid: Option<&str>, rsa: bool) -> Result<&VerifyingKey, NoKey> {
        let found = match kid {
            Some(kid) => self.by_kid.get(kid).ok_or_else(|| {
                NoKey::new(format!(
                    "{} has no signing key with kid `{}`; it has {}",
                    self.jwks_url,
                    kid.escape_debug(),
                    self.names()
                ))
            })?,
            None => match (self.signing_keys, self.by_kid.values().next()) {
                (1, Some(only)) => only,
                _ => {
                    return Err(NoKey::new(
                        JoseError::KidMissing {
                            signing_keys: self.signing_keys,
                        }
                        .to_string(),
                    ));
                }
            },
        };
        let of_kind = if rsa {
            self.rsa_keys
        } else {
            self.signing_keys - self.rsa_keys
        };
        if of_kind > KEYS_OF_A_KIND {
            return Err(NoKey::new(format!(
                "{} has {of_kind} keys of one kind, and AWS reads at most {KEYS_OF_A_KIND}",
                self.jwks_url
            )));
        }
        found.as_ref().map_err(|why| NoKey::new(why.clone()))
    }

    fn names(&self) -> String {
        if self.by_kid.is_empty() {
            return "no named signing key".to_owned();
        }
        let names: Vec<String> = self
            .by_kid
            .keys()
            .take(8)
            .map(|kid| format!("`{}`", kid.escape_debug()))
            .collect();
        names.join(", ")
    }
}

impl NoKey {
    fn new(why: String) -> Self {
        Self { why }
    }
}

/// The host of `url` is this machine and the scheme plain http: allowed, so that an issuer can be
/// tried before it has a certificate. AWS itself takes https only.
pub(crate) fn is_loopback_http(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
}

fn parse_origin(given: &str) -> Result<Url, EmulatorError> {
    let wrong = |why: &str| EmulatorError::Origin {
        given: given.to_owned(),
        why: why.to_owned(),
    };
    let url = Url::parse(given).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("expected http or https"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("nothing may stand behind the host and port"));
    }
    Ok(url)
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The innermost cause, which is where reqwest says what happened.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer within 5 seconds".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// As long as STS waits.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

const KEEP_SECONDS: i64 = 60;

const KEPT_ISSUERS: usize = 1024;

const KEYS_OF_A_KIND: usize = 100;

const DOCUMENT_LIMIT: usize = 1 << 20;
