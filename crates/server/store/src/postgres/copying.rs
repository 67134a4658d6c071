//! Many rows at once.

use deadpool_postgres::Transaction;

use super::pool::Pool;
use crate::chain::Head;
use crate::location::Address;
use crate::reader::Reader;
use crate::transfer::{self, Contents};
use crate::{AuditRecord, AuditRow, StoreError};

/// Appends rows to the trail in one statement.
pub(crate) async fn insert_audit(
    pool: &Pool,
    transaction: &Transaction<'_>,
    rows: &[(AuditRow, [u8; 32])],
) -> Result<(), StoreError> {
    let numbers = |pick: fn(&AuditRow) -> i64| -> Vec<i64> {
        rows.iter().map(|(row, _)| pick(row)).collect()
    };
    let words = |pick: fn(&AuditRecord) -> &str| -> Vec<&str> {
        rows.iter().map(|(row, _)| pick(&row.record)).collect()
    };
    let texts = |pick: fn(&AuditRecord) -> &Option<String>| -> Vec<Option<&str>> {
        rows.iter()
            .map(|(row, _)| pick(&row.record).as_deref())
            .collect()
    };
    let lifetimes: Vec<Option<i64>> = rows.iter().map(|(row, _)| row.record.lifetime).collect();
    let hashes: Vec<&[u8]> = rows.iter().map(|(_, hash)| hash.as_slice()).collect();
    let statement = transaction
        .prepare_cached(INSERT)
        .await
        .map_err(|error| pool.at(&error))?;
    transaction
        .execute(
            &statement,
            &[
                &numbers(|row| row.id),
                &numbers(|row| row.record.at.as_millisecond()),
                &words(|record| record.kind.as_str()),
                &words(|record| &record.tenant),
                &texts(|record| &record.actor),
                &texts(|record| &record.workload),
                &texts(|record| &record.evidence),
                &texts(|record| &record.token_config),
                &texts(|record| &record.subject),
                &texts(|record| &record.audience),
                &lifetimes,
                &texts(|record| &record.jti),
                &texts(|record| &record.kid),
                &texts(|record| &record.role),
                &texts(|record| &record.target),
                &words(|record| record.outcome.as_str()),
                &texts(|record| &record.reason),
                &texts(|record| &record.client),
                &hashes,
            ],
        )
        .await
        .map_err(|error| pool.at(&error))?;
    Ok(())
}

/// Puts an installation into an empty database, all of it or nothing.
pub(crate) async fn fill(
    address: &Address,
    reader: &Reader,
    contents: &Contents,
) -> Result<(), StoreError> {
    let pool = Pool::new(address, 1)?;
    super::bring_up(&pool).await?;
    let mut connection = pool.connection().await?;
    let transaction = connection
        .transaction()
        .await
        .map_err(|error| pool.at(&error))?;
    let occupied: bool = transaction
        .query_one(
            "SELECT EXISTS (SELECT 1 FROM tenant) OR EXISTS (SELECT 1 FROM audit)
                 OR EXISTS (SELECT 1 FROM resource) OR EXISTS (SELECT 1 FROM audit_head)",
            &[],
        )
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| pool.at(&error))?;
    if occupied {
        return Err(StoreError::Occupied {
            place: pool.place().to_owned(),
        });
    }
    for step in &contents.steps {
        pool.execute(&transaction, step).await?;
    }
    let mut head = Head::START;
    while head != contents.head {
        let (rows, next) = transfer::trail(reader, head, contents.head).await?;
        insert_audit(&pool, &transaction, &rows).await?;
        head = next;
    }
    transaction.commit().await.map_err(|error| pool.at(&error))
}

const INSERT: &str = "INSERT INTO audit
    (id, at, kind, tenant, actor, workload, evidence, token_config, subject, audience, lifetime,
     jti, kid, role, target, outcome, reason, client, hash)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[],
        $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[],
        $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[],
        $19::bytea[])";
