//! A user's file that is replaced as a whole.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::DeliverError;

/// A file of the user's: read, and replaced atomically with its mode and owner kept. A symbolic
/// link stays one; the file behind it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFile {
    path: PathBuf,
}

impl UserFile {
    /// A file at that path. Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it; nothing where it is not there.
    ///
    /// # Errors
    /// [`DeliverError::UserFile`].
    pub fn read(&self) -> Result<Vec<u8>, DeliverError> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|error| DeliverError::UserFile {
                path: self.path.clone(),
                error,
            }),
        }
    }

    /// Replaces `before`, which was read, by `after`. A folder that is not there is made, for its
    /// owner alone.
    ///
    /// # Errors
    /// [`DeliverError::File`], and [`DeliverError::Changed`] where somebody else wrote meanwhile;
    /// either way the file is as it was.
    pub fn replace(&self, before: &[u8], after: &[u8]) -> Result<(), DeliverError> {
        let failed = |error| DeliverError::File {
            path: self.path.clone(),
            error,
        };
        let target = behind_links(&self.path).map_err(failed)?;
        let new = prepared(&target, after).map_err(failed)?;
        if self.read()? != before {
            return Err(DeliverError::Changed {
                path: self.path.clone(),
            });
        }
        new.persist(&target).map_err(|error| failed(error.error))?;
        // The rename itself is on disk only once the folder is.
        File::open(folder_of(&target))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }
}

/// A file beside the target that could take its place.
fn prepared(target: &Path, content: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = folder_of(target);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let old = match fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        metadata => Some(metadata?),
    };
    let mut new = tempfile::Builder::new()
        .prefix(".rolecall-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    new.write_all(content)?;
    if let Some(old) = old {
        let made = new.as_file().metadata()?;
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
        }
        // After the owner, whose change may take bits away.
        new.as_file()
            .set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
    }
    new.as_file().sync_all()?;
    Ok(new)
}

/// The file at the end of all links, also of one that leads to nothing yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                path = folder_of(&path).join(fs::read_link(&path)?);
            }
            Ok(metadata) if metadata.is_dir() => {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many symbolic links"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// As many as Linux follows.
const MOST_LINKS: usize = 40;
