//! Every server message gets the status and the reply that Vapi waits for, whether or not a rule answers.

use serde_json::{Value, json};
use switchhook::engine::kind::Kind;
use switchhook::engine::reply::check_wire;

use crate::support::{Answer, Client, Daemon, fixtures, samples};

/// A rule that answers each kind that waits for a reply.
const ANSWERING: &str = r#"
rules:
  - { name: assistant, on: assistant-request, respond: { assistantId: a1, assistantOverrides: { variableValues: { caller: "${customer.number}" } } } }
  - { name: tools, on: [tool-calls, function-call], respond: "${tool.name} did ${args}" }
  - { name: transfer, on: transfer-destination-request, respond: { destination: { type: number, number: "+15550100" } } }
  - { name: handoff, on: handoff-destination-request, respond: { destination: { type: assistant, assistantName: Billing } } }
  - { name: knowledge, on: knowledge-base-request, respond: { documents: [ { content: "We open at nine.", similarity: 0.9 } ] } }
  - { name: voice, on: voice-request, respond: { audio: "AAECAw==" } }
  - { name: endpointing, on: call.endpointing.request, respond: { timeoutSeconds: 0.4 } }
  - { name: predial, on: campaign.predial, respond: { eligible: true } }
  - { name: api, on: api-request, respond: { done: true } }
"#;

/// Rules that match everything and answer nothing.
const SILENT: &str = "rules:\n  - { name: silent, on: '*', when: { call.id: present } }\n";

/// A server message as a test sees it, read without the program's own reader.
pub(super) struct Message {
    pub(super) kind: Option<Kind>,
    body: Value,
}

impl Message {
    pub(super) fn of(body: &[u8]) -> Message {
        let body: Value = serde_json::from_slice(body).unwrap();
        let message = if body["message"].is_object() { body["message"].clone() } else { body };
        let kind = message["type"].as_str().map_or(Some(Kind::ApiRequest), Kind::from_name);
        Message { kind, body: message }
    }

    /// The ids and names of the tool calls, and whether the arguments of each can be read.
    fn tool_calls(&self) -> Vec<(String, String, bool)> {
        let of = |key: &str| self.body[key].as_array().cloned().unwrap_or_default();
        let lists = [of("toolCallList"), of("toolCalls"), of("toolWithToolCallList")];
        let list = lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
        list.iter().map(tool_call).collect()
    }
}

fn tool_call(item: &Value) -> (String, String, bool) {
    let call = if item["toolCall"].is_object() { &item["toolCall"] } else { item };
    let places = [&call["function"], call, &item["function"], item];
    let name = places.iter().find_map(|place| place["name"].as_str()).unwrap();
    let arguments = call.pointer("/function/arguments").and_then(Value::as_str);
    let are_readable = arguments.is_none_or(|text| serde_json::from_str::<Value>(text).is_ok());
    (call["id"].as_str().unwrap().to_owned(), name.to_owned(), are_readable)
}

/// Posts every message there is and checks that each gets a valid reply; `special` checks more of it.
fn post_all(rules: &str, special: impl Fn(Kind, &Message, &Answer)) {
    let daemon = Daemon::start(&[("rules/rules.yaml", rules)]);
    let mut client = daemon.connect();
    let mut kinds = Vec::new();
    for (name, body) in samples().into_iter().chain(fixtures()) {
        println!("{name}");
        kinds.extend(post_one(&mut client, &of_its_own_call(&name, body), &special));
    }
    assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)));
    // What nobody has met yet is told of once.
    for _ in 0..3 {
        post_one(&mut client, br#"{"message":{"type":"brand-new","call":{"id":"c1"},"x":null}}"#, &special);
    }
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line["kind"] == "brand-new" && line["level"] == "WARN").count(), 1, "{log:#?}");
}

/// The message as one of a call of its own. Many samples tell of the same tool call, and would get its first answer.
fn of_its_own_call(name: &str, body: Vec<u8>) -> Vec<u8> {
    let message = Message::of(&body);
    let Some(call_id) = message.body.pointer("/call/id").and_then(Value::as_str) else { return body };
    String::from_utf8(body).unwrap().replace(call_id, name).into()
}

fn post_one(client: &mut Client, body: &[u8], special: &impl Fn(Kind, &Message, &Answer)) -> Option<Kind> {
    let message = Message::of(body);
    let answer = client.post("/any/path", &[("content-type", "application/json")], body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    match message.kind {
        Some(Kind::VoiceRequest) => assert_eq!(answer.header("content-type"), Some("application/octet-stream")),
        kind => {
            assert_eq!(answer.header("content-type"), Some("application/json"));
            let faults = kind.map(|kind| check_wire(kind, &answer.json())).unwrap_or_default();
            assert_eq!(faults, [], "{}", answer.text());
        }
    }
    match message.kind {
        Some(Kind::ToolCalls) => check_results(&message, &answer.json()),
        Some(kind) if kind.expects_reply() => {}
        _ => assert_eq!(answer.text(), "{}"),
    }
    if let Some(kind) = message.kind {
        special(kind, &message, &answer);
    }
    message.kind
}

/// One result for each call, in their order, with their ids and names, each a result or an error of one line.
fn check_results(message: &Message, reply: &Value) {
    let calls = message.tool_calls();
    let results = reply["results"].as_array().unwrap();
    assert_eq!(results.len(), calls.len(), "{reply}");
    for ((id, name, are_readable), result) in calls.iter().zip(results) {
        assert_eq!((&result["toolCallId"], &result["name"]), (&json!(id), &json!(name)), "{reply}");
        let said: Vec<&str> = ["result", "error"].iter().filter_map(|key| result[key].as_str()).collect();
        assert!(matches!(said.as_slice(), [one] if !one.is_empty() && !one.contains('\n')), "{reply}");
        assert!(*are_readable || result["error"].is_string(), "{reply}");
    }
}

#[test]
fn every_message_gets_what_its_rule_says() {
    post_all(ANSWERING, |kind, message, answer| match kind {
        Kind::VoiceRequest => assert_eq!(answer.body, [0, 1, 2, 3]),
        Kind::AssistantRequest => {
            let caller = &message.body["call"]["customer"]["number"];
            let said = &answer.json()["assistantOverrides"]["variableValues"]["caller"];
            assert_eq!((said, caller.is_string()), (caller, true), "{}", answer.text());
        }
        Kind::FunctionCall => {
            let name = message.body["functionCall"]["name"].as_str().unwrap();
            let result = answer.json()["result"].as_str().unwrap().to_owned();
            assert!(result.starts_with(&format!("{name} did {{")), "{result}");
        }
        Kind::ToolCalls => {
            for (result, (_, name, are_readable)) in results(&answer.json()).iter().zip(message.tool_calls()) {
                let done = result["result"].as_str().is_some_and(|said| said.starts_with(&format!("{name} did {{")));
                assert_eq!(done, are_readable, "{result}");
            }
        }
        Kind::TransferDestinationRequest => assert_eq!(answer.json()["destination"]["number"], "+15550100"),
        Kind::HandoffDestinationRequest => assert_eq!(answer.json()["destination"]["assistantName"], "Billing"),
        Kind::KnowledgeBaseRequest => assert_eq!(answer.json()["documents"][0]["content"], "We open at nine."),
        Kind::CallEndpointingRequest => assert_eq!(answer.json(), json!({ "timeoutSeconds": 0.4 })),
        Kind::CampaignPredial => assert_eq!(answer.json(), json!({ "eligible": true })),
        Kind::ApiRequest => assert_eq!(answer.json(), json!({ "done": true })),
        _ => {}
    });
}

#[test]
fn without_an_answering_rule_every_message_gets_the_emptiest_reply() {
    post_all(SILENT, |kind, message, answer| match kind {
        Kind::VoiceRequest => assert_eq!(answer.text(), ""),
        Kind::AssistantRequest | Kind::TransferDestinationRequest | Kind::HandoffDestinationRequest => {
            let reply = answer.json();
            assert!(reply["error"].as_str().is_some_and(|sentence| sentence.len() > 10), "{reply}");
            assert_eq!(reply.as_object().unwrap().len(), 1, "{reply}");
        }
        Kind::FunctionCall => assert!(answer.json()["result"].as_str().unwrap().contains("no tool")),
        Kind::ToolCalls => {
            for (result, (_, name, are_readable)) in results(&answer.json()).iter().zip(message.tool_calls()) {
                let error = result["error"].as_str().unwrap();
                assert!(!are_readable || error.contains(&name), "{error}");
            }
        }
        Kind::KnowledgeBaseRequest => assert_eq!(answer.json(), json!({ "documents": [] })),
        Kind::CallEndpointingRequest => assert!(answer.json()["timeoutSeconds"].is_number()),
        Kind::CampaignPredial => assert_eq!(answer.json(), json!({ "eligible": false })),
        Kind::ApiRequest => assert_eq!(answer.json(), json!({})),
        _ => {}
    });
}

fn results(reply: &Value) -> Vec<Value> {
    reply["results"].as_array().unwrap().clone()
}
