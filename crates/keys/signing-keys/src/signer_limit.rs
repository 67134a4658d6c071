//! How many RSA signatures are made at once.

use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::SigningKeysError;

/// A bound on concurrent RSA signatures, shared by all tenants: clone it into every ring.
///
/// A signature takes a good part of a millisecond of a whole core. With one thread a core, more
/// requests wait in order instead of filling the machine with signing threads, and discovery,
/// health checks and ES256 go on between them. A thread that has signed takes the next request
/// from the queue itself: to go through the runtime in between would leave the core idle.
#[derive(Clone)]
pub struct SignerLimit(Arc<Shared>);

struct Shared {
    at_once: usize,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    queue: VecDeque<Job>,
    threads: usize,
}

type Job = Box<dyn FnOnce() + Send>;

impl SignerLimit {
    /// One signature a core at once.
    #[must_use]
    pub fn per_core() -> Self {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// This many at once.
    #[must_use]
    pub fn new(at_once: NonZero<usize>) -> Self {
        Self(Arc::new(Shared {
            at_once: at_once.get(),
            waiting: Mutex::new(Waiting {
                queue: VecDeque::new(),
                threads: 0,
            }),
        }))
    }

    /// How many more could begin now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.at_once - self.0.waiting().threads
    }

    /// Does work on a blocking thread, in the order of asking. Work whose asker is gone is left
    /// out.
    ///
    /// # Errors
    /// [`SigningKeysError::Stopped`] if the runtime is shutting down.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SigningKeysError> {
        let (answer, done) = oneshot::channel();
        self.enqueue(Box::new(move || {
            if !answer.is_closed() {
                // The asker may have gone meanwhile; then nobody wants it.
                let _ = answer.send(work());
            }
        }));
        done.await.map_err(|_| SigningKeysError::Stopped)
    }

    fn enqueue(&self, job: Job) {
        let mut waiting = self.0.waiting();
        waiting.queue.push_back(job);
        if waiting.threads < self.0.at_once {
            waiting.threads += 1;
            drop(waiting);
            let thread = Running {
                shared: Arc::clone(&self.0),
                counted: true,
            };
            spawn_blocking(move || thread.work_off());
        }
    }
}

impl std::fmt::Debug for SignerLimit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SignerLimit")
            .field("at_once", &self.0.at_once)
            .field("free", &self.free())
            .finish()
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that could panic runs under the lock, so what it guards is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that is counted. It is uncounted when dropped: also by a runtime that ends before the
/// thread began.
struct Running {
    shared: Arc<Shared>,
    counted: bool,
}

impl Running {
    fn work_off(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            let mut waiting = shared.waiting();
            let Some(job) = waiting.queue.pop_front() else {
                // Uncounted under the same lock, so that whoever enqueues next sees it.
                waiting.threads -= 1;
                self.counted = false;
                return;
            };
            drop(waiting);
            // A job that panics has told its asker by dropping the channel, and whatever it held
            // is dropped with it: those who wait behind it are served all the same.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.counted {
            return;
        }
        let mut waiting = self.shared.waiting();
        waiting.threads -= 1;
        if waiting.threads == 0 {
            // Nobody is left to work these off: their askers are told by the closed channel.
            waiting.queue.clear();
        }
    }
}
