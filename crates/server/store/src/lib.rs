//! What an installation must not forget: tenants, sealed signing keys, what they declare, used
//! evidence and the audit trail. In one SQLite file, or in a PostgreSQL database that any number of
//! processes share. The only crate that sees SQL.
//!
//! One writer a process takes everything that waits into one transaction, commits it durably
//! (`synchronous = FULL`; PostgreSQL's `synchronous_commit`) and only then answers each caller. So a
//! token that was acknowledged has its audit row, and a hundred callers share the price of one
//! commit. Changes are data: what is to be written is decided by pure functions, and both backends
//! carry out the same statements.
//!
//! Keys arrive here sealed; this crate stores the bytes and cannot read them.

mod audit;
mod chain;
mod declaring;
mod edit;
mod error;
mod kept;
mod location;
mod migrations;
mod postgres;
mod queries;
mod reader;
mod records;
mod sql;
mod sqlite;
mod store;
mod transfer;
mod writing;

pub use audit::{AuditFilter, AuditRow};
pub use chain::Head;
pub use edit::{Change, Edit, Expect};
pub use error::StoreError;
pub use kept::{
    Answered, DeclaredTenant, Document, KeyState, Resource, ResourceKind, SealedKey, Source,
    StoredTenant, TenantEntry,
};
pub use location::{Address, Location};
pub use migrations::SCHEMA_VERSION;
pub use postgres::Leadership;
pub use queries::Listing;
pub use reader::Reader;
pub use records::{AuditKind, AuditRecord, Outcome, UsedAssertion};
pub use store::{Announced, Changed, Store, StoreOptions};
pub use transfer::{backup, move_to, restore};

/// The name of the database file in a state folder.
pub const DATABASE_FILE: &str = "rolecall.db";
