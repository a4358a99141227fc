//! What rules do besides answering: the daemon with real destinations, from a rule to a request that arrives.

mod killing;

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};
use switchhook::clock::Deadline;

use crate::support::{Arrival, Client, Daemon, Destination, Folder, PATIENCE, switchhook};

const SETTINGS: &str = "outbound: { allow: [ 127.0.0.0/8 ] }\nsecrets: { crm: { env: CRM_TOKEN } }\n";
const TOKEN: &str = "correct-horse-battery";

fn files(rules: &str, destination: &Destination) -> Vec<(&'static str, String)> {
    let rules = rules.replace("DESK", &format!("http://{}", destination.address));
    vec![("switchhook.yaml", SETTINGS.to_owned()), ("rules/rules.yaml", rules)]
}

fn folder(rules: &str, destination: &Destination) -> Folder {
    let files = files(rules, destination);
    Folder::with(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>())
}

fn start(folder: Folder) -> Daemon {
    let mut command = switchhook(&folder);
    command.env("CRM_TOKEN", TOKEN).args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    Daemon::of(folder, &mut command)
}

fn tool_call(call: &str, id: &str) -> String {
    let tool = json!({ "id": id, "function": { "name": "book", "arguments": { "guests": 3 } } });
    json!({ "message": { "type": "tool-calls", "call": { "id": call }, "toolCallList": [tool] } }).to_string()
}

fn event(kind: &str, call: &str) -> String {
    json!({ "message": { "type": kind, "call": { "id": call }, "timestamp": 1 } }).to_string()
}

/// How the outbox stands, as operators are told.
fn outbox(daemon: &Daemon) -> Value {
    Client::connect(daemon.admin).ask("GET", "/api/outbox").json()
}

/// Waits until nothing waits to be sent.
fn until_sent(daemon: &Daemon) {
    let deadline = Deadline::after(PATIENCE);
    loop {
        let stands = outbox(daemon);
        if stands["waiting"] == 0 && stands["leased"] == 0 {
            return;
        }
        assert!(!deadline.passed(), "not everything is sent: {stands:#}");
    }
}

const BOOKING: &str = r#"
rules:
  - name: book
    tool: book
    respond: "Booked for ${args.guests}."
    do:
      - post: "DESK/bookings?call=${call.id}"
        headers: { authorization: "Bearer ${secrets.crm}" }
        json: { wanted: "${args}", said: "${result}", token: "${secrets.crm}" }
"#;

#[test]
fn a_reply_does_not_wait_for_what_follows() {
    let destination = Destination::open();
    let daemon = start(folder(BOOKING, &destination));
    let body = tool_call("c/1", "t1");
    let reply = daemon.post("/", &body);
    assert_eq!(reply.json()["results"][0]["result"], "Booked for 3.");
    let arrival = destination.next();
    assert_eq!((arrival.method(), arrival.path()), ("POST", "/bookings?call=c%2F1"));
    assert_eq!(arrival.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert_eq!(arrival.header("content-type"), Some("application/json"));
    let sent: Value = serde_json::from_str(&arrival.body).unwrap();
    assert_eq!(sent, json!({ "wanted": { "guests": 3 }, "said": "Booked for 3.", "token": TOKEN }));
    let key = arrival.header("idempotency-key").unwrap().to_owned();
    arrival.answer(503);
    let again = destination.next();
    assert_eq!(again.header("idempotency-key"), Some(&*key), "each attempt has the same key");
    again.answer(200);
    // The same tool call is answered as before, and nothing is done twice.
    assert_eq!(daemon.post("/", &body).body, reply.body);
    until_sent(&daemon);
    assert!(destination.ready().is_none());
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.to_string().contains(TOKEN)), "the log shows a secret");
}

const REPORTS: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    do: [ { post: DESK/reports, json: { call: "${call.id}" } } ]
  - name: missing
    on: hang
    do:
      - post: DESK/missing
        unless_by: { kind: end-of-call-report, within: 1h }
      - set: { hung: true }
"#;

#[test]
fn an_event_that_comes_again_is_acted_on_once_also_after_a_restart() {
    let destination = Destination::open();
    let daemon = start(folder(REPORTS, &destination));
    let report = event("end-of-call-report", "c1");
    for _ in 0..2 {
        assert_eq!(daemon.post("/", &report).status, 200);
    }
    destination.next().answer(200);
    until_sent(&daemon);
    let daemon = start(daemon.stop_and_keep());
    assert_eq!(daemon.post("/", &report).status, 200);
    until_sent(&daemon);
    assert!(destination.ready().is_none(), "the report was sent again");
}

const ANY: &str = r#"
rules:
  - name: any
    on: [ hang, status-update, speech-update ]
    do: [ { post: DESK/any, json: { on: "${event.type}", is: "${event.status}", to: "${event.destination}" } } ]
"#;

/// An event as `message` says, in whose call a recording lies at a place that is another one each time.
fn presigned(message: &Value, signature: u32) -> String {
    let mut message = message.clone();
    message["call"] = json!({ "id": "c1" });
    message["artifact"] = json!({ "presignedUrl": format!("https://a.example/?sig={signature}") });
    json!({ "message": message }).to_string()
}

#[test]
fn an_event_that_comes_again_is_known_by_what_it_says_not_by_its_links() {
    let destination = Destination::open();
    let mut daemon = start(folder(ANY, &destination));
    let messages = [
        json!({ "type": "hang", "timestamp": 1 }),
        json!({ "type": "hang", "timestamp": 2 }),
        json!({ "type": "speech-update", "status": "stopped", "timestamp": 3 }),
        json!({ "type": "speech-update", "status": "started", "timestamp": 3 }),
        json!({ "type": "status-update", "status": "forwarding", "timestamp": 4, "destination": "a" }),
        json!({ "type": "status-update", "status": "forwarding", "timestamp": 5, "destination": "a" }),
    ];
    let mut signature = 0;
    // Once they are new, once they come again, and once after a restart, which only what is on disk outlives.
    for is_new in [true, false, false] {
        for message in &messages {
            signature += 1;
            assert_eq!(daemon.post("/", presigned(message, signature)).status, 200);
            if is_new {
                let arrival = destination.next();
                assert!(arrival.body.contains(message["type"].as_str().unwrap()), "{}", arrival.body);
                arrival.answer(200);
            }
        }
        until_sent(&daemon);
        assert!(destination.ready().is_none(), "something was done twice");
        if !is_new {
            daemon = start(daemon.stop_and_keep());
        }
    }
    // What does not say when it was is known by all of it.
    for to in ["a", "b"] {
        let status = json!({ "type": "status-update", "status": "forwarding", "destination": to });
        for _ in 0..2 {
            assert_eq!(daemon.post("/", presigned(&status, 0)).status, 200);
        }
        let arrival = destination.next();
        assert_eq!(serde_json::from_str::<Value>(&arrival.body).unwrap()["to"], to);
        arrival.answer(200);
    }
    until_sent(&daemon);
    assert!(destination.ready().is_none(), "something was done twice");
}

#[test]
fn what_an_event_makes_superfluous_is_not_sent() {
    let destination = Destination::open();
    let daemon = start(folder(REPORTS, &destination));
    assert_eq!(daemon.post("/", event("hang", "c1")).status, 200);
    assert_eq!(outbox(&daemon)["waiting"], 1);
    assert_eq!(daemon.post("/", event("end-of-call-report", "c1")).status, 200);
    let arrival = destination.next();
    assert_eq!(arrival.path(), "/reports");
    arrival.answer(200);
    until_sent(&daemon);
    assert!(destination.ready().is_none());
}

#[test]
fn what_cannot_be_kept_is_not_acknowledged() {
    let destination = Destination::open();
    let folder = folder(REPORTS, &destination);
    fs::write(folder.path().join("switchhook.yaml"), format!("{SETTINGS}limits: {{ outbox_items_max: 1 }}\n")).unwrap();
    let daemon = start(folder);
    assert_eq!(daemon.post("/", event("hang", "c1")).status, 200);
    let full = daemon.post("/", event("hang", "c2"));
    assert_eq!((full.status, full.header("retry-after")), (503, Some("1")));
    // Once there is room, the same event is taken as if it had never come.
    assert_eq!(daemon.post("/", event("end-of-call-report", "c1")).status, 200);
    destination.next().answer(200);
    until_sent(&daemon);
    assert_eq!(daemon.post("/", event("hang", "c2")).status, 200);
    assert_eq!(outbox(&daemon)["waiting"], 1);
}

#[test]
fn what_could_never_be_kept_is_acknowledged_and_told() {
    let destination = Destination::open();
    let twice = "rules:\n  - name: twice\n    on: hang\n    do: [ { post: DESK/a }, { post: DESK/b } ]\n";
    let folder = folder(twice, &destination);
    fs::write(folder.path().join("switchhook.yaml"), format!("{SETTINGS}limits: {{ outbox_items_max: 1 }}\n")).unwrap();
    let mut daemon = start(folder);
    assert_eq!(daemon.post("/", event("hang", "c1")).status, 200);
    let told = daemon.logged("actions were not taken");
    assert_eq!((&told["action"], &told["actions"], &told["call"]), (&json!("twice/1"), &json!(2), &json!("c1")));
    assert!(told["error"].as_str().unwrap().contains("`limits: { outbox_items_max, outbox_bytes_max }`"), "{told}");
    assert_eq!(outbox(&daemon)["waiting"], 0);
}

#[test]
fn a_caller_is_answered_although_nothing_can_be_kept() {
    let destination = Destination::open();
    let folder = folder(BOOKING, &destination);
    fs::write(folder.path().join("switchhook.yaml"), format!("{SETTINGS}limits: {{ outbox_items_max: 1 }}\n")).unwrap();
    let daemon = start(folder);
    for number in 0..3 {
        let reply = daemon.post("/", tool_call("c1", &format!("t{number}")));
        assert_eq!(reply.json()["results"][0]["result"], "Booked for 3.");
    }
}

#[test]
fn loopback_is_refused_unless_it_is_allowed() {
    let destination = Destination::open();
    let folder = folder(REPORTS, &destination);
    fs::write(folder.path().join("switchhook.yaml"), SETTINGS.replace("127.0.0.0/8", "10.0.0.0/8")).unwrap();
    let daemon = start(folder);
    assert_eq!(daemon.post("/", event("end-of-call-report", "c1")).status, 200);
    let deadline = Deadline::after(PATIENCE);
    while outbox(&daemon)["dead"] != 1 {
        assert!(!deadline.passed(), "{:#}", outbox(&daemon));
    }
    assert!(destination.ready().is_none());
}

const SILENCE: &str = "
rules:
  - name: silence
    on: hang
    do: [ { post: DESK/silence, unless_by: { kind: hang, within: 1h } } ]
";

#[test]
fn an_event_that_comes_again_does_not_call_off_what_it_wanted() {
    let destination = Destination::open();
    let daemon = start(folder(SILENCE, &destination));
    for _ in 0..2 {
        assert_eq!(daemon.post("/", event("hang", "c1")).status, 200);
    }
    assert_eq!(outbox(&daemon)["waiting"], 1);
    let other = json!({ "message": { "type": "hang", "call": { "id": "c1" }, "timestamp": 2 } }).to_string();
    assert_eq!(daemon.post("/", other).status, 200);
    assert_eq!(outbox(&daemon)["waiting"], 1, "the second one calls off the first, and waits itself");
}

#[test]
fn nor_does_it_after_a_kill() {
    let destination = Destination::open();
    let daemon = start(folder(SILENCE, &destination));
    assert_eq!(daemon.post("/", event("hang", "c1")).status, 200);
    daemon.signal(Signal::KILL);
    let daemon = start(daemon.killed_and_kept());
    // The acknowledgement was lost with the daemon, so the event comes again.
    assert_eq!(daemon.post("/", event("hang", "c1")).status, 200);
    assert_eq!(outbox(&daemon)["waiting"], 1);
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.to_string().contains("called off")), "{log:#?}");
}

#[test]
fn a_tool_call_that_comes_again_does_not_call_off_what_it_wanted() {
    let rules = "
rules:
  - name: book
    tool: book
    respond: Booked.
    do: [ { post: DESK/idle, unless_by: { kind: tool-calls, within: 1h } } ]
";
    let destination = Destination::open();
    let daemon = start(folder(rules, &destination));
    for _ in 0..2 {
        assert_eq!(daemon.post("/", tool_call("c1", "t1")).json()["results"][0]["result"], "Booked.");
    }
    // Nobody waits for what is called off behind a reply, but who ends does.
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.to_string().contains("called off")), "{log:#?}");
}

#[test]
fn what_a_call_is_told_waits_for_nobody_else() {
    let rules = r#"
rules:
  - name: nudge
    on: hang
    do:
      - { post: DESK/crm, order: call }
      - { say: later, after: 1h }
      - { say: "One second." }
"#;
    let destination = Destination::open();
    let folder = folder(rules, &destination);
    let settings = SETTINGS.replace("] }", "], call_control: [ \"http://127.0.0.1\" ] }");
    fs::write(folder.path().join("switchhook.yaml"), settings).unwrap();
    let daemon = start(folder);
    let monitor = json!({ "controlUrl": format!("http://{}/control", destination.address) });
    let hang = json!({ "message": { "type": "hang", "call": { "id": "c1", "monitor": monitor } } }).to_string();
    assert_eq!(daemon.post("/", hang).status, 200);
    // Neither of them is answered before the other has come.
    let arrivals = [destination.next(), destination.next()];
    let mut paths = arrivals.each_ref().map(Arrival::path);
    paths.sort_unstable();
    assert_eq!(paths, ["/control", "/crm"]);
}

#[test]
fn an_action_that_is_too_long_does_not_take_the_others_with_it() {
    let rules = r#"
rules:
  - name: report
    on: end-of-call-report
    do:
      - { post: DESK/whole, json: "${artifact.transcript}" }
      - { post: DESK/small }
"#;
    let destination = Destination::open();
    let mut daemon = start(folder(rules, &destination));
    let artifact = json!({ "transcript": "\"".repeat(2_600_000) });
    let report = json!({ "message": { "type": "end-of-call-report", "call": { "id": "c1" }, "artifact": artifact } });
    assert_eq!(daemon.post("/", report.to_string()).status, 200);
    assert_eq!(destination.next().path(), "/small");
    daemon.logged("actions were not taken");
}

#[test]
fn keys_stay_when_other_rules_come_first() {
    let destination = Destination::open();
    let daemon = start(folder(REPORTS, &destination));
    let report = event("end-of-call-report", "c1");
    assert_eq!(daemon.post("/", &report).status, 200);
    let first = destination.next();
    let key = first.header("idempotency-key").unwrap().to_owned();
    first.answer(200);
    until_sent(&daemon);
    let folder = daemon.stop_and_keep();
    let file = folder.path().join("rules/rules.yaml");
    let more = "rules:\n  - { name: new, on: end-of-call-report, do: [ { post: DESK/new } ] }";
    let more = more.replace("DESK", &destination.url(""));
    let text = fs::read_to_string(&file).unwrap().replacen("rules:", &more, 1);
    fs::write(&file, text).unwrap();
    let daemon = start(folder);
    assert_eq!(daemon.post("/", &report).status, 200);
    let new = destination.next();
    assert_eq!(new.path(), "/new");
    assert_ne!(new.header("idempotency-key"), Some(&*key));
    new.answer(200);
    until_sent(&daemon);
    assert!(destination.ready().is_none(), "the report was sent again");
}
