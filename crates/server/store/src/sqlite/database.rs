//! A state folder: its lock, its database file, the connection that writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::mpsc;

use super::writer::Writer;
use super::{appending, folder, schema};
use crate::error::at;
use crate::writing::Command;
use crate::{DATABASE_FILE, StoreError, StoreOptions};

/// Takes `folder` for this process and starts the thread that writes.
pub(crate) fn open(
    folder: &Path,
    options: &StoreOptions,
    queue: mpsc::Receiver<Command>,
    writable: &Arc<AtomicBool>,
    announced: &Arc<AtomicUsize>,
) -> Result<JoinHandle<()>, StoreError> {
    let held = folder::hold(folder)?;
    let path = folder.join(DATABASE_FILE);
    folder::ensure_file(&path)?;
    let connection = open_for_writing(&path, options)?;
    let head = appending::head(&connection).map_err(at(&path))??;
    let forgotten = appending::forgotten(&connection).map_err(at(&path))?;
    let writer = Writer {
        connection,
        path: path.clone(),
        folder: held,
        group: options.group.max(1),
        head,
        forgotten,
        prune_due: i64::MIN,
        writable: Arc::clone(writable),
        announced: Arc::clone(announced),
    };
    std::thread::Builder::new()
        .name("rolecall-audit".to_owned())
        .spawn(move || writer.run(queue))
        .map_err(|error| StoreError::Io {
            path,
            detail: format!("the writer thread did not start: {error}"),
        })
}

fn open_for_writing(path: &Path, options: &StoreOptions) -> Result<Connection, StoreError> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(at(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(at(path))?;
    // Only what lives in the connection: nothing may reach the file before `bring_up` accepted it.
    for (name, value) in [("synchronous", "FULL"), ("foreign_keys", "ON")] {
        connection
            .pragma_update(None, name, value)
            .map_err(at(path))?;
    }
    schema::bring_up(&mut connection, path)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(at(path))?;
    if mode != "wal" {
        return Err(StoreError::Io {
            path: path.to_path_buf(),
            detail: format!("this file system allows the journal mode `{mode}` only, not `wal`"),
        });
    }
    connection
        .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
        .map_err(at(path))?;
    if let Some(pages) = options.page_limit {
        connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .map_err(at(path))?;
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// How long a statement waits for a reader of another process, such as a backup.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// 16 MiB of journal between two checkpoints: each costs two more `fsync`s.
const CHECKPOINT_PAGES: u32 = 4096;
