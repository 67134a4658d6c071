//! Whose tokens a tenant trusts, as it is written.

use std::path::{Path, PathBuf};

use rolecall_attest::TrustBundleText;
use rolecall_attest::federated::{KeysFrom, Preset, TrustedIssuerText};
use rolecall_http_api::CertificateHeader;
use rolecall_jose::{Algorithm, JwkSet};
use serde::Deserialize;

use super::Loaded;
use super::issuer::Lifetime;
use crate::failure::Failure;

/// One of `trusted_issuers:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustedIssuerSection {
    name: String,
    #[serde(default)]
    preset: Preset,
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default)]
    algorithms: Vec<Algorithm>,
    #[serde(default)]
    jwks_url: Option<String>,
    #[serde(default)]
    jwks: Option<JwkSet>,
    #[serde(default)]
    jwks_file: Option<PathBuf>,
    #[serde(default)]
    ca_file: Option<PathBuf>,
    #[serde(default)]
    ca: Option<String>,
    #[serde(default)]
    maximum_age: Option<Lifetime>,
    #[serde(default)]
    leeway: Option<Lifetime>,
    #[serde(default = "default_one_use")]
    one_use: bool,
    #[serde(default)]
    jti_required: bool,
}

impl TrustedIssuerSection {
    /// By which it is referred to.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// One of `trust_bundles:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustBundleSection {
    name: String,
    #[serde(default)]
    ca_file: Option<PathBuf>,
    #[serde(default)]
    ca: Option<String>,
}

/// `server.client_certificate_header:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateHeaderSection {
    /// `client-cert` (RFC 9440) or `x-forwarded-client-cert`.
    pub form: CertificateHeader,
}

impl Loaded {
    /// A trust bundle with its certificates.
    ///
    /// # Errors
    /// `Configuration` where the file cannot be read.
    pub(super) fn trust_bundle(
        &self,
        field: &str,
        section: &TrustBundleSection,
    ) -> Result<TrustBundleText, Failure> {
        let file = self.authorities(field, section.ca_file.as_deref(), section.ca.as_deref())?;
        let authorities = file.ok_or_else(|| {
            self.broken(
                field,
                "a trust bundle needs certificates: write `ca_file` or `ca`",
            )
        })?;
        Ok(TrustBundleText {
            name: section.name.clone(),
            authorities,
        })
    }

    /// Certificates in PEM, from a file or as they stand.
    fn authorities(
        &self,
        field: &str,
        file: Option<&Path>,
        text: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        match (file, text) {
            (None, None) => Ok(None),
            (None, Some(text)) => Ok(Some(text.to_owned())),
            (Some(file), None) => {
                let path = self.resolve(file);
                let read = std::fs::read_to_string(&path).map_err(|error| {
                    self.broken(
                        &format!("{field}.ca_file"),
                        format_args!("cannot read `{}`: {error}", path.display()),
                    )
                });
                read.map(Some)
            }
            (Some(_), Some(_)) => {
                Err(self.broken(&format!("{field}.ca"), "keep one of `ca` and `ca_file`"))
            }
        }
    }

    /// A trusted issuer with the files that it names.
    ///
    /// # Errors
    /// `Configuration` where a file cannot be read or is no JWKS, and where the keys are said to be
    /// in two places.
    pub(super) fn trusted_issuer(
        &self,
        field: &str,
        section: &TrustedIssuerSection,
    ) -> Result<TrustedIssuerText, Failure> {
        let read = |name: &str, file: &PathBuf| {
            let path = self.resolve(file);
            std::fs::read_to_string(&path).map_err(|error| {
                self.broken(
                    &format!("{field}.{name}"),
                    format_args!("cannot read `{}`: {error}", path.display()),
                )
            })
        };
        let keys = match (&section.jwks_url, &section.jwks, &section.jwks_file) {
            (None, None, None) => KeysFrom::Discovery,
            (Some(url), None, None) => KeysFrom::Url(url.clone()),
            (None, Some(set), None) => KeysFrom::Offline(set.clone()),
            (None, None, Some(file)) => {
                let json = read("jwks_file", file)?;
                let set = JwkSet::parse(json.as_bytes()).map_err(|error| {
                    self.broken(
                        &format!("{field}.jwks_file"),
                        format_args!("`{}`: {error}", self.resolve(file).display()),
                    )
                })?;
                KeysFrom::Offline(set)
            }
            _ => {
                return Err(self
                    .broken(
                        field,
                        format_args!(
                            "the keys of the trusted issuer `{}` are said to be in two places",
                            section.name
                        ),
                    )
                    .hint("Keep one of `jwks_url`, `jwks` and `jwks_file`; without any, discovery tells where they are"));
            }
        };
        let mut text = TrustedIssuerText::new(&section.name, "");
        text.preset = section.preset;
        text.issuer.clone_from(&section.issuer);
        text.audiences.clone_from(&section.audiences);
        text.algorithms.clone_from(&section.algorithms);
        text.keys = keys;
        text.authorities =
            self.authorities(field, section.ca_file.as_deref(), section.ca.as_deref())?;
        text.maximum_age_seconds = section.maximum_age.as_ref().map(Lifetime::seconds);
        if let Some(leeway) = &section.leeway {
            text.leeway_seconds = leeway.seconds();
        }
        text.one_use = section.one_use;
        text.jti_required = section.jti_required;
        Ok(text)
    }
}

fn default_one_use() -> bool {
    true
}
