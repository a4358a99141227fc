//! What is read from the file: items that are to be sent, and what operators want to see.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Writer;
use crate::clock::Clock;
use crate::outbox::job::{Loaded, Look};
use crate::outbox::queue::ItemId;
use crate::outbox::record::{State, open_item, open_note};
use crate::outbox::store::{StoreError, View};
use crate::outbox::view::{DestinationStatus, Phase, Row, Shown, Status};
use jiff::Timestamp;

impl Writer {
    /// Says what is asked. Whoever asked may have gone.
    pub(super) fn look(&mut self, look: Look) {
        match look {
            Look::Load { id, done } => {
                let loaded = self.load(id).unwrap_or_else(|error| {
                    self.fail(&error);
                    Loaded::Unreadable
                });
                drop(done.send(loaded));
            }
            Look::Page { phase, after, limit, done } => {
                drop(done.send(self.page(phase, after, limit).unwrap_or_default()));
            }
            Look::Show { id, done } => drop(done.send(self.show(id).unwrap_or_default())),
            Look::Status(done) => drop(done.send(self.status())),
        }
    }

    fn view(&self) -> Result<Option<View>, StoreError> {
        self.store.as_ref().map(super::Store::view).transpose()
    }

    fn load(&self, id: ItemId) -> Result<Loaded, StoreError> {
        let Some(view) = self.view()? else { return Ok(Loaded::Unreadable) };
        let state = view.states.get(id)?.and_then(|record| State::open(id, record.value()));
        let item = view.items.get(id)?.and_then(|record| open_item(id, record.value()));
        Ok(match (state, item) {
            (Some(state), Some(item)) => Loaded::Sound(state, Box::new(item)),
            _ => Loaded::Damaged,
        })
    }

    fn page(&self, phase: Option<Phase>, after: ItemId, limit: usize) -> Result<Vec<Row>, StoreError> {
        let Some(view) = self.view()? else { return Ok(Vec::new()) };
        let beyond = (Bound::Excluded(after), Bound::Unbounded);
        let mut rows = Vec::new();
        if phase == Some(Phase::Dead) {
            for (id, _) in self.tally.dead.range(beyond).take(limit) {
                rows.extend(self.row(&view, *id)?.map(Row::without_body));
            }
            return Ok(rows);
        }
        for entry in view.states.range::<u64>(beyond)? {
            if rows.len() == limit {
                break;
            }
            let id = entry?.0.value();
            if phase.is_none_or(|phase| phase == self.phase(id)) {
                rows.extend(self.row(&view, id)?.map(Row::without_body));
            }
        }
        Ok(rows)
    }

    fn show(&self, id: ItemId) -> Result<Option<Shown>, StoreError> {
        let Some(view) = self.view()? else { return Ok(None) };
        Ok(self.row(&view, id)?.map(Shown::new))
    }

    fn row(&self, view: &View, id: ItemId) -> Result<Option<Row>, StoreError> {
        let Some(state) = view.states.get(id)?.and_then(|record| State::open(id, record.value())) else {
            return Ok(None);
        };
        let item = view.items.get(id)?.and_then(|record| open_item(id, record.value()));
        let note = view.notes.get(id)?.and_then(|record| open_note(id, record.value()));
        Ok(Some(Row::new(id, self.phase(id), state, item, note)))
    }

    fn phase(&self, id: ItemId) -> Phase {
        match () {
            () if self.tally.dead.contains_key(&id) => Phase::Dead,
            () if self.shared.queue().is_leased(id) => Phase::Leased,
            () => Phase::Waiting,
        }
    }

    fn status(&self) -> Status {
        let counts = &self.shared.counts;
        let now = Clock::now().as_millisecond();
        let (waiting, leased, summaries) = {
            let queue = self.shared.queue();
            (queue.waiting(), queue.leased(), queue.summaries(now))
        };
        let mut dead: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for (_, destination) in self.tally.dead.values() {
            *dead.entry(destination).or_default() += 1;
        }
        let destinations = summaries.into_iter().map(|alive| {
            let dead = dead.remove(&alive.destination).unwrap_or_default();
            DestinationStatus { alive, dead }
        });
        let mut destinations: Vec<DestinationStatus> = destinations.collect();
        destinations
            .extend(dead.into_iter().map(|(destination, dead)| DestinationStatus::only_dead(destination, dead)));
        destinations.sort_by(|a, b| a.alive.destination.cmp(&b.alive.destination));
        Status {
            waiting,
            leased,
            dead: self.tally.dead.len(),
            bytes: self.tally.bytes,
            oldest_at: self.oldest().unwrap_or_default(),
            delivered: counts.delivered.load(Ordering::Relaxed),
            failed: counts.failed.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            buried: counts.buried.load(Ordering::Relaxed),
            unqueued: counts.unqueued.load(Ordering::Relaxed),
            trouble: self.store.is_none().then(|| self.trouble()),
            destinations,
        }
    }

    /// When the oldest item was decided that is alive: the first but for dead letters, of which there are not many.
    fn oldest(&self) -> Result<Option<Timestamp>, StoreError> {
        let Some(view) = self.view()? else { return Ok(None) };
        for entry in view.states.range::<u64>(..)? {
            let (id, record) = entry?;
            let state = State::open(id.value(), record.value()).filter(|state| state.buried.is_none());
            if let Some(state) = state {
                return Ok(Timestamp::from_millisecond(state.decided_at).ok());
            }
        }
        Ok(None)
    }
}
