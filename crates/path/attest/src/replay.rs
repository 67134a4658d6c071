//! Which assertions were used already.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use crate::AttestError;

/// Remembers assertions until they are refused anyway, and no longer.
///
/// Sixteen bytes an assertion: two keyed hashes stand for workload and `jti`, so nobody can aim at
/// a collision. Assertions that end in the same minute share a set, which is dropped as a whole;
/// since an assertion lives at most ten minutes there are about a dozen sets, and remembering takes
/// well under a microsecond however many there are.
#[derive(Debug)]
pub struct ReplayMemory {
    by_minute: BTreeMap<i64, HashSet<u128>>,
    remembered: usize,
    capacity: usize,
    hashers: [RandomState; 2],
}

impl ReplayMemory {
    /// An empty memory for at most `capacity` living assertions, about 32 bytes each at worst.
    /// When it is full, further assertions are refused rather than unremembered.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            by_minute: BTreeMap::new(),
            remembered: 0,
            capacity,
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    /// Remembers an assertion until `until` (see
    /// [`Attested::remember_until`](crate::Attested::remember_until)) and forgets those whose time
    /// has passed at `now`; both in seconds since the epoch.
    ///
    /// # Errors
    /// [`AttestError::Replayed`] if it is remembered already, [`AttestError::MemoryFull`].
    pub fn remember(
        &mut self,
        workload: &str,
        jti: &str,
        until: i64,
        now: i64,
    ) -> Result<(), AttestError> {
        self.forget_until(now);
        let id = self.id(workload, jti);
        if self.by_minute.values().any(|ids| ids.contains(&id)) {
            return Err(AttestError::Replayed);
        }
        if self.remembered >= self.capacity {
            return Err(AttestError::MemoryFull);
        }
        self.by_minute
            .entry(until.div_euclid(MINUTE))
            .or_default()
            .insert(id);
        self.remembered += 1;
        Ok(())
    }

    /// How many assertions are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.remembered
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remembered == 0
    }

    fn forget_until(&mut self, now: i64) {
        while let Some(first) = self.by_minute.first_entry() {
            // Whole minutes: an assertion may be remembered for up to a minute too long.
            if *first.key() >= now.div_euclid(MINUTE) {
                break;
            }
            self.remembered -= first.remove().len();
        }
    }

    fn id(&self, workload: &str, jti: &str) -> u128 {
        let [high, low] = &self.hashers;
        let half = |hasher: &RandomState| u128::from(hasher.hash_one((workload, jti)));
        (half(high) << 64) | half(low)
    }
}

const MINUTE: i64 = 60;
