//! What is said of good and bad replies, kind by kind.

use serde_json::{Value, json};

use super::*;

/// A reply of which some is unknown: `${…}` is any value, a text that holds one is some text.
enum Draft {
    Leaf(Value),
    List(Vec<Draft>),
    Map(Vec<(String, Draft)>),
}

impl From<Value> for Draft {
    fn from(value: Value) -> Draft {
        match value {
            Value::Array(items) => Draft::List(items.into_iter().map(Draft::from).collect()),
            Value::Object(entries) => Draft::Map(entries.into_iter().map(|(key, value)| (key, value.into())).collect()),
            leaf => Draft::Leaf(leaf),
        }
    }
}

impl Tree for Draft {
    fn shape(&self) -> Shape<'_, Draft> {
        match self {
            Draft::Leaf(Value::Null) => Shape::Null,
            Draft::Leaf(Value::Bool(yes)) => Shape::Bool(*yes),
            Draft::Leaf(Value::String(text)) if text.starts_with("${") => Shape::Unknown,
            Draft::Leaf(Value::String(text)) if text.contains("${") => Shape::UnknownText,
            Draft::Leaf(Value::String(text)) => Shape::Text(text),
            Draft::Leaf(value) => Shape::Number(value.as_f64().unwrap_or_default()),
            Draft::List(items) => Shape::List(items.iter().collect()),
            Draft::Map(entries) => Shape::Map(entries.iter().map(|(key, value)| (key.as_str(), value)).collect()),
        }
    }
}

/// Asserts that everything said of `reply` is `expected`, one line a fault.
#[track_caller]
fn said(kind: Kind, reply: Value, expected: &str) {
    let faults: Vec<String> = check(kind, &Draft::from(reply)).iter().map(Fault::to_string).collect();
    assert_eq!(faults.join("\n"), expected);
}

#[test]
fn assistant_request() {
    let say = |reply, expected| said(Kind::AssistantRequest, reply, expected);
    say(json!("${lookup(…)}"), "");
    say(json!({ "assistantId": "${guest.assistant}", "assistantOverrides": { "variableValues": "${guest}" } }), "");
    say(json!({ "assistant": { "model": {}, "brandNew": 1 } }), "");
    say(json!({ "error": "Hello ${x}" }), "");
    say(
        json!({}),
        "the reply must hold `assistantId`, `assistant`, `squadId`, `squad`, `workflowId`, `workflow`, `destination` or `error` (write `{ assistantId: … }`, or `{ error: … }` to say a sentence and hang up)",
    );
    say(
        json!("Hello"),
        "the reply is a text, but must be an object (write `{ assistantId: … }`, or `{ error: … }` to say a sentence and hang up)",
    );
    say(json!({ "assistant_id": "a" }), "`assistant_id` is unknown to Vapi (did you mean `assistantId`?)");
    say(
        json!({ "action": "forward_call", "number": "+1555" }),
        "`action` is unknown to Vapi (to forward the call, write `destination: { type: number, number: … }`)\n`number` is unknown to Vapi (write `destination: { type: number, number: … }`)",
    );
    say(
        json!({ "messageResponse": { "assistantId": "a" } }),
        "`messageResponse` is unknown to Vapi (write what it holds, without this wrapper)",
    );
    say(
        json!({ "assistantId": "", "assistant": "a" }),
        "`assistantId` is empty (give it a value or leave it out)\n`assistant` is a text, but must be an object (a saved assistant is named by `assistantId`)",
    );
    say(
        json!({ "assistantId": 5, "error": null }),
        "`assistantId` is a number, but must be a text (put it in quotes)\n`error` is `null`, but must be a text (leave it out where there is nothing to say)",
    );
    say(
        json!({ "assistantId": "a", "assistantOverrides": { "variableValues": ["a"] } }),
        "`assistantOverrides.variableValues` is a list, but must be an object",
    );
    say(
        json!({ "assistantId": "a", "variableValues": {} }),
        "`variableValues` is unknown to Vapi (it belongs under `assistantOverrides`)",
    );
    say(
        json!({ "squad": {}, "workflow": { "name": "n" } }),
        "`squad` lacks `members`\n`workflow` lacks `nodes`\n`workflow` lacks `edges`",
    );
}

#[test]
fn destinations() {
    let say = |destination, expected| said(Kind::AssistantRequest, json!({ "destination": destination }), expected);
    say(json!({ "type": "number", "number": "${x}", "message": "" }), "");
    say(json!({ "type": "${x}", "sipUri": "sip:${x}" }), "");
    say(
        json!({ "type": "${x}", "sipUri": "sip:${x}", "callerId": 5 }),
        "`destination.callerId` is a number, but must be a text (put it in quotes)",
    );
    say(
        json!({ "type": "number", "number": "12", "extension": "12345678901" }),
        "`destination.number` has 2 characters, but must have 3 to 40\n`destination.extension` has 11 characters, but must have at most 10",
    );
    say(
        json!({ "type": "number", "number": 15_550_100 }),
        "`destination.number` is a number, but must be a text (put it in quotes)",
    );
    say(
        json!({ "type": "nmber", "number": "+15550100" }),
        "`destination.type` is `nmber`, but must be `number` or `sip` (did you mean `number`?)",
    );
    say(
        json!({ "type": "assistant", "assistantName": "Nora" }),
        "`destination.type` is `assistant`, but must be `number` or `sip` (write `{ type: number, number: … }` or `{ type: sip, sipUri: … }`)",
    );
    say(
        json!({ "number": "+15550100" }),
        "`destination` lacks `type`, which must be `number` or `sip` (write `{ type: number, number: … }` or `{ type: sip, sipUri: … }`)",
    );
    say(
        json!({ "type": "number", "numbr": "+15550100", "brandNew": true }),
        "`destination.numbr` is unknown to Vapi (did you mean `number`?)",
    );
    say(
        json!("+15550100"),
        "`destination` is a text, but must be an object (write `{ type: number, number: … }` or `{ type: sip, sipUri: … }`)",
    );
    let plan = |plan| json!({ "type": "sip", "sipUri": "sip:a@b", "transferPlan": plan });
    say(
        plan(json!({ "mode": "warm-transfer-with-summary", "timeout": 601 })),
        "`destination.transferPlan.mode` is `warm-transfer-with-summary`, which Vapi does not know (did you mean `warm-transfer-say-summary`?)\n`destination.transferPlan.timeout` is 601, but must be from 1 to 600",
    );
    say(
        plan(json!({ "mode": "blind-transfer", "fallbackPlan": {}, "summaryPlan": { "timeoutSeconds": 0 } })),
        "`destination.transferPlan.fallbackPlan` lacks `message`\n`destination.transferPlan.summaryPlan.timeoutSeconds` is 0, but must be from 1 to 60",
    );
    say(
        plan(json!({ "mode": "blind-transfer", "message": { "type": "custom-message", "contents": [
        { "type": "text", "text": "Hello", "language": "en-US" }] } })),
        "`destination.transferPlan.message.contents[0].language` is `en-US`, which is no language code (Vapi takes languages, not regions: `en`, not `en-US`)",
    );
}

#[test]
fn transfers_and_handoffs() {
    let transfer = |reply, expected| said(Kind::TransferDestinationRequest, reply, expected);
    transfer(json!({ "destination": { "type": "assistant", "assistantName": "Nora" } }), "");
    transfer(json!({ "error": "${why}", "message": { "type": "request-failed", "content": "Sorry, ${name}." } }), "");
    transfer(
        json!({ "message": "Wait." }),
        "`message` is a text, but must be an object (write `{ type: request-start, content: … }`)\nthe reply must hold `destination` or `error` (write `{ destination: … }`, or `{ error: … }` where nobody can be reached)",
    );
    transfer(
        json!({ "error": "closed", "message": { "type": "request-response-delayed", "timingMilliseconds": 5 } }),
        "`message.timingMilliseconds` is 5, but must be from 100 to 120000",
    );
    let handoff = |reply, expected| said(Kind::HandoffDestinationRequest, reply, expected);
    handoff(json!({ "destination": { "type": "squad", "squadId": "${x}" }, "result": "On it." }), "");
    handoff(
        json!({ "destination": {} }),
        "`destination` lacks `type`, which must be `assistant` or `squad` (write `{ type: assistant, assistantName: … }` or `{ type: squad, squadId: … }`; not to hand off, reply with `error`)",
    );
    handoff(
        json!({ "destination": { "type": "assistant" } }),
        "`destination` must hold `assistantId`, `assistantName` or `assistant`",
    );
    handoff(
        json!({ "destination": { "type": "assistant", "assistantId": "a",
        "contextEngineeringPlan": { "type": "lastNMessages" } } }),
        "`destination.contextEngineeringPlan` lacks `maxMessages`",
    );
}

#[test]
fn the_small_ones() {
    said(Kind::KnowledgeBaseRequest, json!({ "documents": "${found}" }), "");
    said(Kind::KnowledgeBaseRequest, json!({ "message": { "role": "assistant", "content": "${x}" } }), "");
    said(Kind::KnowledgeBaseRequest, json!({ "message": { "type": "custom-message", "content": "Hi" } }), "");
    said(
        Kind::KnowledgeBaseRequest,
        json!({ "documents": [{ "content": "a", "similarity": "0.9" }] }),
        "`documents[0].similarity` is a text, but must be a number (write it without quotes)",
    );
    said(
        Kind::KnowledgeBaseRequest,
        json!({ "message": "Hello" }),
        "`message` is a text, but must be an object (write `{ role: assistant, content: … }`)",
    );
    said(
        Kind::CallEndpointingRequest,
        json!({ "timeoutSeconds": 20 }),
        "`timeoutSeconds` is 20, but must be from 0 to 15",
    );
    said(
        Kind::CallEndpointingRequest,
        json!(0.5),
        "the reply is a number, but must be an object (write `{ timeoutSeconds: 0.6 }`)",
    );
    said(
        Kind::CampaignPredial,
        json!({ "eligible": "false" }),
        "`eligible` is a text, but must be `true` or `false` (write it without quotes)",
    );
    said(Kind::CampaignPredial, json!({ "eligible": "${vars.on}" }), "");
    said(Kind::VoiceRequest, json!({ "audio": "${tts.bytes}" }), "");
    said(
        Kind::VoiceRequest,
        json!({ "audio": "UklGRiQAAABXQVZF" }),
        "`audio` is a recording with a header, but must be bare samples (ask for raw PCM: signed 16 bit, little endian, mono, at the request's `sampleRate`)",
    );
    said(Kind::ApiRequest, json!(["a"]), "the reply is a list, but must be an object");
    said(Kind::StatusUpdate, json!("whatever"), "");
}

#[test]
fn tool_answers() {
    let say = |reply, expected| said(Kind::ToolCalls, reply, expected);
    for fine in [json!("text"), json!({ "a": 1 }), json!({ "result": "a", "unit": "km" }), json!({ "results": ["a"] })]
    {
        say(fine, "");
    }
    say(json!({ "result": "${x}", "error": "${y}" }), "");
    say(json!({ "result": { "slots": [] }, "message": "I have ${n} slots." }), "");
    say(json!({ "result": "a", "error": "b" }), "the reply must hold only one: `result` or `error`");
    say(json!({ "result": "a", "mesage": "b" }), "`mesage` is unknown to Vapi (did you mean `message`?)");
    say(
        json!({ "result": "a", "message": { "content": "b", "role": "user" } }),
        "`message.role` is `user`, but must be `assistant` or `system`",
    );
    say(
        json!({ "results": [{ "toolCallId": "a", "result": "b" }] }),
        "`results` is filled in when the reply is sent (give the bare result: `toolCallId` and `name` are filled in)",
    );
    said(
        Kind::FunctionCall,
        json!({ "toolCallId": "a", "result": "b" }),
        "`toolCallId` is filled in when the reply is sent (give the bare result: `toolCallId` and `name` are filled in)",
    );
}

#[test]
fn what_a_placeholder_did_not_find_is_left_out() {
    let made = |kind, value| normalise(kind, value).map(|reply| reply.to_json());
    assert_eq!(
        made(
            Kind::AssistantRequest,
            json!({ "error": null, "destination": { "type": "number", "number": "+15550100", "callerId": null,
                "transferPlan": { "mode": "blind-transfer", "message": { "type": "custom-message", "content": null } } } })
        ),
        Ok(json!({ "destination": { "type": "number", "number": "+15550100",
            "transferPlan": { "mode": "blind-transfer", "message": { "type": "custom-message" } } } }))
    );
    assert_eq!(
        made(
            Kind::AssistantRequest,
            json!({ "assistantId": "a", "assistantOverrides": { "variableValues": { "b": null } } })
        ),
        Ok(json!({ "assistantId": "a", "assistantOverrides": { "variableValues": { "b": null } } }))
    );
    assert!(made(Kind::AssistantRequest, json!({ "assistantId": null })).is_err());
    assert!(
        made(Kind::KnowledgeBaseRequest, json!({ "documents": [{ "content": "a", "similarity": null }] })).is_err()
    );
    assert!(made(Kind::TransferDestinationRequest, Value::Null).is_err());
}

#[test]
fn replies_of_every_kind_are_made_or_refused() {
    assert_eq!(normalise(Kind::VoiceRequest, json!({ "audio": "AQID" })), Ok(Reply::Audio(vec![1, 2, 3])));
    assert_eq!(normalise(Kind::Hang, json!("whatever")), Ok(Reply::Nothing));
    assert_eq!(normalise(Kind::ApiRequest, json!({ "audio": "x" })), Ok(Reply::Json(json!({ "audio": "x" }))));
    for kind in [Kind::ToolCalls, Kind::FunctionCall] {
        assert!(normalise(kind, json!({ "results": [] })).is_err());
    }
}

#[test]
fn the_emptiest_replies_keep_the_contract() {
    for kind in Kind::ALL {
        for sentence in ["We are closed.", "", "\n"] {
            let reply = emptiest(*kind, sentence);
            assert_eq!(check_wire(*kind, &reply.to_json()), [], "{}", kind.name());
            assert_eq!(reply == Reply::Nothing, !kind.expects_reply(), "{}", kind.name());
            let refusal = refusal(*kind, sentence).unwrap_or(Reply::Nothing).to_json();
            assert!(refusal == json!({}) || check_wire(*kind, &refusal).is_empty(), "{refusal}");
        }
    }
    assert_eq!(refusal(Kind::AssistantRequest, "no").unwrap().to_json(), json!({ "error": "no" }));
    assert_eq!(refusal(Kind::CampaignPredial, "no"), None);
}

/// Asserts which item of `results` is made of what a tool returned.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "so that each line of data reads alike")]
fn sent(returned: Value, expected: Value) {
    let answer = tool_answer(returned).unwrap();
    let result = ToolResult { id: "c1".into(), name: "book".into(), answer };
    let mut item = json!({ "toolCallId": "c1", "name": "book" });
    item.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
    let reply = Reply::of_tools(Kind::ToolCalls, vec![result]).to_json();
    assert_eq!(reply, json!({ "results": [item] }));
    assert_eq!(check_wire(Kind::ToolCalls, &reply), []);
}

#[test]
fn a_tool_may_return_anything() {
    sent(json!("Booked."), json!({ "result": "Booked." }));
    sent(json!("\r\none\r\ntwo\n\nthree\u{2028}four\n"), json!({ "result": "one two three four" }));
    sent(json!(4.5), json!({ "result": "4.5" }));
    sent(json!(false), json!({ "result": "false" }));
    sent(json!(["a", { "b": "c\nd" }]), json!({ "result": r#"["a",{"b":"c\nd"}]"# }));
    sent(json!({ "z": 1, "a": 2 }), json!({ "result": r#"{"z":1,"a":2}"# }));
    sent(json!({ "result": 1, "unit": "km" }), json!({ "result": r#"{"result":1,"unit":"km"}"# }));
    sent(json!({ "message": "full" }), json!({ "result": r#"{"message":"full"}"# }));
    for nothing in [json!(null), json!(""), json!("\n"), json!({ "result": null }), json!({ "error": null })] {
        sent(nothing, json!({ "result": "Finished without a result." }));
    }
}

#[test]
fn a_tool_may_say_what_is_spoken() {
    sent(
        json!({ "result": { "a": 1 }, "error": null, "message": "Half past nine.", "metadata": { "b": 2 } }),
        json!({ "result": r#"{"a":1}"#, "message": { "type": "request-complete", "content": "Half past nine." },
            "metadata": { "b": 2 } }),
    );
    sent(
        json!({ "error": "time\nout", "message": { "content": "Sorry.", "role": null } }),
        json!({ "error": "time out", "message": { "type": "request-failed", "content": "Sorry." } }),
    );
    for wrong in [
        json!({ "result": "a", "error": "b" }),
        json!({ "result": "a", "message": "x".repeat(1001) }),
        json!({ "result": "a", "metadata": "b" }),
        json!({ "results": [{ "toolCallId": "a", "result": "b" }] }),
    ] {
        assert!(tool_answer(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn a_legacy_function_hears_its_errors_as_results() {
    let failed = ToolResult { id: "c1".into(), name: "book".into(), answer: Outcome::error("full").into() };
    let reply = Reply::of_tools(Kind::FunctionCall, vec![failed]);
    assert_eq!(reply.to_bytes(), br#"{"result":"full"}"#);
    assert_eq!(reply.content_type(), "application/json");
}

#[test]
fn speech_is_sent_as_bytes() {
    let reply = Reply::Audio(vec![1, 2]);
    assert_eq!((reply.to_bytes(), reply.content_type()), (vec![1, 2], "application/octet-stream"));
}
