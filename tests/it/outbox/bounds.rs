//! What the outbox takes, and what it leaves out, where there is not room for all.

use super::*;

#[test]
fn a_full_outbox_takes_all_or_nothing() {
    let bounds = Bounds { items_max: 3, ..Bounds::default() };
    let desk = Desk::at(tempfile::tempdir().unwrap(), bounds);
    let posts = |keys: &[&str]| keys.iter().map(|key| post(key, "http://127.0.0.1:1/")).collect::<Vec<_>>();
    desk.enqueue(posts(&["1", "2"])).unwrap();
    let full = desk.enqueue(posts(&["3", "4"]));
    assert!(matches!(full, Err(EnqueueError::Full { items: 2, .. })), "{full:?}");
    desk.enqueue(posts(&["1", "2", "3"])).unwrap();
    assert_eq!(desk.rows(None).len(), 3, "what is known already takes no room");
    desk.outbox.rebound(Bounds { bytes_max: 1000, ..Bounds::default() });
    assert!(matches!(desk.enqueue(posts(&["5"])), Err(EnqueueError::Full { items: 3, .. })));
    let mut large = post("6", "http://127.0.0.1:1/");
    large.action.name = "x".repeat(9 << 20);
    desk.enqueue(vec![large]).expect("to ask again would not help what is too long");
    assert_eq!(desk.runtime.block_on(desk.outbox.status()).unwrap().unqueued, 4);
}

#[test]
fn the_oldest_dead_letters_make_room() {
    let bounds = Bounds { dead_max: 2, ..Bounds::default() };
    let desk = Desk::at(tempfile::tempdir().unwrap(), bounds);
    let mut batch: Vec<Enqueued> = ["1", "2", "3"].map(|key| post(key, "ftp://a.example/")).into();
    for item in &mut batch {
        item.action.in_order = true;
    }
    desk.enqueue(batch).unwrap();
    desk.deliver();
    desk.until_empty();
    let dead: Vec<_> = desk.rows(Some(Phase::Dead)).iter().map(|row| row["action"].clone()).collect();
    assert_eq!(dead, ["rule/2", "rule/3"]);
}

#[test]
fn what_could_never_be_kept_is_dropped_instead_of_refused_for_ever() {
    let bounds = Bounds { items_max: 2, ..Bounds::default() };
    let desk = Desk::at(tempfile::tempdir().unwrap(), bounds);
    let posts = |keys: &[&str]| keys.iter().map(|key| post(key, "http://127.0.0.1:1/")).collect::<Vec<_>>();
    let unqueued = || desk.runtime.block_on(desk.outbox.status()).unwrap().unqueued;
    desk.enqueue(posts(&["1", "2", "3"])).expect("to ask again would not help");
    assert_eq!((desk.rows(None).len(), unqueued()), (0, 3));
    desk.enqueue(posts(&["1", "1", "2"])).unwrap();
    desk.outbox.rebound(Bounds { bytes_max: 10, ..Bounds::default() });
    // Whoever asks now is told after the bounds have changed.
    assert_eq!(desk.rows(None).len(), 2, "what is the same counts once");
    desk.enqueue(posts(&["4"])).expect("to ask again would not help");
    assert_eq!((desk.rows(None).len(), unqueued()), (2, 4));
}

#[test]
fn an_event_that_could_never_be_kept_is_decided_by_who_has_it() {
    let bounds = Bounds { bytes_max: 1000, ..Bounds::default() };
    let desk = Desk::at(tempfile::tempdir().unwrap(), bounds);
    let refused = desk.runtime.block_on(desk.outbox.put_off(event("1", &"x".repeat(1000)))).unwrap_err();
    assert!(refused.is_final(), "{refused}");
}

/// Longer than all that may wait for the disk, as long as nothing else does.
#[test]
fn what_is_long_and_fits_is_taken() {
    let desk = Desk::closed();
    let long = |key: &str| {
        let mut item = post(key, "http://127.0.0.1:1/");
        item.action.request.body =
            Some(Body { content_type: "text/plain".to_owned(), text: Text::plain("x".repeat(7 << 20)) });
        item
    };
    desk.enqueue((0..10).map(|number| long(&number.to_string())).collect()).unwrap();
    assert_eq!(desk.rows(None).len(), 10);
}
