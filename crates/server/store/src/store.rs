//! The state of an installation, whichever database keeps it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::declaring::{self, Inventory};
use crate::reader::Reader;
use crate::writing::{Command, Entry};
use crate::{
    AuditRecord, Change, DeclaredTenant, Location, SealedKey, StoreError, UsedAssertion, audit,
    postgres, sqlite,
};

/// The state of an installation, open for writing. Cheap to clone; it is let go when the last clone
/// is dropped or [`Store::close`] returns.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// How the store works; the default is right for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// How many records may wait for the writer before their callers wait too.
    pub queue: usize,
    /// How many records share one transaction at most.
    pub group: usize,
    /// How many pages of 4 KiB a SQLite database may have; beyond it writes fail as on a full
    /// disk. `None`: only the disk bounds it.
    pub page_limit: Option<u32>,
    /// How many connections to PostgreSQL are kept for reading.
    pub connections: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            queue: 4096,
            group: 1024,
            page_limit: None,
            connections: 4,
        }
    }
}

/// What was changed, by this process or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Something of this tenant.
    Tenant(String),
    /// Nobody knows: word of changes was lost for a while, and everything has to be read again.
    Anything,
}

impl Store {
    /// Opens the SQLite state in `folder` with the default options; see [`Store::open_with`].
    ///
    /// # Errors
    /// As [`Store::open_with`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with(folder, &StoreOptions::default())
    }

    /// Opens the SQLite state in `folder`, making the folder (0700) and the database (0600) where
    /// they are missing, and starts the writer thread.
    ///
    /// # Errors
    /// The folder cannot be made, is read-only or is held by another process; the database is
    /// damaged, not ours, or of a newer version. Nothing was changed then.
    pub fn open_with(folder: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let (mut inner, queue) = Inner::new(options, Reader::of_folder(folder));
        let thread = sqlite::open(folder, options, queue, &inner.writable, &inner.announced)?;
        inner.thread = Mutex::new(Some(thread));
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Opens the state wherever it is. In a PostgreSQL database the tables are made where they are
    /// missing; any number of processes may have it open.
    ///
    /// # Errors
    /// As [`Store::open_with`]; the database server does not answer.
    pub async fn open_at(location: &Location, options: &StoreOptions) -> Result<Self, StoreError> {
        let address = match location {
            Location::Folder(folder) => return Self::open_with(folder, options),
            Location::Postgres(address) => address,
        };
        let pool = postgres::Pool::new(address, options.connections)?;
        postgres::bring_up(&pool).await?;
        let (inner, queue) = Inner::new(options, Reader::of_pool(pool.clone()));
        tokio::spawn(
            postgres::Writer {
                pool: pool.clone(),
                group: options.group.max(1),
                writable: Arc::clone(&inner.writable),
            }
            .run(queue),
        );
        postgres::listen(pool, inner.changes.clone());
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// For reading.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.inner.reader
    }

    /// Word of every change from now on, by whichever process.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.inner.changes.subscribe()
    }

    /// The right to do what only one process of an installation may do at a time, or `None` while
    /// another has it. Alone on SQLite, a process always has it. It is lost with the connection, so
    /// [`postgres::Leadership::holds`] is asked before every deed.
    ///
    /// # Errors
    /// The database server does not answer.
    pub async fn lead(&self) -> Result<Option<postgres::Leadership>, StoreError> {
        match self.inner.reader.pool() {
            None => Ok(Some(postgres::Leadership::alone())),
            Some(pool) => postgres::lead(pool).await,
        }
    }

    /// Appends `record`, and `used` with it, and answers the row's id once both are durable.
    ///
    /// # Errors
    /// [`StoreError::Replayed`] where `used` was used before, by whichever process;
    /// [`StoreError::Forgotten`] where that is not known any more. They could not
    /// be written: nothing of them is remembered, and what they were to prove must not be given
    /// out.
    pub async fn record(
        &self,
        record: AuditRecord,
        used: Option<UsedAssertion>,
    ) -> Result<i64, StoreError> {
        let (answer, written) = oneshot::channel();
        let entry = Box::new(Entry {
            record: audit::normal(record),
            used,
            answer: Some(answer),
        });
        self.send(Command::Record(entry)).await?;
        written.await.map_err(|_| StoreError::Closed)?
    }

    /// Says that a record will follow unless the value is dropped. While many are announced the
    /// writer waits up to a millisecond for more of them, and so spends fewer commits.
    pub fn announce(&self) -> Announced {
        self.inner.announced.fetch_add(1, Ordering::Relaxed);
        Announced {
            store: self.clone(),
        }
    }

    /// Appends `record` without waiting for it. Answers `false` if the queue is full and the
    /// record was dropped: a refusal must not hold up tokens.
    pub fn note(&self, record: AuditRecord) -> bool {
        let entry = Box::new(Entry {
            record: audit::normal(record),
            used: None,
            answer: None,
        });
        self.inner
            .sender
            .as_ref()
            .is_some_and(|sender| sender.try_send(Command::Record(entry)).is_ok())
    }

    /// Whether the trail can be written. Free as long as the last write succeeded; after a failed
    /// one it tries, so that a mended disk is noticed without a token being lost.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn check(&self) -> Result<(), StoreError> {
        let (answer, checked) = oneshot::channel();
        match &self.inner.sender {
            Some(sender) if !sender.is_closed() => {}
            _ => return Err(StoreError::Closed),
        }
        if self.inner.writable.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.send(Command::Check(answer)).await?;
        checked.await.map_err(|_| StoreError::Closed)?
    }

    /// Carries out `change`, all of it or nothing, and spreads the word.
    ///
    /// # Errors
    /// [`StoreError::Stale`], [`StoreError::Exists`], [`StoreError::Missing`] where an edit expects
    /// what is not so; [`StoreError::IssuerTaken`]; the database cannot be written.
    pub async fn change(&self, change: Change) -> Result<(), StoreError> {
        let touched = crate::edit::plan(&change).touched;
        let (answer, done) = oneshot::channel();
        self.send(Command::Change(Box::new(change), answer)).await?;
        done.await.map_err(|_| StoreError::Closed)??;
        for tenant in touched {
            // Nobody may be listening.
            let _ = self.inner.changes.send(Changed::Tenant(tenant));
        }
        Ok(())
    }

    /// Makes the file's declarations exactly `tenants` and adds the first `keys` and the audit rows
    /// `records`, all in one transaction; `now` is in seconds since the epoch. What the admin API
    /// declared stays. Keys of tenants that are no longer declared stay, unused.
    ///
    /// # Errors
    /// Two tenants share a name or an issuer, a tenant with keys changes its issuer;
    /// [`StoreError::Stale`] where another process gave a tenant its first keys meanwhile. Then
    /// everything is as before.
    pub async fn declare(
        &self,
        tenants: Vec<DeclaredTenant>,
        keys: Vec<SealedKey>,
        records: Vec<AuditRecord>,
        now: i64,
    ) -> Result<(), StoreError> {
        let inventory: Inventory = self.inner.reader.inventory().await?;
        let mut edits = declaring::edits(&inventory, &tenants)?;
        edits.extend(keys.into_iter().map(crate::Edit::FirstKey));
        if edits.is_empty() && records.is_empty() {
            return Ok(());
        }
        self.change(Change {
            edits,
            records,
            answered: None,
            now,
        })
        .await
    }

    /// Writes what is queued, tidies the database and lets go of it. Other clones get
    /// [`StoreError::Closed`] from then on.
    pub async fn close(&self) {
        let (answer, closed) = oneshot::channel();
        if self.send(Command::Close(answer)).await.is_ok() {
            let _ = closed.await;
        }
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        let sender = self.inner.sender.as_ref().ok_or(StoreError::Closed)?;
        sender.send(command).await.map_err(|_| StoreError::Closed)
    }
}

#[derive(Debug)]
struct Inner {
    /// `None` only while dropping.
    sender: Option<mpsc::Sender<Command>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    reader: Reader,
    writable: Arc<AtomicBool>,
    announced: Arc<AtomicUsize>,
    changes: broadcast::Sender<Changed>,
}

impl Inner {
    fn new(options: &StoreOptions, reader: Reader) -> (Self, mpsc::Receiver<Command>) {
        let (sender, queue) = mpsc::channel(options.queue.max(1));
        let inner = Self {
            sender: Some(sender),
            thread: Mutex::new(None),
            reader,
            writable: Arc::new(AtomicBool::new(true)),
            announced: Arc::new(AtomicUsize::new(0)),
            changes: broadcast::channel(CHANGES).0,
        };
        (inner, queue)
    }
}

/// A record that is under way; see [`Store::announce`].
#[derive(Debug)]
pub struct Announced {
    store: Store,
}

impl Announced {
    /// As [`Store::record`].
    ///
    /// # Errors
    /// As [`Store::record`].
    pub async fn record(
        self,
        record: AuditRecord,
        used: Option<UsedAssertion>,
    ) -> Result<i64, StoreError> {
        self.store.record(record, used).await
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.store.inner.announced.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Inner {
    /// Waits for the writer, so that whoever dropped the store may open it again at once.
    fn drop(&mut self) {
        self.sender = None;
        let thread = match self.thread.lock() {
            Ok(mut thread) => thread.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// How many changes a slow listener may fall behind before it has to read everything again.
const CHANGES: usize = 1024;

/// The SQLite database of the state folder `folder`.
pub(crate) fn database_in(folder: &Path) -> PathBuf {
    folder.join(crate::DATABASE_FILE)
}
