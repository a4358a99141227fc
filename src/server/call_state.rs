//! What rules keep for the length of a call: `state`.
//!
//! A decision works on a copy and leaves changes behind, so that it can be made again without harm. They
//! are applied at once, or not at all if another decision of the same call was quicker: then the decision
//! is made again with what that one left.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use serde_json::{Map, Value};

use crate::engine::facts::StateChange;

/// What is assumed of a call's state besides its texts.
const OVERHEAD_BYTES: u64 = 128;

/// The state of one call.
pub type State = Arc<Map<String, Value>>;

/// A call: the site it belongs to, and its id.
pub type Call = (usize, Box<str>);

/// The states of the calls that are going on; the longest unused make room for new ones.
pub struct CallStates {
    calls: Cache<Call, State, Bytes>,
}

/// Another decision of the same call was quicker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

#[derive(Clone)]
struct Bytes;

impl Weighter<Call, State> for Bytes {
    fn weight(&self, key: &Call, state: &State) -> u64 {
        state.iter().map(|(name, value)| (name.len() + size(value)) as u64).sum::<u64>()
            + key.1.len() as u64
            + OVERHEAD_BYTES
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 24,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 24,
        Value::Object(entries) => entries.iter().map(|(key, entry)| key.len() + size(entry)).sum::<usize>() + 48,
        _ => 24,
    }
}

impl CallStates {
    /// Room for states of `bytes_max` in all.
    #[must_use]
    pub fn new(bytes_max: u64) -> CallStates {
        let calls_expected = usize::try_from(bytes_max / 1024).unwrap_or(usize::MAX).max(16);
        CallStates { calls: Cache::with_weighter(calls_expected, bytes_max, Bytes) }
    }

    /// The state of `call` as it is now.
    #[must_use]
    pub fn get(&self, call: &Call) -> State {
        self.calls.get(call).unwrap_or_default()
    }

    /// Applies `changes` that a decision made which knew the state as `known`.
    ///
    /// # Errors
    /// [`Conflict`] if the state has changed since and the changes cannot be made in any order.
    pub fn apply(&self, call: &Call, known: &State, changes: &[StateChange]) -> Result<(), Conflict> {
        if changes.is_empty() {
            return Ok(());
        }
        let known_empty = known.is_empty();
        let outcome = self.calls.entry(call, None, |_, current| {
            let commute = changes.iter().all(|change| matches!(change, StateChange::Add(..)));
            if !Arc::ptr_eq(current, known) && !commute {
                return EntryAction::Retain(Err(Conflict));
            }
            let state = Arc::make_mut(current);
            make_all(changes, state);
            EntryAction::Retain(Ok(()))
        });
        match outcome {
            EntryResult::Retained(outcome) => outcome,
            // The state was forgotten meanwhile, to make room.
            EntryResult::Vacant(_) if !known_empty => Err(Conflict),
            EntryResult::Vacant(place) => {
                let mut state = Map::new();
                make_all(changes, &mut state);
                // Fails only if somebody cleared the place, in which case there is nothing to keep.
                drop(place.insert(Arc::new(state)));
                Ok(())
            }
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => Err(Conflict),
        }
    }
}

fn make_all(changes: &[StateChange], state: &mut Map<String, Value>) {
    for change in changes {
        make(change, state);
    }
}

fn make(change: &StateChange, state: &mut Map<String, Value>) {
    match change {
        StateChange::Set(name, Value::Null) => drop(state.shift_remove(name)),
        StateChange::Set(name, value) => drop(state.insert(name.clone(), value.clone())),
        StateChange::Add(name, by) => {
            let number = state.get(name).and_then(Value::as_i64).unwrap_or(0).saturating_add(*by);
            state.insert(name.clone(), number.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: impl Into<Value>) -> Vec<StateChange> {
        vec![StateChange::Set(name.to_owned(), value.into())]
    }

    fn add(name: &str, by: i64) -> Vec<StateChange> {
        vec![StateChange::Add(name.to_owned(), by)]
    }

    fn call() -> Call {
        (0, "call-1".into())
    }

    #[test]
    fn what_is_set_is_found_again_and_null_removes_it() {
        let states = CallStates::new(1 << 20);
        states.apply(&call(), &states.get(&call()), &set("guest", "Ada")).unwrap();
        assert_eq!(states.get(&call()).get("guest"), Some(&Value::from("Ada")));
        states.apply(&call(), &states.get(&call()), &set("guest", Value::Null)).unwrap();
        assert!(states.get(&call()).is_empty());
        assert!(states.get(&(1, "call-1".into())).is_empty(), "another site's call of the same id");
    }

    #[test]
    fn the_slower_of_two_decisions_is_told_to_try_again() {
        let states = CallStates::new(1 << 20);
        let known = states.get(&call());
        states.apply(&call(), &known, &set("turn", 1)).unwrap();
        assert_eq!(states.apply(&call(), &known, &set("turn", 2)), Err(Conflict));
        assert_eq!(states.apply(&call(), &states.get(&call()), &set("turn", 2)), Ok(()));
    }

    #[test]
    fn sums_never_conflict() {
        let states = CallStates::new(1 << 20);
        let known = states.get(&call());
        for _ in 0..3 {
            states.apply(&call(), &known, &add("tries", 1)).unwrap();
        }
        assert_eq!(states.get(&call()).get("tries"), Some(&Value::from(3)));
    }

    #[test]
    fn old_states_make_room() {
        let states = CallStates::new(64 << 10);
        for number in 0..2000 {
            let call = (0, format!("call-{number}").into());
            states.apply(&call, &State::default(), &set("text", "x".repeat(100))).unwrap();
        }
        assert!(states.calls.weight() <= 64 << 10);
    }
}
