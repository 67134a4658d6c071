use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

use crate::error::at;
use crate::{Document, KeyState, SealedKey, State, StoreError, StoredTenant, UsedAssertion};

/// A connection that cannot write.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(at(path))?;
    connection
        .busy_timeout(crate::store::BUSY_TIMEOUT)
        .map_err(at(path))?;
    Ok(connection)
}

/// Everything that is declared, and the assertions that were used and have not expired at `now`
/// (seconds since the epoch), as of one moment.
pub(crate) fn load(
    connection: &mut Connection,
    path: &Path,
    now: i64,
) -> Result<State, StoreError> {
    let transaction = connection.transaction().map_err(at(path))?;
    let mut tenants = rows(
        &transaction,
        path,
        "SELECT name, issuer, created_at FROM tenant WHERE declared = 1 ORDER BY name",
        &[],
        |row| {
            Ok(StoredTenant {
                name: row.get(0)?,
                issuer: row.get(1)?,
                created_at: row.get(2)?,
                keys: Vec::new(),
                token_configs: Vec::new(),
                workloads: Vec::new(),
            })
        },
    )?;
    let mut keys = keys(&transaction, path)?;
    for tenant in &mut tenants {
        tenant.keys = keys
            .extract_if(.., |key| key.tenant == tenant.name)
            .collect();
        for (table, documents) in [
            ("token_config", &mut tenant.token_configs),
            ("workload", &mut tenant.workloads),
        ] {
            *documents = rows(
                &transaction,
                path,
                &format!("SELECT name, document FROM {table} WHERE tenant = ?1 ORDER BY name"),
                &[&tenant.name],
                |row| {
                    Ok(Document {
                        name: row.get(0)?,
                        json: row.get(1)?,
                    })
                },
            )?;
        }
    }
    let used = rows(
        &transaction,
        path,
        "SELECT tenant, workload, jti, expires FROM replay WHERE expires >= ?1",
        &[&now],
        |row| {
            Ok(UsedAssertion {
                tenant: row.get(0)?,
                workload: row.get(1)?,
                jti: row.get(2)?,
                expires: row.get(3)?,
            })
        },
    )?;
    Ok(State { tenants, used })
}

/// Every signing key, oldest first.
pub(crate) fn keys(connection: &Connection, path: &Path) -> Result<Vec<SealedKey>, StoreError> {
    rows(
        connection,
        path,
        "SELECT tenant, kid, algorithm, sealed, created_at, state FROM signing_key
         ORDER BY created_at, rowid",
        &[],
        key,
    )
}

fn key(row: &Row<'_>) -> rusqlite::Result<SealedKey> {
    Ok(SealedKey {
        tenant: row.get(0)?,
        kid: row.get(1)?,
        algorithm: row.get(2)?,
        sealed: row.get(3)?,
        created_at: row.get(4)?,
        state: stored_word(row, 5, KeyState::from_stored)?,
    })
}

/// One of the words that a column may hold.
pub(crate) fn stored_word<T>(
    row: &Row<'_>,
    column: usize,
    read: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    read(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            format!("`{text}` is not a word that this column may hold").into(),
        )
    })
}

fn rows<T>(
    connection: &Connection,
    path: &Path,
    sql: &str,
    parameters: &[&dyn rusqlite::ToSql],
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
        .map_err(at(path))
}
