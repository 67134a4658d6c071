use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use crate::DeliverError;

/// A file that holds one secret and nothing else: mode 0600, without a trailing newline (SDKs
/// send token files as they are, newline included), replaced as a whole so that no reader ever
/// sees half of it, with a modification time that always advances (some readers look at nothing
/// else).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    path: PathBuf,
    mode: u32,
    owner: Option<u32>,
    group: Option<u32>,
}

impl SecretFile {
    /// A file at that path. Nothing is written yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: 0o600,
            owner: None,
            group: None,
        }
    }

    /// The same for others to read: with this mode, and of this user and group where they are
    /// given. Changing the owner takes the rights of root.
    #[must_use]
    pub fn shared_with(self, mode: u32, owner: Option<u32>, group: Option<u32>) -> Self {
        Self {
            mode,
            owner,
            group,
            ..self
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the content. Blocks until it is on disk.
    ///
    /// # Errors
    /// [`DeliverError::File`]; the old content, if there was any, is still there.
    pub fn write(&self, secret: &SecretString) -> Result<(), DeliverError> {
        let content = secret.expose_secret().trim_end_matches(['\r', '\n']);
        self.replace(|file| file.write_all(content.as_bytes()))
    }

    /// Replaces the file by what `write` writes, or leaves it if that fails.
    pub(crate) fn replace(
        &self,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), DeliverError> {
        self.try_replace(write).map_err(|error| DeliverError::File {
            path: self.path.clone(),
            error,
        })
    }

    fn try_replace(&self, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        if self.path.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut new = tempfile::Builder::new()
            .prefix(".rolecall-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        write(new.as_file_mut())?;
        if self.owner.is_some() || self.group.is_some() {
            std::os::unix::fs::fchown(new.as_file(), self.owner, self.group)?;
        }
        if self.mode != 0o600 {
            new.as_file()
                .set_permissions(Permissions::from_mode(self.mode))?;
        }
        self.advance_time(&new)?;
        new.as_file().sync_all()?;
        new.persist(&self.path).map_err(|error| error.error)?;
        // The rename itself is on disk only once the folder is.
        File::open(folder)?.sync_all()
    }

    /// File systems count time in steps, and clocks are set back.
    fn advance_time(&self, new: &NamedTempFile) -> io::Result<()> {
        let Ok(old) = fs::metadata(&self.path).and_then(|metadata| metadata.modified()) else {
            return Ok(());
        };
        let next = old + SMALLEST_STEP;
        if SystemTime::now() < next || new.as_file().metadata()?.modified()? <= old {
            new.as_file().set_modified(next)?;
        }
        Ok(())
    }
}

/// Coarser than any file system's step that Rolecall is likely to meet.
const SMALLEST_STEP: Duration = Duration::from_millis(10);
