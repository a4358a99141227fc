//! Whatever is acknowledged is done, however often the daemon is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::Signal;

use super::{event, folder, start, tool_call, until_sent};
use crate::support::{Client, Daemon, Destination};

const RULES: &str = r#"
rules:
  - name: book
    tool: book
    respond: "Booked."
    do:
      - post: "DESK/one?call=${call.id}"
      - post: "DESK/two?call=${call.id}"
        order: call
  - name: report
    on: end-of-call-report
    do:
      - post: "DESK/one?call=${call.id}"
      - post: "DESK/two?call=${call.id}"
        json: { call: "${call.id}" }
  - name: put-off
    on: status-update
    fetch: { person: { get: "DESK/ask?call=${call.id}" } }
    do:
      - post: "DESK/one?call=${call.id}"
      - post: "DESK/two?call=${call.id}"
        json: { name: "${person.text}" }
"#;
/// How many send events at the same time.
const SENDERS: usize = 4;
/// After at most so many acknowledgements the daemon is killed.
const ACKNOWLEDGED_MAX: u64 = 40;

#[test]
fn ten_kills_lose_nothing() {
    kill(10);
}

#[test]
#[ignore = "takes a while: cargo test --test it -- --ignored three_hundred_kills"]
fn three_hundred_kills_lose_nothing() {
    kill(300);
}

/// What has arrived: the keys of each action, by its path.
type Arrived = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// Kills the daemon so often while events come; then all that it has acknowledged must arrive, and whatever arrives twice
/// must have the same key.
fn kill(times: usize) {
    let destination = Destination::open();
    let mut folder = folder(RULES, &destination);
    let arrived = counting(destination);
    let (mut acknowledged, mut number) = (Vec::new(), 0);
    for _ in 0..times {
        let daemon = start(folder);
        acknowledged.extend(until_killed(&daemon, &mut number));
        folder = daemon.killed_and_kept();
    }
    let daemon = start(folder);
    until_sent(&daemon);
    let arrived = arrived.lock().unwrap();
    assert!(times < acknowledged.len(), "hardly anything was acknowledged");
    for call in &acknowledged {
        for path in ["one", "two"] {
            assert!(arrived.contains_key(&format!("/{path}?call={call}")), "{path} of {call} was lost");
        }
    }
    for (path, keys) in &*arrived {
        assert_eq!(keys.len(), 1, "{path} was done under several keys");
    }
}

/// Answers everything, and notes it; who asks before it acts is told to come again, now and then.
fn counting(destination: Destination) -> Arrived {
    let arrived = Arrived::default();
    let noted = Arc::clone(&arrived);
    thread::spawn(move || {
        while let Some(arrival) = destination.next_ever() {
            if arrival.path().starts_with("/ask") {
                let is_busy = RandomState::new().hash_one(0).is_multiple_of(4);
                arrival.answer(if is_busy { 503 } else { 200 });
                continue;
            }
            let key = arrival.header("idempotency-key").unwrap().to_owned();
            noted.lock().unwrap().entry(arrival.path().to_owned()).or_default().insert(key);
            arrival.answer(200);
        }
    });
    arrived
}

/// Sends events until the daemon is killed, at a moment that nobody can foresee; returns the calls whose events it has
/// acknowledged.
fn until_killed(daemon: &Daemon, number: &mut usize) -> Vec<String> {
    let limit = usize::try_from(RandomState::new().hash_one(0) % ACKNOWLEDGED_MAX).unwrap() + 1;
    let next = AtomicUsize::new(*number);
    let (sender, receiver) = channel();
    let mut acknowledged = Vec::new();
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            let (address, next, sender) = (daemon.address, &next, sender.clone());
            scope.spawn(move || send(address, next, &sender));
        }
        drop(sender);
        acknowledged.extend(receiver.iter().take(limit));
        daemon.signal(Signal::KILL);
        acknowledged.extend(receiver);
    });
    *number = next.into_inner();
    acknowledged
}

/// Sends one event after the other for as long as they are answered, and says whose were acknowledged.
fn send(address: SocketAddr, next: &AtomicUsize, acknowledged: &Sender<String>) -> Option<()> {
    let mut client = Client::try_connect(address).ok()?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let call = format!("c{number}");
        let body = match number % 3 {
            0 => tool_call(&call, "t"),
            1 => event("end-of-call-report", &call),
            _ => event("status-update", &call),
        };
        if client.try_post("/", &body)? == 200 {
            acknowledged.send(call).ok()?;
        }
    }
}
