//! Where a test's state is kept, and what all tests put there.

use jiff::Timestamp;
use rolecall_store::{
    AuditFilter, AuditKind, AuditRecord, AuditRow, Document, KeyState, Location, Outcome,
    SealedKey, Store, StoreOptions, UsedAssertion,
};

use crate::cluster::{self, Cluster};

pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(Cluster),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(cluster::scratch())
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(Cluster::start())
    }

    pub(crate) fn location(&self) -> Location {
        match self {
            Self::Sqlite(scratch) => cluster::folder(scratch),
            Self::Postgres(cluster) => cluster.location(),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open_at(&self.location(), &StoreOptions::default())
            .await
            .unwrap()
    }

    /// Another database of the same kind, empty.
    pub(crate) fn another(&self) -> (Location, Option<tempfile::TempDir>) {
        match self {
            Self::Sqlite(_) => {
                let scratch = cluster::scratch();
                (cluster::folder(&scratch), Some(scratch))
            }
            Self::Postgres(cluster) => {
                cluster.sql("CREATE DATABASE another");
                (cluster.database("another"), None)
            }
        }
    }

    /// A statement behind the program's back.
    pub(crate) fn meddle(&self, statement: &str) {
        match self {
            Self::Sqlite(scratch) => {
                let path = scratch.path().join(rolecall_store::DATABASE_FILE);
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.execute_batch(statement).unwrap();
            }
            Self::Postgres(cluster) => {
                cluster.sql(statement);
            }
        }
    }
}

pub(crate) fn record(second: i64, workload: &str) -> AuditRecord {
    let mut record = AuditRecord::new(
        Timestamp::from_second(second).unwrap(),
        AuditKind::Mint,
        "acme",
        Outcome::Granted,
    );
    record.workload = Some(workload.to_owned());
    record
}

pub(crate) fn used(jti: &str, expires: i64) -> UsedAssertion {
    UsedAssertion {
        tenant: "acme".to_owned(),
        workload: "api".to_owned(),
        jti: jti.to_owned(),
        expires,
    }
}

pub(crate) fn key(tenant: &str, kid: &str) -> SealedKey {
    SealedKey {
        tenant: tenant.to_owned(),
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        state: KeyState::Active,
        record: "{}".to_owned(),
        public: "{}".to_owned(),
        sealed: vec![1, 2, 3],
        created_at: 5,
    }
}

pub(crate) fn document(name: &str, json: &str) -> Document {
    Document {
        name: name.to_owned(),
        json: json.to_owned(),
    }
}

pub(crate) async fn trail(store: &Store) -> Vec<AuditRow> {
    let filter = AuditFilter::default();
    store.reader().audit(&filter).await.unwrap()
}
