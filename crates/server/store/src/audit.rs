//! The columns of the audit trail, and reading it.

use jiff::Timestamp;
use serde::Serialize;

use crate::sql::{Query, Row};
use crate::{AuditKind, AuditRecord, Outcome, StoreError};

/// Which rows of the trail; `default` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this tenant's.
    pub tenant: Option<String>,
    /// Only this workload's.
    pub workload: Option<String>,
    /// Only rows after this id.
    pub after: Option<i64>,
    /// Only the last so many of them.
    pub last: Option<u32>,
    /// Only the first so many of them.
    pub first: Option<u32>,
}

/// A row of the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Grows by one.
    pub id: i64,
    /// What it says.
    #[serde(flatten)]
    pub record: AuditRecord,
}

impl AuditFilter {
    pub(crate) fn query(&self) -> Query {
        let values = [
            self.tenant.as_ref().into(),
            self.workload.as_ref().into(),
            self.after.unwrap_or(0).into(),
            self.last.or(self.first).map_or(i64::MAX, i64::from).into(),
        ];
        Query::new(if self.last.is_some() { LAST } else { FIRST }, values)
    }
}

/// Rows with their hashes, in order, after `id`.
pub(crate) fn chained(id: i64, limit: i64) -> Query {
    Query::new(CHAINED, [id.into(), limit.into()])
}

pub(crate) fn read(mut row: Row) -> Result<AuditRow, StoreError> {
    read_from(&mut row)
}

pub(crate) fn read_from(row: &mut Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: row.integer()?,
        record: AuditRecord {
            at: Timestamp::from_millisecond(row.integer()?).map_err(|error| StoreError::Odd {
                detail: error.to_string(),
            })?,
            kind: row.word(AuditKind::from_stored)?,
            tenant: row.text()?,
            actor: row.optional_text()?,
            workload: row.optional_text()?,
            evidence: row.optional_text()?,
            token_config: row.optional_text()?,
            subject: row.optional_text()?,
            audience: row.optional_text()?,
            lifetime: row.optional_integer()?,
            jti: row.optional_text()?,
            kid: row.optional_text()?,
            role: row.optional_text()?,
            target: row.optional_text()?,
            outcome: row.word(Outcome::from_stored)?,
            reason: row.optional_text()?,
            client: row.optional_text()?,
        },
    })
}

/// The record as it will be read: milliseconds, and no character that a column cannot hold.
pub(crate) fn normal(mut record: AuditRecord) -> AuditRecord {
    record.at = Timestamp::from_millisecond(record.at.as_millisecond()).unwrap_or(record.at);
    let AuditRecord {
        tenant,
        actor,
        workload,
        evidence,
        token_config,
        subject,
        audience,
        jti,
        kid,
        role,
        target,
        reason,
        client,
        ..
    } = &mut record;
    let optional = [
        actor,
        workload,
        evidence,
        token_config,
        subject,
        audience,
        jti,
        kid,
        role,
        target,
        reason,
        client,
    ];
    for text in optional.into_iter().flatten().chain([tenant]) {
        if text.contains('\0') {
            *text = text.replace('\0', "\u{fffd}");
        }
    }
    record
}

const FIRST: &str = "SELECT id, at, kind, tenant, actor, workload, evidence, token_config, subject,
        audience, lifetime, jti, kid, role, target, outcome, reason, client
    FROM audit
    WHERE (CAST($1 AS TEXT) IS NULL OR tenant = $1) AND (CAST($2 AS TEXT) IS NULL OR workload = $2)
      AND id > $3
    ORDER BY id LIMIT $4";
const LAST: &str = "SELECT * FROM (
    SELECT id, at, kind, tenant, actor, workload, evidence, token_config, subject, audience,
        lifetime, jti, kid, role, target, outcome, reason, client
    FROM audit
    WHERE (CAST($1 AS TEXT) IS NULL OR tenant = $1) AND (CAST($2 AS TEXT) IS NULL OR workload = $2)
      AND id > $3
    ORDER BY id DESC LIMIT $4
  ) AS latest ORDER BY id";
const CHAINED: &str = "SELECT id, at, kind, tenant, actor, workload, evidence, token_config,
        subject, audience, lifetime, jti, kid, role, target, outcome, reason, client, hash
    FROM audit WHERE id > $1 ORDER BY id LIMIT $2";
