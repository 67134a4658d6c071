use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::mpsc;

use super::appending::{append, execute, put_forgotten, put_head, remember};
use super::folder::HeldFolder;
use crate::chain::Head;
use crate::edit::plan;
use crate::error::at;
use crate::writing::{Command, Entry, Written};
use crate::{Change, StoreError};

/// The one owner of the write connection; lives on a thread of its own.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) folder: HeldFolder,
    pub(crate) group: usize,
    /// The end of the audit trail.
    pub(crate) head: Head,
    /// What expired then or before, in seconds since the epoch, may have been used and forgotten.
    pub(crate) forgotten: i64,
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
        crate::writing::answer(entries, written);
    }

    fn try_write(&mut self, entries: &[Entry]) -> Result<Vec<Written>, StoreError> {
        let mut answers = Vec::with_capacity(entries.len());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(at(&self.path))?;
        let (mut head, mut remembered, mut now) = (self.head, 0, i64::MIN);
        for entry in entries {
            now = now.max(entry.record.at.as_second());
            if let Some(used) = &entry.used {
                remembered += 1;
                if used.expires <= self.forgotten {
                    answers.push(Err(StoreError::Forgotten));
                    continue;
                }
                if !remember(&transaction, used, entry.record.at.as_second())
                    .map_err(at(&self.path))?
                {
                    answers.push(Err(StoreError::Replayed));
                    continue;
                }
            }
            head = append(&transaction, head, &entry.record).map_err(at(&self.path))??;
            answers.push(Ok(head.id));
        }
        if head != self.head {
            put_head(&transaction, head).map_err(at(&self.path))?;
        }
        let (mut prune_due, mut forgotten) = (self.prune_due, self.forgotten);
        if now >= prune_due {
            let limit = 2 * remembered + PRUNE_AT_LEAST;
            let pruned = prune(&transaction, now, limit).map_err(at(&self.path))?;
            if pruned.len() < limit {
                prune_due = now.saturating_add(PRUNE_EVERY_SECONDS);
            }
            if let Some(until) = pruned.into_iter().max().filter(|until| *until > forgotten) {
                put_forgotten(&transaction, until).map_err(at(&self.path))?;
                forgotten = until;
            }
        }
        transaction.commit().map_err(at(&self.path))?;
        self.prune_due = prune_due;
        self.forgotten = forgotten;
        self.head = head;
        Ok(answers)
    }

    /// Writes a row as large as any and takes it away again, down to the disk.
    fn check(&mut self) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(at(&self.path))?;
        transaction
            .execute(
                "INSERT INTO answered (actor, mark, request, status, body, expires)
                 VALUES ('', 'check', '', 0, ?1, 0)",
                [" ".repeat(4096)],
            )
            .and_then(|_| {
                transaction.execute(
                    "DELETE FROM answered WHERE actor = '' AND mark = 'check'",
                    [],
                )
            })
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
        for step in plan(change).steps {
            step.judge(execute(&transaction, &step).map_err(at(&self.path))?)?;
        }
        let mut head = self.head;
        for record in &change.records {
            let record = crate::audit::normal(record.clone());
            head = append(&transaction, head, &record).map_err(at(&self.path))??;
        }
        if head != self.head {
            put_head(&transaction, head).map_err(at(&self.path))?;
        }
        transaction.commit().map_err(at(&self.path))?;
        self.head = head;
        Ok(())
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

/// Forgets at most `limit` assertions that expired before `now`; when each of them expired.
fn prune(transaction: &Transaction<'_>, now: i64, limit: usize) -> rusqlite::Result<Vec<i64>> {
    transaction
        .prepare_cached(
            "DELETE FROM replay WHERE rowid IN
             (SELECT rowid FROM replay WHERE expires < ?1 ORDER BY expires LIMIT ?2)
             RETURNING expires",
        )?
        .query_map(params![now, limit as i64], |row| row.get(0))?
        .collect()
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
