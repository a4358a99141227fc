//! What rules ask before they answer: the daemon with real services, which answer late, wrongly, or not at all.

mod again;
mod lookups;
mod patience;
mod redirects;
mod secretive;

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use switchhook::clock::Deadline;

use crate::support::{Answer, Arrival, Client, Daemon, Destination, Folder, switchhook};

const SETTINGS: &str = "outbound: { allow: [ 127.0.0.0/8 ] }\nsecrets: { crm: { env: CRM_TOKEN } }\n";
const TOKEN: &str = "correct-horse-battery";

/// A daemon with these rules and scripts, in which `CRM` is the service.
fn start(rules: &str, script: &str, settings: &str, service: &Destination) -> Daemon {
    let fill = |text: &str| text.replace("CRM", &format!("http://{}", service.address));
    let folder = Folder::with(&[
        ("switchhook.yaml", &format!("{SETTINGS}{settings}")),
        ("rules/rules.yaml", &fill(rules)),
        ("rules/scripts/shop.rhai", &fill(script)),
    ]);
    run(folder)
}

fn run(folder: Folder) -> Daemon {
    let mut command = switchhook(&folder);
    command.env("CRM_TOKEN", TOKEN).args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    Daemon::of(folder, &mut command)
}

fn killed_and_started_again(daemon: Daemon) -> Daemon {
    daemon.signal(Signal::KILL);
    run(daemon.killed_and_kept())
}

fn tool_call(id: &str, arguments: &Value) -> String {
    let tool = json!({ "id": id, "function": { "name": "find", "arguments": arguments } });
    json!({ "message": { "type": "tool-calls", "call": { "id": "c1" }, "toolCallList": [tool] } }).to_string()
}

fn result(answer: &Answer) -> Value {
    answer.json().pointer("/results/0/result").cloned().unwrap_or_default()
}

/// Asks the daemon in another thread, since somebody has to answer what it asks meanwhile.
fn asking(daemon: &Daemon, body: String) -> thread::JoinHandle<Answer> {
    let mut client = daemon.connect();
    thread::spawn(move || client.post("/", &[], body))
}

fn answer_json(arrival: Arrival, json: &Value) {
    arrival.answer_with(200, "content-type: application/json\n", &json.to_string());
}

const FIND: &str = r#"
rules:
  - name: find
    tool: find
    fetch:
      person:
        get: "CRM/people?name=${args.name}"
        headers: { authorization: "Bearer ${secrets.crm}" }
        cache: 1h
      visits: { get: "CRM/visits/${person.json.id}", optional: true }
    respond: "${person.json.name} came ${visits.json.count} times."
    fallback: I do not know.
"#;

#[test]
fn what_is_asked_is_said_and_kept() {
    let service = Destination::open();
    let daemon = start(FIND, "", "", &service);
    let first = asking(&daemon, tool_call("t1", &json!({ "name": "Ada L" })));
    let arrival = service.next();
    assert_eq!((arrival.method(), arrival.path()), ("GET", "/people?name=Ada%20L"));
    assert_eq!(arrival.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert_eq!(arrival.header("idempotency-key"), None);
    answer_json(arrival, &json!({ "id": 7, "name": "Ada" }));
    let visits = service.next();
    assert_eq!(visits.path(), "/visits/7");
    answer_json(visits, &json!({ "count": 3 }));
    assert_eq!(result(&first.join().unwrap()), "Ada came 3 times.");
    // The person is kept, the visits are not.
    let second = asking(&daemon, tool_call("t2", &json!({ "name": "Ada L" })));
    let visits = service.next();
    assert_eq!(visits.path(), "/visits/7");
    visits.answer(500);
    assert_eq!(result(&second.join().unwrap()), "Ada came  times.");
    assert!(service.ready().is_none());
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.to_string().contains(TOKEN)), "the log shows a secret");
}

const CACHED: &str = r#"
rules:
  - name: find
    tool: find
    fetch: { person: { get: "CRM/people", cache: 1h, timeout: 10s } }
    respond: "${person.json.name}"
    fallback: I do not know.
"#;

#[test]
fn many_callers_share_one_request() {
    let service = Destination::open();
    let daemon = start(CACHED, "", "", &service);
    let callers: Vec<_> = (0..16).map(|n| asking(&daemon, tool_call(&format!("t{n}"), &json!({})))).collect();
    answer_json(service.next(), &json!({ "name": "Ada" }));
    for caller in callers {
        assert_eq!(result(&caller.join().unwrap()), "Ada");
    }
    assert!(service.ready().is_none(), "it was asked twice");
}

#[test]
fn a_failure_is_not_kept() {
    let service = Destination::open();
    let daemon = start(CACHED, "", "", &service);
    let first = asking(&daemon, tool_call("t1", &json!({})));
    service.next().answer(503);
    assert_eq!(result(&first.join().unwrap()), "I do not know.");
    let second = asking(&daemon, tool_call("t2", &json!({})));
    answer_json(service.next(), &json!({ "name": "Ada" }));
    assert_eq!(result(&second.join().unwrap()), "Ada");
}

#[test]
fn who_does_not_answer_costs_the_fallback() {
    let rules = CACHED.replace("cache: 1h, timeout: 10s", "timeout: 200ms");
    let service = Destination::open();
    let mut daemon = start(&rules, "", "", &service);
    let caller = asking(&daemon, tool_call("t1", &json!({})));
    let unanswered = service.next();
    assert_eq!(result(&caller.join().unwrap()), "I do not know.");
    let fault = daemon.logged_where("the fault", |line| line.to_string().contains("could not be fetched"));
    assert!(fault.to_string().contains("no answer came within 200 ms"), "{fault}");
    drop(unanswered);
}

#[test]
fn an_answer_that_is_too_long_is_none() {
    let service = Destination::open();
    let daemon = start(CACHED, "", "limits: { fetch_bytes_max: 100 }\n", &service);
    let caller = asking(&daemon, tool_call("t1", &json!({})));
    answer_json(service.next(), &json!({ "name": "Ada", "all": "x".repeat(1000) }));
    assert_eq!(result(&caller.join().unwrap()), "I do not know.");
}

#[test]
fn no_more_is_asked_at_once_than_may_be() {
    let rules = CACHED.replace("CRM/people", "CRM/people/${args.n}");
    let service = Destination::open();
    let daemon = start(&rules, "", "limits: { fetches_max: 1 }\n", &service);
    let first = asking(&daemon, tool_call("t1", &json!({ "n": 1 })));
    let arrival = service.next();
    assert_eq!(result(&daemon.post("/", tool_call("t2", &json!({ "n": 2 })))), "I do not know.");
    answer_json(arrival, &json!({ "name": "Ada" }));
    assert_eq!(result(&first.join().unwrap()), "Ada");
    // Who was refused has taken no place, and left none.
    let third = asking(&daemon, tool_call("t3", &json!({ "n": 3 })));
    let arrival = service.next();
    assert_eq!(result(&daemon.post("/", tool_call("t4", &json!({ "n": 4 })))), "I do not know.");
    answer_json(arrival, &json!({ "name": "Grace" }));
    assert_eq!(result(&third.join().unwrap()), "Grace");
}

const CROWDED: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    fetch:
      a: { get: "CRM/a", timeout: 1m }
      b: { get: "CRM/b", timeout: 1m }
      c: { get: "CRM/c", timeout: 1m }
      d: { get: "CRM/d", timeout: 1m }
      person: { get: "CRM/people", cache: 1h, timeout: 10s }
    do: [ { log: "${a.text}${b.text}${c.text}${d.text} ${person.json.name}" } ]
  - name: find
    tool: find
    fetch: { person: { get: "CRM/people", cache: 1h, timeout: 10s }, e: { get: "CRM/e" } }
    respond: "${person.json.name} ${e.text}"
    fallback: I do not know.
"#;

#[test]
fn what_nobody_waits_for_leaves_places_to_callers() {
    let service = Destination::open();
    let mut daemon = start(CROWDED, "", "limits: { fetches_max: 4 }\n", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let [a, b] = arrivals(&service);
    assert_eq!((a.path(), b.path()), ("/a", "/b"));
    // The event waits for places to ask the rest, also for what the caller asks as well.
    let caller = asking(&daemon, tool_call("t1", &json!({})));
    let [e, person] = arrivals(&service);
    assert_eq!((e.path(), person.path()), ("/e", "/people"));
    e.answer_with(200, "", "e");
    answer_json(person, &json!({ "name": "Ada" }));
    assert_eq!(result(&caller.join().unwrap()), "Ada e");
    assert!(service.ready().is_none(), "the event took more than its half");
    a.answer_with(200, "", "a");
    b.answer_with(200, "", "b");
    for arrival in arrivals::<2>(&service) {
        let name = arrival.path().replace('/', "");
        arrival.answer_with(200, "", &name);
    }
    daemon.logged_where("the report", |line| line.to_string().contains("abcd Ada"));
    assert!(service.ready().is_none(), "something was asked twice");
}

#[test]
fn an_address_that_is_refused_is_not_asked() {
    let service = Destination::open();
    let daemon = start(CACHED, "", "", &service);
    let settings = daemon.folder().join("switchhook.yaml");
    fs::write(&settings, SETTINGS.replace("127.0.0.0/8", "10.0.0.0/8")).unwrap();
    assert_eq!(Client::connect(daemon.admin).ask("POST", "/api/reload").status, 200);
    assert_eq!(result(&daemon.post("/", tool_call("t1", &json!({})))), "I do not know.");
    assert!(service.ready().is_none());
}

const SHOP: &str = r#"
fn find(args) {
    state::incr("finds");
    let both = http::all([ "CRM/a", #{ post: "CRM/b", json: args, headers: #{ authorization: secrets::get("crm") } } ]);
    act::post("CRM/told", #{ found: both[0].json.n }, #{ name: "told" });
    `${both[0].json.n} and ${both[1].json.n}, find ${state::get("finds")}`
}
"#;

const SCRIPTED: &str = "
rules:
  - { name: find, tool: find, run: 'shop::find', fallback: I do not know. }
";

#[test]
fn scripts_ask_several_at_once_and_act_once() {
    let service = Destination::open();
    let daemon = start(SCRIPTED, SHOP, "", &service);
    let caller = asking(&daemon, tool_call("t1", &json!({ "x": 1 })));
    // Neither waits for the other.
    let mut both = [service.next(), service.next()];
    both.sort_by_key(|arrival| arrival.path().to_owned());
    let [a, b] = both;
    assert_eq!((a.method(), b.method(), b.header("authorization")), ("GET", "POST", Some(TOKEN)));
    assert_eq!(b.body, "{\"x\":1}");
    answer_json(b, &json!({ "n": 2 }));
    answer_json(a, &json!({ "n": 1 }));
    assert_eq!(result(&caller.join().unwrap()), "1 and 2, find 1");
    let told = service.next();
    assert_eq!((told.path(), told.body.as_str()), ("/told", "{\"found\":1}"));
    assert!(told.header("idempotency-key").is_some());
    told.answer(200);
    assert!(service.ready().is_none());
}

#[test]
fn what_fails_does_nothing() {
    let service = Destination::open();
    let daemon = start(SCRIPTED, SHOP, "", &service);
    let caller = asking(&daemon, tool_call("t1", &json!({})));
    let mut both = [service.next(), service.next()];
    both.sort_by_key(|arrival| arrival.path().to_owned());
    let [a, b] = both;
    answer_json(a, &json!({ "n": 1 }));
    b.answer(500);
    assert_eq!(result(&caller.join().unwrap()), "I do not know.");
    assert!(service.ready().is_none(), "an action of a script that failed was carried out");
}

const REPORTS: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    fetch: { person: { get: "CRM/people/${call.id}", timeout: 30s } }
    do:
      - post: CRM/reports
        json: { name: "${person.json.name}", why: "${endedReason}" }
      - set: { told: true }
  - name: plain
    on: end-of-call-report
    do: [ { post: "CRM/plain", json: { call: "${call.id}" } } ]
"#;

fn report(call: &str) -> String {
    let call = json!({ "id": call });
    json!({ "message": { "type": "end-of-call-report", "call": call, "endedReason": "hangup" } }).to_string()
}

/// The next arrivals, which may come in any order, by their paths.
fn arrivals<const N: usize>(service: &Destination) -> [Arrival; N] {
    let mut all: Vec<Arrival> = (0..N).map(|_| service.next()).collect();
    all.sort_by_key(|arrival| arrival.path().to_owned());
    all.try_into().ok().unwrap()
}

fn outbox(daemon: &Daemon) -> Value {
    Client::connect(daemon.admin).ask("GET", "/api/outbox").json()
}

#[test]
fn an_event_that_nobody_waits_for_is_decided_after_it_is_acknowledged() {
    let service = Destination::open();
    let daemon = start(REPORTS, "", "", &service);
    // It is acknowledged although the service has not said anything.
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let person = service.next();
    assert_eq!(person.path(), "/people/c1");
    let waiting = outbox(&daemon);
    assert_eq!(waiting.pointer("/items/0/event"), Some(&json!("end-of-call-report")), "{waiting:#}");
    assert_eq!(daemon.post("/", report("c1")).status, 200, "it comes again");
    answer_json(person, &json!({ "name": "Ada" }));
    let [plain, told] = arrivals(&service);
    assert_eq!((plain.path(), told.path()), ("/plain", "/reports"));
    assert_eq!(told.body, "{\"name\":\"Ada\",\"why\":\"hangup\"}");
    plain.answer(200);
    told.answer(200);
    assert_eq!(daemon.post("/", report("c1")).status, 200, "it comes once more");
    assert!(service.ready().is_none(), "it was decided twice");
}

#[test]
fn what_can_be_decided_does_not_wait_for_who_fails() {
    let service = Destination::open();
    let daemon = start(REPORTS, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    service.next().answer(503);
    // The other rule acts at once, and the event is tried again.
    let [again, plain] = arrivals(&service);
    assert_eq!((again.path(), plain.path()), ("/people/c1", "/plain"));
    plain.answer(200);
    answer_json(again, &json!({ "name": "Ada" }));
    let told = service.next();
    assert_eq!((told.path(), told.body.contains("Ada")), ("/reports", true));
    told.answer(200);
    assert!(service.ready().is_none(), "something was done twice");
}

#[test]
fn an_event_that_was_put_off_outlives_a_kill() {
    let service = Destination::open();
    let daemon = start(REPORTS, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let person = service.next();
    let daemon = killed_and_started_again(daemon);
    drop(person);
    answer_json(service.next(), &json!({ "name": "Ada" }));
    let [plain, told] = arrivals(&service);
    assert_eq!((plain.path(), told.path()), ("/plain", "/reports"));
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    plain.answer(200);
    told.answer(200);
    assert!(service.ready().is_none(), "it was decided again");
}

const SCRIPTED_REPORTS: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    script: |
      let person = http::get("CRM/people");
      act::post("CRM/reports", #{ name: person.json.name });
"#;

#[test]
fn an_event_whose_script_asks_in_vain_is_tried_again() {
    let service = Destination::open();
    let daemon = start(SCRIPTED_REPORTS, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    service.next().answer(500);
    let again = service.next();
    assert_eq!(again.path(), "/people");
    answer_json(again, &json!({ "name": "Ada" }));
    let told = service.next();
    assert_eq!((told.path(), told.body.as_str()), ("/reports", "{\"name\":\"Ada\"}"));
    told.answer(200);
    assert!(service.ready().is_none());
}

const SAID: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    script: |
      let person = http::get("CRM/people/" + call.id);
      act::post("CRM/reports", #{ name: person.json.name });
  - { name: find, tool: find, run: 'shop::find', fallback: I do not know. }
"#;

const FINDING: &str = r#"
fn find(args) { http::get("CRM/people/" + args.name).json.name }
"#;

#[test]
fn what_a_caller_said_is_not_logged_as_a_part_of_a_url() {
    let service = Destination::open();
    let mut daemon = start(SAID, FINDING, "log: { filter: debug }\n", &service);
    let caller = asking(&daemon, tool_call("t1", &json!({ "name": "Lovelace" })));
    service.next().answer(404);
    assert_eq!(result(&caller.join().unwrap()), "I do not know.");
    let host = format!("GET http://{}: it answered ", service.address);
    let fault = daemon.logged("a rule failed");
    assert!(fault["why"].as_str().unwrap().starts_with(&host), "{fault}");
    assert_eq!(daemon.post("/", report("Byron")).status, 200);
    service.next().answer(503);
    let attempt = daemon.logged("an attempt failed");
    assert!(attempt["why"].as_str().unwrap().contains(&host), "{attempt}");
    let log = daemon.stop();
    for said in ["people", "Lovelace"] {
        assert!(!log.iter().any(|line| line.to_string().contains(said)), "{said}: {log:#?}");
    }
}

const TWO_SCRIPTS: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    fetch: { person: { get: CRM/people, timeout: 30s } }
    do:
      - log: "${shop::first(person.json.name)}"
      - log: "${shop::second()}"
"#;

const TELLING: &str = r#"
fn first(name) { act::post("CRM/first", #{ name: name }); "told" }
fn second() { act::post("CRM/second", #{}); "told" }
"#;

#[test]
fn what_failed_before_takes_no_key_of_others() {
    let service = Destination::open();
    let daemon = start(TWO_SCRIPTS, TELLING, "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    service.next().answer(503);
    let [again, second] = arrivals(&service);
    assert_eq!((again.path(), second.path()), ("/people", "/second"));
    let key = second.header("idempotency-key").map(str::to_owned);
    second.answer(200);
    answer_json(again, &json!({ "name": "Ada" }));
    let first = service.next();
    assert_eq!((first.path(), first.body.as_str()), ("/first", "{\"name\":\"Ada\"}"));
    assert_ne!(first.header("idempotency-key").map(str::to_owned), key);
    first.answer(200);
    assert!(service.ready().is_none(), "something was done twice");
}

const GREETED: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    fetch: { person: { get: "CRM/people/${call.id}", timeout: 30s } }
    do: [ { log: "${person.json.name} called" } ]
"#;

#[test]
fn events_that_were_put_off_do_not_wait_for_each_other() {
    let service = Destination::open();
    let mut daemon = start(GREETED, "", "", &service);
    let named = |arrival: Arrival| {
        let name = arrival.path().replace("/people/", "");
        answer_json(arrival, &json!({ "name": name }));
    };
    for call in ["c1", "c2", "c3", "c4", "c5", "c6"] {
        assert_eq!(daemon.post("/", report(call)).status, 200);
    }
    // Two at a time, until it is known that this goes well; then all others, while none of them is answered.
    arrivals::<2>(&service).into_iter().for_each(named);
    arrivals::<4>(&service).into_iter().for_each(named);
    for call in ["c1", "c2", "c3", "c4", "c5", "c6"] {
        daemon.logged_where("who called", |line| line.to_string().contains(&format!("{call} called")));
    }
    assert!(service.ready().is_none(), "one had to give up before the last was asked");
}

const ABSENT: &str = r#"
rules:
  - name: find
    tool: find
    fetch: { person: { get: "${args.url}", optional: true } }
    respond: "${args.name}: ${person.error}"
    fallback: I do not know.
"#;

#[test]
fn who_can_do_without_an_answer_can_do_without_a_url() {
    let service = Destination::open();
    let daemon = start(ABSENT, "", "", &service);
    let answer = daemon.post("/", tool_call("t1", &json!({ "name": "Ada" })));
    assert_eq!(result(&answer), "Ada: it has no URL, since what should hold it is absent");
}

const REPEATED: &str = r#"
rules:
  - name: find
    tool: find
    fetch:
      echo: { get: "CRM/echo", headers: { authorization: "Bearer ${secrets.crm}" } }
      lost: { get: "http://${secrets.crm}.invalid/", optional: true }
    respond: '${echo.text} ${echo.headers["x-echo"]} ${lost.error}'
    do: [ { log: "it said ${echo.text}" } ]
"#;

#[test]
fn a_secret_that_is_repeated_is_not_shown() {
    let service = Destination::open();
    let daemon = start(REPEATED, "", "log: { filter: debug }\n", &service);
    let caller = asking(&daemon, tool_call("t1", &json!({})));
    let echo = service.next();
    echo.answer_with(200, &format!("x-echo: {TOKEN}\n"), &format!("You are {TOKEN}."));
    let said = result(&caller.join().unwrap());
    let said = said.as_str().unwrap();
    assert!(said.starts_with("You are [secret crm]. [secret crm] "), "{said}");
    assert!(said.contains("[elsewhere]") && !said.to_ascii_lowercase().contains(TOKEN), "{said}");
    let log = daemon.stop();
    assert!(log.iter().any(|line| line.to_string().contains("it said You are [secret crm].")), "{log:?}");
    assert!(!log.iter().any(|line| line.to_string().contains(TOKEN)), "the log shows a secret");
}

const COUNTED: &str = r#"
rules:
  - name: count
    on: status-update
    fetch:
      person: { post: "CRM/people", json: { call: "${call.id}" } }
      gone: { get: "CRM/gone" }
      visits: { get: "CRM/visits" }
    do:
      - set: { calls: "${(state.calls ?? 0) + 1}" }
      - log: "${person.text} calls"
      - log: "${gone.text} is gone"
      - log: "${visits.text} visits"
  - name: tell
    tool: find
    respond: "${state.calls} calls"
"#;

fn status(call: &str, status: &str) -> String {
    json!({ "message": { "type": "status-update", "call": { "id": call }, "status": status } }).to_string()
}

#[test]
fn what_was_done_at_the_first_try_is_not_done_at_the_second() {
    let service = Destination::open();
    let mut daemon = start(COUNTED, "", "", &service);
    assert_eq!(daemon.post("/", status("c1", "in-progress")).status, 200);
    let [gone, person, visits] = arrivals(&service);
    assert_eq!((gone.path(), person.path(), visits.path()), ("/gone", "/people", "/visits"));
    gone.answer(404);
    person.answer_with(200, "", "Ada");
    visits.answer(503);
    // Who has answered is not asked again, be it with a refusal, and what does not need the third happens at once.
    let again = service.next();
    assert_eq!(again.path(), "/visits");
    daemon.logged_where("who called", |line| line.to_string().contains("Ada calls"));
    assert_eq!(result(&daemon.post("/", tool_call("t1", &json!({})))), "1 calls");
    again.answer_with(200, "", "7");
    daemon.logged_where("the rest", |line| line.to_string().contains("7 visits"));
    assert_eq!(result(&daemon.post("/", tool_call("t2", &json!({})))), "1 calls");
    let log = daemon.stop();
    let said = |text: &str| log.iter().filter(|line| line.to_string().contains(text)).count();
    assert_eq!((said("Ada calls"), said("7 visits"), said("is gone")), (1, 1, 0), "{log:#?}");
    assert!(service.ready().is_none(), "something was asked twice");
}

const STOPPING: &str = r#"
rules:
  - name: first
    on: end-of-call-report
    fetch: { person: { get: "CRM/people" } }
    when: { person.json.vip: true }
    stop: true
    do: [ { post: CRM/first, json: {} } ]
  - name: second
    on: end-of-call-report
    do: [ { post: CRM/second, json: {} } ]
"#;

#[test]
fn a_rule_that_may_stop_the_others_is_waited_for() {
    let service = Destination::open();
    let daemon = start(STOPPING, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    service.next().answer(503);
    answer_json(service.next(), &json!({ "vip": true }));
    let told = service.next();
    assert_eq!(told.path(), "/first");
    told.answer(200);
    // What is refused for good stops nobody.
    assert_eq!(daemon.post("/", report("c2")).status, 200);
    service.next().answer(404);
    let told = service.next();
    assert_eq!(told.path(), "/second");
    told.answer(200);
    assert!(service.ready().is_none(), "the others did not wait");
}

#[test]
fn who_cannot_be_waited_for_any_longer_is_done_without() {
    let service = Destination::open();
    let daemon = start(STOPPING, "", "limits: { outbox_age_max: 1s }\n", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    loop {
        let arrival = service.next();
        if arrival.path() == "/second" {
            arrival.answer(200);
            break;
        }
        assert_eq!(arrival.path(), "/people");
        arrival.answer(503);
    }
    // It is on its way to be written down.
    let cause = (0..1000).find_map(|_| outbox(&daemon).pointer("/items/0/cause").cloned());
    assert_eq!(cause, Some(json!("age")));
    // An operator wants it tried once more: what was done is not done again.
    assert_eq!(Client::connect(daemon.admin).ask("POST", "/api/outbox/dead/retry").status, 200);
    answer_json(service.next(), &json!({ "vip": true }));
    let told = service.next();
    assert_eq!(told.path(), "/first");
    told.answer(200);
    assert!(service.ready().is_none(), "something was done twice");
}

const MISSING: &str = r#"
rules:
  - name: missing
    on: status-update
    when: { status: ended }
    fetch: { person: { get: "CRM/people/${call.id}" } }
    do:
      - post: CRM/missing
        json: { call: "${call.id}", name: "${person.json.name}" }
        unless_by: { kind: end-of-call-report, within: 1s }
"#;

#[test]
fn what_comes_before_an_event_is_decided_calls_off_what_it_wants() {
    let service = Destination::open();
    let daemon = start(MISSING, "", "", &service);
    for call in ["c1", "c2"] {
        assert_eq!(daemon.post("/", status(call, "ended")).status, 200);
    }
    let asked = arrivals::<2>(&service);
    // The report comes while nobody knows yet what the other event wants, and the daemon knows it after a kill, too.
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let mut daemon = killed_and_started_again(daemon);
    drop(asked);
    for arrival in arrivals::<2>(&service) {
        answer_json(arrival, &json!({ "name": "Ada" }));
    }
    let missing = service.next();
    assert_eq!((missing.path(), missing.body.as_str()), ("/missing", "{\"call\":\"c2\",\"name\":\"Ada\"}"));
    missing.answer(200);
    daemon.logged_where("what was called off", |line| line.to_string().contains("called off"));
    assert!(service.ready().is_none(), "it was sent although the report has come");
}

const CONDITION: &str = r#"
rules:
  - name: find
    tool: find
    if: http::get("CRM/vip").json.vip
    when: { args.name: Ada }
    respond: You are welcome.
    fallback: I do not know.
"#;

#[test]
fn a_script_in_a_condition_asks_once_all_else_is_known_to_hold() {
    let service = Destination::open();
    let daemon = start(CONDITION, "", "", &service);
    let other = daemon.post("/", tool_call("t1", &json!({ "name": "Bob" })));
    assert_eq!(other.json().pointer("/results/0/error"), Some(&json!("There is no tool `find` here.")));
    assert!(service.ready().is_none(), "it was asked for nothing");
    let caller = asking(&daemon, tool_call("t2", &json!({ "name": "Ada" })));
    service.next().answer(503);
    assert_eq!(result(&caller.join().unwrap()), "I do not know.");
    let caller = asking(&daemon, tool_call("t3", &json!({ "name": "Ada" })));
    answer_json(service.next(), &json!({ "vip": true }));
    assert_eq!(result(&caller.join().unwrap()), "You are welcome.");
}

const ONCE_PER_CALL: &str = r#"
rules:
  - name: once
    on: end-of-call-report
    when: { state.told: absent }
    fetch: { person: { get: "CRM/people" } }
    do:
      - set: { told: true }
      - post: CRM/told
        json: { name: "${person.json.name}" }
  - name: later
    on: end-of-call-report
    when: { state.told: true }
    do: [ { post: CRM/later, json: {} } ]
"#;

#[test]
fn what_an_event_keeps_does_not_change_which_rules_match_it() {
    let service = Destination::open();
    let daemon = start(ONCE_PER_CALL, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    service.next().answer(503);
    answer_json(service.next(), &json!({ "name": "Ada" }));
    let told = service.next();
    assert_eq!((told.path(), told.body.as_str()), ("/told", "{\"name\":\"Ada\"}"));
    told.answer(200);
    assert!(service.ready().is_none(), "the other rule did not match when the event came");
}

const ANSWERING: &str = r#"
rules:
  - name: vip
    on: end-of-call-report
    fetch: { person: { get: "CRM/people" } }
    when: { person.json.vip: true }
    script: 'act::post("CRM/vip", #{})'
    fallback: '${act::post("CRM/fallback", #{})}'
  - name: everyone
    on: end-of-call-report
    script: 'act::post("CRM/everyone", #{})'
    do: [ { post: CRM/acted, json: {} } ]
"#;

#[test]
fn one_rule_answers_once_it_is_known_which() {
    let service = Destination::open();
    let daemon = start(ANSWERING, "", "", &service);
    for (call, vip, path) in [("c1", false, "/everyone"), ("c2", true, "/vip")] {
        assert_eq!(daemon.post("/", report(call)).status, 200);
        service.next().answer(503);
        let [acted, again] = arrivals(&service);
        assert_eq!((acted.path(), again.path()), ("/acted", "/people"), "actions wait for nobody");
        acted.answer(200);
        answer_json(again, &json!({ "vip": vip }));
        let answered = service.next();
        assert_eq!(answered.path(), path);
        answered.answer(200);
    }
    assert!(service.ready().is_none(), "two rules answered");
}

const WRONG: &str = r#"
rules:
  - name: lacking
    on: end-of-call-report
    fetch: { person: { get: "CRM/people" } }
    do: [ { log: "${person.text} called" } ]
  - name: wrong
    on: end-of-call-report
    do: [ { log: "${1 / 0}" } ]
"#;

#[test]
fn what_fails_for_good_is_told_although_another_rule_is_tried_again() {
    let service = Destination::open();
    let mut daemon = start(WRONG, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    service.next().answer(503);
    service.next().answer_with(200, "", "Ada");
    daemon.logged_where("the rest", |line| line.to_string().contains("Ada called"));
    let log = daemon.stop();
    let told = log.iter().filter(|line| line["message"] == "a rule failed" && line["rule"] == "wrong").count();
    assert_eq!(told, 1, "{log:#?}");
}

#[test]
fn an_outbox_full_of_events_empties_itself() {
    let service = Destination::open();
    let daemon = start(REPORTS, "", "limits: { outbox_items_max: 2 }\n", &service);
    for call in ["c1", "c2"] {
        assert_eq!(daemon.post("/", report(call)).status, 200);
    }
    let asked = arrivals::<2>(&service);
    assert_eq!(daemon.post("/", report("c3")).status, 503, "it is full");
    for arrival in asked {
        answer_json(arrival, &json!({ "name": "Ada" }));
    }
    for told in arrivals::<4>(&service) {
        told.answer(200);
    }
    assert!(service.ready().is_none());
}

#[test]
fn an_event_that_is_sent_for_again_is_still_one_of_its_call() {
    let service = Destination::open();
    let daemon = start(MISSING, "", "", &service);
    assert_eq!(daemon.post("/", status("c1", "ended")).status, 200);
    service.next().answer(503);
    Client::connect(daemon.admin).ask("POST", "/api/outbox/1/retry");
    let again = service.next();
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    answer_json(again, &json!({ "name": "Ada" }));
    let mut daemon = daemon;
    daemon.logged_where("what was called off", |line| line.to_string().contains("called off"));
    assert!(service.ready().is_none(), "it was sent although the report has come");
}

const QUIET: &str = r#"
rules:
  - name: quiet
    on: status-update
    do: [ { post: CRM/alert, json: {}, unless_by: { kind: status-update, within: 1s } } ]
  - name: hung
    on: hang
    fetch: { person: { get: CRM/people } }
    do: [ { post: CRM/hung, json: { name: "${person.json.name}" } } ]
"#;

#[test]
fn an_event_calls_off_nothing_of_its_own_while_an_earlier_one_is_undecided() {
    let service = Destination::open();
    let daemon = start(QUIET, "", "", &service);
    let hang = json!({ "message": { "type": "hang", "call": { "id": "c1" } } }).to_string();
    assert_eq!(daemon.post("/", hang).status, 200);
    let person = service.next();
    assert_eq!(daemon.post("/", status("c1", "in-progress")).status, 200);
    let alert = service.next();
    assert_eq!(alert.path(), "/alert");
    alert.answer(200);
    answer_json(person, &json!({ "name": "Ada" }));
    service.next().answer(200);
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.to_string().contains("called off")), "nothing was: {log:#?}");
}

const IDLE: &str = r#"
rules:
  - name: idle
    on: status-update
    fetch: { person: { get: CRM/people } }
    do:
      - post: CRM/idle
        json: { name: "${person.json.name}" }
        unless_by: { kind: status-update, within: 1s }
"#;

#[test]
fn an_event_that_is_undecided_and_comes_again_after_a_kill_does_not_call_off_what_it_will_want() {
    let service = Destination::open();
    let daemon = start(IDLE, "", "", &service);
    assert_eq!(daemon.post("/", status("c1", "in-progress")).status, 200);
    let asked = service.next();
    let daemon = killed_and_started_again(daemon);
    drop(asked);
    let person = service.next();
    assert_eq!(daemon.post("/", status("c1", "in-progress")).status, 200);
    answer_json(person, &json!({ "name": "Ada" }));
    let told = service.next();
    assert_eq!(told.path(), "/idle");
    told.answer(200);
}

const HASTY: &str = r#"
rules:
  - name: hasty
    on: end-of-call-report
    fetch: { person: { get: CRM/people } }
    do: [ { post: CRM/hasty, json: { name: "${person.json.name}" }, retry: { within: 1s } } ]
"#;

#[test]
fn what_an_event_wants_is_tried_although_the_event_was_decided_late() {
    let service = Destination::open();
    let daemon = start(HASTY, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let late = Deadline::after(Duration::from_millis(1200));
    let mut person = service.next();
    while !late.passed() {
        person.answer(503);
        person = service.next();
    }
    answer_json(person, &json!({ "name": "Ada" }));
    let told = service.next();
    assert_eq!(told.path(), "/hasty");
    told.answer(200);
}
