//! What waits, what is leased, and what may be leased next: the index of all that the file holds alive. Pure: time is an
//! argument, and whoever changes the queue has changed the file before.
//!
//! Of a million items it knows no more than when each is due, until when, and its place in an order. The requests
//! themselves stay on disk.

mod anew;
mod undecided;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;

use super::breaker::{Breaker, State};
use super::retry::Millis;
use undecided::UndecidedCalls;

/// The number of an item: later ones have greater numbers.
pub type ItemId = u64;
/// Stands for a call whose items are sent one after the other; 0 for none.
pub type Lane = u64;
/// Stands for an event that makes items superfluous; 0 for none.
pub type Vigil = u64;
/// Stands for the call of an event that is not decided yet; 0 for none, and for what is no event.
pub type Undecided = u64;

/// Of so many destinations it is remembered that they failed; URLs that callers give could make up any number.
const FAILED_MAX: usize = 1000;

/// An item that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: ItemId,
    /// Whom it is for: scheme, host and port, or the name of the secret that says them.
    pub destination: Arc<str>,
    /// When it is sent.
    pub due_at: Millis,
    /// Until when it is worth sending.
    pub expires_at: Millis,
    /// Whose turn it keeps.
    pub lane: Lane,
    /// What makes it superfluous.
    pub vigil: Vigil,
    /// Whose decision it is.
    pub undecided: Undecided,
    /// Whether it is ours to settle, so that no destination has to be spared.
    pub is_ours: bool,
}

/// An item that is about to be sent. Nobody else gets it until it is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its number.
    pub id: ItemId,
    /// Whom it is for.
    pub destination: Arc<str>,
}

/// What a destination showed of itself in an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered.
    Answers,
    /// It did not, or said that it cannot.
    Fails,
    /// It was not asked.
    Unknown,
}

/// How many attempts are under way at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub attempts_max: usize,
    /// At one destination.
    pub per_destination_max: usize,
    /// At all together that are ours.
    pub ours_max: usize,
}

/// What is known of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Scheme, host and port, or the name of the secret that says them.
    pub destination: Arc<str>,
    /// How many wait for it.
    pub waiting: usize,
    /// How many attempts are under way.
    pub leased: usize,
    /// Whether it is asked.
    pub state: State,
}

/// All that waits.
#[derive(Debug)]
pub struct Queue {
    room: Room,
    destinations: IndexMap<Arc<str>, Destination>,
    /// Where the next look at the destinations begins, so that each has its turn.
    cursor: usize,
    leased: HashMap<ItemId, Leased>,
    lanes: HashMap<Lane, BTreeMap<ItemId, Waiting>>,
    /// Which item of a lane is the one whose turn it is.
    heads: HashMap<Lane, ItemId>,
    vigils: HashMap<Vigil, Vec<ItemId>>,
    vigil_of: HashMap<ItemId, Vigil>,
    undecided: UndecidedCalls,
    waiting: usize,
    /// How many are leased that are ours.
    ours_leased: usize,
    /// Whether another one is about to take its place, so that nothing is leased.
    is_resting: bool,
}

#[derive(Debug, Default)]
struct Destination {
    waiting: BTreeMap<(Millis, ItemId), Slim>,
    leased: usize,
    breaker: Breaker,
    is_ours: bool,
}

/// What is kept of an item whose turn it is.
#[derive(Debug, Clone, Copy)]
struct Slim {
    lane: Lane,
    expires_at: Millis,
}

#[derive(Debug, Clone)]
struct Leased {
    destination: Arc<str>,
    lane: Lane,
}

impl Queue {
    /// A queue in which nothing waits.
    #[must_use]
    pub fn new(room: Room) -> Queue {
        Queue {
            room,
            destinations: IndexMap::new(),
            cursor: 0,
            leased: HashMap::new(),
            lanes: HashMap::new(),
            heads: HashMap::new(),
            vigils: HashMap::new(),
            vigil_of: HashMap::new(),
            undecided: UndecidedCalls::default(),
            waiting: 0,
            ours_leased: 0,
            is_resting: false,
        }
    }

    /// Keeps other bounds from now on.
    pub fn resize(&mut self, room: Room) {
        self.room = room;
    }

    /// Takes an item that the file holds. One that is leased is known already.
    pub fn add(&mut self, item: Waiting) {
        if self.leased.contains_key(&item.id) {
            return;
        }
        self.waiting += 1;
        self.undecided.add(item.id, item.undecided);
        if item.vigil != 0 {
            self.vigils.entry(item.vigil).or_default().push(item.id);
            self.vigil_of.insert(item.id, item.vigil);
        }
        if item.lane != 0 {
            if let Some(head) = self.heads.get(&item.lane)
                && *head != item.id
            {
                let known = self.destinations.get_key_value(&item.destination).map(|(name, _)| Arc::clone(name));
                let item = Waiting { destination: known.unwrap_or(item.destination), ..item };
                self.lanes.entry(item.lane).or_default().insert(item.id, item);
                return;
            }
            self.heads.insert(item.lane, item.id);
        }
        self.line_up(item);
    }

    fn line_up(&mut self, item: Waiting) {
        let slim = Slim { lane: item.lane, expires_at: item.expires_at };
        let destination = self.destinations.entry(item.destination).or_default();
        destination.is_ours = item.is_ours;
        destination.waiting.insert((item.due_at, item.id), slim);
    }

    /// Leases what is due at `now`, one after the other to each destination, as far as there is room.
    pub fn lease(&mut self, now: Millis) -> Vec<Lease> {
        let mut leases = Vec::new();
        let mut fruitless = 0;
        while !self.is_resting && fruitless < self.destinations.len() && self.leased.len() < self.room.attempts_max {
            self.cursor = (self.cursor + 1) % self.destinations.len();
            let room = self.room();
            let found = self.destinations.get_index_mut(self.cursor).and_then(|(name, destination)| {
                let (id, lane) = destination.lease(now, room)?;
                Some((id, lane, Arc::clone(name), destination.is_ours))
            });
            let Some((id, lane, destination, is_ours)) = found else {
                fruitless += 1;
                continue;
            };
            fruitless = 0;
            self.ours_leased += usize::from(is_ours);
            self.waiting -= 1;
            self.forget_vigil(id);
            self.leased.insert(id, Leased { destination: Arc::clone(&destination), lane });
            leases.push(Lease { id, destination });
        }
        leases
    }

    /// When something will be due that has room then; `None` if only an attempt that ends can change that.
    #[must_use]
    pub fn next_at(&self, now: Millis) -> Option<Millis> {
        if self.is_resting || self.room.attempts_max <= self.leased.len() {
            return None;
        }
        let room = self.room();
        self.destinations.values().filter_map(|it| it.next_at(now, room)).min()
    }

    /// Ends a lease: the item is `again` to be sent, or gone.
    pub fn settle(&mut self, id: ItemId, health: Health, again: Option<Waiting>, now: Millis) {
        let Some(leased) = self.leased.remove(&id) else { return };
        if let Some(destination) = self.destinations.get_mut(&leased.destination) {
            destination.leased -= 1;
            self.ours_leased -= usize::from(destination.is_ours);
            match health {
                Health::Answers => destination.breaker.answered(),
                Health::Fails => destination.breaker.failed(now),
                Health::Unknown => {}
            }
        }
        let keeps_its_turn = again.as_ref().is_some_and(|item| item.lane == leased.lane);
        match again {
            Some(item) => {
                self.waiting += 1;
                self.line_up(item);
            }
            None => self.undecided.remove(id),
        }
        if !keeps_its_turn {
            self.next_in(leased.lane);
        }
        self.forget_idle(&leased.destination);
    }

    /// Takes an item out, so that it will not be leased; false if it is leased, or is not known.
    pub fn take(&mut self, item: &Waiting) -> bool {
        if let Some(lane) = self.lanes.get_mut(&item.lane)
            && lane.remove(&item.id).is_some()
        {
            if lane.is_empty() {
                self.lanes.remove(&item.lane);
            }
        } else {
            let destination = self.destinations.get_mut(&item.destination);
            if destination.and_then(|it| it.waiting.remove(&(item.due_at, item.id))).is_none() {
                return false;
            }
            self.next_in(item.lane);
        }
        self.waiting -= 1;
        self.undecided.remove(item.id);
        self.forget_vigil(item.id);
        self.forget_idle(&item.destination);
        true
    }

    /// Gives an item another time without taking its turn away, and whatever comes, it is sent; false if it is leased, or
    /// is not known.
    pub fn reschedule(&mut self, item: &Waiting, due_at: Millis) -> bool {
        if let Some(behind) = self.lanes.get_mut(&item.lane).and_then(|lane| lane.get_mut(&item.id)) {
            behind.due_at = due_at;
        } else {
            let destination = self.destinations.get_mut(&item.destination);
            let Some(waiting) = destination.map(|it| &mut it.waiting) else { return false };
            let Some(slim) = waiting.remove(&(item.due_at, item.id)) else { return false };
            waiting.insert((due_at, item.id), slim);
        }
        self.forget_vigil(item.id);
        true
    }

    /// The bounds as they are now: of those that are ours, how many more there may be.
    fn room(&self) -> Room {
        Room { ours_max: self.room.ours_max.saturating_sub(self.ours_leased), ..self.room }
    }

    /// Whether nothing waits in case an event does not come.
    #[must_use]
    pub fn keeps_no_vigil(&self) -> bool {
        self.vigils.is_empty()
    }

    /// Whether an event of this call is not decided yet.
    #[must_use]
    pub fn is_undecided(&self, call: Undecided) -> bool {
        self.undecided.contains(call)
    }

    /// Whether every event is decided.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.undecided.is_empty()
    }

    /// The items that an event of `vigil` makes superfluous.
    #[must_use]
    pub fn waiting_for(&self, vigil: Vigil) -> Vec<ItemId> {
        self.vigils.get(&vigil).cloned().unwrap_or_default()
    }

    /// Leases items that have become too old while their destinations are left alone, so that they can be buried.
    pub fn lease_expired(&mut self, now: Millis, most: usize) -> Vec<Lease> {
        let mut old = Vec::new();
        for (name, destination) in self.destinations.iter().filter(|_| !self.is_resting) {
            if matches!(destination.breaker.state(now), State::Open(_)) {
                let expired = destination.waiting.iter().filter(|(_, slim)| slim.expires_at < now);
                old.extend(expired.map(|(key, slim)| (Arc::clone(name), *key, slim.lane)).take(most - old.len()));
            }
        }
        let lease = |(name, key, lane): (Arc<str>, (Millis, ItemId), Lane)| {
            let destination = self.destinations.get_mut(&name)?;
            destination.waiting.remove(&key)?;
            destination.leased += 1;
            self.ours_leased += usize::from(destination.is_ours);
            self.waiting -= 1;
            self.leased.insert(key.1, Leased { destination: Arc::clone(&name), lane });
            Some(Lease { id: key.1, destination: name })
        };
        let leases: Vec<Lease> = old.into_iter().filter_map(lease).collect();
        for lease in &leases {
            self.forget_vigil(lease.id);
        }
        leases
    }

    /// How many items wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many attempts are under way.
    #[must_use]
    pub fn leased(&self) -> usize {
        self.leased.len()
    }

    /// Whether an item is leased.
    #[must_use]
    pub fn is_leased(&self, id: ItemId) -> bool {
        self.leased.contains_key(&id)
    }

    /// What is known of each destination. Those of a lane count once it is their turn.
    #[must_use]
    pub fn summaries(&self, now: Millis) -> Vec<Summary> {
        let summary = |(name, it): (&Arc<str>, &Destination)| Summary {
            destination: Arc::clone(name),
            waiting: it.waiting.len(),
            leased: it.leased,
            state: it.breaker.state(now),
        };
        self.destinations.iter().map(summary).collect()
    }

    /// It is the next one's turn.
    fn next_in(&mut self, lane: Lane) {
        if lane == 0 {
            return;
        }
        let next = self.lanes.get_mut(&lane).and_then(BTreeMap::pop_first);
        let Some((id, item)) = next else {
            self.lanes.remove(&lane);
            self.heads.remove(&lane);
            return;
        };
        self.heads.insert(lane, id);
        self.line_up(item);
    }

    fn forget_vigil(&mut self, id: ItemId) {
        let Some(vigil) = self.vigil_of.remove(&id) else { return };
        if let Some(ids) = self.vigils.get_mut(&vigil) {
            ids.retain(|it| *it != id);
            if ids.is_empty() {
                self.vigils.remove(&vigil);
            }
        }
    }

    fn forget_idle(&mut self, name: &Arc<str>) {
        let crowded = FAILED_MAX < self.destinations.len();
        let idle =
            |it: &Destination| it.waiting.is_empty() && it.leased == 0 && (crowded || it.breaker.is_unremarkable());
        if self.destinations.get(name).is_some_and(idle) {
            self.destinations.swap_remove(name);
        }
    }
}

impl Destination {
    fn lease(&mut self, now: Millis, room: Room) -> Option<(ItemId, Lane)> {
        if self.allowance(now, room) <= self.leased {
            return None;
        }
        let first = self.waiting.first_entry().filter(|first| first.key().0 <= now)?;
        let ((_, id), slim) = first.remove_entry();
        self.leased += 1;
        Some((id, slim.lane))
    }

    fn allowance(&self, now: Millis, room: Room) -> usize {
        if self.is_ours { self.leased + room.ours_max } else { self.breaker.allowance(now, room.per_destination_max) }
    }

    fn next_at(&self, now: Millis, room: Room) -> Option<Millis> {
        let ((due_at, _), _) = self.waiting.first_key_value()?;
        match self.breaker.state(now) {
            State::Open(until) => Some(until.max(*due_at)),
            _ if self.allowance(now, room) <= self.leased => None,
            _ => Some(*due_at),
        }
    }
}

#[cfg(test)]
mod tests;
