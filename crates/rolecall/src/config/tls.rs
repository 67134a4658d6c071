//! `server.tls:` as it is written.

use std::path::PathBuf;

use rolecall_listening::{AcmeSettings, TlsFiles};
use rolecall_store::Location;
use serde::Deserialize;
use url::Url;

use super::Loaded;
use crate::failure::Failure;

/// How `server.listen` speaks TLS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The chain, PEM, the server's own certificate first.
    #[serde(default)]
    certificate: Option<PathBuf>,
    /// Its private key, PEM, 0600.
    #[serde(default)]
    key: Option<PathBuf>,
    /// An authority that gives certificates, instead of files.
    #[serde(default)]
    acme: Option<AcmeSection>,
    /// Whom clients may show a certificate of.
    #[serde(default)]
    clients: Option<ClientsSection>,
}

/// `server.tls.clients:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientsSection {
    ca: PathBuf,
}

/// `server.tls.acme:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcmeSection {
    directory: String,
    #[serde(default)]
    contact: Vec<String>,
    #[serde(default)]
    domains: Option<Vec<String>>,
    #[serde(default)]
    ca: Option<PathBuf>,
    #[serde(default)]
    cache: Option<PathBuf>,
}

/// Where the certificate comes from.
#[derive(Debug)]
pub enum CertificateSource {
    /// Files that somebody renews.
    Files(TlsFiles),
    /// An authority, for these names; without any, for the hosts of the issuers.
    Acme(AcmeSettings, Option<Vec<String>>),
}

impl TlsSection {
    /// Where the certificate comes from, all paths where they are.
    ///
    /// # Errors
    /// `Configuration` where it comes from nowhere or from two places, and where clients'
    /// certificates are to come in two ways.
    pub fn source(&self, loaded: &Loaded) -> Result<CertificateSource, Failure> {
        let server = loaded.server()?;
        if self.clients.is_some() && server.client_certificate_header.is_some() {
            return Err(loaded
                .broken(
                    "server.client_certificate_header",
                    "clients' certificates come in directly (`server.tls.clients`), so none is taken from a header",
                )
                .hint("Keep one of the two: `tls.clients` where this server ends TLS, the header where a proxy does"));
        }
        let clients = self
            .clients
            .as_ref()
            .map(|clients| loaded.resolve(&clients.ca));
        match (&self.certificate, &self.key, &self.acme) {
            (Some(certificate), Some(key), None) => Ok(CertificateSource::Files(TlsFiles {
                certificate: loaded.resolve(certificate),
                key: loaded.resolve(key),
                clients,
            })),
            (None, None, Some(acme)) => {
                let settings = acme.settings(loaded, clients)?;
                Ok(CertificateSource::Acme(settings, acme.domains.clone()))
            }
            _ => Err(loaded
                .broken(
                    "server.tls",
                    "`tls` takes either `certificate` and `key`, or `acme`",
                )
                .hint("Name the files of a certificate and its key, or the directory of an authority that gives one")),
        }
    }
}

impl AcmeSection {
    fn settings(&self, loaded: &Loaded, clients: Option<PathBuf>) -> Result<AcmeSettings, Failure> {
        let broken =
            |field: &str, why: String| loaded.broken(&format!("server.tls.acme.{field}"), why);
        let is_https = Url::parse(&self.directory).is_ok_and(|url| url.scheme() == "https");
        if !is_https {
            return Err(broken(
                "directory",
                format!(
                    "`{}` is not the directory of an authority: expected a URL with `https`, such as `https://acme-v02.api.letsencrypt.org/directory`",
                    self.directory
                ),
            ));
        }
        for (at, name) in self.domains.iter().flatten().enumerate() {
            if let Some(why) = unprovable(name) {
                return Err(broken(&format!("domains[{at}]"), format!("`{name}` {why}")));
            }
        }
        if self.domains.as_ref().is_some_and(Vec::is_empty) {
            return Err(broken("domains", "`domains` names none".to_owned())
                .hint("Leave it out for the hosts of the tenants' issuers"));
        }
        let cache = match (&self.cache, loaded.server()?.location(loaded)?) {
            (Some(cache), _) => loaded.resolve(cache),
            (None, Location::Folder(folder)) => folder.join("acme"),
            (None, Location::Postgres(_)) => {
                return Err(broken(
                    "cache",
                    "the state is in a database, so `cache` must say in which folder account and certificate are kept".to_owned(),
                ));
            }
        };
        Ok(AcmeSettings {
            directory: self.directory.clone(),
            contact: self.contact.clone(),
            ca: self.ca.as_ref().map(|ca| loaded.resolve(ca)),
            cache,
            clients,
        })
    }
}

/// Why no certificate can be had for this name over the port itself (RFC 8737).
fn unprovable(name: &str) -> Option<&'static str> {
    if name.starts_with("*.") {
        return Some(
            "has a star, which can only be proved by DNS; name the hosts, or take a certificate from files",
        );
    }
    match url::Host::parse(name) {
        Ok(url::Host::Domain(host)) if host == name => None,
        Ok(url::Host::Domain(_)) => Some("is not written in lower case and ASCII (`xn--…`)"),
        Ok(_) => Some("is an address; authorities give certificates for names"),
        Err(_) => Some("is not a host's name"),
    }
}
