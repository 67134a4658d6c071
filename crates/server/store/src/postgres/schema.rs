//! The tables, made and brought up to date once, whoever comes first.

use super::pool::Pool;
use crate::StoreError;
use crate::migrations::{MIGRATIONS, SCHEMA_VERSION, for_postgres};

/// Refuses a database that is newer than this program; brings an older or empty one up to
/// [`SCHEMA_VERSION`]. Processes that start together wait for each other.
pub(crate) async fn bring_up(pool: &Pool) -> Result<(), StoreError> {
    let mut connection = pool.connection().await?;
    let transaction = connection
        .transaction()
        .await
        .map_err(|error| pool.at(&error))?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING])
        .await
        .map_err(|error| pool.at(&error))?;
    let applied = version(pool, &transaction).await?.unwrap_or(0);
    for (version, migration) in (1_i64..).zip(MIGRATIONS).skip(applied as usize) {
        transaction
            .batch_execute(&for_postgres(migration))
            .await
            .map_err(|error| pool.at(&error))?;
        transaction
            .execute(
                "INSERT INTO meta (only_row, schema_version) VALUES (1, $1)
                 ON CONFLICT (only_row) DO UPDATE SET schema_version = excluded.schema_version",
                &[&version],
            )
            .await
            .map_err(|error| pool.at(&error))?;
    }
    transaction.commit().await.map_err(|error| pool.at(&error))
}

/// Refuses a database whose schema is not exactly [`SCHEMA_VERSION`], for those who only read.
pub(crate) async fn require_current(pool: &Pool) -> Result<(), StoreError> {
    let connection = pool.connection().await?;
    let odd = |detail: String| StoreError::Postgres {
        place: pool.place().to_owned(),
        detail,
    };
    match version(pool, &connection).await? {
        Some(SCHEMA_VERSION) => Ok(()),
        Some(older) => Err(odd(format!(
            "its schema version is {older}; start the server once to bring it up to date"
        ))),
        None => Err(odd("it holds no installation".to_owned())),
    }
}

async fn version(
    pool: &Pool,
    client: &impl deadpool_postgres::GenericClient,
) -> Result<Option<i64>, StoreError> {
    let there: bool = client
        .query_one("SELECT to_regclass('meta') IS NOT NULL", &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| pool.at(&error))?;
    if !there {
        return Ok(None);
    }
    let found: Option<i64> = client
        .query_opt("SELECT schema_version FROM meta", &[])
        .await
        .and_then(|row| row.map(|row| row.try_get(0)).transpose())
        .map_err(|error| pool.at(&error))?;
    match found {
        Some(found) if found > SCHEMA_VERSION => Err(StoreError::NewerVersion {
            path: pool.place().into(),
            found,
            known: SCHEMA_VERSION,
        }),
        other => Ok(other),
    }
}

/// The advisory lock of those who bring the schema up: `rolecall` as a number, and one.
const MIGRATING: i64 = 0x726f_6c65_6361_6c01;
