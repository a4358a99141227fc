//! Events that arrive again are answered again, but what their rules do is done once.
//!
//! For tool calls there is [`AnswerOnce`](super::dedup::AnswerOnce). For the others the decision is simply made
//! again, which is free of consequences, and only what it would change is left out.

use std::hash::{BuildHasher as _, RandomState};

use quick_cache::sync::{Cache, DefaultLifecycle, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, UnitWeighter};

/// How many events are remembered; the longest unused make room.
const EVENTS_MAX: usize = 16 * 1024;

/// The identity of one event, as the contract's section 7 has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKey {
    server: usize,
    call: Box<str>,
    kind: Box<str>,
    version: Version,
}

/// What tells an event from others of its kind in the same call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Version {
    /// Nothing: there is one for each call.
    Only,
    /// Its status and time, as they are written.
    Stamped(Option<Box<str>>, Option<Box<str>>),
    /// All of it, as a number that stands for it in this process.
    Body(u64),
}

impl EventKey {
    /// The identity of an event of `kind` in `call`, which came to the server at index `server`.
    #[must_use]
    pub fn new(server: usize, call: &str, kind: &str, version: Version) -> EventKey {
        EventKey { server, call: call.into(), kind: kind.into(), version }
    }
}

/// Events of late that had consequences.
pub struct Seen {
    events: Cache<EventKey, ()>,
    hasher: RandomState,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { events: Cache::new(EVENTS_MAX), hasher: RandomState::new() }
    }
}

impl Seen {
    /// The version of an event that only its whole body tells from others.
    #[must_use]
    pub fn body(&self, body: &str) -> Version {
        Version::Body(self.hasher.hash_one(body))
    }

    /// A right to be the first to whom the consequences of this event come true; nothing if they have. While another has
    /// it, its outcome is waited for: should it fail, it is somebody else's turn.
    pub async fn first(&self, key: &EventKey) -> Option<First<'_>> {
        self.events.get_value_or_guard_async(key).await.err().map(First)
    }
}

/// The right to be first. Dropped, it passes on.
pub struct First<'a>(Guard<'a>);

type Guard<'a> = PlaceholderGuard<'a, EventKey, (), UnitWeighter, DefaultHashBuilder, DefaultLifecycle<EventKey, ()>>;

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
    async fn is_new(seen: &Seen, key: EventKey) -> bool {
        seen.first(&key).await.map(First::done).is_some()
    }

    #[tokio::test]
    async fn an_event_is_new_once() {
        let seen = Seen::default();
        let report = |call| EventKey::new(0, call, "end-of-call-report", Version::Only);
        assert!(is_new(&seen, report("a")).await);
        assert!(!is_new(&seen, report("a")).await);
        assert!(is_new(&seen, report("b")).await);
        let transcript = |text| EventKey::new(0, "a", "transcript", seen.body(text));
        assert!(is_new(&seen, transcript("hello")).await);
        assert!(is_new(&seen, transcript("bye")).await);
        assert!(!is_new(&seen, transcript("hello")).await);
    }

    #[tokio::test]
    async fn who_comes_meanwhile_waits_and_takes_over_what_failed() {
        let seen = Seen::default();
        let report = EventKey::new(0, "a", "end-of-call-report", Version::Only);
        let first = seen.first(&report).await.unwrap();
        let mut second = Box::pin(seen.first(&report));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(first);
        second.await.unwrap().done();
        assert!(seen.first(&report).await.is_none());
    }
}
