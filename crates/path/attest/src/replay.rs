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
    by_minute: BTreeMap<i64, Minute>,
    /// What ended then or before, in seconds since the epoch, may have been used and forgotten.
    forgotten: i64,
    remembered: usize,
    capacity: usize,
    hashers: [RandomState; 2],
}

/// Assertions that end in the same minute.
#[derive(Debug, Default)]
struct Minute {
    ids: HashSet<u128>,
    /// When the last of them ends.
    last: i64,
}

impl ReplayMemory {
    /// An empty memory for at most `capacity` living assertions, about 32 bytes each at worst.
    /// When it is full, further assertions are refused rather than unremembered.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::after(capacity, i64::MIN)
    }

    /// An empty memory that knows nothing of what ended at `forgotten` or before, in seconds since
    /// the epoch.
    #[must_use]
    pub fn after(capacity: usize, forgotten: i64) -> Self {
        Self {
            by_minute: BTreeMap::new(),
            forgotten,
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
    /// [`AttestError::Replayed`] if it is remembered already, [`AttestError::MemoryFull`];
    /// [`AttestError::ClockBackwards`] if it may have been used and forgotten, since the clock
    /// stood later before.
    pub fn remember(
        &mut self,
        workload: &str,
        jti: &str,
        until: i64,
        now: i64,
    ) -> Result<(), AttestError> {
        self.forget_until(now);
        if until <= self.forgotten {
            return Err(AttestError::ClockBackwards);
        }
        let id = self.id(workload, jti);
        if self
            .by_minute
            .values()
            .any(|minute| minute.ids.contains(&id))
        {
            return Err(AttestError::Replayed);
        }
        if self.remembered >= self.capacity {
            return Err(AttestError::MemoryFull);
        }
        let minute = self.by_minute.entry(until.div_euclid(MINUTE)).or_default();
        minute.ids.insert(id);
        minute.last = minute.last.max(until);
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
            let minute = first.remove();
            self.forgotten = self.forgotten.max(minute.last);
            self.remembered -= minute.ids.len();
        }
    }

    fn id(&self, workload: &str, jti: &str) -> u128 {
        let [high, low] = &self.hashers;
        let half = |hasher: &RandomState| u128::from(hasher.hash_one((workload, jti)));
        (half(high) << 64) | half(low)
    }
}

const MINUTE: i64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_forgotten_is_refused_when_the_clock_goes_backwards() {
        let mut memory = ReplayMemory::new(10);
        let now = 1_800_000_000;
        assert_eq!(memory.remember("job", "a", now + 60, now), Ok(()));
        // Long after its end it is forgotten.
        assert_eq!(memory.remember("job", "b", now + 600, now + 540), Ok(()));
        assert_eq!(memory.len(), 1);
        // The clock goes back: the first would be good again, and was used.
        assert_eq!(
            memory.remember("job", "a", now + 60, now + 10),
            Err(AttestError::ClockBackwards)
        );
        assert_eq!(
            memory.remember("job", "b", now + 600, now + 10),
            Err(AttestError::Replayed)
        );
        // Whatever ends later than all that was forgotten cannot have been.
        assert_eq!(memory.remember("job", "c", now + 61, now + 10), Ok(()));
    }

    #[test]
    fn a_memory_that_begins_later_knows_that_it_does() {
        let mut memory = ReplayMemory::after(10, 999);
        assert_eq!(
            memory.remember("job", "a", 999, 900),
            Err(AttestError::ClockBackwards)
        );
        assert_eq!(memory.remember("job", "a", 1_000, 900), Ok(()));
    }
}
