use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use crate::error::at;
use crate::folder::HeldFolder;
use crate::{
    AuditKind, AuditRecord, DeclaredTenant, Outcome, SealedKey, StoreError, UsedAssertion, audit,
    declared,
};

/// What the writer thread is asked to do.
pub(crate) enum Command {
    /// Append to the trail; grouped with whatever else waits.
    Record(Box<Entry>),
    /// Change what is declared, in a transaction of its own.
    Change(Change, oneshot::Sender<Result<(), StoreError>>),
    /// Find out whether the trail can be written.
    Check(oneshot::Sender<Result<(), StoreError>>),
    /// Finish what is queued and stop.
    Close(oneshot::Sender<()>),
}

/// An audit record with what must be remembered together with it.
pub(crate) struct Entry {
    pub(crate) record: AuditRecord,
    pub(crate) used: Option<UsedAssertion>,
    /// Nobody waits for the answer to a refusal.
    pub(crate) answer: Option<oneshot::Sender<Result<i64, StoreError>>>,
}

/// A change of what is declared.
pub(crate) struct Change {
    pub(crate) tenants: Vec<DeclaredTenant>,
    pub(crate) keys: Vec<SealedKey>,
    pub(crate) records: Vec<AuditRecord>,
    pub(crate) now: i64,
}

/// The one owner of the write connection; lives on a thread of its own.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) folder: HeldFolder,
    pub(crate) group: usize,
    /// When expired assertions are looked for again, in seconds since the epoch.
    pub(crate) prune_due: i64,
    /// Whether the last write to the trail reached the disk.
    pub(crate) writable: Arc<AtomicBool>,
    /// How many records are under way, those that wait here included.
    pub(crate) announced: Arc<AtomicUsize>,
}

impl Writer {
    /// Works until every sender is gone or a [`Command::Close`] came and the queue is empty.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut waiting = Vec::with_capacity(self.group);
        let mut entries = Vec::with_capacity(self.group);
        let mut closing = Vec::new();
        while queue.blocking_recv_many(&mut waiting, self.group) > 0 {
            self.gather(&mut queue, &mut waiting);
            for command in waiting.drain(..) {
                match command {
                    Command::Record(entry) => entries.push(*entry),
                    Command::Change(change, answer) => {
                        self.write_group(&mut entries);
                        // The asker may have gone away; the change holds all the same.
                        let _ = answer.send(self.change(&change));
                    }
                    Command::Check(answer) => {
                        let _ = answer.send(self.check());
                    }
                    Command::Close(answer) => {
                        queue.close();
                        closing.push(answer);
                    }
                }
            }
            self.write_group(&mut entries);
        }
        self.stop();
        for answer in closing {
            let _ = answer.send(());
        }
    }

    /// Lets more of the records that are under way come in, for a moment: a commit costs the same
    /// for one as for many.
    #[expect(
        clippy::disallowed_methods,
        reason = "the writer has this thread to itself"
    )]
    fn gather(&self, queue: &mut mpsc::Receiver<Command>, waiting: &mut Vec<Command>) {
        let start = Instant::now();
        while self.is_worth_waiting(waiting.len()) && start.elapsed() < GATHER_AT_MOST {
            std::thread::sleep(GATHER_STEP);
            while waiting.len() < self.group
                && let Ok(command) = queue.try_recv()
            {
                waiting.push(command);
            }
        }
    }

    /// Only a crowd is waited for, and only until half of it is here: whoever asks alone is
    /// answered at once.
    fn is_worth_waiting(&self, waiting: usize) -> bool {
        let announced = self.announced.load(Ordering::Relaxed);
        announced >= CROWD && waiting < self.group && 2 * waiting < announced
    }

    /// Writes `entries` in one transaction and answers each once it is on disk, or each with the
    /// error that kept all of them off it.
    fn write_group(&mut self, entries: &mut Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let written = self.try_write(entries);
        self.writable.store(written.is_ok(), Ordering::Relaxed);
        if let Err(error) = &written {
            tracing::error!(rows = entries.len(), %error, "audit rows could not be written");
        }
        let ids = match &written {
            Ok(ids) => ids.as_slice(),
            Err(_) => &[],
        };
        for (index, entry) in entries.drain(..).enumerate() {
            let Some(answer) = entry.answer else { continue };
            let result = match (ids.get(index), &written) {
                (Some(id), _) => Ok(*id),
                (None, Err(error)) => Err(error.clone()),
                (None, Ok(_)) => Err(StoreError::Closed),
            };
            let _ = answer.send(result);
        }
    }

    fn try_write(&mut self, entries: &[Entry]) -> Result<Vec<i64>, StoreError> {
        let mut ids = Vec::with_capacity(entries.len());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(at(&self.path))?;
        let mut remembered = 0;
        let mut now = i64::MIN;
        for entry in entries {
            ids.push(audit::insert(&transaction, &entry.record).map_err(at(&self.path))?);
            now = now.max(entry.record.at.as_second());
            if let Some(used) = &entry.used {
                remember(&transaction, used).map_err(at(&self.path))?;
                remembered += 1;
            }
        }
        let mut prune_due = self.prune_due;
        if now >= prune_due {
            let limit = 2 * remembered + PRUNE_AT_LEAST;
            let pruned = prune(&transaction, now, limit).map_err(at(&self.path))?;
            if pruned < limit {
                prune_due = now.saturating_add(PRUNE_EVERY_SECONDS);
            }
        }
        transaction.commit().map_err(at(&self.path))?;
        self.prune_due = prune_due;
        Ok(ids)
    }

    /// Writes a row as large as any and takes it away again, down to the disk.
    fn check(&mut self) -> Result<(), StoreError> {
        let mut record =
            AuditRecord::new(Timestamp::UNIX_EPOCH, AuditKind::Mint, "", Outcome::Failed);
        record.reason = Some(" ".repeat(4096));
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(at(&self.path))?;
        let id = audit::insert(&transaction, &record).map_err(at(&self.path))?;
        transaction
            .execute("DELETE FROM audit WHERE id = ?1", [id])
            .map_err(at(&self.path))?;
        transaction.commit().map_err(at(&self.path))?;
        self.writable.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(at(&self.path))?;
        declared::replace(&transaction, &self.path, &change.tenants, change.now)?;
        declared::add_keys(&transaction, &self.path, &change.keys)?;
        for record in &change.records {
            audit::insert(&transaction, record).map_err(at(&self.path))?;
        }
        transaction.commit().map_err(at(&self.path))
    }

    /// Leaves one tidy file behind, then lets go of the folder.
    fn stop(self) {
        if let Err(error) = self
            .connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        {
            tracing::warn!(%error, "the state database was left with its journal");
        }
        drop(self.connection);
        drop(self.folder);
    }
}

fn remember(transaction: &Transaction<'_>, used: &UsedAssertion) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO replay (tenant, workload, jti, expires) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![used.tenant, used.workload, used.jti, used.expires])?;
    Ok(())
}

/// Forgets at most `limit` assertions that expired before `now`.
fn prune(transaction: &Transaction<'_>, now: i64, limit: usize) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(
            "DELETE FROM replay WHERE rowid IN
             (SELECT rowid FROM replay WHERE expires < ?1 ORDER BY expires LIMIT ?2)",
        )?
        .execute(params![now, limit as i64])
}

/// Between two looks for expired assertions, once all that had expired are gone.
const PRUNE_EVERY_SECONDS: i64 = 5;

/// A group forgets twice what it remembers and so many more: it always gains on the backlog, and
/// no group is held up by a large one.
const PRUNE_AT_LEAST: usize = 64;

/// So many records under way are a crowd.
const CROWD: usize = 8;

const GATHER_AT_MOST: Duration = Duration::from_millis(1);
const GATHER_STEP: Duration = Duration::from_micros(100);
