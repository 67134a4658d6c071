use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use rolecall_mint::IssuerUrl;

/// Finds what serves a request by its Host and path.
///
/// AWS compares issuers character by character, so paths are compared as they were sent, without
/// decoding or tidying; hosts without regard to case, and without a default port.
#[derive(Debug)]
pub(crate) struct Routes<T> {
    hosts: HashMap<String, Issuers<T>>,
}

/// The issuers of one host.
#[derive(Debug)]
struct Issuers<T> {
    /// By their paths.
    paths: HashMap<String, Arc<T>>,
    /// By the paths of their key sets.
    jwks: HashMap<String, Arc<T>>,
}

/// What an issuer serves below its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Discovery,
    Enrol,
    Jwks,
    Token,
}

/// Where a request leads.
#[derive(Debug)]
pub(crate) enum Found<'r, T> {
    /// To an endpoint of an issuer.
    Endpoint(&'r Arc<T>, Endpoint),
    /// To an issuer, but not to anything that it serves.
    Issuer(&'r Arc<T>),
    /// To a host of issuers, but to none of them.
    Host,
    /// To a host that no issuer has.
    Nowhere,
}

impl Endpoint {
    /// The path below the issuer.
    /// What its path ends with, below the issuer's; where the JWKS is, each tenant says.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Jwks => "/.well-known/jwks.json",
            Self::Discovery => "/.well-known/openid-configuration",
            Self::Enrol => "/enrol",
            Self::Token => "/oauth2/token",
        }
    }
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self {
            hosts: HashMap::new(),
        }
    }
}

impl<T> Routes<T> {
    /// Routes to `targets`, each below its issuer; the issuers are distinct.
    pub(crate) fn new(targets: impl IntoIterator<Item = (IssuerUrl, String, Arc<T>)>) -> Self {
        let mut hosts: HashMap<String, Issuers<T>> = HashMap::new();
        for (issuer, jwks_path, target) in targets {
            let host = hosts
                .entry(issuer.authority().to_owned())
                .or_insert_with(|| Issuers {
                    paths: HashMap::new(),
                    jwks: HashMap::new(),
                });
            let jwks = format!("{}{jwks_path}", issuer.path());
            host.jwks.insert(jwks, Arc::clone(&target));
            host.paths.insert(issuer.path().to_owned(), target);
        }
        Self { hosts }
    }

    /// What serves `path` at `authority` (the Host header).
    pub(crate) fn find(&self, authority: &str, path: &str) -> Found<'_, T> {
        let Some(issuers) = self.hosts.get(&*normal(authority)) else {
            return Found::Nowhere;
        };
        for endpoint in ENDPOINTS {
            if let Some(prefix) = path.strip_suffix(endpoint.suffix())
                && let Some(target) = issuers.paths.get(prefix)
            {
                return Found::Endpoint(target, endpoint);
            }
        }
        if let Some(target) = issuers.jwks.get(path) {
            return Found::Endpoint(target, Endpoint::Jwks);
        }
        // Only for the message: the issuer with the longest path that leads here.
        let nearest = issuers
            .paths
            .iter()
            .filter(|(prefix, _)| {
                path.strip_prefix(prefix.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .max_by_key(|(prefix, _)| prefix.len());
        match nearest {
            Some((_, target)) => Found::Issuer(target),
            None => Found::Host,
        }
    }
}

/// A Host in lower case and without a default port. Behind a proxy that ends TLS the scheme is not
/// known here, so both defaults count.
fn normal(authority: &str) -> Cow<'_, str> {
    let bare = authority
        .strip_suffix(":443")
        .or_else(|| authority.strip_suffix(":80"))
        .unwrap_or(authority);
    if bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(bare.to_ascii_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

const ENDPOINTS: [Endpoint; 3] = [Endpoint::Token, Endpoint::Discovery, Endpoint::Enrol];

#[cfg(test)]
mod tests;
