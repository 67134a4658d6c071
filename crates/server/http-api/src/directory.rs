//! All tenants by their issuers. A tenant is read from the store when it is first asked for, and
//! again when it was changed; an installation of ten thousand starts as fast as one of ten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use rolecall_attest::ReplayMemory;
use rolecall_mint::IssuerUrl;
use rolecall_store::{TenantEntry, UsedAssertion};

use crate::InstallationError;
use crate::federation::jwks_path;
use crate::routing::Routes;
use crate::snapshot::Tenant;

/// Where every tenant is, as of one moment. Never changed, only replaced.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// In the order of their names.
    pub(crate) seats: Vec<Arc<Seat>>,
    by_name: HashMap<String, usize>,
    pub(crate) routes: Routes<Seat>,
}

/// A tenant's place: what is known of it before it is read, and what was read.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) name: String,
    pub(crate) issuer: IssuerUrl,
    /// Where its JWKS is, below the issuer.
    pub(crate) jwks_path: String,
    /// `None` until it is first asked for.
    pub(crate) tenant: ArcSwapOption<Tenant>,
    /// Held by whoever reads it: the others wait for the same.
    pub(crate) reading: tokio::sync::Mutex<()>,
    /// Outlives what was read: evidence that was used stays used.
    pub(crate) used: Arc<Mutex<ReplayMemory>>,
}

/// Used evidence by tenant.
#[derive(Debug, Default)]
pub(crate) struct Memories {
    by_tenant: HashMap<String, Arc<Mutex<ReplayMemory>>>,
    /// What ended then or before may have been used by a process before this one, and forgotten.
    forgotten: i64,
}

impl Memories {
    /// Of evidence that is still alive; what ended at `forgotten` or before, in seconds since the
    /// epoch, nobody remembers.
    pub(crate) fn new(used: &[UsedAssertion], now: i64, forgotten: i64) -> Self {
        let mut memories = Self {
            by_tenant: HashMap::new(),
            forgotten,
        };
        for used in used {
            let memory = memories.of(&used.tenant);
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            // Neither a full memory nor a second entry would be news.
            let _ = memory.remember(&used.workload, &used.jti, used.expires, now);
        }
        memories
    }

    fn of(&mut self, tenant: &str) -> Arc<Mutex<ReplayMemory>> {
        let memory = self.by_tenant.entry(tenant.to_owned()).or_insert_with(|| {
            let memory = ReplayMemory::after(EVIDENCE_ALIVE, self.forgotten);
            Arc::new(Mutex::new(memory))
        });
        Arc::clone(memory)
    }
}

impl Directory {
    pub(crate) fn new(seats: Vec<Arc<Seat>>) -> Self {
        let by_name = seats
            .iter()
            .enumerate()
            .map(|(at, seat)| (seat.name.clone(), at))
            .collect();
        let routes = seats.iter().map(|seat| {
            (
                seat.issuer.clone(),
                seat.jwks_path.clone(),
                Arc::clone(seat),
            )
        });
        Self {
            routes: Routes::new(routes),
            by_name,
            seats,
        }
    }

    pub(crate) fn seat(&self, name: &str) -> Option<&Arc<Seat>> {
        self.by_name.get(name).map(|at| &self.seats[*at])
    }

    /// The seats of `entries`: those that are here already stay, with what was read.
    pub(crate) fn seated(
        &self,
        entries: &[TenantEntry],
        used: &mut Memories,
    ) -> Result<Self, InstallationError> {
        let seats = entries
            .iter()
            .map(|entry| match self.seat(&entry.name) {
                Some(seat) if seat.is_at(entry) => Ok(Arc::clone(seat)),
                _ => Seat::new(entry, used).map(Arc::new),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::new(seats))
    }

    /// The same with one tenant more, less, or moved.
    pub(crate) fn with(
        &self,
        name: &str,
        entry: Option<&TenantEntry>,
        used: &mut Memories,
    ) -> Result<Option<Self>, InstallationError> {
        let there = self.seat(name);
        let same = match (there, entry) {
            (Some(seat), Some(entry)) => seat.is_at(entry),
            (None, None) => true,
            _ => false,
        };
        if same {
            return Ok(None);
        }
        let mut seats = self.seats.clone();
        seats.retain(|seat| seat.name != name);
        if let Some(entry) = entry {
            let at = seats.partition_point(|seat| *seat.name < *entry.name);
            seats.insert(at, Arc::new(Seat::new(entry, used)?));
        }
        Ok(Some(Self::new(seats)))
    }
}

impl Seat {
    /// Whether what is stored is still found where this seat is.
    fn is_at(&self, entry: &TenantEntry) -> bool {
        self.issuer.as_str() == entry.issuer && self.jwks_path == jwks_path(&entry.document)
    }

    fn new(entry: &TenantEntry, used: &mut Memories) -> Result<Self, InstallationError> {
        let issuer = entry
            .issuer
            .parse()
            .map_err(
                |error: rolecall_mint::MintError| InstallationError::Stored {
                    tenant: entry.name.clone(),
                    why: error.to_string(),
                },
            )?;
        let used = used.of(&entry.name);
        Ok(Self {
            name: entry.name.clone(),
            issuer,
            jwks_path: jwks_path(&entry.document),
            tenant: ArcSwapOption::empty(),
            reading: tokio::sync::Mutex::new(()),
            used,
        })
    }
}

/// Per tenant. The evidence of three minutes at more than the highest rate that was measured;
/// memory is taken only as it comes.
const EVIDENCE_ALIVE: usize = 4_000_000;
