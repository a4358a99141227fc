//! Events that arrive again are answered again, but what their rules do is done once.
//!
//! For tool calls there is [`AnswerOnce`](super::dedup::AnswerOnce). For the others the decision is simply made
//! again, which is free of consequences, and only what it would change is left out.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use quick_cache::sync::{Cache, GuardResult};

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

    /// Forgets an event whose consequences did not come true: it is to come again.
    pub fn forget(&self, key: &EventKey) {
        self.events.remove(key);
    }

    /// Whether the event is met for the first time.
    #[must_use]
    pub fn is_new(&self, key: &EventKey) -> bool {
        match self.events.get_value_or_guard(key, Some(Duration::ZERO)) {
            GuardResult::Guard(place) => place.insert(()).is_ok(),
            // Whoever holds the guard this moment was first.
            GuardResult::Value(()) | GuardResult::Timeout => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_new_once() {
        let seen = Seen::default();
        let report = |call| EventKey::new(0, call, "end-of-call-report", Version::Only);
        assert!(seen.is_new(&report("a")));
        assert!(!seen.is_new(&report("a")));
        assert!(seen.is_new(&report("b")));
        seen.forget(&report("a"));
        assert!(seen.is_new(&report("a")));
        let transcript = |text| EventKey::new(0, "a", "transcript", seen.body(text));
        assert!(seen.is_new(&transcript("hello")));
        assert!(seen.is_new(&transcript("bye")));
        assert!(!seen.is_new(&transcript("hello")));
    }
}
