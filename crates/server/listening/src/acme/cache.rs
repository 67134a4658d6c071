//! What is kept of an authority: the account there, and the certificate that it gave. Both hold a
//! private key, and are their owner's alone.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::provider;
use crate::tls::read;
use crate::{Identity, ListeningError, PairText};

/// The files of one authority, known by its directory: a certificate for tests is never served where
/// a real one is asked for.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    account: PathBuf,
    certificate: PathBuf,
}

impl Cache {
    pub(super) fn open(folder: &Path, directory: &str) -> Result<Self, ListeningError> {
        let failed = |source| ListeningError::File {
            path: folder.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let mode = fs::metadata(folder).map_err(failed)?.permissions().mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(ListeningError::FolderMode {
                path: folder.to_owned(),
                mode,
            });
        }
        let mut short = String::new();
        for byte in digest(&SHA256, directory.as_bytes())
            .as_ref()
            .iter()
            .take(6)
        {
            // Writing to a String cannot fail.
            let _ = write!(short, "{byte:02x}");
        }
        Ok(Self {
            account: folder.join(format!("account-{short}.json")),
            certificate: folder.join(format!("certificate-{short}.pem")),
            folder: folder.to_owned(),
        })
    }

    /// The account's identifier and key, as JSON.
    pub(super) fn account(&self) -> Result<Option<Zeroizing<Vec<u8>>>, ListeningError> {
        optional(&self.account)
    }

    pub(super) fn account_path(&self) -> &Path {
        &self.account
    }

    pub(super) fn keep_account(&self, json: &[u8]) -> Result<(), ListeningError> {
        self.keep(&self.account, json)
    }

    /// Takes the account away, which the authority does not know any more.
    pub(super) fn forget_account(&self) -> Result<(), ListeningError> {
        fs::remove_file(&self.account).map_err(|source| ListeningError::Write {
            path: self.account.clone(),
            source,
        })
    }

    /// The certificate of before.
    pub(super) fn certificate(&self) -> Result<Option<Identity>, ListeningError> {
        match optional(&self.certificate)? {
            Some(pem) => self.read(&pem).map(Some),
            None => Ok(None),
        }
    }

    /// A key and its chain in one text.
    pub(super) fn read(&self, pem: &[u8]) -> Result<Identity, ListeningError> {
        let text = PairText {
            certificate_path: &self.certificate,
            certificate: pem,
            key_path: &self.certificate,
            key: pem,
        };
        Identity::read(text, &provider())
    }

    pub(super) fn keep_certificate(&self, pem: &[u8]) -> Result<(), ListeningError> {
        self.keep(&self.certificate, pem)
    }

    /// Replaces a file at once and for good.
    fn keep(&self, path: &Path, content: &[u8]) -> Result<(), ListeningError> {
        let written = || -> io::Result<()> {
            // 0600 from the start.
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(|source| ListeningError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

fn optional(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, ListeningError> {
    match read(path, true) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ListeningError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
