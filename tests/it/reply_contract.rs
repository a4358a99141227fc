//! Our own reply contract against the JSON Schema that was cut from Vapi's OpenAPI.
//!
//! Good replies are spoilt in every way we know, at every place; on each the two must say the same. Where we
//! differ on purpose, [`Exception`] says why, and the test fails if such a difference is no longer one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use switchhook::engine::kind::Kind;
use switchhook::engine::reply::{Outcome, Reply, ToolResult, check_wire};

const KINDS: [Kind; 8] = [
    Kind::AssistantRequest,
    Kind::ToolCalls,
    Kind::FunctionCall,
    Kind::TransferDestinationRequest,
    Kind::HandoffDestinationRequest,
    Kind::KnowledgeBaseRequest,
    Kind::CallEndpointingRequest,
    Kind::CampaignPredial,
];

/// Why we say otherwise than the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exception {
    /// Stricter: an empty id, address or error is a placeholder that was never filled; Vapi would try to use it.
    EmptyPlaceholder,
    /// Stricter: below the top, the schema lets every unknown key pass, and so Vapi ignores misspelt ones.
    MisspeltKey,
    /// Stricter: a handoff to nobody. The schema asks for `type` alone.
    HandoffToNobody,
    /// Stricter: a result that is also an error (contract, section 9, "Answer" 2).
    ResultAndError,
    /// Stricter: the legacy reply is documented nowhere; the schema takes anything for one, we demand a text.
    LegacyResult,
    /// Laxer: Vapi adds to assistants, squads and workflows every week, so below their topmost entries and at
    /// the words of those we do not look.
    InsideAssistant,
}

impl Exception {
    /// What allows us to differ on `case`, if anything does.
    fn to(case: &Case) -> Option<Exception> {
        const WRITTEN_OUT: [&str; 3] = ["assistant", "squad", "workflow"];
        let is_written_out = |key: &String| WRITTEN_OUT.contains(&key.trim_end_matches("Overrides"));
        let depth = case.at.iter().position(is_written_out).map(|at| case.at.len() - at);
        match (case.kind, case.what) {
            (Kind::FunctionCall, _) => Some(Exception::LegacyResult),
            (Kind::ToolCalls, "as it is") => Some(Exception::ResultAndError),
            (_, "an object") if depth >= Some(2) => Some(Exception::InsideAssistant),
            _ if depth >= Some(3) => Some(Exception::InsideAssistant),
            (Kind::HandoffDestinationRequest, "dropped") => Some(Exception::HandoffToNobody),
            (_, "emptied") => Some(Exception::EmptyPlaceholder),
            (_, "misspelt") => Some(Exception::MisspeltKey),
            _ => None,
        }
    }

    /// Whether it is we who refuse what the schema takes.
    fn is_stricter(self) -> bool {
        self != Exception::InsideAssistant
    }
}

/// A reply to `kind`, good or spoilt.
struct Case {
    kind: Kind,
    reply: Value,
    /// What was done to it.
    what: &'static str,
    /// Where it was done.
    at: Vec<String>,
}

#[test]
fn the_schema_agrees_about_replies_good_and_bad() {
    let Some(schema) = shared("server-responses.schema.json") else { return };
    let registry = registry(&schema);
    let mut verdicts = BTreeMap::from([(true, 0), (false, 0)]);
    let mut differences = BTreeMap::new();
    for kind in KINDS {
        let validator = validator(&registry, kind);
        for case in cases(kind) {
            let theirs = validator.is_valid(&case.reply);
            let faults = check_wire(kind, &case.reply);
            *verdicts.entry(theirs).or_insert(0) += 1;
            if theirs == faults.is_empty() {
                continue;
            }
            let exception = Exception::to(&case).filter(|exception| exception.is_stricter() == theirs);
            let Case { reply, what, at, .. } = case;
            let exception = exception.unwrap_or_else(|| {
                panic!("the schema says {theirs}: {} {what} at {at:?}: {reply}\n{faults:#?}", kind.name())
            });
            *differences.entry(exception).or_insert(0) += 1;
        }
    }
    println!("{verdicts:?}, of them we differ on {differences:?}");
    assert!(verdicts.values().all(|count| *count >= 100), "{verdicts:?}");
    assert_eq!(differences.len(), 6, "an exception that is none any more: {differences:?}");
}

#[test]
fn golden_answers_pass() {
    let Some(schema) = shared("server-responses.schema.json") else { return };
    let registry = registry(&schema);
    let golden = golden();
    assert_eq!(golden.len(), 20, "fixtures/README.md counts them");
    for (name, kind, reply) in golden {
        assert!(validator(&registry, kind).is_valid(&reply), "{name}");
        assert_eq!(check_wire(kind, &reply), [], "{name}");
    }
}

#[test]
fn what_we_send_when_nothing_else_is_left_passes() {
    let Some(schema) = shared("server-responses.schema.json") else { return };
    let registry = registry(&schema);
    let failed = ToolResult { id: "call_1".into(), name: "book".into(), answer: Outcome::error("no\nroom").into() };
    for kind in KINDS {
        let reply = match switchhook::engine::reply::emptiest(kind, "We are closed.") {
            Reply::Tools(_) => Reply::of_tools(kind, vec![failed.clone()]),
            reply => reply,
        };
        assert!(validator(&registry, kind).is_valid(&reply.to_json()), "{}", kind.name());
        assert_eq!(check_wire(kind, &reply.to_json()), [], "{}", kind.name());
    }
}

fn registry(schema: &Value) -> Registry<'_> {
    Registry::new().add("urn:vapi:server-responses", schema).unwrap().prepare().unwrap()
}

fn validator(registry: &Registry<'_>, kind: Kind) -> Validator {
    let strict = if kind == Kind::FunctionCall { "" } else { ".strict" };
    let anchor = format!("urn:vapi:server-responses#{}{strict}", kind.name());
    jsonschema::options().with_registry(registry).build(&json!({ "$ref": anchor })).unwrap()
}

fn shared_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vapi")
}

fn shared(file: &str) -> Option<Value> {
    let Ok(text) = std::fs::read_to_string(shared_folder().join(file)) else {
        println!("skipped: ../shared/vapi/{file} is not there");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The golden answers: their names, the kinds they answer, and what they say.
fn golden() -> Vec<(String, Kind, Value)> {
    let files = std::fs::read_dir(shared_folder().join("fixtures/responses")).unwrap();
    let mut golden: Vec<_> = files
        .map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            let kind = KINDS.into_iter().find(|kind| name.starts_with(&format!("{}.", kind.name()))).unwrap();
            let reply = shared(&format!("fixtures/responses/{name}")).unwrap();
            (name, kind, reply)
        })
        .collect();
    golden.sort_by(|a, b| a.0.cmp(&b.0));
    golden
}

/// The golden answers to `kind` and our own fuller ones, as they are and spoilt.
fn cases(kind: Kind) -> Vec<Case> {
    let golden = golden().into_iter().filter(|(_, of, _)| *of == kind).map(|(_, _, reply)| reply);
    let good: Vec<Value> = golden.chain(full_replies(kind)).collect();
    let mut cases = Vec::new();
    for reply in &good {
        spoil(kind, reply, &mut cases);
    }
    let whole = good.into_iter().chain(whole_replies());
    cases.extend(whole.map(|reply| Case { kind, reply, what: "as it is", at: vec![] }));
    cases
}

/// Good replies in which nearly everything is said that can be.
fn full_replies(kind: Kind) -> Vec<Value> {
    let plan = json!({
        "mode": "warm-transfer-say-summary", "message": { "type": "custom-message", "content": "Hello." },
        "timeout": 30, "sipVerb": "refer", "dialTimeout": 60, "twiml": "<Say/>", "holdAudioUrl": "https://a.example",
        "summaryPlan": { "enabled": true, "timeoutSeconds": 5, "messages": [{ "role": "system" }] },
        "contextEngineeringPlan": { "type": "lastNMessages", "maxMessages": 3 },
        "fallbackPlan": { "message": "Nobody there.", "endCallEnabled": false }, "sipHeadersInReferToEnabled": true,
    });
    let number = json!({ "type": "number", "number": "+15550100", "extension": "12", "callerId": "+15550101",
        "numberE164CheckEnabled": true, "description": "desk", "message": "One moment.", "transferPlan": plan });
    let sip = json!({ "type": "sip", "sipUri": "sip:a@b.example", "sipHeaders": {}, "callerId": "desk",
        "transferPlan": { "mode": "blind-transfer" },
        "message": { "type": "custom-message", "contents": [{ "type": "text", "text": "Hallo", "language": "de" }] } });
    let squad = json!({ "members": [{ "assistantId": "a" }], "name": "team" });
    match kind {
        Kind::AssistantRequest => vec![
            json!({ "destination": number }),
            json!({ "assistant": { "name": "Nora", "firstMessage": "Hi.", "firstMessageInterruptionsEnabled": true,
                "maxDurationSeconds": 600, "metadata": {}, "endCallMessage": "Bye.", "endCallPhrases": ["bye"],
                "serverMessages": ["hang"], "server": { "url": "https://a.example" }, "credentialIds": ["c"] } }),
            json!({ "squad": squad, "squadOverrides": { "variableValues": { "a": 1 } } }),
            json!({ "workflow": { "nodes": [], "edges": [], "name": "flow", "globalPrompt": "Be kind." },
                "workflowOverrides": { "variableValues": {} } }),
            json!({ "workflowId": "w" }),
        ],
        Kind::TransferDestinationRequest => vec![
            json!({ "destination": number, "message": { "type": "request-start", "blocking": true, "content": "Wait." } }),
            json!({ "destination": sip, "message": { "type": "request-response-delayed", "timingMilliseconds": 900 } }),
            json!({ "error": "closed", "message": { "type": "request-failed", "role": "system", "content": "Sorry.",
                "conditions": [{ "operator": "eq", "param": "a", "value": "b" }] } }),
        ],
        Kind::HandoffDestinationRequest => vec![
            json!({ "destination": { "type": "squad", "squadId": "s", "entryAssistantName": "Nora", "squadOverrides": {},
                "contextEngineeringPlan": { "type": "previousAssistantMessages" }, "description": "d" } }),
            json!({ "destination": { "type": "assistant", "assistantName": "Nora", "assistantOverrides": {},
                "variableExtractionPlan": {
                    "schema": { "type": "object", "required": ["a"], "properties": { "a": { "type": "string" } } },
                    "aliases": [{ "key": "a_1", "value": "{{a}}" }] } } }),
            json!({ "destination": { "type": "squad", "squad": squad } }),
        ],
        Kind::KnowledgeBaseRequest => {
            vec![json!({ "message": { "type": "custom-message", "content": "Yes." } }), json!({ "documents": [] })]
        }
        Kind::ToolCalls => vec![json!({ "results": [{ "toolCallId": "c", "name": "book", "error": "full", "message": {
            "type": "request-failed", "role": "system", "endCallAfterSpokenEnabled": true,
            "contents": [{ "type": "text", "text": "Full.", "language": "en" }],
            "conditions": [{ "operator": "eq", "param": "a", "value": "b" }] } }], "error": "none" })],
        Kind::CampaignPredial => vec![json!({ "eligible": true })],
        _ => vec![],
    }
}

/// Replies that are wrong, or right, as a whole: what people are known to send, to whichever kind.
fn whole_replies() -> Vec<Value> {
    vec![
        json!({}),
        json!([]),
        json!(null),
        json!(true),
        json!("error"),
        json!(5),
        json!({ "messageResponse": { "error": "closed" } }),
        json!({ "action": "forward_call" }),
        json!({ "assistant_id": "a" }),
        json!({ "error": "closed" }),
        json!({ "assistantOverrides": {} }),
        json!({ "assistantId": "a", "squadId": "b", "error": "c" }),
        json!({ "destination": {} }),
        json!({ "destination": "+15550100" }),
        json!({ "results": [] }),
        json!({ "results": [{ "toolCallId": "c", "name": "n", "result": "a", "error": "b" }] }),
        json!({ "eligible": "false" }),
        json!({ "timeoutSeconds": 15 }),
        json!({ "timeoutSeconds": 15.5 }),
        json!({ "data": "AAAA" }),
        json!({ "message": "hello" }),
        json!({ "documents": [{ "content": "a" }] }),
    ]
}

/// Adds to `cases` every way in which one place of `good` can be spoilt.
fn spoil(kind: Kind, good: &Value, cases: &mut Vec<Case>) {
    for at in places(good) {
        let mut spoilt = |what, key: &[String], change: &dyn Fn(&mut Value)| {
            let mut reply = good.clone();
            change(reply.pointer_mut(&pointer(&at)).unwrap());
            cases.push(Case { kind, reply, what, at: [&at, key].concat() });
        };
        for (what, other) in others() {
            spoilt(what, &[], &|value| *value = other.clone());
        }
        let Some(Value::Object(entries)) = good.pointer(&pointer(&at)) else { continue };
        spoilt("a new key", &["surprise".into()], &|value| value["surprise"] = json!(1));
        for key in entries.keys() {
            let place = std::slice::from_ref(key);
            spoilt("dropped", place, &|value| drop(value.as_object_mut().unwrap().shift_remove(key)));
            spoilt("misspelt", place, &|value| {
                let moved = value.as_object_mut().unwrap().shift_remove(key).unwrap();
                value[format!("{key}x")] = moved;
            });
        }
    }
}

/// Values that are right in few places, and what to call them.
fn others() -> [(&'static str, Value); 11] {
    [
        ("null", json!(null)),
        ("a boolean", json!(true)),
        ("zero", json!(0)),
        ("negative", json!(-1)),
        ("huge", json!(1e9)),
        ("emptied", json!("")),
        ("one character", json!("x")),
        ("another word", json!("no-such-word")),
        ("over-long", json!("x".repeat(10_001))),
        ("a list", json!([1])),
        ("an object", json!({})),
    ]
}

/// The ways to every place of a reply, the empty one to itself first.
fn places(value: &Value) -> Vec<Vec<String>> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => vec![],
    };
    let mut found = vec![vec![]];
    for (step, value) in below {
        found.extend(places(value).into_iter().map(|rest| [vec![step.clone()], rest].concat()));
    }
    found
}

fn pointer(at: &[String]) -> String {
    at.iter().flat_map(|step| ["/", step]).collect()
}
