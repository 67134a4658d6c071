//! The master key in a file that its owner alone can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{MasterKey, SealedError};

/// Reads the master key from a file: base64 on one line, no permission for group and others.
///
/// # Errors
/// `File`, `NotAFile`, `FileMode` or `MasterKeyForm`.
pub fn read_key_file(path: &Path) -> Result<MasterKey, SealedError> {
    let failed = |source| SealedError::File {
        path: path.to_owned(),
        action: "read",
        source,
    };
    let file = File::open(path).map_err(failed)?;
    // Of the open file, so that it cannot be exchanged between look and read.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(SealedError::NotAFile {
            path: path.to_owned(),
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SealedError::FileMode {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| SealedError::MasterKeyForm)?;
    MasterKey::from_base64(&SecretString::from(text))
}

/// Makes a new master key and a file of mode 0600 that holds it. The file appears whole or not at
/// all, and survives a power cut once this returns.
///
/// # Errors
/// `File` if the path exists or cannot be written, `Crypto`.
pub fn create_key_file(path: &Path) -> Result<MasterKey, SealedError> {
    let key = MasterKey::generate()?;
    publish(path, &key).map_err(|source| SealedError::File {
        path: path.to_owned(),
        action: "created",
        source,
    })?;
    Ok(key)
}

/// Reads the master key, or makes one where there is no file yet. The flag tells whether it was
/// made now, which the operator should be told: without a copy of it the state is lost.
///
/// # Errors
/// As [`read_key_file`] and [`create_key_file`].
pub fn read_or_create_key_file(path: &Path) -> Result<(MasterKey, bool), SealedError> {
    if path.try_exists().unwrap_or(true) {
        return read_key_file(path).map(|key| (key, false));
    }
    match create_key_file(path) {
        Ok(key) => Ok((key, true)),
        // Another process was faster.
        Err(SealedError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            read_key_file(path).map(|key| (key, false))
        }
        Err(error) => Err(error),
    }
}

fn publish(path: &Path, key: &MasterKey) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let draft = draft_path(path, key);
    let written = write_draft(&draft, key)
        // A link, not a rename: it never replaces a file that appeared meanwhile.
        .and_then(|()| fs::hard_link(&draft, path))
        .and_then(|()| File::open(folder)?.sync_all());
    let removed = fs::remove_file(&draft);
    written.and(removed)
}

fn write_draft(draft: &Path, key: &MasterKey) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(key.to_base64().expose_secret().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Beside the file itself and different for every key.
fn draft_path(path: &Path, key: &MasterKey) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(key.id())));
    path.with_file_name(name)
}

const LONGEST: usize = 1024;
