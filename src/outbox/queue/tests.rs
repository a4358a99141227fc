use super::*;

const ROOM: Room = Room { attempts_max: 16, per_destination_max: 8, ours_max: 4 };

pub(super) fn item(id: ItemId, destination: &str, due_at: Millis) -> Waiting {
    let destination = destination.into();
    Waiting { id, destination, due_at, expires_at: 1_000_000, lane: 0, vigil: 0, undecided: 0, is_ours: false }
}

pub(super) fn queue(items: impl IntoIterator<Item = Waiting>) -> Queue {
    let mut queue = Queue::new(ROOM);
    items.into_iter().for_each(|item| queue.add(item));
    queue
}

pub(super) fn leased(queue: &mut Queue, now: Millis) -> Vec<ItemId> {
    queue.lease(now).into_iter().map(|lease| lease.id).collect()
}

#[test]
fn nothing_is_leased_before_its_time_or_twice() {
    let mut queue = queue([item(1, "a", 10), item(2, "a", 5), item(3, "b", 20)]);
    assert_eq!((leased(&mut queue, 4), queue.next_at(4)), (vec![], Some(5)));
    assert_eq!((leased(&mut queue, 10), queue.next_at(10)), (vec![2, 1], Some(20)));
    assert!(leased(&mut queue, 10).is_empty());
    assert_eq!((queue.waiting(), queue.leased()), (1, 2));
    queue.settle(2, Health::Answers, None, 10);
    queue.settle(1, Health::Fails, Some(item(1, "a", 15)), 10);
    let mut both = leased(&mut queue, 20);
    both.sort_unstable();
    assert_eq!(both, [1, 3]);
    queue.settle(9, Health::Answers, None, 20);
    assert_eq!((queue.waiting(), queue.leased()), (0, 2));
}

#[test]
fn one_destination_does_not_take_all_places() {
    let slow = (0..100).map(|id| item(id, "slow", 0));
    let mut queue = queue(slow.chain([item(100, "quick", 0)]));
    let first = leased(&mut queue, 0);
    assert_eq!(first.len(), 3, "two are tried where nothing is known");
    assert!(first.contains(&100), "{first:?}");
    assert_eq!(queue.next_at(0), None, "only an attempt that ends makes room");
    queue.settle(0, Health::Answers, None, 0);
    assert_eq!(leased(&mut queue, 0).len(), 3, "four at a time, one of them under way");
}

#[test]
fn all_places_together_are_bounded() {
    let mut queue = queue((0..100).map(|id| item(id, &format!("d{id}"), 0)));
    assert_eq!((leased(&mut queue, 0).len(), queue.next_at(0)), (16, None));
    queue.settle(queue.leased.keys().next().copied().unwrap(), Health::Answers, None, 0);
    assert_eq!((leased(&mut queue, 0).len(), queue.next_at(0)), (1, None));
}

#[test]
fn a_destination_that_fails_is_left_alone() {
    let mut queue = queue((0..10).map(|id| item(id, "a", 0)));
    for _ in 0..3 {
        for id in leased(&mut queue, 0) {
            queue.settle(id, Health::Fails, Some(item(id, "a", 100)), 0);
        }
    }
    assert_eq!((leased(&mut queue, 999), queue.next_at(999)), (vec![], Some(1000)));
    assert_eq!(queue.summaries(0)[0].state.word(), "open");
    queue.add(item(20, "b", 0));
    assert_eq!(leased(&mut queue, 0), [20], "another one does not wait for it");
    let probe = leased(&mut queue, 1000);
    assert_eq!(probe.len(), 1);
    queue.settle(probe[0], Health::Answers, None, 1000);
    assert_eq!(leased(&mut queue, 1000).len(), 4);
}

#[test]
fn items_of_a_lane_go_one_after_the_other() {
    let in_lane = |id, lane, due_at| Waiting { lane, ..item(id, "a", due_at) };
    let mut queue = queue([in_lane(1, 7, 50), in_lane(2, 7, 0), in_lane(3, 8, 0), in_lane(4, 7, 0)]);
    assert_eq!(leased(&mut queue, 0), [3], "the first of lane 7 is not due");
    queue.settle(3, Health::Answers, None, 0);
    assert_eq!(leased(&mut queue, 50), [1]);
    queue.settle(1, Health::Fails, Some(in_lane(1, 7, 60)), 50);
    assert!(leased(&mut queue, 55).is_empty(), "2 waits for 1, which is tried again");
    assert_eq!(leased(&mut queue, 60), [1]);
    queue.settle(1, Health::Answers, None, 60);
    assert!(queue.take(&in_lane(2, 7, 0)), "one whose turn it is can be taken out");
    assert_eq!(leased(&mut queue, 60), [4]);
    queue.settle(4, Health::Answers, None, 60);
    assert!(queue.lanes.is_empty() && queue.heads.is_empty());
}

#[test]
fn who_is_sent_sooner_keeps_its_turn() {
    let in_lane = |id| Waiting { lane: 7, vigil: 5, ..item(id, "a", 100) };
    let mut queue = queue([in_lane(1), in_lane(2)]);
    assert!(queue.reschedule(&in_lane(2), 0));
    assert!(leased(&mut queue, 0).is_empty(), "it is not its turn");
    assert!(queue.reschedule(&in_lane(1), 0));
    assert_eq!((leased(&mut queue, 0), queue.waiting_for(5)), (vec![1], vec![]));
    assert!(!queue.reschedule(&in_lane(1), 0), "it is leased");
    queue.settle(1, Health::Answers, None, 0);
    assert_eq!(leased(&mut queue, 0), [2]);
}

#[test]
fn what_has_become_superfluous_is_found_until_it_is_leased() {
    let awaiting = |id, due_at| Waiting { vigil: 5, ..item(id, "a", due_at) };
    let mut queue = queue([awaiting(1, 10), awaiting(2, 20)]);
    assert_eq!(queue.waiting_for(5), [1, 2]);
    assert_eq!(leased(&mut queue, 10), [1]);
    assert_eq!(queue.waiting_for(5), [2]);
    assert!(!queue.take(&awaiting(1, 10)), "it is leased");
    assert!(queue.take(&awaiting(2, 20)));
    assert!(!queue.take(&awaiting(2, 20)));
    assert_eq!((queue.waiting_for(5), queue.waiting()), (vec![], 0));
    assert!(queue.vigils.is_empty() && queue.vigil_of.is_empty());
}

#[test]
fn what_is_too_old_does_not_wait_for_its_destination() {
    let mut queue = queue((0..10).map(|id| item(id, "a", 0)));
    for _ in 0..3 {
        for id in leased(&mut queue, 0) {
            queue.settle(id, Health::Fails, Some(item(id, "a", 100)), 0);
        }
    }
    queue.add(Waiting { expires_at: 50, ..item(99, "a", 0) });
    assert_eq!(queue.lease_expired(60, 10).len(), 1);
    assert!(queue.is_leased(99));
    queue.settle(99, Health::Unknown, None, 60);
    assert_eq!((queue.lease_expired(60, 10).len(), queue.waiting()), (0, 10));
}

#[test]
fn destinations_that_are_done_with_are_forgotten() {
    let mut queue = queue([item(1, "a", 0), item(2, "b", 0)]);
    leased(&mut queue, 0);
    queue.settle(1, Health::Answers, None, 0);
    queue.settle(2, Health::Fails, None, 0);
    let known: Vec<_> = queue.summaries(0).into_iter().map(|it| it.destination).collect();
    assert_eq!(known, ["b".into()], "its failures count");
}

fn event(id: ItemId, call: Undecided) -> Waiting {
    Waiting { undecided: call, lane: call, is_ours: true, ..item(id, "decide *", 0) }
}

#[test]
fn what_is_ours_needs_no_proof_that_it_is_well() {
    let mut queue = queue((1..10).map(|id| event(id, 100 + id)));
    assert_eq!(leased(&mut queue, 0), [1, 2, 3, 4], "as many as there is room for");
    for id in 1..5 {
        queue.settle(id, Health::Fails, Some(Waiting { due_at: 50, ..event(id, 100 + id) }), 0);
    }
    assert_eq!(leased(&mut queue, 0), [5, 6, 7, 8], "nobody is left alone for it");
}

#[test]
fn a_call_is_undecided_until_all_its_events_are_decided() {
    let mut queue = queue([event(1, 7), event(2, 7), event(3, 8)]);
    assert_eq!(leased(&mut queue, 0), [1, 3], "one of each call at a time");
    queue.settle(1, Health::Answers, Some(Waiting { lane: 0, due_at: 50, ..event(1, 7) }), 0);
    assert_eq!(leased(&mut queue, 0), [2], "none waits for one that is tried again");
    queue.settle(2, Health::Answers, None, 0);
    queue.settle(3, Health::Answers, None, 0);
    assert_eq!((queue.is_undecided(7), queue.is_undecided(8)), (true, false));
    queue = queue.begin_anew();
    assert!(!queue.is_undecided(7));
    queue.add(event(1, 7));
    assert_eq!(leased(&mut queue, 50), [1]);
    queue = queue.begin_anew();
    assert!(queue.is_undecided(7), "it is still being decided");
    queue.settle(1, Health::Answers, None, 50);
    assert!(!queue.is_undecided(7));
}
