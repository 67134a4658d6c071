//! Rows for the audit trail and the memory of used evidence, within a transaction.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::chain::Head;
use crate::sql::Step;
use crate::{AuditRecord, AuditRow, StoreError, UsedAssertion};

use super::reading::bind;

/// The end of the chain as the database has it.
pub(crate) fn head(connection: &Connection) -> rusqlite::Result<Result<Head, StoreError>> {
    let found: Option<(i64, Vec<u8>)> = connection
        .query_row("SELECT id, hash FROM audit_head", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(found.map_or(Ok(Head::START), |(id, hash)| Head::read(id, &hash)))
}

/// Appends `record` after `head`; the new head.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    head: Head,
    record: &AuditRecord,
) -> rusqlite::Result<Result<Head, StoreError>> {
    let (row, next) = match head.extended(record) {
        Ok(extended) => extended,
        Err(error) => return Ok(Err(error)),
    };
    insert(transaction, &row, &next.hash)?;
    Ok(Ok(next))
}

/// Writes a row with its hash.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    row: &AuditRow,
    hash: &[u8; 32],
) -> rusqlite::Result<()> {
    let record = &row.record;
    transaction.prepare_cached(INSERT)?.execute(params![
        row.id,
        record.at.as_millisecond(),
        record.kind.as_str(),
        record.tenant,
        record.actor,
        record.workload,
        record.evidence,
        record.token_config,
        record.subject,
        record.audience,
        record.lifetime,
        record.jti,
        record.kid,
        record.role,
        record.target,
        record.outcome.as_str(),
        record.reason,
        record.client,
        hash.as_slice(),
    ])?;
    Ok(())
}

pub(crate) fn put_head(transaction: &Transaction<'_>, head: Head) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO audit_head (only_row, id, hash) VALUES (1, ?1, ?2)
             ON CONFLICT (only_row) DO UPDATE SET id = excluded.id, hash = excluded.hash",
        )?
        .execute(params![head.id, head.hash.as_slice()])?;
    Ok(())
}

/// Up to when used evidence was forgotten; `i64::MIN` if none was.
pub(crate) fn forgotten(connection: &Connection) -> rusqlite::Result<i64> {
    let found = connection
        .query_row("SELECT until FROM forgotten", [], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(i64::MIN))
}

pub(crate) fn put_forgotten(transaction: &Transaction<'_>, until: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO forgotten (only_row, until) VALUES (1, ?1)
             ON CONFLICT (only_row) DO UPDATE SET until = excluded.until",
        )?
        .execute([until])?;
    Ok(())
}

/// Whether the evidence was remembered now, and not before; what has expired at `now` (seconds since
/// the epoch) is as if it had never been.
pub(crate) fn remember(
    transaction: &Transaction<'_>,
    used: &UsedAssertion,
    now: i64,
) -> rusqlite::Result<bool> {
    let added = transaction
        .prepare_cached(
            "INSERT INTO replay (tenant, workload, jti, expires) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, workload, jti) DO UPDATE SET expires = excluded.expires
             WHERE replay.expires < ?5",
        )?
        .execute(params![
            used.tenant,
            used.workload,
            used.jti,
            used.expires,
            now
        ])?;
    Ok(added == 1)
}

/// Carries out `step`; how many rows it changed.
pub(crate) fn execute(transaction: &Transaction<'_>, step: &Step) -> rusqlite::Result<u64> {
    let mut statement = transaction.prepare_cached(step.text)?;
    bind(&mut statement, &step.values)?;
    Ok(statement.raw_execute()? as u64)
}

const INSERT: &str = "INSERT INTO audit
    (id, at, kind, tenant, actor, workload, evidence, token_config, subject, audience, lifetime,
     jti, kid, role, target, outcome, reason, client, hash)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
