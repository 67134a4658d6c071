//! Files changed in place: all of the new text or all of the old one, whatever happens between.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::failure::{Exit, Failure};

/// Replaces a file's text if it is still the one that was read. Links are followed, permissions
/// stay, and the new text is on the disk before it takes the old one's place.
///
/// # Errors
/// `Local` where the file cannot be written, or was changed by somebody else meanwhile.
pub fn replace(path: &Path, before: &str, after: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot write `{}`: {error}", path.display()),
        )
    };
    let target = fs::canonicalize(path).map_err(failed)?;
    let now = fs::read_to_string(&target).map_err(failed)?;
    // A byte-order mark is not part of what was read, and stays.
    let (mark, text) = match now.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", now.as_str()),
    };
    if text != before {
        return Err(Failure::new(
            Exit::Local,
            format_args!("`{}` was changed while it was being mended", path.display()),
        )
        .hint("Run the command again"));
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    let permissions = fs::metadata(&target).map_err(failed)?.permissions();
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(mark.as_bytes())
        .and_then(|()| file.write_all(after.as_bytes()))
        .and_then(|()| file.as_file().set_permissions(permissions))
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    file.persist(&target)
        .map(|_| ())
        .map_err(|error| failed(error.error))
}
