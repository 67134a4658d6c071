//! Sessions of people who signed in, kept in a file of their own (0600) in the user's configuration
//! folder (XDG Base Directory Specification).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use rolecall_sealed::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};

/// A session.
pub struct SignedIn {
    /// Its token.
    pub token: SecretString,
    /// Whose it is.
    pub name: String,
    /// When it ends (RFC 3339).
    pub ends: jiff::Timestamp,
}

#[derive(Default, Serialize, Deserialize)]
struct File {
    #[serde(default)]
    servers: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    token: String,
    name: String,
    ends: jiff::Timestamp,
}

/// The session at `server`, if there is one that has not ended.
///
/// # Errors
/// `Local` where the file cannot be read.
pub fn remembered(server: &str) -> Result<Option<SignedIn>, Failure> {
    let Some(entry) = read()?.servers.remove(server) else {
        return Ok(None);
    };
    if entry.ends <= jiff::Timestamp::now() {
        return Ok(None);
    }
    Ok(Some(SignedIn {
        token: entry.token.into(),
        name: entry.name,
        ends: entry.ends,
    }))
}

/// The server that somebody is signed in at, where there is only one.
pub fn only_server() -> Option<String> {
    let servers = read().ok()?.servers;
    match servers.len() {
        1 => servers.into_keys().next(),
        _ => None,
    }
}

/// Keeps a session.
///
/// # Errors
/// `Local` where the file cannot be written.
pub fn remember(server: &str, session: &SignedIn) -> Result<(), Failure> {
    let mut file = read()?;
    file.servers.insert(
        server.to_owned(),
        Entry {
            token: session.token.expose_secret().to_owned(),
            name: session.name.clone(),
            ends: session.ends,
        },
    );
    write(&file)
}

/// Forgets the session at `server`.
///
/// # Errors
/// `Local` where the file cannot be written.
pub fn forget(server: &str) -> Result<(), Failure> {
    let mut file = read()?;
    if file.servers.remove(server).is_some() {
        write(&file)?;
    }
    Ok(())
}

fn path() -> Result<PathBuf, Failure> {
    let folder =
        match std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()) {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(std::env::var_os("HOME").ok_or_else(|| {
                Failure::new(Exit::Local, "neither XDG_CONFIG_HOME nor HOME is set")
            })?)
            .join(".config"),
        };
    Ok(folder.join("rolecall").join("sessions.json"))
}

fn read() -> Result<File, Failure> {
    let path = path()?;
    let unusable = |why: String| {
        Failure::new(
            Exit::Local,
            format_args!("the sessions in `{}` cannot be used: {why}", path.display()),
        )
    };
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| unusable(error.to_string()).hint("Remove the file and sign in again")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(File::default()),
        Err(error) => Err(unusable(error.to_string())),
    }
}

fn write(file: &File) -> Result<(), Failure> {
    let path = path()?;
    let unwritten = |error: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Local,
            format_args!("cannot write `{}`: {error}", path.display()),
        )
    };
    let folder = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(folder).map_err(|error| unwritten(&error))?;
    // tempfile makes it 0600.
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(|error| unwritten(&error))?;
    let bytes = serde_json::to_vec(file).map_err(|error| unwritten(&error))?;
    new.write_all(&bytes)
        .and_then(|()| new.as_file().sync_all())
        .map_err(|error| unwritten(&error))?;
    new.persist(&path)
        .map_err(|error| unwritten(&error.error))?;
    Ok(())
}
