//! Events that arrive again are answered again, but what their rules do is done once.
//!
//! For tool calls there is [`AnswerOnce`](super::dedup::AnswerOnce). For the others the decision is simply made
//! again, which is free of consequences, and only what it would change is left out.

use quick_cache::sync::{Cache, DefaultLifecycle, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, UnitWeighter};

use super::identity::{Key, Keys, Mark};
use super::recent::{self, Room};

/// How many events are remembered; the oldest make room, of those that came again and of the others.
const ROOM: Room = Room { weight_max: 24 * 1024, weight_usual: 1, shards: 4, asked_again: 0.25 };

/// Events of late that had consequences.
pub struct Seen {
    events: Cache<Key, ()>,
    keys: Keys,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { events: recent::cache(&ROOM, UnitWeighter), keys: Keys::default() }
    }
}

impl Seen {
    /// The identity of an event of `kind` in `call`, which came to the server at index `server`.
    #[must_use]
    pub fn key(&self, server: usize, call: &str, kind: &str, mark: &Mark<'_>) -> Key {
        self.keys.key(&(server, call, kind, mark))
    }

    /// A right to be the first to whom the consequences of this event come true; nothing if they have. While another has
    /// it, its outcome is waited for: should it fail, it is somebody else's turn.
    pub async fn first(&self, key: Key) -> Option<First<'_>> {
        self.events.get_value_or_guard_async(&key).await.err().map(First)
    }
}

/// The right to be first. Dropped, it passes on.
pub struct First<'a>(Guard<'a>);

type Guard<'a> = PlaceholderGuard<'a, Key, (), UnitWeighter, DefaultHashBuilder, DefaultLifecycle<Key, ()>>;

impl First<'_> {
    /// The consequences have come true.
    pub fn done(self) {
        // It may have been forgotten already.
        let _ = self.0.insert(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether somebody is the first to have seen it, which is done at once.
    async fn is_new(seen: &Seen, key: Key) -> bool {
        seen.first(key).await.map(First::done).is_some()
    }

    #[tokio::test]
    async fn an_event_is_new_once() {
        let seen = Seen::default();
        let report = |server, call| seen.key(server, call, "end-of-call-report", &Mark::Only);
        assert!(is_new(&seen, report(0, "a")).await);
        assert!(!is_new(&seen, report(0, "a")).await);
        assert!(is_new(&seen, report(0, "b")).await);
        assert!(is_new(&seen, report(1, "b")).await);
        let transcript = |text| seen.key(0, "a", "transcript", &Mark::Body(text));
        assert!(is_new(&seen, transcript("hello")).await);
        assert!(is_new(&seen, transcript("bye")).await);
        assert!(!is_new(&seen, transcript("hello")).await);
    }

    #[tokio::test]
    async fn the_last_events_are_remembered_however_many_came_before() {
        let seen = Seen::default();
        let hang = |number: usize| seen.key(0, &number.to_string(), "hang", &Mark::Only);
        for number in 0..48 * 1024 {
            assert!(is_new(&seen, hang(number)).await);
        }
        for number in 32 * 1024..48 * 1024 {
            assert!(!is_new(&seen, hang(number)).await, "{number}");
        }
    }

    #[tokio::test]
    async fn who_comes_meanwhile_waits_and_takes_over_what_failed() {
        let seen = Seen::default();
        let report = seen.key(0, "a", "end-of-call-report", &Mark::Only);
        let first = seen.first(report).await.unwrap();
        let mut second = Box::pin(seen.first(report));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(first);
        second.await.unwrap().done();
        assert!(seen.first(report).await.is_none());
    }
}
