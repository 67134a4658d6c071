//! TLS to the database server.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// Connects as `sslmode` says; certificates are verified against `root`, or what the machine
/// trusts.
pub(crate) fn connector(root: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let unusable = |detail: String| StoreError::Address { detail };
    let builder = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(|error| unusable(error.to_string()))?;
    let config = match root {
        None => builder
            .with_platform_verifier()
            .map_err(|error| unusable(error.to_string()))?,
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                unusable(format!("`{}` of `sslrootcert`: {error}", path.display()))
            };
            let mut roots = RootCertStore::empty();
            let found = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}
