//! All accounts and sessions together, and the one way to change them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rolecall_names::AccountId;
use secrecy::{ExposeSecret as _, SecretSlice};
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

/// The world behind a lock, and its file. Clones share both.
///
/// Changes take effect in memory at once; an answer leaves only after [`Keeper::settled`], when all
/// that it may rest on is on disk. Answers that wait together are served by one write.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
}

/// Where an answer began, to be asked for again at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

#[derive(Debug)]
struct Shared {
    current: Mutex<Current>,
    disk: Option<Disk>,
}

#[derive(Debug)]
struct Current {
    world: World,
    /// How many changes there were.
    changes: u64,
    /// How often changes were taken back because the file could not be written.
    epoch: Epoch,
}

#[derive(Debug)]
struct Disk {
    file: StateFile,
    /// What the file holds. Held while it is written.
    kept: Mutex<SecretSlice<u8>>,
    /// How many changes the file holds.
    written: AtomicU64,
    /// Those who wait for a write stand here, not on threads.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Keeper {
    /// Keeps `world`, and writes it to its file.
    pub(crate) fn new(world: World, file: Option<StateFile>) -> Result<Self, std::io::Error> {
        let disk = match file {
            None => None,
            Some(file) => {
                let text = file.render(&world)?;
                file.write(text.expose_secret())?;
                Some(Disk {
                    file,
                    kept: Mutex::new(text),
                    written: AtomicU64::new(0),
                    turn: Arc::default(),
                })
            }
        };
        let current = Mutex::new(Current {
            world,
            changes: 0,
            epoch: Epoch(0),
        });
        Ok(Self {
            shared: Arc::new(Shared { current, disk }),
        })
    }

    /// Looks at the world. Keep it short: others wait.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&lock(&self.shared.current).world)
    }

    /// Changes the world. A change that is refused must leave the world as it was.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut World) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut current = lock(&self.shared.current);
        let value = change(&mut current.world)?;
        current.changes += 1;
        Ok(value)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        lock(&self.shared.current).epoch
    }

    /// Waits until everything so far is on disk. An answer that saw changes which could not be
    /// written, its own or others', must not leave: they are taken back.
    pub(crate) async fn settled(&self, begun: Epoch) -> Result<(), Fault> {
        let Some(disk) = &self.shared.disk else {
            return Ok(());
        };
        let wanted = self.wanted(begun)?;
        if disk.written.load(Ordering::Acquire) >= wanted {
            return Ok(());
        }
        let turn = Arc::clone(&disk.turn).lock_owned().await;
        let keeper = self.clone();
        tokio::task::spawn_blocking(move || {
            // Held here, so that a caller who hangs up cannot let two writes run at a time.
            let _turn = turn;
            keeper.settle(begun)
        })
        .await
        .map_err(|error| Fault::new(&catalogue::INTERNAL).noted(error.to_string()))?
    }

    /// As [`Keeper::settled`], on this thread.
    pub(crate) fn settle(&self, begun: Epoch) -> Result<(), Fault> {
        let Some(disk) = &self.shared.disk else {
            return Ok(());
        };
        let mut kept = lock(&disk.kept);
        let (text, changes) = {
            let current = lock(&self.shared.current);
            if current.epoch != begun {
                return Err(taken_back());
            }
            if disk.written.load(Ordering::Acquire) >= current.changes {
                return Ok(());
            }
            (disk.file.render(&current.world), current.changes)
        };
        match text.and_then(|text| disk.file.write(text.expose_secret()).map(|()| text)) {
            Ok(text) => {
                *kept = text;
                disk.written.store(changes, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the state file could not be written");
                let mut current = lock(&self.shared.current);
                if let Ok(world) = disk.file.parse(kept.expose_secret()) {
                    current.world = world;
                }
                current.epoch.0 += 1;
                disk.written.store(current.changes, Ordering::Release);
                Err(Fault::new(&catalogue::INTERNAL).noted(error.to_string()))
            }
        }
    }

    fn wanted(&self, begun: Epoch) -> Result<u64, Fault> {
        let current = lock(&self.shared.current);
        if current.epoch == begun {
            Ok(current.changes)
        } else {
            Err(taken_back())
        }
    }
}

fn taken_back() -> Fault {
    Fault::new(&catalogue::INTERNAL)
        .noted("the state file could not be written meanwhile, and changes were taken back")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Changes are applied whole or not at all, so a panic elsewhere leaves the world usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PRUNE_EVERY: usize = 1024;

const DAY: i64 = 86_400;
