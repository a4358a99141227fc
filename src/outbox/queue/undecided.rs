//! Which calls have events that are not decided yet.

use std::collections::HashMap;

use super::{ItemId, Undecided};

/// The calls of events, and how many events each has.
#[derive(Debug, Default)]
pub(super) struct UndecidedCalls {
    call_of: HashMap<ItemId, Undecided>,
    events_of: HashMap<Undecided, usize>,
}

impl UndecidedCalls {
    pub(super) fn add(&mut self, id: ItemId, call: Undecided) {
        if call != 0 && self.call_of.insert(id, call).is_none() {
            *self.events_of.entry(call).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, id: ItemId) {
        let Some(call) = self.call_of.remove(&id) else { return };
        if let Some(events) = self.events_of.get_mut(&call) {
            *events -= 1;
            if *events == 0 {
                self.events_of.remove(&call);
            }
        }
    }

    /// The call of an event.
    pub(super) fn call_of(&self, id: ItemId) -> Option<Undecided> {
        self.call_of.get(&id).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events_of.is_empty()
    }

    pub(super) fn contains(&self, call: Undecided) -> bool {
        self.events_of.contains_key(&call)
    }
}
