//! The clock as a parameter: the machine's, or one that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Tells the time to an emulator. Clones share one clock.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands at `now` until it is moved.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self(Kind::Manual(Arc::new(AtomicI64::new(now.as_second()))))
    }

    /// Moves a manual clock by `seconds`; the machine's clock stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Kind::Manual(at) = &self.0 {
            at.fetch_add(seconds, Ordering::Relaxed);
        }
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        match &self.0 {
            Kind::System => Timestamp::now().as_second(),
            Kind::Manual(at) => at.load(Ordering::Relaxed),
        }
    }
}

/// `2026-11-23T04:18:49Z`, AWS's form of a time.
pub(crate) fn iso(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}
