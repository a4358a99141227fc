//! Events that were put off, and what they want done once they are decided.

use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::support::Destination;
use switchhook::engine::request::Target;

const MINUTE: Duration = Duration::from_secs(60);

fn owe(desk: &Desk, item: Enqueued) {
    desk.runtime.block_on(desk.outbox.enqueue_owed(vec![item])).unwrap();
}

/// How long an item that waits is tried from when it is due, in milliseconds.
fn patience(row: &Value) -> i64 {
    let at = |name: &str| row[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    at("expires_at").as_millisecond() - at("due_at").as_millisecond()
}

#[test]
fn what_is_owed_is_tried_from_when_it_is_known() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("late", &destination.url("/"));
    item.decided_at -= item.action.retry.age_max + MINUTE;
    owe(&desk, item);
    destination.next().answer(200);
    desk.until_empty();
    assert!(desk.rows(Some(Phase::Dead)).is_empty());
}

#[test]
fn what_is_owed_and_not_due_yet_waits_no_longer_than_it_would_have() {
    let desk = Desk::closed();
    for (key, after) in [("waits", 3 * MINUTE), ("is-due", MINUTE)] {
        let mut item = post(key, "http://127.0.0.1:1/");
        (item.action.after, item.action.retry.age_max) = (after, MINUTE);
        item.decided_at -= 2 * MINUTE;
        owe(&desk, item);
    }
    let [waits, is_due] = <[Value; 2]>::try_from(desk.rows(None)).unwrap();
    assert_eq!(patience(&waits), 60_000);
    assert!((120_000..180_000).contains(&patience(&is_due)), "it was due a minute ago: {is_due}");
}

#[test]
fn what_is_said_to_a_call_is_of_its_moment() {
    let desk = Desk::closed();
    let mut item = post("say", "http://127.0.0.1:1/");
    item.action.request.target = Target::CallControl;
    item.decided_at -= 2 * MINUTE;
    item.action.retry.age_max = MINUTE;
    owe(&desk, item);
    let [say] = <[Value; 1]>::try_from(desk.rows(None)).unwrap();
    assert_eq!(patience(&say), 60_000, "it would be said long after: {say}");
}

/// Decides at the last try alone, and says of each whether it is that.
struct Telling(Sender<bool>);

impl Decider for Telling {
    fn decide<'a>(&'a self, _: &'a PutOff, is_last: bool) -> BoxFuture<'a, Decided> {
        self.0.send(is_last).unwrap();
        Box::pin(async move { if is_last { Decided::Done } else { Decided::Failed("nobody answers".to_owned()) } })
    }
}

#[test]
fn an_event_whose_time_is_over_before_it_is_tried_gets_its_last_try() {
    let desk = Desk::closed();
    let late = PutOff { arrived_at: Clock::now() - 25 * 60 * MINUTE, ..event("late", "{}") };
    desk.runtime.block_on(desk.outbox.put_off(late)).unwrap();
    let (sender, tries) = channel();
    desk.deliver_with(secrets(), Telling(sender));
    desk.until_empty();
    assert_eq!(tries.try_iter().collect::<Vec<bool>>(), [false, true]);
    assert!(desk.rows(Some(Phase::Dead)).is_empty());
}

#[test]
fn what_came_before_an_event_was_decided_is_known_as_long_as_that_takes() {
    let (desk, came_at) = (Desk::closed(), Clock::now() - 25 * 60 * MINUTE);
    let call = Some("call-1".to_owned());
    let undecided = PutOff { arrived_at: came_at - MINUTE, call, ..event("first", "{}") };
    desk.runtime.block_on(desk.outbox.put_off(undecided)).unwrap();
    let [server, call, kind, idempotency_key] = ["*", "call-1", "status-update", "second"].map(str::to_owned);
    let second = Happened { server, call, kind, idempotency_key, at: came_at };
    desk.runtime.block_on(desk.outbox.happened(second)).unwrap();
    let desk = Desk::at(desk.close(), Bounds::default());
    desk.enqueue(vec![post("other", "http://127.0.0.1:1/")]).unwrap();
    owe(&desk, Enqueued { decided_at: came_at - MINUTE, ..unless("status-update", post("a", "http://127.0.0.1:1/")) });
    assert_eq!(desk.rows(None).len(), 2, "it was called off: {:#?}", desk.rows(None));
}
