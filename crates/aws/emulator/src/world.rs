//! All accounts and sessions together, and the one way to change them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rolecall_names::AccountId;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::session::Session;
use crate::state_file::StateFile;
use crate::wire::{Fault, catalogue};

/// What an emulator knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct World {
    /// The account that a call belongs to when nothing says otherwise.
    pub(crate) first: Option<AccountId>,
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    /// By access key ID.
    pub(crate) sessions: BTreeMap<String, Session>,
}

impl World {
    pub(crate) fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Adds a session; sessions that ended more than a day ago are forgotten.
    pub(crate) fn add_session(&mut self, session: Session, now: i64) {
        if self.sessions.len() % PRUNE_EVERY == PRUNE_EVERY - 1 {
            self.sessions.retain(|_, old| old.expires + DAY > now);
        }
        self.sessions.insert(session.access_key_id.clone(), session);
    }
}

/// The world behind a lock, and its file.
#[derive(Debug)]
pub(crate) struct Keeper {
    world: Mutex<World>,
    file: Option<StateFile>,
}

impl Keeper {
    pub(crate) fn new(world: World, file: Option<StateFile>) -> Self {
        Self {
            world: Mutex::new(world),
            file,
        }
    }

    /// Looks at the world. Keep it short: others wait.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the world and, where there is a state file, answers only once the change is on
    /// disk. A refused change leaves nothing behind, and neither does one that cannot be written.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut World) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut world = self.lock();
        let Some(file) = &self.file else {
            return change(&mut world);
        };
        let mut changed = world.clone();
        let value = change(&mut changed)?;
        file.write(&changed).map_err(|error| {
            tracing::error!(%error, "the state file could not be written");
            Fault::new(&catalogue::INTERNAL).noted(error.to_string())
        })?;
        *world = changed;
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // Changes are applied whole or not at all, so a panic elsewhere leaves the world usable.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PRUNE_EVERY: usize = 1024;

const DAY: i64 = 86_400;
