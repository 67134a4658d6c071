//! A copy of the database as of one moment, while the server goes on; and making a database file
//! from rows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use tempfile::{NamedTempFile, TempPath};

use super::{appending, folder, reading, schema};
use crate::error::at;
use crate::sql::Step;
use crate::store::database_in;
use crate::{AuditRow, StoreError};

/// Copies the database `from` to the new file `to` (0600), and looks whether the copy is whole.
///
/// # Errors
/// `to` is there already, one of the two cannot be used, or the copy is damaged; it is taken away
/// then.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    new_file(to)?;
    let copied = try_copy(from, to);
    if copied.is_err() {
        // What is half a backup must not be taken for one.
        let _ = std::fs::remove_file(to);
    }
    copied
}

/// Makes the state folder `folder` from the backup `from`.
///
/// # Errors
/// The folder holds an installation, or is in use; the backup cannot be read.
pub(crate) fn restore(from: &Path, folder: &Path) -> Result<(), StoreError> {
    let _held = folder::hold(folder)?;
    copy(from, &database_in(folder))
}

/// A copy of the backup `from` as a server of this version would have written it, where an earlier
/// one wrote it; gone when it is let go of.
///
/// # Errors
/// The backup cannot be read, or there is no room for the copy.
pub(crate) fn up_to_date(from: &Path) -> Result<Option<TempPath>, StoreError> {
    let source = reading::open(from)?;
    if !schema::is_older(&source, from)? {
        return Ok(None);
    }
    let copy = NamedTempFile::with_prefix("rolecall-backup-")
        .map_err(|error| StoreError::Io {
            path: std::env::temp_dir(),
            detail: error.to_string(),
        })?
        .into_temp_path();
    let mut target = writable(&copy)?;
    copied(&source, &mut target, &copy)?;
    schema::bring_up(&mut target, &copy)?;
    finished(&target, &copy)?;
    Ok(Some(copy))
}

fn new_file(path: &Path) -> Result<(), StoreError> {
    if folder::ensure_file(path)? {
        return Ok(());
    }
    Err(StoreError::Occupied {
        place: path.display().to_string(),
    })
}

fn try_copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = reading::open(from)?;
    schema::require_current(&source, from)?;
    let mut target = writable(to)?;
    copied(&source, &mut target, to)?;
    finished(&target, to)
}

fn copied(source: &Connection, target: &mut Connection, to: &Path) -> Result<(), StoreError> {
    Backup::new(source, target)
        .and_then(|backup| backup.run_to_completion(PAGES, PAUSE, None))
        .map_err(at(to))
}

fn writable(path: &Path) -> Result<Connection, StoreError> {
    Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(at(path))
}

/// One file without a journal beside it, looked through.
fn finished(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    connection
        .pragma_update(None, "journal_mode", "DELETE")
        .map_err(at(path))?;
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(at(path))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged {
        path: path.to_path_buf(),
        detail: verdict,
    })
}

/// A database file that is being made from rows. Taken away again unless it is finished.
#[derive(Debug)]
pub(crate) struct Filling {
    /// `None` only while it is taken apart.
    connection: Option<Connection>,
    path: PathBuf,
    done: bool,
}

impl Filling {
    pub(crate) fn start(path: &Path) -> Result<Self, StoreError> {
        new_file(path)?;
        let mut filling = Self {
            connection: None,
            path: path.to_path_buf(),
            done: false,
        };
        let mut connection = writable(path)?;
        schema::bring_up(&mut connection, path)?;
        filling.connection = Some(connection);
        Ok(filling)
    }

    pub(crate) fn steps(mut self, steps: &[Step]) -> Result<Self, StoreError> {
        let path = self.path.clone();
        let connection = self.connection.as_mut().ok_or(StoreError::Closed)?;
        let transaction = connection.transaction().map_err(at(&path))?;
        for step in steps {
            appending::execute(&transaction, step).map_err(at(&path))?;
        }
        transaction.commit().map_err(at(&path))?;
        Ok(self)
    }

    pub(crate) fn audit(mut self, rows: &[(AuditRow, [u8; 32])]) -> Result<Self, StoreError> {
        let path = self.path.clone();
        let connection = self.connection.as_mut().ok_or(StoreError::Closed)?;
        let transaction = connection.transaction().map_err(at(&path))?;
        for (row, hash) in rows {
            appending::insert(&transaction, row, hash).map_err(at(&path))?;
        }
        transaction.commit().map_err(at(&path))?;
        Ok(self)
    }

    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        let connection = self.connection.take().ok_or(StoreError::Closed)?;
        finished(&connection, &self.path)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if !self.done {
            self.connection = None;
            // Half a backup must not be taken for one.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

const PAGES: i32 = 1024;
const PAUSE: Duration = Duration::from_millis(1);
