//! Bodies that nobody should send: whatever stands in them, the daemon answers by the kind's contract or says what is
//! wrong, and answers the next one.

use serde_json::{Value, json};
use switchhook::engine::kind::Kind;
use switchhook::engine::reply::check_wire;

use super::contract::Message;
use super::tool_calls;
use crate::support::{Answer, Client, Daemon, samples};

/// Rules that look at whatever there is, and put what callers say into their replies.
const RULES: &str = r#"
rules:
  - { name: looks, on: "*", when: { call.id: present }, let: { all: "${event.len()}" }, if: all != 7 }
  - { name: assistant, on: assistant-request, respond: { assistantId: a1, assistantOverrides: { variableValues: { name: "${customer.name}", call: "${call}" } } } }
  - { name: scripted, tool: [ bookRepair, scripted ], script: "state::set(`args`, args); #{ args: args, call: call.id, said: `${event}`.len() }", fallback: it failed }
  - { name: echo, on: [ tool-calls, function-call ], respond: "${tool.name} ${tool.id} ${args}" }
  - { name: transfer, on: transfer-destination-request, when: { not: { customer.name: { matches: "^A" } } }, respond: { destination: { type: number, number: "+15550100", message: "${customer.name}" } } }
  - { name: handoff, on: handoff-destination-request, respond: { destination: { type: assistant, assistantName: "${customer.name}" } } }
  - { name: knowledge, on: knowledge-base-request, respond: { documents: [ { content: "${messages}", similarity: 1 } ] } }
  - { name: endpointing, on: call.endpointing.request, respond: { timeoutSeconds: "${timestamp}" }, fallback: { timeoutSeconds: 0.4 } }
  - { name: predial, on: campaign.predial, respond: { eligible: "${call.id != ()}" } }
  - { name: api, on: api-request, respond: { echo: "${event}" } }
"#;

fn start() -> Daemon {
    Daemon::start(&[("rules/rules.yaml", RULES)])
}

/// What takes the place of values.
fn nonsense() -> Vec<Value> {
    let all = json!([
        null, true, -1, 1e308, "", "x\"y\n\r\t\u{0}\u{1b}[31m\u{202e}\u{2028}é😀", "{{x}} ${call.id} '`\\", "9".repeat(2000), [], {},
        [[null]], { "": null, "type": "hang", "a": { "b": [1, { "c": [] }] } }
    ]);
    all.as_array().cloned().unwrap()
}

/// The places of all values in `value`, as JSON pointers.
fn places(value: &Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, it)| places(it, &format!("{here}/{}", escaped(key)), into));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(at, it)| places(it, &format!("{here}/{at}"), into)),
        _ => {}
    }
}

#[track_caller]
fn assert_answered(answer: &Answer, body: &[u8]) {
    let shown = || String::from_utf8_lossy(body).chars().take(500).collect::<String>();
    if answer.status == 400 {
        assert!(answer.json()["error"].is_string(), "{} for {}", answer.text(), shown());
        return;
    }
    assert_eq!(answer.status, 200, "{} for {}", answer.text(), shown());
    match Message::of(body).kind {
        None | Some(Kind::VoiceRequest) => {}
        // There is no right answer to a call that does not say what it calls.
        Some(Kind::ToolCalls) if answer.text().contains(r#""name":"""#) || answer.text().contains(r#"Id":"""#) => {}
        Some(kind) => assert_eq!(check_wire(kind, &answer.json()), [], "{} for {}", answer.text(), shown()),
    }
}

fn post(client: &mut Client, body: &[u8]) {
    assert_answered(&client.post("/", &[], body), body);
}

#[test]
fn nonsense_anywhere_in_a_message_is_answered() {
    let daemon = start();
    let mut client = daemon.connect();
    let nonsense = nonsense();
    for (number, (_, body)) in samples().into_iter().enumerate() {
        let message: Value = serde_json::from_slice(&body).unwrap();
        let mut places_of = Vec::new();
        places(&message, "", &mut places_of);
        for (at, place) in places_of.iter().enumerate().step_by(places_of.len() / 30 + 1) {
            let mut message = message.clone();
            *message.pointer_mut(place).unwrap() = nonsense[(number + at) % nonsense.len()].clone();
            post(&mut client, message.to_string().as_bytes());
        }
        let text = String::from_utf8(body).unwrap();
        for (key, again) in [("\"type\"", "\"hang\""), ("\"message\"", "{}"), ("\"call\"", "[1]"), ("\"id\"", "null")] {
            post(&mut client, text.replacen(key, &format!("{key}: {again}, {key}"), 1).as_bytes());
        }
    }
    let log = daemon.stop();
    assert!(log.iter().all(|line| line["message"] != "panicked"), "{log:#?}");
}

#[test]
fn odd_json_is_json() {
    let daemon = start();
    let mut client = daemon.connect();
    let id = r#"a\"b\n\u0000\ud800 é"#;
    let body = format!(
        r#"{{"message":{{"type":"tool-calls","call":{{"id":"{id}"}},"toolCallList":[{{"id":"{id}","function":{{"name":"scripted","arguments":
            {{"half":"\ud800","\udc00":1,"huge":1e999,"long":123456789012345678901234567890,"tiny":-1e-999}}}}}}]}}}}"#
    );
    let reply = client.post("/", &[], &body).json();
    let result = &reply["results"][0];
    assert_eq!(result["toolCallId"], "a\"b\n\0\u{FFFD} é");
    let args: Value = serde_json::from_str(result["result"].as_str().unwrap()).unwrap();
    assert_eq!(args["args"]["half"], "\u{FFFD}");
    assert_eq!((&args["args"]["huge"], &args["args"]["long"]), (&json!(f64::MAX), &json!(1.234_567_890_123_456_8e29)));

    let deepest = format!(
        r#"{{"message":{{"type":"assistant-request","customer":{{"name":{}1{}}}}}}}"#,
        "[".repeat(125),
        "]".repeat(125)
    );
    assert_eq!(client.post("/", &[], &deepest).status, 200);
    assert_eq!(client.post("/", &[], deepest.replace("[1]", "[[1]]")).status, 400);
}

#[test]
fn what_is_large_is_answered_or_refused() {
    let daemon = start();
    let mut client = daemon.connect();
    let calls = |count| {
        let calls: Vec<_> = (0..count).map(|n| (format!("t{n}"), "echo", json!({ "n": n }))).collect();
        let calls: Vec<_> = calls.iter().map(|(id, tool, args)| (&**id, *tool, args.clone())).collect();
        tool_calls("call-1", &calls)
    };
    let reply = client.post("/", &[], calls(128)).json();
    assert_eq!(reply["results"].as_array().unwrap().len(), 128);
    assert_eq!(reply["results"][127]["result"], r#"echo t127 {"n":127}"#);
    let answer = client.post("/", &[], calls(129));
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (400, Some("the message holds more than 128 tool calls"))
    );

    let megabytes = "m".repeat(7 << 20);
    let hang = format!(r#"{{"message":{{"type":"hang","call":{{"id":"c"}},"text":"{megabytes}"}}}}"#);
    assert_eq!(client.post("/", &[], hang).text(), "{}");
    let reply = client.post("/", &[], tool_calls("c", &[("t", &megabytes, json!({}))])).json();
    assert_eq!(reply["results"][0]["toolCallId"], "t");
    let reply = client
        .post("/", &[], tool_calls(&megabytes, &[("t", "scripted", json!({ "text": "x".repeat(600_000) }))]))
        .json();
    assert_eq!(reply["results"][0]["result"], "it failed");
    assert_eq!(client.post("/", &[], format!("{{\"x\":\"{megabytes}{megabytes}\"}}")).status, 413);
}
