//! What changes in the file, and what the queue is told of it once that is on disk.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use redb::{ReadableTable as _, ReadableTableMetadata as _};

use super::Writer;
use crate::outbox::job::{EVENT_AGE_MAX, Prepared, Settle, Write, key_of_event, undecided, vigil};
use crate::outbox::put_off::Item;
use crate::outbox::queue::{Health, ItemId, Queue, Waiting};
use crate::outbox::record::{State, open_item, seal};
use crate::outbox::retry::{Cause, Millis, Next};
use crate::outbox::store::{StoreError, Tables};
use crate::outbox::{Bounds, EnqueueError, Enqueued, Happened, Which};
use crate::telemetry;

/// How long the key of an item that was delivered or called off is remembered, in milliseconds.
const KEYS_KEPT: i64 = 24 * 60 * 60 * 1000;
/// How many are remembered at most; the oldest make room.
const KEYS_MAX: u64 = 100_000;
/// How many events are remembered at most that came before earlier ones were decided; the oldest make room.
const MEANWHILE_MAX: u64 = 100_000;
/// How much is kept of a note about an item that is tried again.
const NOTE_BYTES_MAX: usize = 1024;
/// How many are forgotten in one transaction: more than it can add.
const FORGOTTEN_MAX: usize = 1024;

/// What a change came to.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) changes: Vec<Change>,
    pub(super) refused: Option<EnqueueError>,
    /// How many items it was about.
    pub(super) count: usize,
}

/// What the queue is told.
pub(super) enum Change {
    Added(Waiting),
    Settled { id: ItemId, health: Health, again: Option<Waiting>, now: Millis },
}

impl Change {
    pub(super) fn make(&self, queue: &mut Queue) {
        match self {
            Change::Added(item) => queue.add(item.clone()),
            Change::Settled { id, health, again, now } => queue.settle(*id, *health, again.clone(), *now),
        }
    }
}

impl Writer {
    pub(super) fn apply(&mut self, write: &Write, tables: &mut Tables<'_>, now: Millis) -> Result<Applied, StoreError> {
        match write {
            Write::Enqueue { items, is_owed, .. } => self.take_in(items, is_owed.then_some(now), tables),
            Write::Settle(settle) => self.settle(settle, tables),
            Write::CallOff { event, .. } => self.call_off(event, tables, now),
            Write::Retry { which, .. } => self.retry(*which, tables, now),
            Write::Discard { which, .. } => self.discard(*which, tables),
        }
    }

    /// Takes all that is new, if there is room for all of it. What is owed needs none; it has become so at `owed_at`.
    fn take_in(
        &mut self,
        items: &[Prepared],
        owed_at: Option<Millis>,
        tables: &mut Tables<'_>,
    ) -> Result<Applied, StoreError> {
        let (mut new, mut keys) = (Vec::with_capacity(items.len()), HashSet::new());
        for item in items {
            if !self.tally.keys.contains(&item.state.key) && keys.insert(item.state.key) {
                new.push(item);
            }
        }
        if let Err(refused) = self.has_room(&new, owed_at.is_some()) {
            return Ok(Applied { refused: Some(refused), ..Applied::default() });
        }
        let mut applied = Applied::default();
        for Prepared { item, state, is_of_its_moment } in new {
            let tried_from = owed_at.filter(|_| !*is_of_its_moment);
            let (id, state) = (self.tally.next_id, self.bounded(state, tried_from));
            if !state.is_event() && self.tally.meanwhile.calls_off(&state) {
                called_off_at_once(item);
                continue;
            }
            tables.items.insert(id, seal(id, item).as_slice())?;
            tables.set_state(id, &state)?;
            self.tally.count(id, &state);
            applied.changes.push(Change::Added(state.waiting(id)));
        }
        Ok(applied)
    }

    /// The state with the time for which it is tried, from when it is due, or from `owed_at`: what an event wants cannot be
    /// tried before that is known, however long ago the event came.
    fn bounded(&self, state: &State, owed_at: Option<Millis>) -> State {
        let age_max = state.age_max.min(i64::try_from(self.bounds.age_max.as_millis()).unwrap_or(i64::MAX));
        let tried_from = state.due_at.max(owed_at.unwrap_or(state.due_at));
        State { age_max, expires_at: tried_from.saturating_add(age_max), ..state.clone() }
    }

    /// Whether there is room for all of it, or could ever be.
    fn has_room(&self, new: &[&Prepared], is_owed: bool) -> Result<(), EnqueueError> {
        let (items, bytes) = (new.len(), new.iter().map(|item| u64::from(item.state.bytes)).sum::<u64>());
        let Bounds { items_max, bytes_max, .. } = self.bounds;
        if items_max < items || bytes_max < bytes {
            Err(EnqueueError::TooMuch { items, bytes, items_max, bytes_max })
        } else if items != 0
            && !is_owed
            && (items_max < self.tally.items + items || bytes_max < self.tally.bytes + bytes)
        {
            Err(EnqueueError::Full { items: self.tally.items, bytes: self.tally.bytes })
        } else {
            Ok(())
        }
    }

    /// Writes down how an attempt ended.
    fn settle(&mut self, settle: &Settle, tables: &mut Tables<'_>) -> Result<Applied, StoreError> {
        let Settle { id, health, next, note, now } = settle;
        let (id, now) = (*id, *now);
        let mut again = None;
        match (tables.state(id)?, *next) {
            (None, _) => tables.remove(id)?,
            (Some(state), None) => self.forget(id, &state, tables)?,
            (Some(state), Some(Next::Done)) => self.finish(id, &state, tables, now)?,
            (Some(mut state), Some(Next::Again { at })) => {
                // What could not be read was not tried.
                state.attempts = state.attempts.saturating_add(u32::from(!note.is_empty()));
                state.due_at = at;
                if state.is_event() {
                    // Others of its call do not wait until it can be decided.
                    state.lane = 0;
                }
                tables.set_state(id, &state)?;
                tables.notes.insert(id, seal(id, beginning(note).as_bytes()).as_slice())?;
                again = Some(state.waiting(id));
            }
            (Some(state), Some(Next::Bury(cause))) => self.bury(id, state, cause, note, now, tables)?,
        }
        let change = Change::Settled { id, health: *health, again, now };
        Ok(Applied { changes: vec![change], ..Applied::default() })
    }

    fn bury(
        &mut self,
        id: ItemId,
        mut state: State,
        cause: Cause,
        note: &str,
        now: Millis,
        tables: &mut Tables<'_>,
    ) -> Result<(), StoreError> {
        self.tally.discount(id, &state);
        // What is over age was not asked once more.
        state.attempts = state.attempts.saturating_add(u32::from(!note.is_empty()));
        state.buried = Some(cause);
        state.due_at = now;
        if !note.is_empty() {
            state.bytes = state.bytes.saturating_add(u32::try_from(note.len()).unwrap_or(u32::MAX));
            tables.notes.insert(id, seal(id, note.as_bytes()).as_slice())?;
        }
        tables.set_state(id, &state)?;
        self.tally.count(id, &state);
        self.shared.counts.buried.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Calls off what waits for this event not to come, and remembers it for what is not decided yet. One that was put off
    /// has done so before: what waits now came later, or is what it wants itself.
    fn call_off(&mut self, event: &Happened, tables: &mut Tables<'_>, now: Millis) -> Result<Applied, StoreError> {
        let key = key_of_event(&event.server, &event.idempotency_key);
        if self.tally.keys.contains(&key) {
            return Ok(Applied::default());
        }
        let (vigil, at) = (vigil(&event.server, &event.call, &event.kind), event.at.as_millisecond());
        let (ids, is_undecided) = {
            let queue = self.shared.queue();
            (queue.waiting_for(vigil), queue.is_undecided(undecided(&event.server, &event.call)))
        };
        if is_undecided {
            tables.meanwhile.insert((at, vigil), ())?;
            self.tally.meanwhile.add(vigil, at);
        }
        let mut count = 0;
        for id in &ids {
            let in_time = |it: &State| it.decided_at <= at && at <= it.vigil_until;
            let Some(state) = tables.state(*id)?.filter(in_time) else { continue };
            let item = tables.items.get(*id)?.and_then(|record| open_item(*id, record.value()));
            // The vigil is a hash, and two events can have the same.
            let Some(item) = item.and_then(|item| event.calls_off(item)) else { continue };
            if self.shared.queue().take(&state.waiting(*id)) {
                // The event that wants it may come again after a crash: then it neither wants this, nor calls others off.
                self.finish(*id, &state, tables, now)?;
                if let Some(wanted_by) = &item.wanted_by {
                    self.remember(key_of_event(&item.server, wanted_by), tables, now)?;
                }
                count += 1;
            }
        }
        if count != 0 {
            telemetry::called_off(&event.server, &event.call, &event.kind, count);
            // What later events want, it does not call off when it comes again.
            self.remember(key, tables, now)?;
        }
        Ok(Applied { count, ..Applied::default() })
    }

    fn meant(&self, which: Which) -> Vec<ItemId> {
        match which {
            Which::One(id) => vec![id],
            Which::Dead => self.tally.dead.keys().copied().collect(),
        }
    }

    /// Has items sent now, unless they are on their way.
    fn retry(&mut self, which: Which, tables: &mut Tables<'_>, now: Millis) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        for id in self.meant(which) {
            let Some(mut state) = tables.state(id)? else { continue };
            let is_dead = state.buried.is_some();
            if !is_dead && !self.shared.queue().reschedule(&state.waiting(id), now) {
                continue;
            }
            self.tally.discount(id, &state);
            if is_dead {
                state.buried = None;
                state.attempts = 0;
                state.expires_at = now.saturating_add(state.age_max);
            }
            state.due_at = now;
            // Somebody wants it, whatever happens; an event is still one of its call.
            state.vigil = if state.is_event() { state.vigil } else { 0 };
            tables.set_state(id, &state)?;
            self.tally.count(id, &state);
            applied.count += 1;
            applied.changes.extend(is_dead.then(|| Change::Added(state.waiting(id))));
        }
        Ok(applied)
    }

    /// Forgets items, unless they are on their way.
    fn discard(&mut self, which: Which, tables: &mut Tables<'_>) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        for id in self.meant(which) {
            let Some(state) = tables.state(id)? else { continue };
            if state.buried.is_some() || self.shared.queue().take(&state.waiting(id)) {
                self.forget(id, &state, tables)?;
                applied.count += 1;
            }
        }
        Ok(applied)
    }

    /// Keeps the bounds of dead letters.
    pub(super) fn make_room(&mut self, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        let mut removed = 0;
        while self.bounds.dead_max < self.tally.dead.len() || self.bounds.bytes_max < self.tally.dead_bytes {
            let Some((id, (bytes, _))) = self.tally.dead.pop_first() else { break };
            self.tally.dead_bytes = self.tally.dead_bytes.saturating_sub(u64::from(bytes));
            if let Some(state) = tables.state(id)? {
                self.tally.keys.remove(&state.key);
            }
            tables.remove(id)?;
            removed += 1;
        }
        if removed != 0 {
            telemetry::dead_letters_removed(removed);
        }
        Ok(())
    }

    /// Forgets the keys of what was delivered or called off long ago.
    pub(super) fn forget_keys(&mut self, tables: &mut Tables<'_>, now: Millis) -> Result<(), StoreError> {
        for _ in 0..FORGOTTEN_MAX {
            let Some((forgotten_at, key)) = tables.forgetting.first()?.map(|(key, _)| key.value()) else { break };
            if now < forgotten_at && tables.forgetting.len()? <= KEYS_MAX {
                break;
            }
            tables.forgetting.remove((forgotten_at, key))?;
            self.tally.keys.remove(&key);
        }
        Ok(())
    }

    /// Forgets the events for which no earlier one of their calls can be undecided any more. As long as any is, it may be one
    /// that is tried after days in which the daemon did not run.
    pub(super) fn forget_meanwhile(&mut self, tables: &mut Tables<'_>, now: Millis) -> Result<(), StoreError> {
        let is_decided = self.shared.queue().is_decided();
        for _ in 0..FORGOTTEN_MAX {
            let Some((at, vigil)) = tables.meanwhile.first()?.map(|(key, _)| key.value()) else { break };
            let is_needed = !is_decided || now < at.saturating_add(EVENT_AGE_MAX);
            if is_needed && tables.meanwhile.len()? <= MEANWHILE_MAX {
                break;
            }
            tables.meanwhile.remove((at, vigil))?;
            self.tally.meanwhile.forget(vigil, at);
        }
        Ok(())
    }

    /// Remembers the key of an event that is over.
    fn remember(&mut self, key: u128, tables: &mut Tables<'_>, now: Millis) -> Result<(), StoreError> {
        if self.tally.keys.insert(key) {
            tables.forgetting.insert((now.saturating_add(KEYS_KEPT), key), ())?;
        }
        Ok(())
    }

    /// Removes an item of which nothing is to be done any more; its key is remembered, lest it is taken again.
    fn finish(&mut self, id: ItemId, state: &State, tables: &mut Tables<'_>, now: Millis) -> Result<(), StoreError> {
        tables.forgetting.insert((now.saturating_add(KEYS_KEPT), state.key), ())?;
        self.remove(id, state, tables)
    }

    /// Removes an item as if it had never been.
    fn forget(&mut self, id: ItemId, state: &State, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        self.tally.keys.remove(&state.key);
        self.remove(id, state, tables)
    }

    fn remove(&mut self, id: ItemId, state: &State, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        self.tally.discount(id, state);
        tables.remove(id)
    }
}

impl Happened {
    /// What is in `item`, if the event calls that off.
    fn calls_off(&self, item: Item) -> Option<Enqueued> {
        let Item::Action(item) = item else { return None };
        let kind = item.action.unless_by.as_ref().map(|it| it.kind.as_str());
        let is_awaited =
            item.server == self.server && item.call.as_deref() == Some(&self.call) && kind == Some(&self.kind);
        (is_awaited && item.wanted_by.as_ref() != Some(&self.idempotency_key)).then_some(item)
    }
}

/// Tells the log of an action that was superfluous before it was taken.
fn called_off_at_once(item: &[u8]) {
    let Ok(Item::Action(Enqueued { action, server, call: Some(call), .. })) = serde_json::from_slice(item) else {
        return;
    };
    let kind = action.unless_by.map(|it| it.kind).unwrap_or_default();
    telemetry::called_off(&server, &call, &kind, 1);
}

/// What is kept of a note about an item that is tried again: many wait where a destination is down.
fn beginning(note: &str) -> &str {
    let end = note.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= NOTE_BYTES_MAX).last();
    note.get(..end.unwrap_or(0)).unwrap_or_default()
}
