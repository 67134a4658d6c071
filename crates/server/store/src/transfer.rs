//! Backups, restoring, and moving to another database. A backup is a SQLite file, whichever
//! database it is of, so that it can be restored to either.

use std::path::Path;

use crate::chain::Head;
use crate::reader::Reader;
use crate::sql::{Query, Step, Value};
use crate::store::database_in;
use crate::{AuditRow, Location, StoreError, audit, postgres, sqlite};

/// Everything but the audit trail's rows, as of one moment. The trail only grows: its rows up to
/// `head` are those of that moment, whenever they are read.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) steps: Vec<Step>,
    pub(crate) head: Head,
}

/// Writes a copy of the state to the new file `to`, while the server goes on, and answers the end
/// of the audit trail in it. Each key in it is sealed as it was: without the master key a backup is
/// worth nothing, and the master key is not in it.
///
/// # Errors
/// `to` is there already, or one of the two cannot be used. Nothing is left at `to` then.
pub async fn backup(from: &Location, to: &Path) -> Result<Head, StoreError> {
    let reader = Reader::open(from).await?;
    let target = to.to_path_buf();
    if let Some(path) = reader.file() {
        let path = path.to_path_buf();
        blocking(move || sqlite::copy(&path, &target)).await?;
    } else {
        let contents = contents(&reader).await?;
        let filling = blocking(move || sqlite::Filling::start(&target)).await?;
        filled(&reader, &contents, filling).await?;
    }
    Reader::of_file(to).verify_audit(Head::START, |_| {}).await
}

/// Puts the backup `from` where there is no installation yet, and answers the end of its audit
/// trail, which was verified.
///
/// # Errors
/// [`StoreError::Occupied`] where there is one; the backup is damaged or of a newer version.
/// Nothing is left at `to` then.
pub async fn restore(from: &Path, to: &Location) -> Result<Head, StoreError> {
    let source = from.to_path_buf();
    let up_to_date = blocking(move || sqlite::up_to_date(&source)).await?;
    restore_current(up_to_date.as_deref().unwrap_or(from), to).await
}

async fn restore_current(from: &Path, to: &Location) -> Result<Head, StoreError> {
    let reader = Reader::of_file(from);
    let head = reader.verify_audit(Head::START, |_| {}).await?;
    match to {
        Location::Folder(folder) => {
            let (from, folder) = (from.to_path_buf(), folder.clone());
            blocking(move || sqlite::restore(&from, &folder)).await?;
        }
        Location::Postgres(address) => {
            let contents = contents(&reader).await?;
            postgres::fill(address, &reader, &contents).await?;
        }
    }
    Ok(head)
}

/// Copies the state of `folder`, which no server may have open, to another place, and answers the
/// end of the audit trail, which was verified. The folder stays as it is.
///
/// # Errors
/// As [`restore`]; [`StoreError::InUse`] while a server runs.
pub async fn move_to(folder: &Path, to: &Location) -> Result<Head, StoreError> {
    let held = folder.to_path_buf();
    let _held = blocking(move || sqlite::hold(&held)).await?;
    restore_current(&database_in(folder), to).await
}

pub(crate) async fn contents(reader: &Reader) -> Result<Contents, StoreError> {
    let mut queries: Vec<Query> = TABLES
        .iter()
        .map(|table| Query::new(table.select, []))
        .collect();
    queries.push(Query::new("SELECT id, hash FROM audit_head", []));
    let mut answers = reader.read(queries).await?;
    let head = match answers.pop().unwrap_or_default().into_iter().next() {
        Some(mut row) => Head::read(row.integer()?, &row.bytes()?)?,
        None => Head::START,
    };
    let mut steps = Vec::new();
    for (table, rows) in TABLES.iter().zip(answers) {
        for row in rows {
            steps.push(Step::new(table.insert, row.into_values()));
        }
    }
    if head != Head::START {
        let values: [Value; 2] = [head.id.into(), head.hash.to_vec().into()];
        steps.push(Step::new(
            "INSERT INTO audit_head (only_row, id, hash) VALUES (1, $1, $2)",
            values,
        ));
    }
    Ok(Contents { steps, head })
}

/// The rows of the trail after `head`, up to `end`, with their hashes; at most a few thousand.
pub(crate) async fn trail(
    reader: &Reader,
    head: Head,
    end: Head,
) -> Result<(Vec<(AuditRow, [u8; 32])>, Head), StoreError> {
    let limit = (end.id - head.id).min(ROWS_AT_ONCE);
    let mut read = reader.read(vec![audit::chained(head.id, limit)]).await?;
    let (mut rows, mut last) = (Vec::new(), head);
    for mut row in read.pop().unwrap_or_default() {
        let read = audit::read_from(&mut row)?;
        last = last.followed(&read, &row.bytes()?)?;
        rows.push((read, last.hash));
    }
    if rows.is_empty() && head != end {
        return Err(StoreError::Broken {
            id: head.id + 1,
            detail: format!("rows up to {} were cut off", end.id),
        });
    }
    Ok((rows, last))
}

async fn filled(
    reader: &Reader,
    contents: &Contents,
    mut filling: sqlite::Filling,
) -> Result<(), StoreError> {
    let steps = contents.steps.clone();
    filling = blocking(move || filling.steps(&steps)).await?;
    let mut head = Head::START;
    while head != contents.head {
        let (rows, next) = trail(reader, head, contents.head).await?;
        filling = blocking(move || filling.audit(&rows)).await?;
        head = next;
    }
    blocking(move || filling.finish()).await
}

async fn blocking<T: Send + 'static>(
    deed: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(deed)
        .await
        .map_err(|_| StoreError::Closed)?
}

struct Table {
    select: &'static str,
    insert: &'static str,
}

/// In the order in which they can be filled.
const TABLES: [Table; 6] = [
    Table {
        select: "SELECT name, issuer, document, source, declared, version, revision, created_at,
            updated_at FROM tenant",
        insert: "INSERT INTO tenant (name, issuer, document, source, declared, version, revision,
            created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    },
    Table {
        select: "SELECT tenant, kid, algorithm, state, record, public, sealed, created_at
            FROM signing_key",
        insert: "INSERT INTO signing_key (tenant, kid, algorithm, state, record, public, sealed,
            created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    },
    Table {
        select: "SELECT tenant, kind, name, document, source, version, created_at, updated_at
            FROM resource",
        insert: "INSERT INTO resource (tenant, kind, name, document, source, version, created_at,
            updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    },
    Table {
        select: "SELECT actor, mark, request, status, body, expires FROM answered",
        insert: "INSERT INTO answered (actor, mark, request, status, body, expires)
            VALUES ($1, $2, $3, $4, $5, $6)",
    },
    Table {
        select: "SELECT tenant, workload, jti, expires FROM replay",
        insert: "INSERT INTO replay (tenant, workload, jti, expires) VALUES ($1, $2, $3, $4)",
    },
    Table {
        select: "SELECT only_row, until FROM forgotten",
        insert: "INSERT INTO forgotten (only_row, until) VALUES ($1, $2)",
    },
];

const ROWS_AT_ONCE: i64 = 5_000;
