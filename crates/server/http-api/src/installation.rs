use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rolecall_attest::ReplayMemory;
use rolecall_sealed::MasterKey;
use rolecall_signing_keys::{KeyRing, SignerLimit, Signers};
use rolecall_store::{
    Announced, AuditRecord, DeclaredTenant, Document, Store, StoreError, UsedAssertion,
};
use serde::Serialize;

use crate::attesting::Means;
use crate::first_start;
use crate::lowering::{CheckedTenant, lower};
use crate::refusal::Refusal;
use crate::snapshot::{Snapshot, Tenant};
use crate::trail::RefusalTrail;
use crate::{Clock, InstallationError, TenantDeclaration};

/// One issuer process: its declared tenants, their keys and its state. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Installation {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    master: MasterKey,
    signers: Signers,
    clock: Clock,
    snapshot: ArcSwap<Snapshot>,
    refusals: RefusalTrail,
    /// Used assertions by tenant; kept when a tenant is not declared for a while. Locked by those
    /// who declare, which makes them wait for each other.
    memories: tokio::sync::Mutex<HashMap<String, Arc<Mutex<ReplayMemory>>>>,
    means: Means,
}

impl Installation {
    /// Takes up `store` and declares `tenants`. A tenant that has no signing keys gets an RS256 and
    /// an ES256 key, sealed with `master`.
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
        let now = clock.now().as_second();
        let reading = store.clone();
        let state = blocking(move || reading.load(now)).await?;
        let installation = Self {
            shared: Arc::new(Shared {
                store,
                master,
                signers,
                clock,
                snapshot: ArcSwap::from_pointee(Snapshot::new(Vec::new())),
                refusals: RefusalTrail::default(),
                memories: tokio::sync::Mutex::new(remembered(&state.used, now)),
                means: Means::new(),
            }),
        };
        installation.declare(tenants).await?;
        Ok(installation)
    }

    /// Replaces everything that is declared by `tenants`. Requests see either the old declarations
    /// or the new ones, never a mixture.
    ///
    /// # Errors
    /// As [`Installation::start`]; the old declarations stay in force then.
    pub async fn declare(&self, tenants: Vec<TenantDeclaration>) -> Result<(), InstallationError> {
        let shared = &*self.shared;
        let checked = lower(&tenants)?;
        let documents = tenants.iter().map(stored).collect::<Result<_, _>>()?;
        let mut memories = shared.memories.lock().await;
        let now = shared.clock.now();
        let reading = shared.store.clone();
        let stored = blocking(move || reading.keys()).await?;

        let mut made = Vec::new();
        let mut served = Vec::with_capacity(checked.len());
        for (tenant, found) in shared.rings(checked, &stored)? {
            let ring = match found {
                Some(ring) => ring,
                None => {
                    let (ring, keys) =
                        first_start::new_ring(&tenant, &shared.master, &shared.signers, now)
                            .await?;
                    made.extend(keys);
                    ring
                }
            };
            let memory = memories.entry(tenant.name.clone()).or_insert_with(memory);
            let name = tenant.name.clone();
            let tenant = Tenant::new(tenant, ring, Arc::clone(memory), shared.means.clone())
                .map_err(|error| InstallationError::TrustedIssuer {
                    tenant: name,
                    why: error.to_string(),
                })?;
            served.push(Arc::new(tenant));
        }

        let records = made.iter().map(|key| first_start::made(key, now)).collect();
        let names: Vec<_> = made
            .iter()
            .map(|key| (key.tenant.clone(), key.kid.clone(), key.algorithm.clone()))
            .collect();
        shared
            .store
            .declare(documents, made, records, now.as_second())
            .await?;
        for (tenant, kid, algorithm) in names {
            tracing::info!(tenant, kid, algorithm, "made a signing key");
        }
        shared.snapshot.store(Arc::new(Snapshot::new(served)));
        shared.means.trusted_keys.tidy();
        Ok(())
    }

    /// The exact issuer URLs that are served, in the order of their declaration.
    pub fn issuers(&self) -> Vec<String> {
        let snapshot = self.shared.snapshot.load();
        let issuers = snapshot
            .tenants
            .iter()
            .map(|tenant| tenant.issuer.to_string());
        issuers.collect()
    }

    /// Writes what is queued for the audit trail and lets go of the state folder. Requests for
    /// tokens are refused from then on.
    pub async fn close(&self) {
        self.shared.store.close().await;
    }

    /// Whether a token that is asked for now could be recorded.
    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        self.shared.store.check().await
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
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
}

impl Shared {
    /// The stored keys of each tenant. All are opened before any new key is made: a wrong master
    /// key must not lead to a second set of keys.
    fn rings(
        &self,
        checked: Vec<CheckedTenant>,
        stored: &[rolecall_store::SealedKey],
    ) -> Result<Vec<(CheckedTenant, Option<KeyRing>)>, InstallationError> {
        checked
            .into_iter()
            .map(|tenant| {
                let ring = first_start::stored_ring(&tenant, stored, &self.master, &self.signers)?;
                Ok((tenant, ring))
            })
            .collect()
    }
}

fn stored(tenant: &TenantDeclaration) -> Result<DeclaredTenant, InstallationError> {
    fn documents<T: Serialize>(
        declared: &[T],
        name: impl Fn(&T) -> &String,
    ) -> Result<Vec<Document>, InstallationError> {
        let document = |one: &T| {
            let json =
                serde_json::to_string(one).map_err(|error| InstallationError::Declaration {
                    field: String::new(),
                    message: format!("`{}` cannot be written as JSON: {error}", name(one)),
                })?;
            Ok(Document {
                name: name(one).clone(),
                json,
            })
        };
        declared.iter().map(document).collect()
    }
    Ok(DeclaredTenant {
        name: tenant.name.clone(),
        issuer: tenant.issuer.clone(),
        token_configs: documents(&tenant.token_configs, |config| &config.name)?,
        workloads: documents(&tenant.workloads, |workload| &workload.name)?,
    })
}

/// The memories as they were before a restart.
fn remembered(used: &[UsedAssertion], now: i64) -> HashMap<String, Arc<Mutex<ReplayMemory>>> {
    let mut memories: HashMap<String, ReplayMemory> = HashMap::new();
    for used in used {
        let memory = memories
            .entry(used.tenant.clone())
            .or_insert_with(|| ReplayMemory::new(ASSERTIONS_ALIVE));
        // Neither a full memory nor a second entry would be news.
        let _ = memory.remember(&used.workload, &used.jti, used.expires, now);
    }
    memories
        .into_iter()
        .map(|(tenant, memory)| (tenant, Arc::new(Mutex::new(memory))))
        .collect()
}

fn memory() -> Arc<Mutex<ReplayMemory>> {
    Arc::new(Mutex::new(ReplayMemory::new(ASSERTIONS_ALIVE)))
}

/// Runs `read` where it may block.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| StoreError::Closed)?
}

/// Per tenant. The assertions of three minutes at more than the highest rate that was measured;
/// memory is taken only as they come.
const ASSERTIONS_ALIVE: usize = 4_000_000;
