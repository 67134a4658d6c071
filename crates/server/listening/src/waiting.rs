//! Handshakes under way: so many at once, and where there is no room the oldest goes.
//!
//! An honest client is through within a few round trips. Whoever holds handshakes open therefore
//! pushes out its own first, and no client waits for another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Those that wait, by their coming.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    room: usize,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    inside: Arc<Mutex<Inside>>,
    taken: oneshot::Receiver<()>,
}

impl Waiting {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room,
            inside: Arc::default(),
        }
    }

    /// Takes a place, if need be the oldest one's.
    pub(crate) fn enter(&self) -> Place {
        let (hold, taken) = oneshot::channel();
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let number = inside.next;
        inside.next += 1;
        inside.waiting.insert(number, hold);
        if inside.waiting.len() > self.room {
            // Its sender is dropped, and so it learns.
            inside.waiting.pop_first();
        }
        Place {
            number,
            inside: Arc::clone(&self.inside),
            taken,
        }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.inside.lock().unwrap().waiting.len()
    }
}

impl Place {
    /// Ready once the place was given to another.
    pub(crate) async fn lost(&mut self) {
        let _ = (&mut self.taken).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn has_lost(place: &mut Place) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(place.lost()).poll(&mut context).is_ready()
    }

    #[test]
    fn the_oldest_goes_and_whoever_is_through_makes_room() {
        let waiting = Waiting::new(2);
        let mut first = waiting.enter();
        let second = waiting.enter();
        assert!(!has_lost(&mut first));
        let mut third = waiting.enter();
        assert!(has_lost(&mut first));
        assert_eq!(waiting.count(), 2);
        drop((first, second));
        assert_eq!(waiting.count(), 1);
        let fourth = waiting.enter();
        assert!(!has_lost(&mut third));
        drop((third, fourth));
        assert_eq!(waiting.count(), 0);
    }
}
