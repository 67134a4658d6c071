//! Safe mends, carried out.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rolecall_deliver::{SecretFile, UserFile};
use rolecall_doctor::{Mend, with_profile_header};
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::{Exit, Failure};

/// Carries one out.
///
/// # Errors
/// `Local`: a file cannot be read or written. It is as it was then.
pub(super) fn carry_out(mend: &Mend) -> Result<(), Failure> {
    match mend {
        Mend::Close { path } => {
            let only_owner = fs::Permissions::from_mode(0o600);
            fs::set_permissions(path, only_owner).map_err(|error| local(path, &error))
        }
        Mend::Trim { path } => trim(path),
        Mend::Header { path, section } => header(Path::new(path), section),
        Mend::Remove { path } => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(local(path, &error)),
            _ => Ok(()),
        },
    }
}

fn trim(path: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| local(path, &error))?;
    let text = SecretString::from(text);
    let token = text.expose_secret().trim_start_matches('\u{feff}').trim();
    let token = SecretString::from(token.to_owned());
    // A link stays one: what it leads to is replaced.
    let target = fs::canonicalize(path).map_err(|error| local(path, &error))?;
    // It stays whose it was: also if root mends it.
    let facts = fs::metadata(&target).map_err(|error| local(path, &error))?;
    SecretFile::new(target)
        .shared_with(facts.mode() & 0o7777, Some(facts.uid()), Some(facts.gid()))
        .write(&token)
        .map_err(|error| Failure::from_error(Exit::Local, &error))
}

fn header(path: &Path, section: &str) -> Result<(), Failure> {
    let file = UserFile::new(path);
    let failed = |error| Failure::from_error(Exit::Local, &error);
    let before = file.read().map_err(failed)?;
    let Some(after) = with_profile_header(&before, section) else {
        return Ok(());
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".before-rolecall-doctor");
    let beside = PathBuf::from(beside);
    // The first one stays: it is what somebody wrote.
    if !beside.exists() {
        fs::copy(path, &beside).map_err(|error| local(&beside.display().to_string(), &error))?;
    }
    file.replace(&before, &after).map_err(failed)
}

fn local(path: &str, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Local,
        format_args!("{path} could not be mended: {error}"),
    )
}
