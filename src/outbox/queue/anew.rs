//! How the queue is read from the file again while everybody still asks the old one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;

use super::undecided::UndecidedCalls;
use super::{Breaker, Destination, Queue};

impl Queue {
    /// One for what waits, to be read from the file: it knows what is leased, and what is known of destinations. This one
    /// answers until the other takes its place, but it leases nothing any more, so that the other knows all leases.
    #[must_use]
    pub fn begin_anew(&mut self) -> Queue {
        self.is_resting = true;
        let leased = self.leased.clone();
        let mut undecided = UndecidedCalls::default();
        for (id, call) in leased.keys().filter_map(|id| Some((*id, self.undecided.call_of(*id)?))) {
            undecided.add(id, call);
        }
        let heads = leased.iter().filter(|(_, it)| it.lane != 0).map(|(id, it)| (it.lane, *id));
        Queue {
            room: self.room,
            destinations: self.remembered(),
            cursor: self.cursor,
            heads: heads.collect(),
            leased,
            lanes: HashMap::new(),
            vigils: HashMap::new(),
            vigil_of: HashMap::new(),
            undecided,
            waiting: 0,
            ours_leased: self.ours_leased,
            is_resting: false,
        }
    }

    /// No other takes its place: it leases again.
    pub fn resume(&mut self) {
        self.is_resting = false;
    }

    /// The destinations of which anything is known besides what waits for them.
    fn remembered(&self) -> IndexMap<Arc<str>, Destination> {
        let is_remembered = |it: &Destination| it.leased != 0 || it.breaker != Breaker::default();
        let remembered = self.destinations.iter().filter(|(_, it)| is_remembered(it));
        let emptied = |it: &Destination| Destination {
            waiting: BTreeMap::new(),
            leased: it.leased,
            breaker: it.breaker,
            is_ours: it.is_ours,
        };
        remembered.map(|(name, it)| (Arc::clone(name), emptied(it))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{item, leased, queue};
    use super::super::{Health, Waiting};

    #[test]
    fn a_queue_that_is_read_anew_keeps_its_leases() {
        let in_lane = |id| Waiting { lane: 7, ..item(id, "a", 0) };
        let mut queue = queue([in_lane(1), in_lane(2)]);
        assert_eq!(leased(&mut queue, 0), [1]);
        queue = queue.begin_anew();
        queue.add(in_lane(1));
        queue.add(in_lane(2));
        assert_eq!((leased(&mut queue, 0), queue.waiting()), (vec![], 1), "2 waits for 1, which is under way");
        queue.settle(1, Health::Answers, None, 0);
        assert_eq!(leased(&mut queue, 0), [2]);
    }

    #[test]
    fn meanwhile_the_old_one_answers_and_leases_nothing() {
        let awaiting = |id, due_at| Waiting { vigil: 5, ..item(id, "a", due_at) };
        let mut old = queue([awaiting(1, 0), awaiting(2, 10)]);
        assert_eq!(leased(&mut old, 0), [1]);
        let mut new = old.begin_anew();
        assert_eq!((leased(&mut old, 10), old.next_at(10), old.waiting_for(5)), (vec![], None, vec![2]));
        assert!(old.lease_expired(i64::MAX, 10).is_empty());
        for item in [awaiting(1, 0), awaiting(2, 10)] {
            new.add(item);
        }
        assert_eq!((leased(&mut new, 10), new.leased()), (vec![2], 2));
        old.resume();
        assert_eq!((leased(&mut old, 10), old.leased()), (vec![2], 2));
    }

    #[test]
    fn what_is_known_of_destinations_stays_known() {
        let mut old = queue((0..3).map(|id| item(id, "a", 0)).chain([item(9, "b", 0)]));
        for id in leased(&mut old, 0) {
            old.settle(id, Health::Fails, Some(item(id, "a", 100)), 0);
        }
        let new = old.begin_anew();
        let known: Vec<_> = new.summaries(0).into_iter().map(|it| (it.destination, it.waiting)).collect();
        assert_eq!(known.first(), Some(&("a".into(), 0)), "its failures count: {known:?}");
    }
}
