//! What the daemon remembers: the answers to tool calls, and the state of a call.

use serde_json::{Value, json};

use super::tool_calls;
use crate::support::{Answer, Client, Daemon};

const RULES: &str = r#"
rules:
  - { name: work, tool: work, run: "desk::work" }
  - { name: greeted, on: assistant-request, script: "state::set(`guest`, event.customer.name); #{ assistantId: `a1` }" }
  - { name: status, on: status-update, script: "state::set(`status`, event.status); state::incr(`updates`)" }
  - { name: whose, tool: whose, respond: "${state.guest}/${state.status}/${state.updates}" }
"#;

/// Long enough to be found at work by a second request.
const DESK: &str = r#"fn work(args) {
    let n = 0;
    while n < args.rounds { n += 1; }
    `${crypto::uuid()} ${state::incr("works")}`
}
"#;

fn start() -> Daemon {
    Daemon::start(&[("rules/rules.yaml", RULES), ("rules/scripts/desk.rhai", DESK)])
}

fn result(answer: &Answer) -> String {
    answer.json()["results"][0]["result"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

/// Asks for `work` and returns what came of it: an identifier and the number of times that it was done in this call.
fn work(client: &mut Client, call: &str, id: &str, rounds: usize) -> String {
    result(&client.post("/", &[], tool_calls(call, &[(id, "work", json!({ "rounds": rounds }))])))
}

#[test]
fn a_tool_call_that_comes_again_is_carried_out_once() {
    let mut daemon = start();
    let mut client = daemon.connect();
    let first = work(&mut client, "call-1", "t1", 1);
    assert!(first.ends_with(" 1"), "{first}");
    assert_eq!(work(&mut client, "call-1", "t1", 1), first);
    assert_eq!(work(&mut daemon.connect(), "call-1", "t1", 1), first);
    let line = daemon.logged("answered a repeated tool call as before");
    assert_eq!(line["call"], "call-1");

    let another = work(&mut client, "call-1", "t2", 1);
    assert!(another.ends_with(" 2"), "{another}");
    let elsewhere = work(&mut client, "call-2", "t1", 1);
    assert!(elsewhere.ends_with(" 1") && elsewhere != first, "{elsewhere}");
    // Hooks give all of their calls one id.
    let hooks = ["1", "2", "3"].map(|_| work(&mut client, "call-3", "hook-function-call", 1));
    assert_eq!(hooks.each_ref().map(|it| it.rsplit_once(' ').unwrap().1), ["1", "2", "3"]);

    // A message in which an old call stands beside a new one.
    let both = [("t1", "work", json!({ "rounds": 1 })), ("t9", "work", json!({ "rounds": 1 }))];
    let reply = client.post("/", &[], tool_calls("call-1", &both)).json();
    let said = [0, 1].map(|at| reply["results"][at]["result"].as_str().unwrap().to_owned());
    assert_eq!(said[0], first);
    assert!(said[1].ends_with(" 3"), "{reply}");
}

#[test]
fn a_tool_call_that_comes_again_while_it_is_at_work_is_carried_out_once() {
    let daemon = start();
    let body = tool_calls("call-1", &[("t1", "work", json!({ "rounds": 60_000 }))]);
    let mut clients = [daemon.connect(), daemon.connect(), daemon.connect()];
    for client in &mut clients {
        client.begin("POST", "/", &[("expect", "100-continue")], body.len());
        assert_eq!(client.answer().status, 100);
    }
    for client in &mut clients {
        client.send(&body);
    }
    let [first, second, third] = clients.map(|mut client| result(&client.answer()));
    assert!(first.ends_with(" 1"), "{first}");
    assert_eq!((&second, &third), (&first, &first));
}

#[test]
fn a_call_keeps_its_state_and_no_other_call_sees_it() {
    let daemon = start();
    let mut client = daemon.connect();
    let mut event = |call: &str, mut message: Value| {
        message["call"] = json!({ "id": call });
        client.post("/", &[], json!({ "message": message }).to_string())
    };
    event("call-1", json!({ "type": "assistant-request", "customer": { "name": "Ada" } }));
    event("call-2", json!({ "type": "assistant-request", "customer": { "name": "Bo" } }));
    for status in ["in-progress", "forwarding"] {
        assert_eq!(event("call-1", json!({ "type": "status-update", "status": status })).text(), "{}");
    }
    let whose = |call| result(&daemon.post("/", tool_calls(call, &[("t1", "whose", json!({}))])));
    assert_eq!(whose("call-1"), "Ada/forwarding/2");
    assert_eq!(whose("call-2"), "Bo//");
    assert_eq!(whose("call-3"), "//");
}

/// Rules about state that must hold whatever happens at the same time.
const COUNTERS: &str = r#"
rules:
  - { name: ticket, tool: ticket, run: "desk::ticket" }
  - { name: keep, tool: keep, run: "desk::keep" }
  - { name: half, tool: half, run: "desk::half", fallback: "half" }
  - { name: deliberate, tool: deliberate, script: "state::set(`deliberate`, 1); throw `no`" }
  - { name: show, tool: show, respond: "${state.half}|${state.deliberate}|${state.len()}" }
"#;

const COUNTER: &str = r#"fn pass_time() { let n = 0; while n < 1500 { n += 1; } }

fn ticket(args) { pass_time(); state::incr("tickets") }

fn keep(args) { pass_time(); state::set("kept" + args.n, 1); "kept" }

fn half(args) { state::set("half", 1); parse_int("x") }
"#;

fn counters() -> Daemon {
    Daemon::start(&[("rules/rules.yaml", COUNTERS), ("rules/scripts/desk.rhai", COUNTER)])
}

#[test]
fn decisions_of_one_call_at_the_same_time_lose_nothing() {
    let daemon = counters();
    let calls: Vec<(String, &str, Value)> =
        (0..24).map(|n| (format!("t{n}"), if n < 12 { "ticket" } else { "keep" }, json!({ "n": n }))).collect();
    let calls: Vec<(&str, &str, Value)> = calls.iter().map(|(id, tool, args)| (&**id, *tool, args.clone())).collect();
    let reply = daemon.post("/", tool_calls("call-1", &calls)).json();
    let mut tickets: Vec<u32> =
        (0..12).map(|at| reply["results"][at]["result"].as_str().unwrap().parse().unwrap()).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, (1..=12).collect::<Vec<_>>(), "{reply}");
    let show = result(&daemon.post("/", tool_calls("call-1", &[("s", "show", json!({}))])));
    assert_eq!(show, "||13");
}

#[test]
fn what_fails_is_not_half_done_and_what_throws_is_an_answer() {
    let daemon = counters();
    let calls = [("t1", "half", json!({})), ("t2", "deliberate", json!({})), ("t3", "show", json!({}))];
    for (id, tool, args) in &calls {
        daemon.post("/", tool_calls("call-1", &[(id, tool, args.clone())]));
    }
    let show = result(&daemon.post("/", tool_calls("call-1", &[("t4", "show", json!({}))])));
    assert_eq!(show, "|1|1");
}

#[test]
fn two_tools_that_share_an_id_are_two_calls() {
    let daemon = counters();
    let both = [("t", "show", json!({})), ("t", "ticket", json!({}))];
    let reply = daemon.post("/", tool_calls("call-1", &both)).json();
    assert_eq!((&reply["results"][0]["name"], &reply["results"][1]["name"]), (&json!("show"), &json!("ticket")));
}

#[test]
fn an_event_that_comes_again_counts_once() {
    let daemon = start();
    let report = json!({ "message": { "type": "status-update", "status": "ended", "timestamp": 1, "call": { "id": "call-1" } } });
    for _ in 0..3 {
        assert_eq!(daemon.post("/", report.to_string()).text(), "{}");
    }
    assert_eq!(result(&daemon.post("/", tool_calls("call-1", &[("t1", "whose", json!({}))]))), "/ended/1");
}
