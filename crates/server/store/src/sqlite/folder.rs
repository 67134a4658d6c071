use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Access, access};

use crate::StoreError;

/// The state folder, held by this process for as long as the value lives.
///
/// The lock is on the folder itself, so that it needs no file of its own: refusing to start
/// leaves the folder exactly as it was.
#[derive(Debug)]
pub(crate) struct HeldFolder {
    _lock: File,
}

/// Makes `folder` (0700) where it is missing and takes it for this process.
pub(crate) fn hold(folder: &Path) -> Result<HeldFolder, StoreError> {
    let unusable = |error: std::io::Error| match error.kind() {
        ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly {
            path: folder.to_path_buf(),
            detail: error.to_string(),
        },
        _ => StoreError::Folder {
            path: folder.to_path_buf(),
            detail: error.to_string(),
        },
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(unusable)?;
    let lock = File::open(folder).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::InUse {
                path: folder.to_path_buf(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| StoreError::ReadOnly {
        path: folder.to_path_buf(),
        detail: std::io::Error::from(error).to_string(),
    })?;
    Ok(HeldFolder { _lock: lock })
}

/// Makes an empty database file (0600) where there is none: SQLite gives its journal files the
/// same mode. Says whether it made one.
pub(crate) fn ensure_file(database: &Path) -> Result<bool, StoreError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(database);
    match made {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            access(database, Access::WRITE_OK).map_err(|error| StoreError::ReadOnly {
                path: database.to_path_buf(),
                detail: std::io::Error::from(error).to_string(),
            })?;
            Ok(false)
        }
        Err(error) => Err(StoreError::ReadOnly {
            path: database.to_path_buf(),
            detail: error.to_string(),
        }),
    }
}
