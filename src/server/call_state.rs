//! What rules keep for the length of a call: `state`.
//!
//! A decision works on a copy, so that it can be made again without harm. Its copy takes the place of the
//! original only if that is still what the decision knew; otherwise another decision of the same call was quicker, and
//! this one is made again with what that one left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use tokio::sync::OwnedMutexGuard;

use super::recent::{self, Room};
use crate::clock::Clock;
use crate::engine::facts::{State, bytes_kept, nothing};

/// What is assumed of a call's state besides its texts.
const OVERHEAD_BYTES: u64 = 128;
/// How long a state is kept after its last change: no call lasts longer than half of that (contract, section 7), and little
/// comes after it.
const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A call: the site it belongs to, and its id.
pub type Call = (usize, Arc<str>);

/// The states of the calls that are going on; the longest unused make room for new ones, and none outlives its call for long.
pub struct CallStates {
    calls: Cache<Call, Kept, Bytes>,
    /// The turns of calls in which decisions have met.
    turns: Mutex<HashMap<Call, Weak<tokio::sync::Mutex<()>>>>,
}

/// The right to be the only one, of all decisions of a call that have met.
pub type MyTurn = OwnedMutexGuard<()>;

/// A state, and when it was last changed.
#[derive(Clone)]
struct Kept {
    state: State,
    changed_at: Instant,
}

/// Another decision of the same call was quicker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

#[derive(Clone)]
struct Bytes;

impl Kept {
    fn is_over(&self, now: Instant) -> bool {
        AGE_MAX < now.saturating_duration_since(self.changed_at)
    }
}

impl Weighter<Call, Kept> for Bytes {
    fn weight(&self, key: &Call, kept: &Kept) -> u64 {
        let values: usize = kept.state.iter().map(|(name, value)| bytes_kept(name, value)).sum();
        (values + key.1.len()) as u64 + OVERHEAD_BYTES
    }
}

impl CallStates {
    /// Room for states of `bytes_max` in all.
    #[must_use]
    pub fn new(bytes_max: u64) -> CallStates {
        let room = Room { weight_max: bytes_max, weight_usual: 1024, shards: 4, asked_again: 0.5 };
        CallStates { calls: recent::cache(&room, Bytes), turns: Mutex::default() }
    }

    /// Keeps so many bytes from now on.
    pub fn rebound(&self, bytes_max: u64) {
        self.calls.set_capacity(bytes_max);
    }

    /// The state of `call` as it is now.
    #[must_use]
    pub fn get(&self, call: &Call) -> State {
        self.get_at(call, Clock::instant)
    }

    /// Nothing is kept of most calls, and then nobody looks at the clock.
    fn get_at(&self, call: &Call, now: impl FnOnce() -> Instant) -> State {
        let kept = self.calls.get(call).filter(|kept| !kept.is_over(now()));
        kept.map_or_else(nothing, |kept| kept.state)
    }

    /// Puts `next` in the place of `known`.
    ///
    /// # Errors
    /// [`Conflict`] if the state is no longer `known`.
    pub fn replace(&self, call: &Call, known: &State, next: State) -> Result<(), Conflict> {
        self.replace_at(call, known, next, Clock::instant())
    }

    fn replace_at(&self, call: &Call, known: &State, next: State, now: Instant) -> Result<(), Conflict> {
        let next = Kept { state: next, changed_at: now };
        let replaced = self.calls.entry(call, None, |_, current| {
            let is_known = if current.is_over(now) { known.is_empty() } else { Arc::ptr_eq(&current.state, known) };
            if is_known {
                *current = next.clone();
                EntryAction::Retain(Ok(()))
            } else {
                EntryAction::Retain(Err(Conflict))
            }
        });
        match replaced {
            EntryResult::Retained(outcome) => outcome,
            EntryResult::Vacant(place) if known.is_empty() => {
                // Fails only if somebody cleared the place, in which case there is nothing to keep.
                drop(place.insert(next));
                Ok(())
            }
            // The state was forgotten meanwhile, to make room.
            EntryResult::Vacant(_) | EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => {
                Err(Conflict)
            }
        }
    }

    /// Lets one decision of `call` at a time pass: those that had a conflict take turns.
    pub async fn turn(&self, call: &Call) -> MyTurn {
        let turns = self.turns_of(call);
        turns.lock_owned().await
    }

    fn turns_of(&self, call: &Call) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = all.get(call).and_then(Weak::upgrade) {
            return turns;
        }
        // No more are left than decisions are being made.
        all.retain(|_, turns| turns.strong_count() != 0);
        let turns = Arc::default();
        all.insert(call.clone(), Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn state(value: &Value) -> State {
        Arc::new(value.as_object().cloned().unwrap())
    }

    fn call() -> Call {
        (0, "call-1".into())
    }

    #[test]
    fn what_is_kept_is_found_again_in_the_same_call_only() {
        let states = CallStates::new(1 << 20);
        states.replace(&call(), &states.get(&call()), state(&json!({ "guest": "Ada" }))).unwrap();
        assert_eq!(states.get(&call()).get("guest"), Some(&Value::from("Ada")));
        assert!(states.get(&(1, "call-1".into())).is_empty(), "another site's call of the same id");
    }

    #[test]
    fn the_slower_of_two_decisions_is_told_to_try_again() {
        let states = CallStates::new(1 << 20);
        let known = states.get(&call());
        states.replace(&call(), &known, state(&json!({ "turn": 1 }))).unwrap();
        assert_eq!(states.replace(&call(), &known, state(&json!({ "turn": 2 }))), Err(Conflict));
        assert_eq!(states.replace(&call(), &states.get(&call()), state(&json!({ "turn": 2 }))), Ok(()));
    }

    #[test]
    fn a_state_that_was_forgotten_is_a_conflict_too() {
        let states = CallStates::new(1 << 20);
        let known = state(&json!({ "turn": 1 }));
        assert_eq!(states.replace(&call(), &known, state(&json!({ "turn": 2 }))), Err(Conflict));
    }

    #[test]
    fn the_largest_state_that_a_script_can_make_is_kept() {
        let states = CallStates::new(16 << 20);
        let large = state(&json!({ "text": "x".repeat(256 * 1024) }));
        states.replace(&call(), &State::default(), Arc::clone(&large)).unwrap();
        assert!(Arc::ptr_eq(&states.get(&call()), &large));
        states.replace(&call(), &large, Arc::new(serde_json::Map::clone(&large))).unwrap();
        assert_eq!(states.get(&call()), large);
    }

    #[tokio::test]
    async fn only_decisions_of_one_call_take_turns() {
        let states = CallStates::new(1 << 20);
        let mine = states.turn(&call()).await;
        for number in 0..1000 {
            drop(states.turn(&(0, format!("call-{number}-of-others").into())).await);
        }
        let mut next = std::pin::pin!(states.turns_of(&call()).lock_owned());
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        drop(mine);
        drop(next.await);
        assert!(states.turns.lock().unwrap().len() <= 2, "turns that nobody takes are kept");
    }

    #[test]
    fn a_state_ends_a_day_after_its_last_change() {
        let states = CallStates::new(1 << 20);
        let (begun_at, day) = (Clock::instant(), Duration::from_secs(24 * 60 * 60));
        let change =
            |known: &State, turn: u64, at| states.replace_at(&call(), known, state(&json!({ "turn": turn })), at);
        change(&State::default(), 1, begun_at).unwrap();
        let known = states.get_at(&call(), || begun_at + day);
        assert_eq!(known.get("turn"), Some(&Value::from(1)));
        change(&known, 2, begun_at + day).unwrap();
        let known = states.get_at(&call(), || begun_at + day * 2);
        assert_eq!(known.get("turn"), Some(&Value::from(2)), "each change counts anew");
        let later = begun_at + day * 2 + Duration::from_millis(1);
        assert!(states.get_at(&call(), || later).is_empty());
        assert_eq!(change(&known, 3, later), Err(Conflict), "it was forgotten");
        change(&State::default(), 4, later).unwrap();
        assert_eq!(states.get_at(&call(), || later).get("turn"), Some(&Value::from(4)));
    }

    #[test]
    fn old_states_make_room() {
        let states = CallStates::new(64 << 10);
        for number in 0..2000 {
            let call = (0, format!("call-{number}").into());
            states.replace(&call, &State::default(), state(&json!({ "text": "x".repeat(100) }))).unwrap();
            let going_on = (0, format!("call-{}", number - number % 50).into());
            assert!(!states.get(&going_on).is_empty(), "call-{number}: what is asked for now and then stays");
        }
        assert!(states.calls.weight() <= 64 << 10);
        let newest = (1900..2000).map(|number| (0, format!("call-{number}").into()));
        assert_eq!(newest.filter(|call| states.get(call).is_empty()).count(), 0, "what is new stays, too");
    }
}
