//! Events that were put off, and what they want done once they are decided.

use super::*;
use crate::support::Destination;

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
