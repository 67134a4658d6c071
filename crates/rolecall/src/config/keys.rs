//! The signing keys' part of the configuration: where they are held, and how they rotate.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;

use rolecall_names::Region;
use rolecall_signing_keys::SOFTWARE;
use rolecall_signing_keys::rotation::{PolicyText, Publishing};
use serde::{Deserialize, Deserializer};

use super::Loaded;
use super::issuer::{ServerSection, TenantSection};
use crate::failure::Failure;

/// `keys:` as it is written, for the installation or for one tenant. What a tenant leaves out is as
/// for the installation.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysSection {
    /// The name of a backend under `server.key_backends`, or `software`.
    #[serde(default)]
    backend: Option<String>,
    /// How long a key signs: `90d`, or `never` to rotate by hand only.
    #[serde(default)]
    period: Option<Period>,
    /// How long a key is published before it signs.
    #[serde(default)]
    publish_ahead: Option<Span>,
    /// Whether a successor is published at all times.
    #[serde(default)]
    standby: Option<bool>,
    /// Who shows the JWKS to verifiers: `own`, or `external`.
    #[serde(default)]
    publishing: Option<Publishing>,
}

/// One of `server.key_backends:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum KeyBackendSection {
    /// A PKCS#11 token.
    Pkcs11(Pkcs11Section),
    /// AWS KMS.
    Kms(KmsSection),
}

/// A PKCS#11 token as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11Section {
    /// The library that the token's maker gives.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The file that holds the user PIN, readable by its owner only.
    #[serde(default)]
    pub pin_file: Option<PathBuf>,
    /// The variable that holds the user PIN.
    #[serde(default)]
    pub pin_variable: Option<String>,
    /// How many sessions at most.
    #[serde(default = "default_sessions")]
    pub sessions: NonZero<usize>,
}

/// AWS KMS as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmsSection {
    /// The region that keys are made in; without one that of the environment.
    #[serde(default)]
    pub region: Option<Region>,
    /// Another address than AWS's own.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Days between the end of a key and its deletion.
    #[serde(default = "default_deletion_window")]
    pub deletion_window_days: u32,
}

impl Loaded {
    /// How the keys of the tenant at `tenants[at]` rotate.
    ///
    /// # Errors
    /// `Configuration` for a backend that is not there.
    pub(super) fn rotation(
        &self,
        at: usize,
        tenant: &TenantSection,
    ) -> Result<PolicyText, Failure> {
        let server = self.document.server.as_ref();
        let installation = server.map(|server| server.keys.clone()).unwrap_or_default();
        let own = tenant.keys.clone();
        let plain = PolicyText::default();
        let (backend, field) = match (own.backend, installation.backend) {
            (Some(backend), _) => (backend, format!("tenants[{at}].keys.backend")),
            (None, Some(backend)) => (backend, "server.keys.backend".to_owned()),
            (None, None) => (SOFTWARE.to_owned(), String::new()),
        };
        let backends = server.map(|server| &server.key_backends);
        let known = backends.is_some_and(|backends| backends.contains_key(&backend));
        if server.is_some() && !known && backend != SOFTWARE {
            let names = backends.into_iter().flat_map(BTreeMap::keys);
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            let there = match names.as_slice() {
                [] => "there is none".to_owned(),
                names => format!("there is {}", names.join(", ")),
            };
            return Err(self
                .broken(
                    &field,
                    format_args!(
                        "no key backend is called `{backend}`; {there}, beside `{SOFTWARE}`"
                    ),
                )
                .hint("Add it under `server.key_backends`; docs/keys.md shows one"));
        }
        let period = own.period.or(installation.period);
        let ahead = own.publish_ahead.or(installation.publish_ahead);
        let standby = own.standby.or(installation.standby);
        Ok(PolicyText {
            period: period.map_or(plain.period, |period| period.0.map(|span| span.0)),
            publish_ahead: ahead.map_or(plain.publish_ahead, |span| span.0),
            standby: standby.unwrap_or(plain.standby),
            backend,
            publishing: (own.publishing.or(installation.publishing)).unwrap_or_default(),
        })
    }
}

impl ServerSection {
    /// The first backend that takes the name of the one that is always there.
    pub fn misnamed_backend(&self) -> Option<String> {
        self.key_backends
            .contains_key(SOFTWARE)
            .then(|| format!("server.key_backends.{SOFTWARE}"))
    }
}

/// Whole seconds, written `90d`, `24h`, `90m` or as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span(i64);

/// A [`Span`], or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period(Option<Span>);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        written.span().ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "`{written}` is not a duration: expected `90d`, `24h` or a number of seconds"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        if matches!(&written, Written::Text(text) if text == "never") {
            return Ok(Self(None));
        }
        written.span().map(|span| Self(Some(span))).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "`{written}` is not a period: expected `90d`, `720h`, a number of seconds or `never`"
            ))
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(u32),
    Text(String),
}

impl Written {
    fn span(&self) -> Option<Span> {
        match self {
            Self::Seconds(seconds) => Some(Span(i64::from(*seconds))),
            Self::Text(text) => match text.strip_suffix('d') {
                Some(days) => {
                    let days: u16 = days.trim().parse().ok()?;
                    Some(Span(i64::from(days) * 86_400))
                }
                None => {
                    let duration: jiff::SignedDuration = text.parse().ok()?;
                    (!duration.is_negative()).then(|| Span(duration.as_secs()))
                }
            },
        }
    }
}

impl std::fmt::Display for Written {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(formatter, "{seconds}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

/// What most tokens allow with ease.
fn default_sessions() -> NonZero<usize> {
    NonZero::new(8).unwrap_or(NonZero::<usize>::MIN)
}

/// The longest that KMS offers: a key that was scheduled by mistake can be kept.
fn default_deletion_window() -> u32 {
    30
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn period(yaml: &str) -> Result<Option<i64>, String> {
        serde_saphyr::from_str::<Period>(yaml)
            .map(|period| period.0.map(|span| span.0))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn periods_are_written_as_people_do() {
        assert_eq!(period("90d"), Ok(Some(7_776_000)));
        assert_eq!(period("36h"), Ok(Some(129_600)));
        assert_eq!(period("3600"), Ok(Some(3600)));
        assert_eq!(period("never"), Ok(None));
        for wrong in ["-1d", "soon", "1.5d", "-2h"] {
            assert!(
                period(wrong).unwrap_err().contains("is not a period"),
                "{wrong}"
            );
        }
    }
}
