//! Events that nobody waits for, where threads are taken and services are slow: what is waited for, and how long.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{answer_json, asking, report, result, start, tool_call};
use crate::support::Destination;

const STOPS: &str = r"
rules:
  - name: vip
    on: end-of-call-report
    if: shop::sum() > 0
    stop: true
    do: [ { post: CRM/vip, json: {} } ]
  - name: everyone-else
    on: end-of-call-report
    do: [ { post: CRM/else, json: {} } ]
";

const SUM: &str = "fn sum() { let sum = 0; for n in 0..150000 { sum += n; } sum }";

#[test]
fn who_stops_others_stops_them_also_where_it_finds_no_thread() {
    let service = Destination::open();
    let daemon = start(STOPS, SUM, "limits: { script_threads: 1, scripts_waiting_max: 1 }\n", &service);
    let reports: Vec<_> = (0..12).map(|n| asking(&daemon, report(&format!("c{n}")))).collect();
    for report in reports {
        assert_eq!(report.join().unwrap().status, 200);
    }
    for _ in 0..12 {
        let arrival = service.next();
        assert_eq!(arrival.path(), "/vip");
        arrival.answer(200);
    }
}

const HOG: &str = r#"
rules:
  - name: hog
    tool: find
    run: shop::hog
  - name: report
    on: end-of-call-report
    do: [ { post: CRM/told, json: { sum: "${shop::sum()}" } } ]
"#;

#[test]
fn an_event_does_not_wait_for_a_thread_until_its_sender_gives_up() {
    let service = Destination::open();
    let script = format!("{SUM}\nfn hog() {{ let n = 0; loop {{ n = (n + 1) % 7; }} }}");
    let daemon = start(
        HOG,
        &script,
        "timeout: 4s\nlimits: { script_threads: 1, script_operations_max: 1000000000 }\n",
        &service,
    );
    let hog = asking(&daemon, tool_call("t1", &json!({})));
    let reports: Vec<_> = (0..4).map(|n| asking(&daemon, report(&format!("c{n}")))).collect();
    for report in reports {
        assert_eq!(report.join().unwrap().status, 200);
    }
    assert!(!hog.is_finished(), "the thread was not taken");
    for _ in 0..4 {
        service.next().answer(200);
    }
    assert_eq!(hog.join().unwrap().status, 200);
}

const SLOW: &str = r#"
rules:
  - name: slow
    on: end-of-call-report
    fetch: { person: { get: CRM/slow, timeout: 30s } }
    do: [ { post: CRM/told, json: { name: "${person.json.name}" } } ]
"#;

#[test]
fn a_service_has_the_time_that_its_fetch_gives_it() {
    let service = Destination::open();
    let daemon = start(SLOW, "", "timeout: 1s\n", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let slow = service.next();
    // It would have been given up by now, and asked again.
    thread::sleep(Duration::from_millis(2500));
    assert!(service.ready().is_none(), "it was not waited for");
    answer_json(slow, &json!({ "name": "Ada" }));
    let told = service.next();
    assert_eq!((told.path(), &*told.body), ("/told", "{\"name\":\"Ada\"}"));
    told.answer(200);
}

const TURNS: &str = r"
rules:
  - name: find
    tool: find
    run: shop::find
";

/// Counts, and then asks what somebody must answer; or only counts.
const COUNT: &str = r#"
fn find(args) {
    let n = state::incr("n");
    if args.asks != () { http::get(`CRM/${args.asks}/${n}`); }
    `${n}`
}
"#;

#[test]
fn nobody_keeps_his_turn_while_he_waits_for_somebody_else() {
    let service = Destination::open();
    let daemon = start(TURNS, COUNT, "timeout: 15s\n", &service);
    let call = |id: &str, arguments| asking(&daemon, tool_call(id, &arguments));
    let count = |id: &str| result(&call(id, json!({})).join().unwrap());
    let asks = |id: &str| {
        let caller = call(id, json!({ "asks": id, "timeout": "14s" }));
        (caller, service.next())
    };
    let (slow, first) = asks("slow");
    assert_eq!(count("t1"), "1");
    first.answer(200);
    // Its state is another one now, so it has taken its turn, and asks again.
    let second = service.next();
    assert_eq!(second.path(), "/slow/2");
    let (quick, first) = asks("quick");
    assert_eq!(count("t2"), "2");
    first.answer(200);
    let third = service.next();
    assert_eq!(third.path(), "/quick/3");
    third.answer(200);
    assert_eq!(result(&quick.join().unwrap()), "3");
    assert!(!slow.is_finished());
    second.answer(200);
    let last = service.next();
    assert_eq!(last.path(), "/slow/4");
    last.answer(200);
    assert_eq!(result(&slow.join().unwrap()), "4");
}
