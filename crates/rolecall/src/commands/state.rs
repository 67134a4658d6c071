//! Commands on an installation's state: the audit trail, signing keys, backups.

mod join;
mod keys;
mod trail;

pub use keys::key;
pub use trail::audit;

use rolecall_sealed::MasterKey;
use rolecall_store::{Head, Location, Reader, StoreError};

use super::serve::existing_master_key;
use crate::cli::state::{BackupArgs, MigrateArgs, RestoreArgs, StateArgs};
use crate::config::Loaded;
use crate::config::issuer::location;
use crate::failure::{Exit, Failure};
use crate::printing;
use crate::progress::Progress;

/// `rolecall backup`.
///
/// # Errors
/// The state cannot be read, or the file is there already.
pub async fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let installation = Installed::read(&args.state)?;
    let head = Progress::quiet("copying the state")
        .during(rolecall_store::backup(&installation.location, &args.file))
        .await
        .map_err(|error| failed(&error))?;
    done(&format!("copied to `{}`", args.file.display()), head)?;
    note("the master key is not in it: keep a copy of that elsewhere");
    Ok(())
}

/// `rolecall restore`.
///
/// # Errors
/// There is an installation already, or the backup is not whole.
pub async fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let installation = Installed::read(&args.state)?;
    let head = Progress::quiet("restoring the state")
        .during(rolecall_store::restore(&args.file, &installation.location))
        .await
        .map_err(|error| failed(&error))?;
    done(&format!("restored from `{}`", args.file.display()), head)
}

/// `rolecall migrate`.
///
/// # Errors
/// The server runs, the state is not in a folder, or there is an installation at the other place.
pub async fn migrate(args: &MigrateArgs) -> Result<(), Failure> {
    let installation = Installed::read(&args.state)?;
    let Location::Folder(folder) = &installation.location else {
        return Err(Failure::new(
            Exit::Configuration,
            format_args!("`server.state` is a database already"),
        )
        .hint("To go back to a folder: `rolecall backup FILE`, set `server.state` to the folder, `rolecall restore FILE`"));
    };
    let to = location(&args.to, std::path::Path::to_path_buf).map_err(|error| failed(&error))?;
    let head = Progress::quiet("moving the state")
        .during(rolecall_store::move_to(folder, &to))
        .await
        .map_err(|error| failed(&error))?;
    done("moved", head)?;
    note(&format!(
        "now set `server.state` to `{}` and start the server; `{}` is left as it was",
        shown(&args.to),
        folder.display()
    ));
    Ok(())
}

fn done(what: &str, head: Head) -> Result<(), Failure> {
    printing::line(&format!(
        "{what}; the audit trail is whole up to row {} ({})",
        head.id,
        head.hex()
    ))
}

/// An address without its password.
fn shown(place: &str) -> String {
    match (place.find("://"), place.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            let user = place[start + 3..end].split(':').next().unwrap_or_default();
            format!("{}{user}{}", &place[..start + 3], &place[end..])
        }
        _ => place.to_owned(),
    }
}

/// An installation, by its configuration file.
struct Installed {
    loaded: Loaded,
    location: Location,
}

impl Installed {
    fn read(args: &StateArgs) -> Result<Self, Failure> {
        let loaded = Loaded::read(&args.config)?;
        let location = loaded.server()?.location(&loaded)?;
        Ok(Self { loaded, location })
    }

    async fn reader(&self) -> Result<Reader, Failure> {
        Reader::open(&self.location)
            .await
            .map_err(|error| failed(&error))
    }

    fn master_key(&self) -> Result<MasterKey, Failure> {
        existing_master_key(&self.loaded, self.loaded.server()?)
    }
}

fn failed(error: &StoreError) -> Failure {
    let exit = match error {
        StoreError::Unreachable { .. } => Exit::Unreachable,
        StoreError::Address { .. } => Exit::Configuration,
        _ => Exit::Local,
    };
    let failure = Failure::from_error(exit, error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What a person should know beside the data.
fn note(text: &str) {
    use std::io::Write as _;

    // Nobody to tell is no reason to fail.
    let _ = writeln!(anstream::stderr(), "{text}");
}
