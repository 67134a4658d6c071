//! `server.tls:` as it is written.

use std::path::PathBuf;

use rolecall_listening::TlsFiles;
use serde::Deserialize;

use super::Loaded;
use crate::failure::Failure;

/// How `server.listen` speaks TLS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The chain, PEM, the server's own certificate first.
    certificate: PathBuf,
    /// Its private key, PEM, 0600.
    key: PathBuf,
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

impl TlsSection {
    /// The files, where they are.
    ///
    /// # Errors
    /// `Configuration` where clients' certificates are to come in two ways.
    pub fn files(&self, loaded: &Loaded) -> Result<TlsFiles, Failure> {
        let server = loaded.server()?;
        if self.clients.is_some() && server.client_certificate_header.is_some() {
            return Err(loaded
                .broken(
                    "server.client_certificate_header",
                    "clients' certificates come in directly (`server.tls.clients`), so none is taken from a header",
                )
                .hint("Keep one of the two: `tls.clients` where this server ends TLS, the header where a proxy does"));
        }
        Ok(TlsFiles {
            certificate: loaded.resolve(&self.certificate),
            key: loaded.resolve(&self.key),
            clients: self
                .clients
                .as_ref()
                .map(|clients| loaded.resolve(&clients.ca)),
        })
    }
}
