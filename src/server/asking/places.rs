//! Places for requests that are under way, of which those that a caller waits for find some left.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::client::Asker;

/// Requests that nobody waits for have one in so many places at most.
const UNAWAITED_SHARE: usize = 2;

/// All places.
pub(super) struct Places {
    taken: Mutex<Taken>,
    freed: Notify,
}

struct Taken {
    /// How many there are.
    max: usize,
    all: usize,
    unawaited: usize,
}

/// One of them, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    asker: Asker,
}

impl Places {
    pub(super) fn new(max: usize) -> Arc<Places> {
        Arc::new(Places { taken: Mutex::new(Taken { max, all: 0, unawaited: 0 }), freed: Notify::new() })
    }

    /// From now on there are so many. Those that are taken stay so.
    pub(super) fn rebound(&self, max: usize) {
        self.taken().max = max;
        self.freed.notify_waiters();
    }

    /// A place, if there is one.
    pub(super) fn take(self: &Arc<Places>, asker: Asker) -> Option<Place> {
        self.taken().take(asker).then(|| Place { places: Arc::clone(self), asker })
    }

    /// A place for what nobody waits for, as soon as there is one.
    pub(super) async fn unawaited(self: &Arc<Places>) -> Place {
        loop {
            let mut freed = pin!(self.freed.notified());
            // One that becomes free from here on is not missed.
            freed.as_mut().enable();
            if let Some(place) = self.take(Asker::Nobody) {
                return place;
            }
            freed.await;
        }
    }

    /// Nothing that is done under the lock can fail halfway.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whose it is.
    pub(super) fn asker(&self) -> Asker {
        self.asker
    }
}

impl Taken {
    /// Counts one more, unless there are as many as may be.
    fn take(&mut self, asker: Asker) -> bool {
        let unawaited_max = (self.max / UNAWAITED_SHARE).max(1);
        let is_free = self.all < self.max && (asker == Asker::Caller || self.unawaited < unawaited_max);
        if is_free {
            self.all += 1;
            self.unawaited += usize::from(asker == Asker::Nobody);
        }
        is_free
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        taken.unawaited -= usize::from(self.asker == Asker::Nobody);
        drop(taken);
        self.places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_find_the_other_half_of_the_places() {
        for (max, unawaited) in [(1, 1), (2, 1), (5, 2), (256, 128)] {
            let places = Places::new(max);
            let theirs: Vec<Place> = std::iter::from_fn(|| places.take(Asker::Nobody)).collect();
            assert_eq!(theirs.len(), unawaited, "of {max}");
            let others: Vec<Place> = std::iter::from_fn(|| places.take(Asker::Caller)).collect();
            assert_eq!(others.len(), max - unawaited, "of {max}");
            drop(theirs);
            let again: Vec<Place> = std::iter::from_fn(|| places.take(Asker::Caller)).collect();
            assert_eq!(again.len(), unawaited, "of {max}");
        }
    }

    #[tokio::test]
    async fn whoever_can_wait_gets_the_next_place() {
        let places = Places::new(2);
        let (first, caller) = (places.take(Asker::Nobody), places.take(Asker::Caller));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let places = Arc::clone(&places);
                tokio::spawn(async move { drop(places.unawaited().await) })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|one| !one.is_finished()));
        // What a caller has left is not for them.
        drop(caller);
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|one| !one.is_finished()));
        drop(first);
        for one in waiting {
            one.await.unwrap();
        }
    }
}
