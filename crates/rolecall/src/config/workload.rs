//! The workload's side of the configuration: who asks, whom, and with which key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rolecall_jose::SigningKey;
use rolecall_mint::IssuerUrl;
use rolecall_sealed::SecretString;
use serde::Deserialize;

use super::Loaded;
use crate::failure::{Exit, Failure};

/// `workload:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSection {
    /// The name under which the issuer knows the workload.
    name: String,
    /// The issuer that is asked.
    issuer: String,
    /// Where the issuer is really reached, if not at its own URL.
    #[serde(default)]
    issuer_address: Option<String>,
    /// The private key's file: PKCS#8 PEM, readable by its owner only.
    #[serde(default)]
    key_file: Option<PathBuf>,
    /// In place of a key: the file of a token of an issuer that ours trusts, which the platform
    /// keeps fresh.
    #[serde(default)]
    evidence_file: Option<PathBuf>,
    /// What is known here about the workload, for session names. What the token says comes from
    /// the issuer.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// A workload that can ask: its name, its issuer and its key, read and checked.
pub struct AskingWorkload {
    /// The name under which the issuer knows it.
    pub name: String,
    /// The issuer that it asks.
    pub issuer: IssuerUrl,
    /// Where the issuer is really reached, if not at its own URL; no slash at its end.
    pub issuer_address: Option<String>,
    /// What proves who it is.
    pub proof: Proof,
    /// What is known here about it, for session names.
    pub attributes: BTreeMap<String, String>,
}

/// What proves who a workload is.
pub enum Proof {
    /// Its own key (RFC 7523).
    Key(Box<SigningKey>),
    /// A token of the platform that it runs on, in a file that the platform keeps fresh: exchanged
    /// (RFC 8693).
    Evidence(PathBuf),
}

impl Proof {
    /// A key by its RFC 7638 thumbprint, evidence by its file.
    pub fn name(&self) -> String {
        match self {
            Self::Key(key) => key.kid().to_owned(),
            Self::Evidence(path) => path.display().to_string(),
        }
    }
}

impl Loaded {
    /// The workload that this file says is asking.
    ///
    /// # Errors
    /// `Configuration` where the section is missing or wrong, `Local` where the key file is.
    pub fn asking_workload(&self) -> Result<AskingWorkload, Failure> {
        let Some(section) = &self.document.workload else {
            return Err(self.broken("", "there is no `workload` section").hint(
                "Add `workload:` with `name`, `issuer` and `key_file`; docs/configuration.md \
                 shows one",
            ));
        };
        let issuer = section
            .issuer
            .parse()
            .map_err(|error| self.broken("workload.issuer", error))?;
        if let Some(address) = &section.issuer_address {
            let usable = url::Url::parse(address)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !usable {
                return Err(self.broken(
                    "workload.issuer_address",
                    format_args!("`{address}` is not an http or https URL"),
                ));
            }
        }
        let proof = match (&section.key_file, &section.evidence_file) {
            (Some(key), None) => Proof::Key(Box::new(private_key(&self.resolve(key))?)),
            (None, Some(evidence)) => Proof::Evidence(self.resolve(evidence)),
            (Some(_), Some(_)) => {
                return Err(self.broken(
                    "workload.evidence_file",
                    "a workload proves itself in one way: `key_file` or `evidence_file`",
                ));
            }
            (None, None) => {
                return Err(self.broken("workload", "it has no `key_file`").hint(
                    "Make one with `rolecall workload key --to FILE`; where the platform gives the \
                     workload a token (Kubernetes, CI systems), name its file as `evidence_file`",
                ));
            }
        };
        Ok(AskingWorkload {
            name: section.name.clone(),
            issuer,
            issuer_address: section
                .issuer_address
                .as_ref()
                .map(|address| address.trim_end_matches('/').to_owned()),
            proof,
            attributes: section.attributes.clone(),
        })
    }
}

/// Reads a private key that its owner alone can read.
fn private_key(path: &std::path::Path) -> Result<SigningKey, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let local = |what: String| Failure::new(Exit::Local, what);
    let unreadable = |error: std::io::Error| {
        local(format!(
            "cannot read the key file `{}`: {error}",
            path.display()
        ))
        .hint(
            "Make one with `rolecall workload key --to FILE` and register its public part with \
             the issuer",
        )
    };
    let mode = std::fs::metadata(path)
        .map_err(unreadable)?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(local(format!(
            "the key file `{}` can be read by others (mode {:03o})",
            path.display(),
            mode & 0o777
        ))
        .hint(format_args!(
            "`chmod 600 {}`; if others may have read it, make a new key",
            path.display()
        )));
    }
    let pem = SecretString::from(std::fs::read_to_string(path).map_err(unreadable)?);
    SigningKey::from_pem(&pem).map_err(|error| {
        local(format!(
            "the key file `{}` holds no usable private key: {error}",
            path.display()
        ))
        .hint("Expected PKCS#8 PEM of an RSA (2048 bits or more) or P-256 key")
    })
}
