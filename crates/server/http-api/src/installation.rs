//! One issuer process: its tenants, their keys, its state.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rolecall_sealed::MasterKey;
use rolecall_signing_keys::{SignerLimit, Signers};
use rolecall_store::{
    Announced, AuditKind, AuditRecord, Change, Changed, Edit, Outcome, Source, Store, StoreError,
};

use crate::administering::{alone_outside, keeps_in};
use crate::attesting::Means;
use crate::directory::{Directory, Memories, Seat};
use crate::first_start;
use crate::lowering::{check_change, lower, lower_stored};
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::rotating::last_recorded;
use crate::snapshot::Tenant;
use crate::stored::{declared, stored};
use crate::trail::RefusalTrail;
use crate::{Clock, InstallationError, TenantDeclaration};

/// One issuer process: its tenants, their keys and its state. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Installation {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) master: MasterKey,
    pub(crate) signers: Signers,
    pub(crate) clock: Clock,
    directory: ArcSwap<Directory>,
    refusals: RefusalTrail,
    /// Used evidence by tenant; kept when a tenant is not declared for a while. Locked by those
    /// who change the directory, which makes them wait for each other.
    memories: tokio::sync::Mutex<Memories>,
    means: Means,
    pub(crate) metrics: Metrics,
}

impl Shared {
    pub(crate) fn means(&self) -> Means {
        self.means.clone()
    }
}

impl Installation {
    /// Takes up `store` and declares `tenants`, beside those that the admin API declared. A tenant
    /// that has no signing keys gets an RS256 and an ES256 key, sealed with `master`.
    ///
    /// # Errors
    /// A declaration that breaks a rule, a master key that does not open the stored keys, a state
    /// that cannot be read or written. The state is as before then.
    pub async fn start(
        store: Store,
        master: MasterKey,
        tenants: Vec<TenantDeclaration>,
        clock: Clock,
    ) -> Result<Self, InstallationError> {
        let signers = SignerLimit::per_core().into();
        Self::start_with(signers, store, master, tenants, clock).await
    }

    /// As [`Installation::start`], with keys in other backends too.
    ///
    /// # Errors
    /// As [`Installation::start`]; also if a backend does not make a key, or one is missing that
    /// holds some.
    pub async fn start_with(
        signers: Signers,
        store: Store,
        master: MasterKey,
        tenants: Vec<TenantDeclaration>,
        clock: Clock,
    ) -> Result<Self, InstallationError> {
        Self::start_insisting(false, signers, store, master, tenants, clock).await
    }

    /// As [`Installation::start_with`]; who `insists` may lock workloads out of subscribed roles.
    ///
    /// # Errors
    /// As [`Installation::start_with`].
    pub async fn start_insisting(
        insists: bool,
        signers: Signers,
        store: Store,
        master: MasterKey,
        tenants: Vec<TenantDeclaration>,
        clock: Clock,
    ) -> Result<Self, InstallationError> {
        let now = clock.now().as_second();
        let used = store.reader().used(now).await?;
        let forgotten = store.reader().forgotten().await?;
        let recorded = last_recorded(&store).await?;
        if now < recorded {
            tracing::error!(
                seconds = recorded - now,
                "the clock stands before the last row of the audit trail: evidence that may have been used and forgotten is refused"
            );
        }
        let installation = Self {
            shared: Arc::new(Shared {
                store,
                master,
                signers,
                clock,
                directory: ArcSwap::default(),
                refusals: RefusalTrail::default(),
                memories: tokio::sync::Mutex::new(Memories::new(&used, now, forgotten)),
                means: Means::new(),
                metrics: Metrics::new(),
            }),
        };
        // Before anything is written: a wrong master key must not lead to a second set of keys.
        installation.try_master_key().await?;
        let changes = installation.shared.store.changes();
        installation.declare_insisting(tenants, insists).await?;
        installation.follow(changes);
        Ok(installation)
    }

    /// Replaces everything that the file declares by `tenants`. Requests see either the old
    /// declarations or the new ones, never a mixture.
    ///
    /// # Errors
    /// As [`Installation::start`]; the old declarations stay in force then.
    pub async fn declare(&self, tenants: Vec<TenantDeclaration>) -> Result<(), InstallationError> {
        self.declare_insisting(tenants, false).await
    }

    async fn declare_insisting(
        &self,
        tenants: Vec<TenantDeclaration>,
        insists: bool,
    ) -> Result<(), InstallationError> {
        for _ in 0..TRIES {
            match self.try_declare(&tenants, insists).await {
                // Another process of this installation starts as well: what it made counts.
                Err(InstallationError::Store(StoreError::Stale { .. })) => {}
                other => return other,
            }
        }
        self.try_declare(&tenants, insists).await
    }

    async fn try_declare(
        &self,
        tenants: &[TenantDeclaration],
        insists: bool,
    ) -> Result<(), InstallationError> {
        let shared = &*self.shared;
        let checked = lower(tenants)?;
        let documents = tenants.iter().map(stored).collect::<Result<_, _>>()?;
        let now = shared.clock.now();
        let mut others = shared.store.reader().directory("", None).await?;
        others.retain(|entry| entry.source == Source::Api);
        for tenant in &checked {
            let names = [tenant.issuer.as_str(), tenant.federation.issuer.as_str()];
            alone_outside(&tenant.name, &names, &others)?;
        }
        for (index, tenant) in tenants.iter().enumerate() {
            // What cannot be read of before is replaced.
            if let Some(found) = shared.store.reader().tenant(&tenant.name).await?
                && let Ok(before) = declared(&found)
            {
                check_change(index, &before, tenant)?;
                if !insists {
                    keeps_in(&before, tenant, &checked[index])?;
                }
            }
        }
        let (mut edits, mut records) = (Vec::new(), Vec::new());
        for tenant in checked {
            let keys = shared.store.reader().keys_of(&tenant.name).await?;
            // What keeps a tenant from being served is found out before anything changes.
            first_start::stored_ring(&tenant, &keys, &shared.master, &shared.signers)?;
            if keys.is_empty() {
                let (master, signers) = (&shared.master, &shared.signers);
                let (made, told) = first_start::first_keys(&tenant, master, signers, now).await?;
                edits.extend(made);
                records.extend(told);
            }
            Tenant::check(tenant, &shared.means)?;
        }
        let made: Vec<_> = edits.clone();
        let keys = edits
            .into_iter()
            .filter_map(|edit| match edit {
                Edit::PutKey(key) => Some(key),
                _ => None,
            })
            .collect();
        shared
            .store
            .declare(documents, keys, records, now.as_second())
            .await?;
        for edit in &made {
            if let Edit::PutKey(key) = edit {
                tracing::info!(
                    tenant = key.tenant,
                    kid = key.kid,
                    algorithm = key.algorithm,
                    "made a signing key"
                );
            }
        }
        self.read_everything().await?;
        shared.means.trusted_keys.tidy();
        Ok(())
    }

    /// The exact issuer URLs that are served, in the order of their tenants' names.
    pub fn issuers(&self) -> Vec<String> {
        let directory = self.shared.directory.load();
        let issuers = directory.seats.iter().map(|seat| seat.issuer.to_string());
        issuers.collect()
    }

    /// How many tenants are served.
    pub fn tenants(&self) -> usize {
        self.shared.directory.load().seats.len()
    }

    /// How many tenants were asked for and are in memory.
    pub(crate) fn tenants_read(&self) -> usize {
        let directory = self.shared.directory.load();
        let read = directory.seats.iter();
        read.filter(|seat| seat.tenant.load().is_some()).count()
    }

    /// Writes what is queued for the audit trail and lets go of the state. Requests for tokens are
    /// refused from then on.
    pub async fn close(&self) {
        self.shared.store.close().await;
    }

    /// Whether a token that is asked for now could be recorded.
    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        self.shared.store.check().await
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        self.shared.directory.load_full()
    }

    /// Says that a token is on its way to the audit trail, which can then be written for several
    /// at once.
    pub(crate) fn announce(&self) -> Announced {
        self.shared.store.announce()
    }

    pub(crate) fn note_refusal(&self, record: AuditRecord, refusal: &Refusal, attested: bool) {
        self.shared
            .refusals
            .note(&self.shared.store, record, refusal, attested);
    }

    /// The tenant of a seat, read now if it was not before.
    ///
    /// # Errors
    /// It cannot be read, or is not there any more.
    pub(crate) async fn tenant(&self, seat: &Seat) -> Result<Arc<Tenant>, InstallationError> {
        if let Some(tenant) = seat.tenant.load_full() {
            return Ok(tenant);
        }
        let _reading = seat.reading.lock().await;
        if let Some(tenant) = seat.tenant.load_full() {
            return Ok(tenant);
        }
        self.read_tenant(seat).await
    }

    async fn read_tenant(&self, seat: &Seat) -> Result<Arc<Tenant>, InstallationError> {
        let shared = &*self.shared;
        let gone = || InstallationError::Stored {
            tenant: seat.name.clone(),
            why: "it is not declared any more".to_owned(),
        };
        let mut found = shared
            .store
            .reader()
            .tenant(&seat.name)
            .await?
            .ok_or_else(gone)?;
        if found.keys.is_empty() {
            self.make_first_keys(&found).await?;
            found = shared
                .store
                .reader()
                .tenant(&seat.name)
                .await?
                .ok_or_else(gone)?;
        }
        let checked = lower_stored(&declared(&found)?)?;
        let (master, signers) = (&shared.master, &shared.signers);
        let ring =
            first_start::stored_ring(&checked, &found.keys, master, signers)?.ok_or_else(gone)?;
        let tenant = Arc::new(Tenant::new(
            checked,
            ring,
            Arc::clone(&seat.used),
            shared.means.clone(),
            seat.tenant.load().as_deref(),
            found.entry.revision,
        )?);
        seat.tenant.store(Some(Arc::clone(&tenant)));
        Ok(tenant)
    }

    /// Of several processes that notice at once, one makes the keys.
    async fn make_first_keys(
        &self,
        found: &rolecall_store::StoredTenant,
    ) -> Result<(), InstallationError> {
        let shared = &*self.shared;
        let now = shared.clock.now();
        let checked = lower_stored(&declared(found)?)?;
        let (made, records) =
            first_start::first_keys(&checked, &shared.master, &shared.signers, now).await?;
        let edits = made
            .into_iter()
            .map(|edit| match edit {
                Edit::PutKey(key) => Edit::FirstKey(key),
                other => other,
            })
            .collect();
        let change = Change {
            edits,
            records,
            answered: None,
            now: now.as_second(),
        };
        match shared.store.change(change).await {
            Err(StoreError::Stale { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Opens one stored key, if there is any.
    async fn try_master_key(&self) -> Result<(), InstallationError> {
        let shared = &*self.shared;
        let keys = shared.store.reader().keys_after("", "", 1).await?;
        if let Some(key) = keys.first() {
            let opened = first_start::opened(&keys)?;
            for one in &opened {
                rolecall_signing_keys::KeyRing::public_of(
                    &key.tenant,
                    one,
                    &shared.master,
                    &shared.signers,
                )
                .map_err(|error| first_start::unusable(&key.tenant, &error))?;
            }
        }
        Ok(())
    }

    /// Everything that may have changed is read again; what is served stays until it is replaced.
    pub(crate) async fn read_everything(&self) -> Result<(), InstallationError> {
        let shared = &*self.shared;
        let mut memories = shared.memories.lock().await;
        let entries = shared.store.reader().directory("", None).await?;
        let directory = shared.directory.load().seated(&entries, &mut memories)?;
        let directory = Arc::new(directory);
        shared.directory.store(Arc::clone(&directory));
        drop(memories);
        for (seat, entry) in directory.seats.iter().zip(&entries) {
            self.read_again(seat, |served| served != entry.revision)
                .await;
        }
        Ok(())
    }

    /// A tenant that was changed: what is served of it is replaced, or gone.
    pub(crate) async fn refresh(&self, name: &str) -> Result<(), InstallationError> {
        let shared = &*self.shared;
        let mut memories = shared.memories.lock().await;
        let entry = shared.store.reader().entry(name).await?;
        let next = shared
            .directory
            .load()
            .with(name, entry.as_ref(), &mut memories)?;
        if let Some(next) = next {
            shared.directory.store(Arc::new(next));
        }
        drop(memories);
        let directory = self.directory();
        if let (Some(seat), Some(entry)) = (directory.seat(name), entry) {
            self.read_again(seat, |served| served < entry.revision)
                .await;
        }
        Ok(())
    }

    /// Reads a tenant whose served revision is `outdated`, and leaves one that nobody asked
    /// for yet. What is served stays if it cannot be read; it is read at the next change, or when
    /// the database is back.
    async fn read_again(&self, seat: &Seat, outdated: impl Fn(i64) -> bool) {
        // Whoever reads it for the first time right now may have begun before the change, and
        // would leave what was before it: that is waited for, and then looked at.
        let _reading = seat.reading.lock().await;
        let served = seat.tenant.load().as_ref().map(|tenant| tenant.revision);
        if !served.is_some_and(outdated) {
            return;
        }
        if let Err(error) = self.read_tenant(seat).await {
            tracing::error!(tenant = seat.name, %error, "a changed tenant could not be read; it is served as it was");
        }
    }

    /// Follows the changes by other processes for as long as the store is open.
    fn follow(&self, mut changes: tokio::sync::broadcast::Receiver<Changed>) {
        use tokio::sync::broadcast::error::RecvError;

        let shared = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            loop {
                let heard = match changes.recv().await {
                    Ok(heard) => heard,
                    Err(RecvError::Lagged(_)) => Changed::Anything,
                    Err(RecvError::Closed) => return,
                };
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                let installation = Self { shared };
                let read = match &heard {
                    Changed::Tenant(name) => installation.refresh(name).await,
                    Changed::Anything => installation.read_everything().await,
                };
                if let Err(error) = read {
                    tracing::error!(%error, "changes could not be read");
                }
            }
        });
    }

    /// Puts `record` into the trail without waiting.
    pub(crate) fn note(&self, kind: AuditKind, tenant: &str, outcome: Outcome, reason: String) {
        let mut record = AuditRecord::new(self.now(), kind, tenant, outcome);
        record.reason = Some(reason);
        if !self.shared.store.note(record) {
            tracing::warn!("a row of the trail was not recorded: the queue is full");
        }
    }
}

/// How often a start that meets another is tried again.
const TRIES: usize = 3;
