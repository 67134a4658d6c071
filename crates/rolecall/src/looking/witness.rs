//! Who vouches for a server's certificate: asked and written down, never enforced.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::failure::{Exit, Failure};

/// Public authorities by this machine's store, and those that were given.
#[derive(Debug)]
pub(super) struct Authorities {
    public: Result<Arc<dyn ServerCertVerifier>, String>,
    given: Option<Arc<dyn ServerCertVerifier>>,
}

/// Sees one handshake.
#[derive(Debug)]
pub(super) struct Witness {
    authorities: Arc<Authorities>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Seen>>,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) by_public: Result<(), String>,
    pub(super) by_given: Option<Result<(), String>>,
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

impl Authorities {
    pub(super) fn read(ca_file: Option<&Path>) -> Result<Self, Failure> {
        let public = rustls_platform_verifier::Verifier::new(provider())
            .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
            .map_err(|_| "this machine has no store of public authorities".to_owned());
        let given = ca_file.map(given).transpose()?;
        Ok(Self { public, given })
    }
}

fn given(path: &Path) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    let broken = |why: String| {
        Failure::new(
            Exit::Local,
            format_args!("cannot use `{}`: {why}", path.display()),
        )
        .hint("The file must hold the authorities' certificates in PEM")
    };
    let pem = std::fs::read(path).map_err(|error| broken(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| broken(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| broken(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(broken("it holds no certificate".to_owned()));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| broken(error.to_string()))?;
    Ok(verifier)
}

impl Witness {
    pub(super) fn new(authorities: Arc<Authorities>) -> Self {
        Self {
            authorities,
            provider: provider(),
            seen: Mutex::new(None),
        }
    }

    /// What the handshake showed; `None` before it, and after it was asked for once.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = |verifier: &Arc<dyn ServerCertVerifier>| {
            verifier
                .verify_server_cert(leaf, intermediates, name, ocsp, now)
                .map(drop)
                .map_err(|error| told(&error))
        };
        let chain = std::iter::once(leaf)
            .chain(intermediates)
            .map(|certificate| certificate.to_vec())
            .collect();
        let seen = Seen {
            chain,
            by_public: match &self.authorities.public {
                Ok(verifier) => judged(verifier),
                Err(why) => Err(why.clone()),
            },
            by_given: self.authorities.given.as_ref().map(judged),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn told(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its authority is unknown".to_owned()
        }
        other => other.to_string(),
    }
}
