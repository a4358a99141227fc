//! What was found in a damaged file becomes dead letters of the new one: only an operator can say what is to be done.

use std::path::Path;

use super::Writer;
use crate::clock::Clock;
use crate::outbox::job::Prepared;
use crate::outbox::put_off::Item;
use crate::outbox::queue::ItemId;
use crate::outbox::record::{State, seal};
use crate::outbox::retry::{Cause, Millis};
use crate::outbox::salvage;

/// What stands with each of them.
const NOTE: &str = "found in a damaged file: it may have been delivered, or not";

impl Writer {
    /// Keeps what can be found in the file at `path`, and says how much that is.
    pub(super) fn salvage(&mut self, path: &Path) -> usize {
        let found = salvage::items(path, self.bounds.dead_max).unwrap_or_default();
        let now = Clock::now().as_millisecond();
        let letters: Vec<_> = found.into_iter().filter_map(|(id, item)| letter(id, item, now)).collect();
        let Some(store) = self.store.take() else { return 0 };
        let kept = store.write(|tables| {
            for (id, state, item) in &letters {
                tables.items.insert(*id, seal(*id, item).as_slice())?;
                tables.notes.insert(*id, seal(*id, NOTE.as_bytes()).as_slice())?;
                tables.set_state(*id, state)?;
            }
            Ok(())
        });
        self.store = Some(store);
        if let Err(error) = kept {
            self.fail(&error);
            return 0;
        }
        for (id, state, _) in &letters {
            self.tally.count(*id, state);
        }
        letters.len()
    }
}

fn letter(id: ItemId, item: Item, now: Millis) -> Option<(ItemId, State, Vec<u8>)> {
    let prepared = match item {
        Item::Action(action) => Prepared::of(&action),
        Item::Event(event) => Prepared::of_event(event),
    };
    let Prepared { item, state, .. } = prepared.ok()?;
    Some((id, State { buried: Some(Cause::Salvaged), due_at: now, vigil: 0, ..state }, item))
}
