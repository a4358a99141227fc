//! Scripts in a running daemon: what fails costs its own answer only, and what lasts costs nobody else's time.

use serde_json::{Value, json};

use super::tool_calls;
use crate::support::Daemon;

const RULES: &str = r##"
tools:
  count: { parameters: { type: object, required: [n], properties: { n: { type: integer } } } }
rules:
  - { name: refuse, tool: refuse, run: "desk::refuse", fallback: "never heard" }
  - { name: forever, tool: forever, run: "desk::forever", timeout: 300ms, fallback: "I will call you back." }
  - { name: endless, tool: endless, run: "desk::forever", timeout: 2s, fallback: "It never ended." }
  - { name: greet, tool: greet, run: "desk::greet" }
  - { name: count, tool: count, run: "desk::count" }
  - { name: broken, tool: broken, run: "desk::broken", fallback: "The book is closed." }
  - { name: wrong, tool: wrong, respond: { result: "${args.no}", error: "${args.yes}" }, fallback: "Nothing to say." }
  - { name: whom, on: assistant-request, run: "desk::whom", fallback: { assistantId: a-fallback } }
  - { name: where, on: transfer-destination-request, script: "#{ destination: #{ type: `number`, number: 7 } }" }
  - { name: predial, on: campaign.predial, respond: { eligible: true } }
  - { name: excuse, tool: excuse, run: "desk::forever", timeout: 300ms, fallback: "Sorry, ${args.who + \"!\"}" }
"##;

const DESK: &str = r#"fn refuse(args) { throw "We are closed on Mondays." }

fn forever(args) { loop { } }

fn greet(args) { `Good morning, ${args.name}!` }

fn count(args) { let n = 0; while n < args.n { n += 1; } #{ counted: n, lines: "a\nb" } }

fn broken(args) {
    let book = #{};
    book.page.number + 1
}

fn whom(event) { #{ assistant: "nobody" } }
"#;

fn start() -> Daemon {
    // Operations are no limit here, only time is.
    let settings = "limits: { script_operations_max: 1000000000000, script_threads: 2 }\n";
    Daemon::start(&[("switchhook.yaml", settings), ("rules/rules.yaml", RULES), ("rules/scripts/desk.rhai", DESK)])
}

/// The id of each result, whether it is one or an error, and what it says.
fn results(reply: &Value) -> Vec<(&str, &str, &str)> {
    let results = reply["results"].as_array().unwrap().iter();
    results
        .map(|it| {
            let (key, said) = ["result", "error"].iter().find_map(|key| Some((*key, it[key].as_str()?))).unwrap();
            (it["toolCallId"].as_str().unwrap(), key, said)
        })
        .collect()
}

#[test]
fn tool_calls_of_one_message_fare_each_for_itself() {
    let mut daemon = start();
    let body = tool_calls(
        "call-1",
        &[
            ("t1", "refuse", json!({})),
            ("t2", "forever", json!({})),
            ("t3", "greet", json!({ "name": "Ada" })),
            ("t4", "count", json!({ "n": 20_000 })),
            ("t5", "count", json!({ "n": "many" })),
            ("t6", "unheard-of", json!({})),
            ("t7", "broken", json!({})),
            ("t8", "wrong", json!({ "yes": "y", "no": "n" })),
        ],
    );
    let reply = daemon.post("/", &body).json();
    let mut results = results(&reply);
    let mistake = results.remove(4);
    assert!(mistake.1 == "error" && mistake.2.contains("n: \"many\" is not of type"), "{mistake:?}");
    assert_eq!(
        results,
        [
            ("t1", "error", "We are closed on Mondays."),
            ("t2", "result", "I will call you back."),
            ("t3", "result", "Good morning, Ada!"),
            ("t4", "result", r#"{"counted":20000,"lines":"a\nb"}"#),
            ("t6", "error", "There is no tool `unheard-of` here."),
            ("t7", "result", "The book is closed."),
            ("t8", "result", "Nothing to say."),
        ]
    );

    let mut failure =
        |rule: &str| daemon.logged_where(rule, |line| line["message"] == "a rule failed" && line["rule"] == rule);
    assert!(failure("forever")["why"].as_str().unwrap().contains("in time"));
    let broken = failure("broken");
    assert!(broken["place"].as_str().unwrap().starts_with("rules/scripts/desk.rhai:11:"), "{broken}");
    let wrong = failure("wrong");
    assert_eq!(wrong["place"], "rules/rules.yaml:11:13");
    assert!(wrong["why"].as_str().unwrap().contains("breaks its contract"), "{wrong}");
}

#[test]
fn a_reply_that_breaks_its_contract_is_never_sent() {
    let mut daemon = start();
    let request = |kind: &str| json!({ "message": { "type": kind, "call": { "id": "call-2" } } }).to_string();
    assert_eq!(daemon.post("/", request("assistant-request")).json(), json!({ "assistantId": "a-fallback" }));
    let reply = daemon.post("/", request("transfer-destination-request")).json();
    assert!(reply["error"].is_string() && reply["destination"].is_null(), "{reply}");
    for (rule, place) in [("whom", "rules/rules.yaml:12:13"), ("where", "rules/rules.yaml:13:13")] {
        let line = daemon.logged_where(rule, |line| line["message"] == "a rule failed" && line["rule"] == rule);
        assert_eq!((&line["place"], &line["level"]), (&json!(place), &json!("WARN")));
        assert!(line["why"].as_str().unwrap().contains("breaks its contract"), "{line}");
    }
}

#[test]
fn a_handler_that_never_ends_holds_up_nobody() {
    let daemon = start();
    let mut stuck = daemon.connect();
    let body = tool_calls("call-stuck", &[("t1", "endless", json!({}))]);
    stuck.begin("POST", "/", &[("expect", "100-continue")], body.len());
    assert_eq!(stuck.answer().status, 100);
    stuck.send(&body);

    let mut other = daemon.connect();
    for n in 0..20 {
        assert_eq!(
            other.post("/", &[], r#"{"message":{"type":"campaign.predial"}}"#).json(),
            json!({ "eligible": true })
        );
        let call = [("t1", "count", json!({ "n": 5_000 })), ("t2", "greet", json!({ "name": "Bo" }))];
        let reply = other.post("/", &[], tool_calls(&format!("call-{n}"), &call)).json();
        let said: Vec<_> = results(&reply).into_iter().map(|(_, _, said)| said.to_owned()).collect();
        assert_eq!(said, [r#"{"counted":5000,"lines":"a\nb"}"#, "Good morning, Bo!"]);
    }
    assert_eq!(results(&stuck.answer().json()), [("t1", "result", "It never ended.")]);
}

#[test]
fn a_fallback_may_hold_an_expression_after_all_time_is_gone() {
    let daemon = start();
    let body = tool_calls("call-x", &[("t1", "excuse", json!({ "who": "Ada" }))]);
    let reply = daemon.post("/", body).json();
    assert_eq!(results(&reply), [("t1", "result", "Sorry, Ada!")]);
}
