//! The agent's Unix socket: one agent at each, there at once with its final mode.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::AgentError;

/// Where the socket is, and who can connect.
#[derive(Debug, Clone)]
pub struct SocketSettings {
    /// Its path.
    pub path: PathBuf,
    /// Its mode: who may connect needs to write. 0600 is the agent's own user.
    pub mode: u32,
    /// Its group.
    pub group: Option<u32>,
}

/// A bound socket, taken away when it is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    place: Place,
}

/// The socket's place in the file system, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    inode: u64,
    _lock: File,
}

impl Socket {
    /// Takes the path. What a dead agent left there is replaced.
    ///
    /// # Errors
    /// [`AgentError::InUse`], [`AgentError::NotASocket`], [`AgentError::Socket`].
    pub fn bind(settings: &SocketSettings) -> Result<Self, AgentError> {
        let path = &settings.path;
        let failed = |error: io::Error| AgentError::Socket {
            path: path.clone(),
            error,
        };
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let lock = lock(path)
            .map_err(failed)?
            .ok_or_else(|| AgentError::InUse { path: path.clone() })?;
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(AgentError::NotASocket { path: path.clone() });
            }
            _ => {}
        }
        // Made where nobody else comes, so that nobody connects before the mode is right, and moved
        // to its place, so that there is always one.
        let private = tempfile::Builder::new()
            .prefix(".rolecall-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(folder)
            .map_err(failed)?;
        let made = private.path().join("s");
        let listener = UnixListener::bind(&made).map_err(failed)?;
        if let Some(group) = settings.group {
            std::os::unix::fs::chown(&made, None, Some(group)).map_err(failed)?;
        }
        fs::set_permissions(&made, Permissions::from_mode(settings.mode)).map_err(failed)?;
        let inode = fs::symlink_metadata(&made).map_err(failed)?.ino();
        fs::rename(&made, path).map_err(failed)?;
        Ok(Self {
            listener,
            place: Place {
                path: path.clone(),
                inode,
                _lock: lock,
            },
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    pub(crate) fn parted(self) -> (UnixListener, Place) {
        (self.listener, self.place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|it| it.ino() == self.inode);
        if is_ours {
            // A socket that stays behind is replaced by the next agent.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file beside the socket that its agent holds; `None` while another does. It stays: were it
/// removed, two agents could hold two files of the same name.
fn lock(socket: &Path) -> io::Result<Option<File>> {
    let mut name = socket.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(name)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: PathBuf) -> SocketSettings {
        SocketSettings {
            path,
            mode: 0o660,
            group: None,
        }
    }

    #[tokio::test]
    async fn one_agent_at_a_socket() {
        let scratch = tempfile::tempdir().unwrap();
        let settings = settings(scratch.path().join("run/agent.sock"));
        let first = Socket::bind(&settings).unwrap();
        let mode = fs::metadata(&settings.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let second = Socket::bind(&settings);
        assert!(
            matches!(second, Err(AgentError::InUse { .. })),
            "{second:?}"
        );
        assert!(settings.path.exists());
        drop(first);
        assert!(!settings.path.exists());
    }

    #[tokio::test]
    async fn what_a_dead_agent_left_is_replaced_and_what_is_no_socket_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let settings = settings(scratch.path().join("agent.sock"));
        drop(std::os::unix::net::UnixListener::bind(&settings.path).unwrap());
        drop(Socket::bind(&settings).unwrap());
        fs::write(&settings.path, "precious").unwrap();
        let refused = Socket::bind(&settings);
        assert!(matches!(refused, Err(AgentError::NotASocket { .. })));
        assert_eq!(fs::read_to_string(&settings.path).unwrap(), "precious");
    }
}
