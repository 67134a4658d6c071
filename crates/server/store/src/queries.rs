//! What is read, and how rows become what is kept. Pure.

use crate::kept::Resource;
use crate::sql::{Query, Row, Value};
use crate::{
    Answered, Document, KeyState, ResourceKind, SealedKey, Source, StoreError, TenantEntry,
    UsedAssertion,
};

/// Which documents; names after `after`, at most `limit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Of this tenant; `""` for what belongs to none; `None` for all.
    pub tenant: Option<String>,
    /// Of this kind.
    pub kind: ResourceKind,
    /// Only names greater than this; with `tenant: None` only the tenant's name is compared.
    pub after: String,
    /// At most so many.
    pub limit: u32,
}

pub(crate) fn directory(after: &str, limit: i64) -> Query {
    Query::new(
        "SELECT name, issuer, document, source, version, revision, created_at, updated_at
         FROM tenant WHERE declared = 1 AND name > $1 ORDER BY name LIMIT $2",
        [after.into(), limit.into()],
    )
}

pub(crate) fn tenant(name: &str) -> Query {
    Query::new(
        "SELECT name, issuer, document, source, version, revision, created_at, updated_at
         FROM tenant WHERE declared = 1 AND name = $1",
        [name.into()],
    )
}

/// The issuers of all tenants that have keys, declared or not.
pub(crate) fn issuers() -> Query {
    Query::new(
        "SELECT name, issuer FROM tenant
         WHERE EXISTS (SELECT 1 FROM signing_key WHERE signing_key.tenant = tenant.name)",
        [],
    )
}

pub(crate) fn keys_of(tenant: &str) -> Query {
    Query::new(
        "SELECT tenant, kid, algorithm, state, record, public, sealed, created_at
         FROM signing_key WHERE tenant = $1 ORDER BY created_at, kid",
        [tenant.into()],
    )
}

pub(crate) fn all_keys(after_tenant: &str, after_kid: &str, limit: i64) -> Query {
    Query::new(
        "SELECT tenant, kid, algorithm, state, record, public, sealed, created_at
         FROM signing_key WHERE tenant > $1 OR (tenant = $1 AND kid > $2)
         ORDER BY tenant, kid LIMIT $3",
        [after_tenant.into(), after_kid.into(), limit.into()],
    )
}

/// What the slots of all keys of declared tenants say, without the keys.
pub(crate) fn key_records() -> Query {
    Query::new(
        "SELECT tenant, record FROM signing_key
         WHERE EXISTS (SELECT 1 FROM tenant WHERE tenant.name = signing_key.tenant AND declared = 1)
         ORDER BY tenant, created_at, kid",
        [],
    )
}

/// Names of declared tenants that have no signing key at all.
pub(crate) fn keyless() -> Query {
    Query::new(
        "SELECT name FROM tenant WHERE declared = 1
         AND NOT EXISTS (SELECT 1 FROM signing_key WHERE signing_key.tenant = tenant.name)",
        [],
    )
}

pub(crate) fn resources_of(tenant: &str) -> Query {
    Query::new(
        "SELECT tenant, kind, name, document, source, version, created_at, updated_at
         FROM resource WHERE tenant = $1 ORDER BY kind, name",
        [tenant.into()],
    )
}

pub(crate) fn resource(tenant: &str, kind: ResourceKind, name: &str) -> Query {
    Query::new(
        "SELECT tenant, kind, name, document, source, version, created_at, updated_at
         FROM resource WHERE tenant = $1 AND kind = $2 AND name = $3",
        [tenant.into(), kind.as_str().into(), name.into()],
    )
}

pub(crate) fn listing(listing: &Listing) -> Query {
    let tenant = listing.tenant.as_ref().map_or(Value::Null, Value::from);
    Query::new(
        "SELECT tenant, kind, name, document, source, version, created_at, updated_at
         FROM resource
         WHERE kind = $1 AND ((tenant = $2 AND name > $3) OR (CAST($2 AS TEXT) IS NULL AND tenant > $3))
         ORDER BY tenant, name LIMIT $4",
        [
            listing.kind.as_str().into(),
            tenant,
            (&listing.after).into(),
            i64::from(listing.limit).into(),
        ],
    )
}

/// All documents that come from the file.
pub(crate) fn of_the_file() -> Query {
    Query::new(
        "SELECT tenant, kind, name, document, source, version, created_at, updated_at
         FROM resource WHERE source = 'file' ORDER BY tenant, kind, name",
        [],
    )
}

pub(crate) fn used(now: i64) -> Query {
    Query::new(
        "SELECT tenant, workload, jti, expires FROM replay WHERE expires >= $1",
        [now.into()],
    )
}

/// Up to when used evidence was forgotten.
pub(crate) fn forgotten() -> Query {
    Query::new("SELECT until FROM forgotten", [])
}

pub(crate) fn answered(actor: &str, mark: &str, now: i64) -> Query {
    Query::new(
        "SELECT actor, mark, request, status, body, expires FROM answered
         WHERE actor = $1 AND mark = $2 AND expires >= $3",
        [actor.into(), mark.into(), now.into()],
    )
}

pub(crate) fn read_entry(mut row: Row) -> Result<TenantEntry, StoreError> {
    Ok(TenantEntry {
        name: row.text()?,
        issuer: row.text()?,
        document: row.text()?,
        source: row.word(Source::from_stored)?,
        version: row.integer()?,
        revision: row.integer()?,
        created_at: row.integer()?,
        updated_at: row.integer()?,
    })
}

pub(crate) fn read_key(mut row: Row) -> Result<SealedKey, StoreError> {
    Ok(SealedKey {
        tenant: row.text()?,
        kid: row.text()?,
        algorithm: row.text()?,
        state: row.word(KeyState::from_stored)?,
        record: row.text()?,
        public: row.text()?,
        sealed: row.bytes()?,
        created_at: row.integer()?,
    })
}

pub(crate) fn read_resource(mut row: Row) -> Result<Resource, StoreError> {
    Ok(Resource {
        tenant: row.text()?,
        kind: row.word(ResourceKind::from_stored)?,
        document: Document {
            name: row.text()?,
            json: row.text()?,
        },
        source: row.word(Source::from_stored)?,
        version: row.integer()?,
        created_at: row.integer()?,
        updated_at: row.integer()?,
    })
}

pub(crate) fn read_pair(mut row: Row) -> Result<(String, String), StoreError> {
    Ok((row.text()?, row.text()?))
}

pub(crate) fn read_text(mut row: Row) -> Result<String, StoreError> {
    row.text()
}

pub(crate) fn read_used(mut row: Row) -> Result<UsedAssertion, StoreError> {
    Ok(UsedAssertion {
        tenant: row.text()?,
        workload: row.text()?,
        jti: row.text()?,
        expires: row.integer()?,
    })
}

pub(crate) fn read_answered(mut row: Row) -> Result<Answered, StoreError> {
    Ok(Answered {
        actor: row.text()?,
        mark: row.text()?,
        request: row.text()?,
        status: u16::try_from(row.integer()?).unwrap_or(500),
        body: row.text()?,
        expires: row.integer()?,
    })
}
