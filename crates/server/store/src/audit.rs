use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use crate::error::at;
use crate::reading::{self, stored_word};
use crate::{AuditKind, AuditRecord, DATABASE_FILE, Outcome, StoreError, schema};

/// The audit trail, for reading. Needs no lock: it may be read while a server writes.
#[derive(Debug)]
pub struct AuditLog {
    connection: Connection,
    path: PathBuf,
}

/// Which rows to list; the default lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only of this workload.
    pub workload: Option<String>,
    /// Only rows with a greater id: what was added since a row that was seen.
    pub after: Option<i64>,
    /// At most so many, the latest ones.
    pub last: Option<u32>,
}

/// A row as it lies in the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Grows with each row.
    pub id: i64,
    /// What happened.
    #[serde(flatten)]
    pub record: AuditRecord,
}

impl AuditLog {
    /// Opens the trail in the state folder `folder`.
    ///
    /// # Errors
    /// No database there, one of another version, or a damaged one.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE_FILE);
        if !path.is_file() {
            return Err(StoreError::Folder {
                path: folder.to_path_buf(),
                detail: format!("it holds no `{DATABASE_FILE}`"),
            });
        }
        let connection = reading::open(&path)?;
        schema::require_current(&connection, &path)?;
        Ok(Self { connection, path })
    }

    /// The rows that `filter` lets through, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        self.connection
            .prepare_cached(LIST)
            .and_then(|mut statement| {
                statement
                    .query_map(
                        params![
                            filter.tenant,
                            filter.workload,
                            filter.after,
                            filter.last.map_or(-1, i64::from)
                        ],
                        read_row,
                    )?
                    .collect()
            })
            .map_err(at(&self.path))
    }

    /// Writes the rows that `filter` lets through to `out`, one JSON object a line.
    ///
    /// # Errors
    /// The database cannot be read, or `out` cannot be written (as [`StoreError::Io`]).
    pub fn write_json_lines(
        &self,
        filter: &AuditFilter,
        out: &mut dyn Write,
    ) -> Result<(), StoreError> {
        let unwritable = |detail: String| StoreError::Io {
            path: self.path.clone(),
            detail,
        };
        for row in self.rows(filter)? {
            serde_json::to_writer(&mut *out, &row).map_err(|e| unwritable(e.to_string()))?;
            out.write_all(b"\n")
                .map_err(|e| unwritable(e.to_string()))?;
        }
        Ok(())
    }
}

/// Appends `record` and answers its id.
pub(crate) fn insert(connection: &Connection, record: &AuditRecord) -> rusqlite::Result<i64> {
    connection.prepare_cached(INSERT)?.insert(params![
        record.at.as_millisecond(),
        record.kind.as_str(),
        record.tenant,
        record.workload,
        record.token_config,
        record.subject,
        record.audience,
        record.lifetime,
        record.jti,
        record.kid,
        record.role,
        record.outcome.as_str(),
        record.reason,
        record.client,
    ])
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let at = Timestamp::from_millisecond(row.get(1)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            1,
            rusqlite::types::Type::Integer,
            Box::new(error),
        )
    })?;
    Ok(AuditRow {
        id: row.get(0)?,
        record: AuditRecord {
            at,
            kind: stored_word(row, 2, AuditKind::from_stored)?,
            tenant: row.get(3)?,
            workload: row.get(4)?,
            token_config: row.get(5)?,
            subject: row.get(6)?,
            audience: row.get(7)?,
            lifetime: row.get(8)?,
            jti: row.get(9)?,
            kid: row.get(10)?,
            role: row.get(11)?,
            outcome: stored_word(row, 12, Outcome::from_stored)?,
            reason: row.get(13)?,
            client: row.get(14)?,
        },
    })
}

const INSERT: &str = "INSERT INTO audit
    (at, kind, tenant, workload, token_config, subject, audience, lifetime, jti, kid, role,
     outcome, reason, client)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

const LIST: &str = "SELECT * FROM (
    SELECT id, at, kind, tenant, workload, token_config, subject, audience, lifetime, jti, kid,
           role, outcome, reason, client
    FROM audit
    WHERE (?1 IS NULL OR tenant = ?1)
      AND (?2 IS NULL OR workload = ?2)
      AND (?3 IS NULL OR id > ?3)
    ORDER BY id DESC LIMIT ?4
  ) ORDER BY id";
