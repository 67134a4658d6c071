use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;
use crate::error::at;
use crate::migrations::{MIGRATIONS, SCHEMA_VERSION, for_sqlite};

/// What is in a database file that is about to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Nothing yet: a new file, or one whose first migration never committed.
    Empty,
    /// Ours, of a version that this program knows.
    Version(i64),
}

/// Refuses a database that is damaged, not ours or newer; brings an older or empty one up to
/// [`SCHEMA_VERSION`]. A refusal has changed nothing.
pub(crate) fn bring_up(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let applied = match inspect(connection, path)? {
        Found::Empty => 0,
        Found::Version(version) => version,
    };
    for (version, migration) in (1..).zip(MIGRATIONS).skip(applied as usize) {
        let transaction = connection.transaction().map_err(at(path))?;
        transaction
            .execute_batch(&for_sqlite(migration))
            .map_err(at(path))?;
        transaction
            .execute(
                "INSERT INTO meta (only_row, schema_version) VALUES (1, ?1)
                 ON CONFLICT (only_row) DO UPDATE SET schema_version = excluded.schema_version",
                [version],
            )
            .map_err(at(path))?;
        transaction.commit().map_err(at(path))?;
    }
    Ok(())
}

/// Refuses a database whose schema is not exactly [`SCHEMA_VERSION`], for those who only read.
pub(crate) fn require_current(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match inspect(connection, path)? {
        Found::Version(SCHEMA_VERSION) => Ok(()),
        Found::Version(older) => Err(not_ours(
            path,
            format!("its schema version is {older}; start the server once to bring it up to date"),
        )),
        Found::Empty => Err(not_ours(path, "it is empty".to_owned())),
    }
}

/// Whether the database is of an older version; refuses one that is not ours, empty or newer.
pub(crate) fn is_older(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    match inspect(connection, path)? {
        Found::Version(version) => Ok(version < SCHEMA_VERSION),
        Found::Empty => Err(not_ours(path, "it is empty".to_owned())),
    }
}

fn inspect(connection: &Connection, path: &Path) -> Result<Found, StoreError> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(at(path))?;
    if tables == 0 {
        return Ok(Found::Empty);
    }
    let version: Option<Option<i64>> = connection
        .query_row("SELECT schema_version FROM meta", [], |row| row.get(0))
        .optional()
        .map_err(|error| match StoreError::from_sqlite(path, &error) {
            StoreError::Sqlite { detail, .. } => not_ours(path, detail),
            other => other,
        })?;
    match version {
        // The column is never written without a value: SQLite reads pages that a file lacks as
        // empty.
        Some(None) => Err(StoreError::Damaged {
            path: path.to_path_buf(),
            detail: "it has no schema version; the file may have been cut short".to_owned(),
        }),
        Some(Some(found)) if found > SCHEMA_VERSION => Err(StoreError::NewerVersion {
            path: path.to_path_buf(),
            found,
            known: SCHEMA_VERSION,
        }),
        Some(Some(version)) if version >= 1 => {
            check_small_tables(connection, path)?;
            Ok(Found::Version(version))
        }
        Some(Some(odd)) => Err(not_ours(path, format!("its schema version is {odd}"))),
        None => Err(not_ours(path, "it has no schema version".to_owned())),
    }
}

/// Looks through the tables that everything depends on. The audit trail is left out: it can be
/// large, and a fault in it shows when it is written or listed.
fn check_small_tables(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    for table in CHECKED_TABLES {
        let verdict: String = connection
            .query_row(&format!("PRAGMA quick_check('{table}')"), [], |row| {
                row.get(0)
            })
            .map_err(at(path))?;
        if verdict != "ok" {
            return Err(StoreError::Damaged {
                path: path.to_path_buf(),
                detail: verdict,
            });
        }
    }
    Ok(())
}

fn not_ours(path: &Path, detail: String) -> StoreError {
    StoreError::NotOurs {
        path: path.to_path_buf(),
        detail,
    }
}

const CHECKED_TABLES: [&str; 3] = ["tenant", "signing_key", "resource"];
