//! Connections that only read, and the statements that go through them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use crate::StoreError;
use crate::error::at;
use crate::sql::{Query, Row, Value};

/// A few connections that wait to be used. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            idle: Arc::default(),
        }
    }

    /// Refuses a database whose schema is another. Blocks on the disk.
    pub(crate) fn require_current(&self) -> Result<(), StoreError> {
        super::schema::require_current(&open(&self.path)?, &self.path)
    }

    /// Carries out `queries` as of one moment. Blocks on the disk.
    pub(crate) fn read(&self, queries: &[Query]) -> Result<Vec<Vec<Row>>, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let transaction = connection.transaction().map_err(at(&self.path))?;
        let answers = queries
            .iter()
            .map(|query| rows(&transaction, query).map_err(at(&self.path)))
            .collect::<Result<Vec<_>, _>>()?;
        transaction.finish().map_err(at(&self.path))?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        Ok(answers)
    }
}

/// A connection that cannot write.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(at(path))?;
    connection
        .busy_timeout(super::database::BUSY_TIMEOUT)
        .map_err(at(path))?;
    Ok(connection)
}

pub(crate) fn rows(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(query.text)?;
    bind(&mut statement, &query.values)?;
    let columns = statement.column_count();
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(match row.get_ref(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Integer(number),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                ValueRef::Real(number) => Value::Text(number.to_string()),
            });
        }
        rows.push(Row::new(values));
    }
    Ok(rows)
}

/// Binds `values` to `$1`, `$2`, …, wherever they stand in the statement.
pub(crate) fn bind(
    statement: &mut rusqlite::CachedStatement<'_>,
    values: &[Value],
) -> rusqlite::Result<()> {
    for (number, value) in (1..).zip(values) {
        if let Some(index) = statement.parameter_index(&format!("${number}"))? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

const IDLE: usize = 4;
