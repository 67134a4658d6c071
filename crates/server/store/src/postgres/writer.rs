//! The one task of a process that writes: what waits shares one transaction, as on SQLite. The end
//! of the audit chain is locked for as long as a transaction runs, so that the rows of all
//! processes are one chain.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Transaction};
use tokio::sync::mpsc;

use super::listening::CHANNEL;
use super::pool::Pool;
use crate::chain::Head;
use crate::edit::plan;
use crate::writing::{Command, Entry, Written, answer};
use crate::{AuditRow, Change, StoreError};

/// A connection between two groups.
struct Held {
    connection: Object,
    used: Instant,
}

pub(crate) struct Writer {
    pub(crate) pool: Pool,
    pub(crate) group: usize,
    /// Whether the last write reached the database.
    pub(crate) writable: Arc<AtomicBool>,
}

impl Writer {
    /// Works until every sender is gone or a [`Command::Close`] came and the queue is empty.
    pub(crate) async fn run(self, mut queue: mpsc::Receiver<Command>) {
        let mut waiting = Vec::with_capacity(self.group);
        let mut entries = Vec::with_capacity(self.group);
        let mut closing = Vec::new();
        let mut prune_due = i64::MIN;
        let mut held = None;
        while queue.recv_many(&mut waiting, self.group).await > 0 {
            for command in waiting.drain(..) {
                match command {
                    Command::Record(entry) => entries.push(*entry),
                    Command::Change(change, waits) => {
                        self.write_group(&mut entries, &mut prune_due, &mut held)
                            .await;
                        let changed = self.change(&change).await;
                        self.note(changed.as_ref().err());
                        let _ = waits.send(changed);
                    }
                    Command::Check(waits) => {
                        let checked = self.check().await;
                        self.note(checked.as_ref().err());
                        let _ = waits.send(checked);
                    }
                    Command::Close(waits) => {
                        queue.close();
                        closing.push(waits);
                    }
                }
            }
            self.write_group(&mut entries, &mut prune_due, &mut held)
                .await;
        }
        for waits in closing {
            let _ = waits.send(());
        }
    }

    /// A database that does not answer is not asked for every token whether it does again.
    fn note(&self, error: Option<&StoreError>) {
        let unreachable = matches!(error, Some(StoreError::Unreachable { .. }));
        self.writable.store(!unreachable, Ordering::Relaxed);
    }

    async fn write_group(
        &self,
        entries: &mut Vec<Entry>,
        prune_due: &mut i64,
        held: &mut Option<Held>,
    ) {
        if entries.is_empty() {
            return;
        }
        let written = match self.connected(held).await {
            Ok(connection) => self.try_write(connection, entries, prune_due).await,
            Err(error) => Err(error),
        };
        if written.is_err() {
            *held = None;
        }
        let before = self.writable.load(Ordering::Relaxed);
        self.note(written.as_ref().err());
        // Once an outage: nobody reads the same line a thousand times.
        match &written {
            Err(error) if before => {
                tracing::error!(rows = entries.len(), %error, "audit rows could not be written");
            }
            Err(error) => {
                tracing::debug!(rows = entries.len(), %error, "audit rows could still not be written");
            }
            Ok(_) if !before => tracing::info!("audit rows are written again"),
            Ok(_) => {}
        }
        answer(entries, written);
    }

    /// The connection of the last group, so that under load nothing is asked beside what is
    /// written. One that rested is looked at by the pool first: it may have died unnoticed.
    async fn connected<'h>(
        &self,
        held: &'h mut Option<Held>,
    ) -> Result<&'h mut Object, StoreError> {
        let fresh = held
            .take()
            .filter(|held| held.used.elapsed() < RESTED && !held.connection.is_closed());
        let connection = match fresh {
            Some(held) => held.connection,
            None => self.pool.connection().await?,
        };
        let used = Instant::now();
        Ok(&mut held.insert(Held { connection, used }).connection)
    }

    async fn try_write(
        &self,
        connection: &mut Object,
        entries: &[Entry],
        prune_due: &mut i64,
    ) -> Result<Vec<Written>, StoreError> {
        let pool = &self.pool;
        let transaction = connection
            .transaction()
            .await
            .map_err(|error| pool.at(&error))?;
        // Sent together and done in this order: one trip to the database in place of three. Used
        // evidence comes before the lock on the chain's end, so that two processes cannot wait for
        // each other; what was forgotten is read below the lock. Each is sent when it is first
        // polled, if the connection knows the statements by then.
        self.prepare(&transaction).await?;
        let (fresh, locked, forgotten) = tokio::try_join!(
            biased;
            self.remember(&transaction, entries),
            self.locked_end(&transaction),
            self.forgotten(&transaction, entries),
        )?;
        let (mut head, forgotten) = match locked {
            Some(head) => (head, forgotten),
            // Nothing was locked yet when that was read.
            None => (
                self.first_head(&transaction).await?,
                self.forgotten(&transaction, entries).await?,
            ),
        };
        let (mut answers, mut rows) = (Vec::with_capacity(entries.len()), Vec::new());
        let mut now = i64::MIN;
        for (at, entry) in entries.iter().enumerate() {
            now = now.max(entry.record.at.as_second());
            if let Some(used) = &entry.used {
                if used.expires <= forgotten {
                    answers.push(Err(StoreError::Forgotten));
                    continue;
                }
                if !fresh.contains(&at) {
                    answers.push(Err(StoreError::Replayed));
                    continue;
                }
            }
            let (row, next) = head.extended(&entry.record)?;
            answers.push(Ok(row.id));
            rows.push((row, next.hash));
            head = next;
        }
        self.append(&transaction, &rows, head).await?;
        let due = now >= *prune_due;
        if due {
            transaction
                .execute(FORGET, &[&now])
                .await
                .map_err(|error| pool.at(&error))?;
        }
        transaction
            .commit()
            .await
            .map_err(|error| pool.at(&error))?;
        if due {
            *prune_due = now.saturating_add(PRUNE_EVERY_SECONDS);
        }
        Ok(answers)
    }

    /// Has the connection know what is sent together: to prepare one of them would be a trip of its
    /// own, and the next would overtake it.
    async fn prepare(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        for statement in [REMEMBER, LOCK_END, FORGOTTEN] {
            transaction
                .prepare_cached(statement)
                .await
                .map_err(|error| self.pool.at(&error))?;
        }
        Ok(())
    }

    /// Remembers the evidence of `entries`; the places of those that was not known before.
    async fn remember(
        &self,
        transaction: &Transaction<'_>,
        entries: &[Entry],
    ) -> Result<HashSet<usize>, StoreError> {
        let mut used: Vec<_> = entries
            .iter()
            .enumerate()
            .filter_map(|(at, entry)| entry.used.as_ref().map(|used| (at, used)))
            .collect();
        // The same evidence twice in a group: the first has it. In one order everywhere, so that
        // two processes cannot wait for each other.
        used.sort_by(|(_, one), (_, other)| {
            (&one.tenant, &one.workload, &one.jti).cmp(&(
                &other.tenant,
                &other.workload,
                &other.jti,
            ))
        });
        used.dedup_by(|(_, one), (_, other)| {
            one.jti == other.jti && one.workload == other.workload && one.tenant == other.tenant
        });
        if used.is_empty() {
            return Ok(HashSet::new());
        }
        let column = |pick: fn(&crate::UsedAssertion) -> &String| -> Vec<String> {
            used.iter()
                .map(|(_, used)| pick(used).replace('\0', "\u{fffd}"))
                .collect()
        };
        let expires: Vec<i64> = used.iter().map(|(_, used)| used.expires).collect();
        let places: Vec<i64> = used.iter().map(|(at, _)| *at as i64).collect();
        let now = entries
            .iter()
            .map(|entry| entry.record.at.as_second())
            .max();
        let statement = transaction
            .prepare_cached(REMEMBER)
            .await
            .map_err(|error| self.pool.at(&error))?;
        let rows = transaction
            .query(
                &statement,
                &[
                    &column(|used| &used.tenant),
                    &column(|used| &used.workload),
                    &column(|used| &used.jti),
                    &expires,
                    &places,
                    &now.unwrap_or(i64::MIN),
                ],
            )
            .await
            .map_err(|error| self.pool.at(&error))?;
        rows.iter()
            .map(|row| row.try_get::<_, i64>(0).map(|at| at as usize))
            .collect::<Result<_, _>>()
            .map_err(|error| self.pool.at(&error))
    }

    /// Up to when used evidence was forgotten, asked only where some is given. Whoever forgets
    /// holds the lock on the chain's end, as this transaction does.
    async fn forgotten(
        &self,
        transaction: &Transaction<'_>,
        entries: &[Entry],
    ) -> Result<i64, StoreError> {
        if entries.iter().all(|entry| entry.used.is_none()) {
            return Ok(i64::MIN);
        }
        let read = async {
            let statement = transaction.prepare_cached(FORGOTTEN).await?;
            let row = transaction.query_opt(&statement, &[]).await?;
            row.map_or(Ok(i64::MIN), |row| row.try_get(0))
        };
        read.await.map_err(|error| self.pool.at(&error))
    }

    /// The end of the chain, this transaction's until it ends; `None` before the first row of all.
    async fn locked_end(&self, transaction: &Transaction<'_>) -> Result<Option<Head>, StoreError> {
        let statement = transaction
            .prepare_cached(LOCK_END)
            .await
            .map_err(|error| self.pool.at(&error))?;
        let found = transaction
            .query_opt(&statement, &[])
            .await
            .map_err(|error| self.pool.at(&error))?;
        let Some(row) = found else { return Ok(None) };
        let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        let (id, hash): (i64, Vec<u8>) = read(&row).map_err(|error| self.pool.at(&error))?;
        Head::read(id, &hash).map(Some)
    }

    /// Before the first row of all there is nothing to lock: the row is made, once, and locked.
    async fn first_head(&self, transaction: &Transaction<'_>) -> Result<Head, StoreError> {
        loop {
            let start = Head::START;
            transaction
                .execute(
                    "INSERT INTO audit_head (only_row, id, hash) VALUES (1, $1, $2)
                     ON CONFLICT (only_row) DO NOTHING",
                    &[&start.id, &start.hash.as_slice()],
                )
                .await
                .map_err(|error| self.pool.at(&error))?;
            if let Some(head) = self.locked_end(transaction).await? {
                return Ok(head);
            }
        }
    }

    async fn locked_head(&self, transaction: &Transaction<'_>) -> Result<Head, StoreError> {
        match self.locked_end(transaction).await? {
            Some(head) => Ok(head),
            None => self.first_head(transaction).await,
        }
    }

    async fn append(
        &self,
        transaction: &Transaction<'_>,
        rows: &[(AuditRow, [u8; 32])],
        head: Head,
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        // Both in one trip; if either fails, the transaction is not committed.
        tokio::try_join!(
            super::copying::insert_audit(&self.pool, transaction, rows),
            self.move_head(transaction, head),
        )?;
        Ok(())
    }

    async fn move_head(&self, transaction: &Transaction<'_>, head: Head) -> Result<(), StoreError> {
        let statement = transaction
            .prepare_cached("UPDATE audit_head SET id = $1, hash = $2")
            .await
            .map_err(|error| self.pool.at(&error))?;
        transaction
            .execute(&statement, &[&head.id, &head.hash.as_slice()])
            .await
            .map_err(|error| self.pool.at(&error))?;
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        let connection = self.pool.connection().await?;
        let writable: String = connection
            .query_one("SELECT current_setting('transaction_read_only')", &[])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| self.pool.at(&error))?;
        if writable == "off" {
            return Ok(());
        }
        Err(StoreError::Unreachable {
            place: self.pool.place().to_owned(),
            detail: "it only reads at the moment".to_owned(),
        })
    }

    async fn change(&self, change: &Change) -> Result<(), StoreError> {
        let pool = &self.pool;
        let mut connection = pool.connection().await?;
        let transaction = connection
            .transaction()
            .await
            .map_err(|error| pool.at(&error))?;
        let plan = plan(change);
        for step in &plan.steps {
            pool.execute(&transaction, step).await?;
        }
        if !change.records.is_empty() {
            let mut head = self.locked_head(&transaction).await?;
            let mut rows = Vec::with_capacity(change.records.len());
            for record in &change.records {
                let (row, next) = head.extended(&crate::audit::normal(record.clone()))?;
                rows.push((row, next.hash));
                head = next;
            }
            self.append(&transaction, &rows, head).await?;
        }
        for tenant in &plan.touched {
            transaction
                .execute("SELECT pg_notify($1, $2)", &[&CHANNEL, tenant])
                .await
                .map_err(|error| pool.at(&error))?;
        }
        transaction.commit().await.map_err(|error| pool.at(&error))
    }
}

const REMEMBER: &str = "WITH asked AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
            AS asked (tenant, workload, jti, expires, place)
    ), added AS (
        INSERT INTO replay (tenant, workload, jti, expires)
        SELECT tenant, workload, jti, expires FROM asked ORDER BY tenant, workload, jti
        ON CONFLICT (tenant, workload, jti) DO UPDATE SET expires = excluded.expires
            WHERE replay.expires < $6
        RETURNING tenant, workload, jti
    )
    SELECT asked.place FROM asked JOIN added USING (tenant, workload, jti)";

const LOCK_END: &str = "SELECT id, hash FROM audit_head FOR UPDATE";

const FORGOTTEN: &str = "SELECT until FROM forgotten";

const FORGET: &str = "WITH gone AS (
        DELETE FROM replay WHERE expires < $1 RETURNING expires
    ), latest AS (
        SELECT max(expires) AS until FROM gone
    )
    INSERT INTO forgotten (only_row, until) SELECT 1, until FROM latest WHERE until IS NOT NULL
    ON CONFLICT (only_row) DO UPDATE SET until = greatest(forgotten.until, excluded.until)";

/// A connection that was used within this time is not looked at before it is used again.
const RESTED: Duration = Duration::from_secs(1);

const PRUNE_EVERY_SECONDS: i64 = 5;
