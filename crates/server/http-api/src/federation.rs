//! What a tenant is called to the outside, where that is not where it is served: behind another
//! name, or published elsewhere.

use rolecall_mint::IssuerUrl;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a tenant's tokens and documents say of it, as it is written down. Precedence as Spacelift's
/// self-hosted server has it: an issuer alone derives the JWKS URI, both are taken as they are, and
/// with neither the served URL counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FederationText {
    /// `iss` of tokens and of the discovery document, character by character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `jwks_uri` of the discovery document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where the JWKS is served, below the issuer; `/.well-known/jwks.json` if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_path: Option<String>,
}

/// The same, checked and complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Federation {
    pub(crate) issuer: IssuerUrl,
    pub(crate) jwks_uri: String,
    pub(crate) jwks_path: String,
}

impl Federation {
    /// What `text` makes of a tenant that is served at `served`.
    ///
    /// # Errors
    /// The member that is wrong, and why.
    pub(crate) fn read(
        served: &IssuerUrl,
        text: &FederationText,
    ) -> Result<Self, (&'static str, String)> {
        let jwks_path = match &text.jwks_path {
            None => DEFAULT_JWKS_PATH.to_owned(),
            Some(path) => checked_path(path).map_err(|why| ("jwks_path", why))?,
        };
        let issuer = match &text.issuer {
            None => served.clone(),
            Some(issuer) => issuer
                .parse()
                .map_err(|error: rolecall_mint::MintError| ("issuer", error.to_string()))?,
        };
        let jwks_uri = match &text.jwks_uri {
            None => format!("{}{jwks_path}", issuer.as_str()),
            Some(uri) => checked_uri(uri).map_err(|why| ("jwks_uri", why))?,
        };
        Ok(Self {
            issuer,
            jwks_uri,
            jwks_path,
        })
    }
}

/// The path of a stored declaration; one that does not read is told when the tenant is read.
pub(crate) fn jwks_path(document: &str) -> String {
    #[derive(Deserialize)]
    struct Declared {
        #[serde(default)]
        federation: FederationText,
    }

    serde_json::from_str(document)
        .ok()
        .and_then(|declared: Declared| declared.federation.jwks_path)
        .and_then(|path| checked_path(&path).ok())
        .unwrap_or_else(|| DEFAULT_JWKS_PATH.to_owned())
}

/// What the tokens of a stored tenant say in place of its issuer, if anything else.
pub(crate) fn called(document: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Declared {
        #[serde(default)]
        federation: FederationText,
    }

    serde_json::from_str(document)
        .ok()
        .and_then(|declared: Declared| declared.federation.issuer)
}

fn checked_path(path: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let dotted = path.split('/').any(|part| part == "." || part == "..");
    if !path.starts_with('/') || path.ends_with('/') || path.contains("//") || dotted {
        return Err(format!(
            "`{path}` is not a path: write it as `/.well-known/jwks`"
        ));
    }
    if let Some(odd) = path.chars().find(|c| !plain(*c)) {
        return Err(format!(
            "`{path}` holds `{}`; letters, digits and `-._~/` are possible",
            odd.escape_debug()
        ));
    }
    if TAKEN.contains(&path) {
        return Err(format!("`{path}` is served already, and not as the JWKS"));
    }
    Ok(path.to_owned())
}

fn checked_uri(uri: &str) -> Result<String, String> {
    let rest = uri.strip_prefix("https://").ok_or_else(|| {
        format!("`{uri}` does not begin with `https://`; verifiers fetch nothing else")
    })?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || uri.chars().any(|c| !c.is_ascii_graphic()) || uri.contains('#') {
        return Err(format!("`{uri}` is not the address of a document"));
    }
    Ok(uri.to_owned())
}

const DEFAULT_JWKS_PATH: &str = "/.well-known/jwks.json";
const TAKEN: [&str; 2] = ["/.well-known/openid-configuration", "/oauth2/token"];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(issuer: Option<&str>, jwks_uri: Option<&str>, jwks_path: Option<&str>) -> String {
        let text = FederationText {
            issuer: issuer.map(str::to_owned),
            jwks_uri: jwks_uri.map(str::to_owned),
            jwks_path: jwks_path.map(str::to_owned),
        };
        match Federation::read(&"https://in.example/a".parse().unwrap(), &text) {
            Ok(read) => format!("{} {}", read.issuer, read.jwks_uri),
            Err((member, why)) => format!("{member}: {why}"),
        }
    }

    #[test]
    fn an_issuer_alone_derives_the_jwks_uri() {
        let (out, cdn) = (Some("https://out.example"), Some("https://cdn.example/k"));
        for (given, expected) in [
            (
                (None, None, None),
                "https://in.example/a https://in.example/a/.well-known/jwks.json",
            ),
            (
                (out, None, None),
                "https://out.example https://out.example/.well-known/jwks.json",
            ),
            (
                (out, cdn, None),
                "https://out.example https://cdn.example/k",
            ),
            (
                (None, cdn, None),
                "https://in.example/a https://cdn.example/k",
            ),
            (
                (out, None, Some("/.well-known/jwks")),
                "https://out.example https://out.example/.well-known/jwks",
            ),
        ] {
            assert_eq!(read(given.0, given.1, given.2), expected);
        }
    }

    #[test]
    fn what_cannot_be_served_or_fetched_is_refused() {
        for path in [
            "jwks",
            "/",
            "/a/",
            "/a//b",
            "/../b",
            "/a?b",
            "/oauth2/token",
        ] {
            assert!(
                read(None, None, Some(path)).starts_with("jwks_path: "),
                "{path}"
            );
        }
        for uri in [
            "http://a.example/k",
            "https://",
            "https:///k",
            "https://a/ b",
        ] {
            assert!(
                read(None, Some(uri), None).starts_with("jwks_uri: "),
                "{uri}"
            );
        }
        assert!(read(Some("https://a.example/"), None, None).starts_with("issuer: "));
    }
}
