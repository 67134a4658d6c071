//! The admin API of one installation.

use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rolecall_http_api::Installation;
use rolecall_store::{AuditKind, AuditRecord, Outcome};
use tokio::sync::Semaphore;

use crate::refused::Refused;
use crate::settings::Settings;

/// The admin API of one installation. Cheap to clone.
#[derive(Clone)]
pub struct AdminApi {
    inner: Arc<Inner>,
}

struct Inner {
    installation: Installation,
    settings: ArcSwap<Settings>,
    requests: DefaultKeyedRateLimiter<String>,
    /// Of sign-ins with a password, by whom is tried and from where.
    tries: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
    /// Passwords are slow to check on purpose, and take memory.
    hashing: Semaphore,
}

impl AdminApi {
    /// The API of `installation`.
    #[must_use]
    pub fn new(installation: Installation, settings: Settings) -> Self {
        let rate = NonZeroU32::new(settings.requests_per_second).unwrap_or(NonZeroU32::MAX);
        let burst = rate.saturating_add(rate.get());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            inner: Arc::new(Inner {
                installation,
                settings: ArcSwap::from_pointee(settings),
                requests: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
                tries: RateLimiter::keyed(Quota::per_minute(TRIES_A_MINUTE)),
                clock: DefaultClock::default(),
                hashing: Semaphore::new((cores / 2).max(1)),
            }),
        }
    }

    /// Takes up what the configuration file says now.
    pub fn settle(&self, settings: Settings) {
        self.inner.settings.store(Arc::new(settings));
    }

    pub(crate) fn installation(&self) -> &Installation {
        &self.inner.installation
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.inner.settings.load_full()
    }

    pub(crate) fn now(&self) -> i64 {
        self.inner.installation.now().as_second()
    }

    /// Counts a request of `asker`.
    pub(crate) fn count(&self, asker: &str) -> Result<(), Refused> {
        let asker = asker.to_owned();
        self.within(&self.inner.requests, asker, "too many requests")
    }

    /// Counts a try to sign in with a password.
    pub(crate) fn count_try(&self, whom: String) -> Result<(), Refused> {
        self.within(
            &self.inner.tries,
            whom,
            "too many tries to sign in; wait a little",
        )
    }

    fn within(
        &self,
        limiter: &DefaultKeyedRateLimiter<String>,
        key: String,
        detail: &str,
    ) -> Result<(), Refused> {
        if limiter.len() > KEYS_REMEMBERED {
            limiter.retain_recent();
        }
        limiter.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.inner.clock.now());
            Refused::too_many(detail, wait.as_secs() + 1)
        })
    }

    /// Runs slow work on passwords, few at a time.
    pub(crate) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let busy = || Refused::unavailable("the server is being stopped");
        let _permit = self.inner.hashing.acquire().await.map_err(|_| busy())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| busy())
    }

    /// A row of the trail about something at `tenant`.
    pub(crate) fn row(&self, kind: AuditKind, tenant: &str, outcome: Outcome) -> AuditRecord {
        AuditRecord::new(self.inner.installation.now(), kind, tenant, outcome)
    }

    /// Puts a row into the trail without waiting for it.
    pub(crate) fn note(&self, row: AuditRecord) {
        if !self.inner.installation.store().note(row) {
            tracing::warn!("a refusal was not recorded: the audit queue is full");
        }
    }
}

impl std::fmt::Debug for AdminApi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AdminApi").finish_non_exhaustive()
    }
}

/// How often a minute one password may be tried from one address, after as many at once.
const TRIES_A_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();
const KEYS_REMEMBERED: usize = 20_000;
