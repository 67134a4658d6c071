use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use crate::error::at;
use crate::writer::{Change, Command, Entry, Writer};
use crate::{
    AuditLog, AuditRecord, DATABASE_FILE, DeclaredTenant, SealedKey, State, StoreError,
    UsedAssertion, folder, reading, schema,
};

/// The state of an installation, held by this process. Cheap to clone; the folder is let go when
/// the last clone is dropped or [`Store::close`] returns.
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
    /// How many pages of 4 KiB the database may have; beyond it writes fail as on a full disk.
    /// `None`: only the disk bounds it.
    pub page_limit: Option<u32>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            queue: 4096,
            group: 1024,
            page_limit: None,
        }
    }
}

impl Store {
    /// Opens the state in `folder` with the default options; see [`Store::open_with`].
    ///
    /// # Errors
    /// As [`Store::open_with`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with(folder, &StoreOptions::default())
    }

    /// Opens the state in `folder`, making the folder (0700) and the database (0600) where they
    /// are missing, and starts the writer thread.
    ///
    /// # Errors
    /// The folder cannot be made, is read-only or is held by another process; the database is
    /// damaged, not ours, or of a newer version. Nothing was changed then.
    pub fn open_with(folder: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let held = folder::hold(folder)?;
        let path = folder.join(DATABASE_FILE);
        folder::ensure_file(&path)?;
        let connection = open_for_writing(&path, options)?;
        let writable = Arc::new(AtomicBool::new(true));
        let announced = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            connection,
            path: path.clone(),
            folder: held,
            group: options.group.max(1),
            prune_due: i64::MIN,
            writable: Arc::clone(&writable),
            announced: Arc::clone(&announced),
        };
        let (sender, queue) = mpsc::channel(options.queue.max(1));
        let thread = std::thread::Builder::new()
            .name("rolecall-audit".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(|error| StoreError::Io {
                path: path.clone(),
                detail: format!("the writer thread did not start: {error}"),
            })?;
        Ok(Self {
            inner: Arc::new(Inner {
                sender: Some(sender),
                thread: Mutex::new(Some(thread)),
                folder: folder.to_path_buf(),
                path,
                writable,
                announced,
            }),
        })
    }

    /// Everything that is declared, and the used assertions that have not expired at `now`
    /// (seconds since the epoch). Blocks on the disk.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn load(&self, now: i64) -> Result<State, StoreError> {
        let mut connection = reading::open(&self.inner.path)?;
        reading::load(&mut connection, &self.inner.path, now)
    }

    /// The audit trail, for reading. Blocks on the disk.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn audit_log(&self) -> Result<AuditLog, StoreError> {
        AuditLog::open(&self.inner.folder)
    }

    /// Appends `record`, and `used` with it, and answers the row's id once both are on disk.
    ///
    /// # Errors
    /// They could not be written: nothing of them is remembered, and what they were to prove must
    /// not be given out.
    pub async fn record(
        &self,
        record: AuditRecord,
        used: Option<UsedAssertion>,
    ) -> Result<i64, StoreError> {
        let (answer, written) = oneshot::channel();
        let entry = Box::new(Entry {
            record,
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
            record,
            used: None,
            answer: None,
        });
        self.inner
            .sender
            .as_ref()
            .is_some_and(|sender| sender.try_send(Command::Record(entry)).is_ok())
    }

    /// Whether the trail can be written. Free as long as the last write succeeded; after a failed
    /// one it tries the disk, so that a mended disk is noticed without a token being lost.
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

    /// Every signing key there is, also of tenants that are not declared at the moment. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn keys(&self) -> Result<Vec<SealedKey>, StoreError> {
        let connection = reading::open(&self.inner.path)?;
        reading::keys(&connection, &self.inner.path)
    }

    /// Replaces the declared set by `tenants` and adds `keys` and the audit rows `records`, all in
    /// one transaction; `now` is in seconds since the epoch. Keys of tenants that are no longer
    /// declared stay, unused.
    ///
    /// # Errors
    /// Two tenants share a name or an issuer, a tenant with keys changes its issuer, or a key
    /// belongs to no tenant; then everything is as before.
    pub async fn declare(
        &self,
        tenants: Vec<DeclaredTenant>,
        keys: Vec<SealedKey>,
        records: Vec<AuditRecord>,
        now: i64,
    ) -> Result<(), StoreError> {
        let (answer, done) = oneshot::channel();
        let change = Change {
            tenants,
            keys,
            records,
            now,
        };
        self.send(Command::Change(change, answer)).await?;
        done.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes what is queued, tidies the database and lets go of the folder. Other clones get
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
    folder: PathBuf,
    path: PathBuf,
    writable: Arc<AtomicBool>,
    announced: Arc<AtomicUsize>,
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

fn open_for_writing(path: &Path, options: &StoreOptions) -> Result<Connection, StoreError> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(at(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(at(path))?;
    // Only what lives in the connection: nothing may reach the file before `bring_up` accepted it.
    for (name, value) in [("synchronous", "FULL"), ("foreign_keys", "ON")] {
        connection
            .pragma_update(None, name, value)
            .map_err(at(path))?;
    }
    schema::bring_up(&mut connection, path)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(at(path))?;
    if mode != "wal" {
        return Err(StoreError::Io {
            path: path.to_path_buf(),
            detail: format!("this file system allows the journal mode `{mode}` only, not `wal`"),
        });
    }
    connection
        .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
        .map_err(at(path))?;
    if let Some(pages) = options.page_limit {
        connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .map_err(at(path))?;
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// How long a statement waits for a reader of another process, such as a backup.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// 16 MiB of journal between two checkpoints: each costs two more `fsync`s.
const CHECKPOINT_PAGES: u32 = 4096;
