//! The TLS side of a listener: which certificate is shown at the moment, and who vouches for
//! clients. Swapped as a whole; connections that stand keep what they began with.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ServerConfig, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, version};
use zeroize::Zeroizing;

use crate::identity::certificates;
use crate::{Figures, Identity, ListeningError, PairText};

/// What TLS needs, in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key, PEM, readable by its owner alone (or by a group of its own).
    pub key: PathBuf,
    /// Authorities that vouch for clients, PEM. Clients then may show a certificate.
    pub clients: Option<PathBuf>,
}

/// The files' contents at one moment.
pub(crate) struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    clients: Option<Vec<u8>>,
}

/// What a listener shows at the moment. Cheap to clone; all clones show the same.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    shown: ArcSwapOption<Shown>,
    proofs: ArcSwap<HashMap<String, Arc<ServerConfig>>>,
    figures: Figures,
}

/// A certificate, ready for handshakes.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) identity: Identity,
    pub(crate) config: Arc<ServerConfig>,
}

impl Tls {
    /// Shows nothing yet: every handshake is refused.
    pub fn without_certificate() -> Self {
        Self(Arc::new(Shared {
            shown: ArcSwapOption::empty(),
            proofs: ArcSwap::default(),
            figures: Figures::default(),
        }))
    }

    /// The certificate that is shown at the moment.
    pub fn identity(&self) -> Option<Identity> {
        self.shown().map(|shown| shown.identity.clone())
    }

    /// What is counted.
    pub fn figures(&self) -> &Figures {
        &self.0.figures
    }

    pub(crate) fn shown(&self) -> Option<Arc<Shown>> {
        self.0.shown.load_full()
    }

    /// What is shown to an authority that looks whether `name` is this server.
    pub(crate) fn proof(&self, name: &str) -> Option<Arc<ServerConfig>> {
        self.0.proofs.load().get(name).map(Arc::clone)
    }

    /// Takes proofs by their names in the place of those of before.
    pub(crate) fn prove(&self, proofs: HashMap<String, Arc<ServerConfig>>) {
        self.0.proofs.store(Arc::new(proofs));
    }

    pub(crate) fn show(&self, shown: Shown) {
        self.0.figures.serves(shown.identity.ends());
        self.0.shown.store(Some(Arc::new(shown)));
    }
}

impl TlsFiles {
    /// Reads all of them.
    ///
    /// # Errors
    /// A file that is missing, no file, or a key that others can read.
    pub(crate) fn read(&self) -> Result<Contents, ListeningError> {
        Ok(Contents {
            certificate: read(&self.certificate, false)?.to_vec(),
            key: read(&self.key, true)?,
            clients: match &self.clients {
                Some(path) => Some(read(path, false)?.to_vec()),
                None => None,
            },
        })
    }
}

impl Contents {
    pub(crate) fn parts(&self) -> [&[u8]; 3] {
        let clients = self.clients.as_deref().unwrap_or_default();
        [&self.certificate, &self.key, clients]
    }

    pub(crate) fn shown(&self, files: &TlsFiles) -> Result<Shown, ListeningError> {
        let text = PairText {
            certificate_path: &files.certificate,
            certificate: &self.certificate,
            key_path: &files.key,
            key: &self.key,
        };
        let identity = Identity::read(text, &provider())?;
        let clients = match (&files.clients, &self.clients) {
            (Some(path), Some(pem)) => Some(verifier(path, pem)?),
            _ => None,
        };
        Shown::new(identity, clients)
    }
}

impl Shown {
    pub(crate) fn new(
        identity: Identity,
        clients: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Result<Self, ListeningError> {
        let clients = clients.unwrap_or_else(|| Arc::new(NoClientAuth));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(setup)?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified())));
        config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
        Ok(Self {
            identity,
            config: Arc::new(config),
        })
    }
}

/// Checks clients' certificates against these authorities; clients without one are let in as well.
pub(crate) fn verifier(
    path: &Path,
    pem: &[u8],
) -> Result<Arc<dyn ClientCertVerifier>, ListeningError> {
    let refused = |why: String| ListeningError::Authorities {
        path: path.to_owned(),
        why,
    };
    let mut roots = RootCertStore::empty();
    for authority in certificates(path, pem)? {
        roots
            .add(authority)
            .map_err(|error| refused(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| refused(error.to_string()))
}

/// The same of a file, if there is one.
pub(crate) fn verifier_of(
    path: Option<&Path>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, ListeningError> {
    path.map(|path| verifier(path, &read(path, false)?))
        .transpose()
}

/// The only cryptography that the workspace has; passed by hand, since nothing sets it process-wide.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

pub(crate) fn read(path: &Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, ListeningError> {
    let failed = |source| ListeningError::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    // Of the open file, so that it cannot be exchanged between look and read.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(ListeningError::NotAFile {
            path: path.to_owned(),
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    // A group may read it: that is how systems share a host's key among its servers (`ssl-cert`).
    if secret && mode & 0o037 != 0 {
        return Err(ListeningError::KeyMode {
            path: path.to_owned(),
            mode,
        });
    }
    let length = usize::try_from(metadata.len()).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    file.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn setup(error: rustls::Error) -> ListeningError {
    ListeningError::Setup {
        why: error.to_string(),
    }
}

pub(crate) const H2: &[u8] = b"h2";
/// The protocol in which an authority asks for a proof (RFC 8737 §6.2).
pub(crate) const PROOF: &[u8] = b"acme-tls/1";
const HTTP_1_1: &[u8] = b"http/1.1";

/// Bytes; a chain has a few thousand, a bundle of authorities a few hundred thousand.
const LONGEST: u64 = 1024 * 1024;
