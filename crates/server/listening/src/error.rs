use std::io;
use std::path::PathBuf;

/// Why nothing can be listened on, or not with this certificate. The operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListeningError {
    /// Not `host:port`, or a host that does not resolve.
    #[error("`{listen}` is not an address to listen on: {why}")]
    Address {
        /// What was given.
        listen: String,
        /// What the system said.
        why: String,
    },
    /// Another program listens there.
    #[error(
        "`{listen}` is in use by another program; stop it, or listen on another port (0 takes a free one)"
    )]
    InUse {
        /// What was given.
        listen: String,
    },
    /// A port below 1024, or a sandbox.
    #[error(
        "listening on `{listen}` is not permitted for this user; ports below 1024 need a privilege"
    )]
    NotPermitted {
        /// What was given.
        listen: String,
    },
    /// The system refused for another reason.
    #[error("listening on `{listen}` failed: {why}")]
    System {
        /// What was given.
        listen: String,
        /// What the system said.
        why: String,
    },
    /// A file of the certificate, the key or the clients' authorities.
    #[error("cannot read `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder, a device, or far too long.
    #[error("`{}` is not a file of certificates or a key", path.display())]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// Others than the owner may read the private key, or anybody may write it.
    #[error(
        "the private key `{}` can be read by others (mode {mode:04o}); run `chmod 600` on it, and if others had access, get a new key and certificate",
        path.display()
    )]
    KeyMode {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file cannot be replaced.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may write in a folder of private keys.
    #[error("others can write in the folder `{}` (mode {mode:04o}), where private keys are kept; run `chmod 700` on it", path.display())]
    FolderMode {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The authority gave no certificate.
    #[error("the authority `{directory}` gave no certificate: {why}")]
    Acme {
        /// Its directory.
        directory: String,
        /// What it said, or why it could not be asked.
        why: String,
    },
    /// No PEM block of a certificate.
    #[error("`{}` holds no certificate: expected PEM, beginning with `-----BEGIN CERTIFICATE-----`", path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
    /// A block that is no certificate.
    #[error("certificate {number} in `{}` cannot be read: {why}", path.display())]
    CertificateForm {
        /// Which file.
        path: PathBuf,
        /// Which in it, from 1.
        number: usize,
        /// What is wrong.
        why: String,
    },
    /// No PEM block of a private key.
    #[error("`{}` holds no private key: expected PEM, such as `-----BEGIN PRIVATE KEY-----`", path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The key is under a passphrase, which nobody is there to type.
    #[error("the private key in `{}` is encrypted; write it without a passphrase and with mode 0600: `openssl pkey -in FILE -out NEW`", path.display())]
    KeyEncrypted {
        /// Which.
        path: PathBuf,
    },
    /// A key that cannot be used.
    #[error("the private key in `{}` cannot be used: {why}; RSA from 2048 bits, P-256, P-384 and Ed25519 can", path.display())]
    KeyForm {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key is of another certificate.
    #[error(
        "the private key in `{}` does not fit the certificate in `{}`; one of the two is of another time or another host",
        key.display(),
        certificate.display()
    )]
    KeyOfAnother {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate of the key stands behind others.
    #[error(
        "the chain in `{}` is in the wrong order: the certificate of the key is number {number}, and must come first",
        path.display()
    )]
    OwnNotFirst {
        /// Which file.
        path: PathBuf,
        /// Where the key's certificate is, from 2.
        number: usize,
    },
    /// A certificate is not followed by the one that signed it.
    #[error(
        "the chain in `{}` is in the wrong order: certificate {} was signed by `{wanted}`, but `{found}` follows it; put each one's signer behind it",
        path.display(),
        number - 1
    )]
    ChainOrder {
        /// Which file.
        path: PathBuf,
        /// The certificate that does not belong, from 2.
        number: usize,
        /// Who signed the one before.
        wanted: String,
        /// Whose certificate stands there.
        found: String,
    },
    /// What is to vouch for clients.
    #[error("`{}` cannot vouch for clients: {why}", path.display())]
    Authorities {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The TLS library refuses what it was given.
    #[error("TLS cannot be set up: {why}")]
    Setup {
        /// What it said.
        why: String,
    },
}
