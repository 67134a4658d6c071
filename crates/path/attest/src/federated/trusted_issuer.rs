//! Whose tokens are evidence, and under which conditions.

use rolecall_jose::{Algorithm, JwkSet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::shown;
use crate::federated::{EvidenceError, Preset};

/// A trusted issuer as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuerText {
    /// By which workloads refer to it: letters, digits, `_` and `-`.
    pub name: String,
    /// What is known about it already.
    #[serde(default)]
    pub preset: Preset,
    /// The exact `iss` of its tokens; some presets know it.
    #[serde(default)]
    pub issuer: Option<String>,
    /// What its tokens' `aud` must hold one of. None: the tenant's own issuer URL.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// What it may sign with. None: what the preset knows.
    #[serde(default)]
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are.
    #[serde(default)]
    pub keys: KeysFrom,
    /// Certificates (PEM) that its server may have, beside those that the system trusts.
    #[serde(default)]
    pub authorities: Option<String>,
    /// How old a token may be, in seconds: 60 to 86,400.
    #[serde(default)]
    pub maximum_age_seconds: Option<u32>,
    /// By how much the clocks may differ, in seconds: at most 300.
    #[serde(default = "default_leeway")]
    pub leeway_seconds: u32,
    /// Whether a token is taken once only.
    #[serde(default = "default_one_use")]
    pub one_use: bool,
    /// Whether its tokens must have a `jti`. Without one, a token that is taken once only is known
    /// by its digest.
    #[serde(default)]
    pub jti_required: bool,
}

/// Where a trusted issuer's keys come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeysFrom {
    /// From the document at `{issuer}/.well-known/openid-configuration`.
    #[default]
    Discovery,
    /// From this address of a JWKS.
    Url(String),
    /// These, and no others: nothing is fetched.
    Offline(JwkSet),
}

impl TrustedIssuerText {
    /// Any OpenID provider with discovery, everything else as it is by default.
    #[must_use]
    pub fn new(name: &str, issuer: &str) -> Self {
        Self {
            name: name.to_owned(),
            preset: Preset::Oidc,
            issuer: Some(issuer.to_owned()),
            audiences: Vec::new(),
            algorithms: Vec::new(),
            keys: KeysFrom::Discovery,
            authorities: None,
            maximum_age_seconds: None,
            leeway_seconds: default_leeway(),
            one_use: default_one_use(),
            jti_required: false,
        }
    }
}

/// A checked trusted issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedIssuer {
    pub(super) name: String,
    pub(super) preset: Preset,
    pub(super) url: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) maximum_age: i64,
    pub(super) leeway: i64,
    pub(super) one_use: bool,
    pub(super) jti_required: bool,
    keys: KeysFrom,
    authorities: Option<String>,
}

impl TrustedIssuer {
    /// Checks a declaration of a tenant whose own issuer is `own`.
    ///
    /// # Errors
    /// [`EvidenceError::Declared`] with the field.
    pub fn read(text: &TrustedIssuerText, own: &str) -> Result<Self, EvidenceError> {
        let refused = |field: &str, why: String| EvidenceError::declared(field, why);
        let fits = (1..=64).contains(&text.name.len())
            && text
                .name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !fits {
            return Err(refused(
                "name",
                format!(
                    "`{}` cannot be the name of a trusted issuer: use 1 to 64 letters, digits, `_` and `-`",
                    shown(&text.name)
                ),
            ));
        }
        let Some(url) = text.issuer.as_deref().or(text.preset.issuer()) else {
            return Err(refused(
                "issuer",
                format!(
                    "the trusted issuer `{}` has no `issuer`: write the exact `iss` of its tokens",
                    text.name
                ),
            ));
        };
        if url == own {
            return Err(refused(
                "issuer",
                "a tenant cannot trust its own tokens as evidence: whoever has one could renew it for ever".to_owned(),
            ));
        }
        check_addresses(text, url)?;
        let maximum_age = text
            .maximum_age_seconds
            .unwrap_or_else(|| text.preset.maximum_age());
        if !(60..=86_400).contains(&maximum_age) {
            return Err(refused(
                "maximum_age",
                format!("evidence may be 1m to 24h old, not {maximum_age} s"),
            ));
        }
        if text.leeway_seconds > 300 {
            return Err(refused(
                "leeway",
                format!(
                    "clocks may differ by at most 5m, not {} s; set them right",
                    text.leeway_seconds
                ),
            ));
        }
        let audiences = match text.audiences.as_slice() {
            [] => vec![own.to_owned()],
            several => several.to_vec(),
        };
        if audiences.iter().any(String::is_empty) || audiences.len() > MOST_AUDIENCES {
            return Err(refused(
                "audiences",
                format!("write 1 to {MOST_AUDIENCES} audiences that are not empty"),
            ));
        }
        let algorithms = match text.algorithms.as_slice() {
            [] => text.preset.algorithms(),
            several => several,
        };
        Ok(Self {
            name: text.name.clone(),
            preset: text.preset,
            url: url.to_owned(),
            audiences,
            algorithms: algorithms.to_vec(),
            maximum_age: i64::from(maximum_age),
            leeway: i64::from(text.leeway_seconds),
            one_use: text.one_use,
            jti_required: text.jti_required,
            keys: text.keys.clone(),
            authorities: text.authorities.clone(),
        })
    }

    /// By which workloads refer to it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The exact `iss` of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its keys come from.
    #[must_use]
    pub fn keys(&self) -> &KeysFrom {
        &self.keys
    }

    /// Certificates (PEM) that its server may have, beside those that the system trusts.
    #[must_use]
    pub fn authorities(&self) -> Option<&str> {
        self.authorities.as_deref()
    }

    /// What is known about it.
    #[must_use]
    pub fn preset(&self) -> Preset {
        self.preset
    }
}

/// Whatever is fetched is fetched over TLS, but from this very machine.
fn check_addresses(text: &TrustedIssuerText, issuer: &str) -> Result<(), EvidenceError> {
    let (field, address) = match &text.keys {
        KeysFrom::Discovery => ("issuer", issuer),
        KeysFrom::Url(url) => ("jwks_url", url.as_str()),
        KeysFrom::Offline(set) if set.keys.is_empty() => {
            return Err(EvidenceError::declared(
                "jwks",
                format!("the trusted issuer `{}` has no key", text.name),
            ));
        }
        KeysFrom::Offline(_) => return Ok(()),
    };
    if may_be_fetched(address) {
        return Ok(());
    }
    Err(EvidenceError::declared(
        field,
        format!(
            "keys cannot be fetched from `{}`: use an `https` URL without query or fragment (`http` for loopback addresses only), or give the keys offline",
            shown(address)
        ),
    ))
}

/// Whether keys may be fetched from `url`: over TLS, or from this very machine.
#[must_use]
pub fn may_be_fetched(url: &str) -> bool {
    let (rest, encrypted) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return false,
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let tidy = !authority.is_empty()
        && url.chars().all(|c| c.is_ascii_graphic())
        && !url.contains(['?', '#', '@', '\\']);
    tidy && (encrypted || is_loopback(authority))
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

fn default_leeway() -> u32 {
    60
}

fn default_one_use() -> bool {
    true
}

const MOST_AUDIENCES: usize = 16;
