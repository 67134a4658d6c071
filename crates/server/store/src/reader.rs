//! Reading the state, whichever database keeps it.

use std::path::{Path, PathBuf};

use crate::audit::{self, AuditFilter, AuditRow};
use crate::chain::Head;
use crate::declaring::Inventory;
use crate::kept::Resource;
use crate::queries::{self, Listing};
use crate::sql::{Query, Row};
use crate::store::database_in;
use crate::{
    Answered, Location, ResourceKind, SealedKey, StoreError, StoredTenant, TenantEntry,
    UsedAssertion, postgres, sqlite,
};

/// The state of an installation, for reading; the server may have it open at the same time. Cheap
/// to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    from: From,
}

#[derive(Debug, Clone)]
enum From {
    Sqlite {
        readers: sqlite::Readers,
        path: PathBuf,
    },
    Postgres(Box<postgres::Pool>),
}

impl Reader {
    /// Opens the state for reading only.
    ///
    /// # Errors
    /// There is none, it is of another version, or the database server does not answer.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Folder(folder) => {
                let path = database_in(folder);
                if !path.is_file() {
                    return Err(StoreError::Folder {
                        path: folder.clone(),
                        detail: format!("it holds no `{}`", crate::DATABASE_FILE),
                    });
                }
                sqlite::Readers::new(&path).require_current()?;
                Ok(Self::of_folder(folder))
            }
            Location::Postgres(address) => {
                let pool = postgres::Pool::new(address, 1)?;
                postgres::require_current(&pool).await?;
                Ok(Self::of_pool(pool))
            }
        }
    }

    pub(crate) fn of_folder(folder: &Path) -> Self {
        Self::of_file(&database_in(folder))
    }

    pub(crate) fn of_file(path: &Path) -> Self {
        Self {
            from: From::Sqlite {
                readers: sqlite::Readers::new(path),
                path: path.to_path_buf(),
            },
        }
    }

    pub(crate) fn of_pool(pool: postgres::Pool) -> Self {
        Self {
            from: From::Postgres(Box::new(pool)),
        }
    }

    pub(crate) fn pool(&self) -> Option<&postgres::Pool> {
        match &self.from {
            From::Postgres(pool) => Some(pool),
            From::Sqlite { .. } => None,
        }
    }

    /// The SQLite file, where there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.from {
            From::Sqlite { path, .. } => Some(path),
            From::Postgres(_) => None,
        }
    }

    /// Where the state is, in words, without secrets.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.from {
            From::Sqlite { path, .. } => path.display().to_string(),
            From::Postgres(pool) => pool.place().to_owned(),
        }
    }

    /// Declared tenants without what belongs to them, by name; at most `limit` of those whose names
    /// are greater than `after`.
    ///
    /// # Errors
    /// The database cannot be read, here and in all methods below.
    pub async fn directory(
        &self,
        after: &str,
        limit: Option<u32>,
    ) -> Result<Vec<TenantEntry>, StoreError> {
        let limit = limit.map_or(i64::MAX, i64::from);
        self.all(queries::directory(after, limit), queries::read_entry)
            .await
    }

    /// A declared tenant with all that it is served from.
    pub async fn tenant(&self, name: &str) -> Result<Option<StoredTenant>, StoreError> {
        let mut answers = self
            .read(vec![
                queries::tenant(name),
                queries::keys_of(name),
                queries::resources_of(name),
            ])
            .await?
            .into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let entry = next().into_iter().next().map(queries::read_entry);
        let keys = next().into_iter().map(queries::read_key);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let resources = next().into_iter().map(queries::read_resource);
        let resources = resources.collect::<Result<Vec<_>, _>>()?;
        Ok(entry.transpose()?.map(|entry| StoredTenant {
            entry,
            keys,
            resources,
        }))
    }

    /// The signing keys of a tenant, declared or not, oldest first.
    pub async fn keys_of(&self, tenant: &str) -> Result<Vec<SealedKey>, StoreError> {
        self.all(queries::keys_of(tenant), queries::read_key).await
    }

    /// At most `limit` signing keys of all tenants, by tenant and kid, after that one.
    pub async fn keys_after(
        &self,
        tenant: &str,
        kid: &str,
        limit: u32,
    ) -> Result<Vec<SealedKey>, StoreError> {
        let query = queries::all_keys(tenant, kid, i64::from(limit));
        self.all(query, queries::read_key).await
    }

    /// The records of all signing keys of declared tenants, as tenant and JSON, by tenant.
    pub async fn key_records(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.all(queries::key_records(), queries::read_pair).await
    }

    /// The names of declared tenants that have no signing key.
    pub async fn keyless(&self) -> Result<Vec<String>, StoreError> {
        self.all(queries::keyless(), queries::read_text).await
    }

    /// A document.
    pub async fn resource(
        &self,
        tenant: &str,
        kind: ResourceKind,
        name: &str,
    ) -> Result<Option<Resource>, StoreError> {
        let found = self
            .all(
                queries::resource(tenant, kind, name),
                queries::read_resource,
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// A tenant without what belongs to it.
    pub async fn entry(&self, name: &str) -> Result<Option<TenantEntry>, StoreError> {
        let found = self.all(queries::tenant(name), queries::read_entry).await?;
        Ok(found.into_iter().next())
    }

    /// Documents of one kind.
    pub async fn list(&self, listing: &Listing) -> Result<Vec<Resource>, StoreError> {
        self.all(queries::listing(listing), queries::read_resource)
            .await
    }

    /// The evidence that was used and has not expired at `now` (seconds since the epoch).
    pub async fn used(&self, now: i64) -> Result<Vec<UsedAssertion>, StoreError> {
        self.all(queries::used(now), queries::read_used).await
    }

    /// When the last evidence expired that was used and is forgotten, in seconds since the epoch;
    /// `i64::MIN` if none is.
    pub async fn forgotten(&self) -> Result<i64, StoreError> {
        let found = self
            .all(queries::forgotten(), |mut row: Row| row.integer())
            .await?;
        Ok(found.into_iter().next().unwrap_or(i64::MIN))
    }

    /// The answer to a request that was sent before, with that mark.
    pub async fn answered(
        &self,
        actor: &str,
        mark: &str,
        now: i64,
    ) -> Result<Option<Answered>, StoreError> {
        let query = queries::answered(actor, mark, now);
        let found = self.all(query, queries::read_answered).await?;
        Ok(found.into_iter().next())
    }

    /// Rows of the audit trail, oldest first.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        self.all(filter.query(), audit::read).await
    }

    /// Goes through the audit trail after `from`, and answers its end if every row is as it was
    /// written. `step` hears how many rows were seen.
    ///
    /// # Errors
    /// [`StoreError::Broken`] at the first row that does not fit.
    pub async fn verify_audit(
        &self,
        from: Head,
        mut step: impl FnMut(i64),
    ) -> Result<Head, StoreError> {
        let mut head = from;
        loop {
            let rows = self.one(audit::chained(head.id, VERIFIED_AT_ONCE)).await?;
            if rows.is_empty() {
                break;
            }
            for mut row in rows {
                let read = audit::read_from(&mut row)?;
                head = head.followed(&read, &row.bytes()?)?;
            }
            step(head.id);
        }
        let query = Query::new("SELECT id, hash FROM audit_head", []);
        let end = self.one(query).await?.into_iter().next();
        let stored = match end {
            Some(mut row) => Head::read(row.integer()?, &row.bytes()?)?,
            None => Head::START,
        };
        // Rows may have been added since the last were read; never taken away.
        if stored.id < head.id || (stored.id == head.id && stored.hash != head.hash) {
            return Err(StoreError::Broken {
                id: head.id,
                detail: format!("the trail's end is said to be row {}", stored.id),
            });
        }
        if stored.id > head.id && self.one(audit::chained(head.id, 1)).await?.is_empty() {
            return Err(StoreError::Broken {
                id: head.id + 1,
                detail: format!("rows up to {} were cut off", stored.id),
            });
        }
        Ok(head)
    }

    /// Goes through the audit trail from its first row to that one, or to its end if that is
    /// before.
    ///
    /// # Errors
    /// [`StoreError::Broken`] at the first row that does not fit.
    pub async fn verify_audit_to(&self, id: i64) -> Result<Head, StoreError> {
        let mut head = Head::START;
        while head.id < id {
            let limit = (id - head.id).min(VERIFIED_AT_ONCE);
            let rows = self.one(audit::chained(head.id, limit)).await?;
            if rows.is_empty() {
                break;
            }
            for mut row in rows {
                let read = audit::read_from(&mut row)?;
                head = head.followed(&read, &row.bytes()?)?;
            }
        }
        Ok(head)
    }

    pub(crate) async fn inventory(&self) -> Result<Inventory, StoreError> {
        Ok(Inventory {
            tenants: self.directory("", None).await?,
            issuers: self.all(queries::issuers(), queries::read_pair).await?,
            resources: self
                .all(queries::of_the_file(), queries::read_resource)
                .await?,
        })
    }

    async fn all<T>(
        &self,
        query: Query,
        read: fn(Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.one(query).await?.into_iter().map(read).collect()
    }

    async fn one(&self, query: Query) -> Result<Vec<Row>, StoreError> {
        let mut answers = self.read(vec![query]).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Carries out `queries` as of one moment.
    pub(crate) async fn read(&self, queries: Vec<Query>) -> Result<Vec<Vec<Row>>, StoreError> {
        match &self.from {
            From::Sqlite { readers, .. } => {
                let readers = readers.clone();
                tokio::task::spawn_blocking(move || readers.read(&queries))
                    .await
                    .map_err(|_| StoreError::Closed)?
            }
            From::Postgres(pool) => pool.read(&queries).await,
        }
    }
}

const VERIFIED_AT_ONCE: i64 = 2_000;
