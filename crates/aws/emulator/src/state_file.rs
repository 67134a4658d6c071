//! The state file: read once at the start, replaced whole when something changed.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

use crate::EmulatorError;
use crate::world::World;

/// A file that keeps the world.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// Names the file and reads what it holds; an absent file is an empty world.
    ///
    /// A damaged file or one of another version is refused and left as it is.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<World>), EmulatorError> {
        let wrong = |why: String| EmulatorError::State {
            path: path.to_owned(),
            why,
        };
        let file = Self {
            path: path.to_owned(),
        };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((file, None)),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let world = read(&text).map_err(wrong)?;
        Ok((file, Some(world)))
    }

    /// The file's content for a world.
    pub(crate) fn render(&self, world: &World) -> Result<SecretSlice<u8>, std::io::Error> {
        let text = serde_json::to_vec(&KeptRef {
            version: VERSION,
            world,
        })?;
        Ok(SecretSlice::from(text))
    }

    /// The world of what [`StateFile::render`] made; the error says why it is none.
    pub(crate) fn parse(&self, text: &[u8]) -> Result<World, String> {
        read(text)
    }

    /// Replaces the file: whoever reads it, be it after a power cut, finds the old or the new
    /// content.
    pub(crate) fn write(&self, text: &[u8]) -> Result<(), std::io::Error> {
        replace(&self.path, text)
    }
}

fn read(text: &[u8]) -> Result<World, String> {
    let found: Version = serde_json::from_slice(text).map_err(|error| {
        format!(
            "it is damaged or not a state file ({error}); give another file, or remove it to begin anew"
        )
    })?;
    if found.version != VERSION {
        return Err(format!(
            "it is of version {}, and this program reads version {VERSION}; use the program that wrote it, or another file",
            found.version
        ));
    }
    let kept: Kept = serde_json::from_slice(text).map_err(|error| {
        format!("it is damaged ({error}); give another file, or remove it to begin anew")
    })?;
    Ok(kept.world)
}

/// Writes a file with a secret in it: 0600, synced, then moved into place.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), std::io::Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Kept {
    world: World,
}

#[derive(Serialize)]
struct KeptRef<'w> {
    version: u32,
    world: &'w World,
}

const VERSION: u32 = 1;
