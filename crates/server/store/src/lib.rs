//! What an installation must not forget, in one SQLite file: tenants, sealed signing keys, token
//! configs, workloads, used assertions and the audit trail. The only crate that sees SQL.
//!
//! One writer thread owns the write connection. Whoever records something hands it over a bounded
//! queue; the writer takes everything that waits into one transaction, commits it to disk
//! (`synchronous = FULL`) and only then answers each caller. So a token that was acknowledged has
//! its audit row on disk, and a hundred callers share the price of one `fsync`.
//!
//! Keys arrive here sealed; this crate stores the bytes and cannot read them.

mod audit;
mod declared;
mod error;
mod folder;
mod reading;
mod records;
mod schema;
mod store;
mod writer;

pub use audit::{AuditFilter, AuditLog, AuditRow};
pub use error::StoreError;
pub use records::{
    AuditKind, AuditRecord, DeclaredTenant, Document, KeyState, Outcome, SealedKey, State,
    StoredTenant, UsedAssertion,
};
pub use schema::SCHEMA_VERSION;
pub use store::{Announced, Store, StoreOptions};

/// The name of the database inside the state folder.
pub const DATABASE_FILE: &str = "rolecall.db";
