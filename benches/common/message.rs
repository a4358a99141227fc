//! Server messages as large as real ones, with the same parts.
//!
//! A message is made once. What tells one request from another is a number, whose digits [`Message::number`] overwrites
//! wherever they stand, so that making a request costs next to nothing.

use serde_json::{Value, json};

/// How many digits tell one message from another.
const DIGITS: usize = 8;
/// They, in a message that has no number yet.
const MARK: &str = "00000000";

/// The turns of a call that goes on, and of one that took twenty minutes.
const TURNS: usize = 6;
const TURNS_OF_REPORT: usize = 226;

/// What the assistant was told to be; it is in every message twice or thrice.
const PROMPT: &str = "\
[Who you are]\nYou are Wim, who answers the telephone of Spoke & Chain, a bicycle workshop by the canal. You take calls \
while the mechanics have oil on their hands.\n\n\
[How you speak]\nTwo sentences at a time, then listen. Ask one thing, not three. Say days and times as people do: \"next \
Tuesday at ten\", never \"2026-03-17T10:00\". Do not spell out links, codes or anything in brackets.\n\n\
[What you can do]\n- Look for a place in the workshop with find_slot, for one day and one kind of work.\n- Book it with \
book_slot, once you have repeated day, work and name and the caller has said yes.\n- Say how far a repair is with \
repair_status; the number is on the yellow ticket.\n- Send the way here as a text message with send_way.\n- Hand the call to \
the counter with to_counter between nine and six.\n\n\
[What you cannot do]\n- Name a price that is not in the list below: say that the mechanic will call before starting.\n- Promise \
a day for parts that must be ordered.\n- Speak about anybody else's bicycle, whoever asks.\n- Judge over the telephone whether a \
damaged brake or fork is safe: ask the caller to walk, not ride, and offer the next free place.\n\n\
[What is true]\nOpen from Tuesday to Saturday, nine to six, in winter until five. Closed on Sundays and Mondays.\nWe are at Quay \
Street 8, below the iron bridge; there is a ramp for cargo bikes.\nSmall service 45, full service 95, puncture 18 while you wait, \
brakes 30 an axle, wheel from 40. E-bikes of two makes only: ask which.\nA bicycle that is not fetched within four weeks costs \
two a day.\n\n\
[In which order]\n1. What is wrong, and since when?\n2. Which bicycle is it: city, cargo, race or electric?\n3. Offer two places, \
not more; if neither suits, ask for another day.\n4. Repeat, wait for the yes, book, and say the ticket number digit by digit.\n5. \
Ask whether a text message with the way would help.\n\n\
[When a tool fails]\nSay that the book is slow today and try it once more. If that fails too, take a number and promise a call \
back. Never invent a place.\n\n\
[Now]\nIt is {{now}}. The caller's number is {{customer.number}}.\n";

/// A server message whose number can be changed.
#[derive(Clone)]
pub(crate) struct Message {
    /// Its bytes.
    pub(crate) body: Vec<u8>,
    /// Where the number stands.
    places: Vec<usize>,
}

impl Message {
    fn new(message: &Value) -> Message {
        let body = json!({ "message": message }).to_string();
        let places = body.match_indices(MARK).map(|(at, _)| at).collect();
        Message { body: body.into_bytes(), places }
    }

    /// Makes this message number `number`.
    pub(crate) fn number(&mut self, number: u64) {
        let digits = format!("{:0DIGITS$}", number % 10_u64.pow(8));
        for place in &self.places {
            if let Some(stale) = self.body.get_mut(*place..*place + DIGITS) {
                stale.copy_from_slice(digits.as_bytes());
            }
        }
    }
}

/// Asks `tool` with four arguments, in the telephone call number `call`. The message's number ends the tool call's id.
pub(crate) fn tool_call(tool: &str, call: usize) -> Message {
    tool_call_with_id(tool, &format!("call_Tq7bXw3LkZ9s{MARK}"), call)
}

/// Asks a tool whose name ends in the message's number.
pub(crate) fn numbered_tool() -> Message {
    tool_call_with_id(&format!("tool_{MARK}"), "call_Tq7bXw3LkZ9sHn5RvGc2", 0)
}

fn tool_call_with_id(tool: &str, id: &str, call: usize) -> Message {
    let arguments = json!({ "day": "2026-03-17", "work": "service", "bicycle": "cargo", "name": "Robin Vale" });
    let called = |arguments: Value| json!({ "id": id, "type": "function", "function": { "name": tool, "arguments": arguments } });
    let spelt = called(Value::String(arguments.to_string()));
    let called = called(arguments);
    let mut with_tool = function(tool, "Looks for a place in the workshop.", &["day", "work", "bicycle", "name"]);
    if let Some(fields) = with_tool.as_object_mut() {
        fields.insert("toolCall".to_owned(), called.clone());
    }
    let mut artifact = artifact(TURNS);
    append(
        &mut artifact,
        "messages",
        json!({ "role": "tool_calls", "toolCalls": [spelt], "message": "", "secondsFromStart": 25.6 }),
    );
    append(
        &mut artifact,
        "messagesOpenAIFormatted",
        json!({ "role": "assistant", "content": "", "tool_calls": [spelt] }),
    );
    let own = json!({
        "timestamp": 1_773_741_625_610_u64, "type": "tool-calls",
        "toolCalls": [called], "toolCallList": [called], "toolWithToolCallList": [with_tool],
    });
    Message::new(&joined(own, &artifact, call))
}

/// Says that the caller has begun to speak; nobody waits for a reply. It has no number.
pub(crate) fn speech_update() -> Message {
    let own = json!({ "timestamp": 1_773_741_625_610_u64, "type": "speech-update", "status": "started", "role": "user", "turn": 2 });
    Message::new(&joined(own, &artifact(TURNS), 0))
}

/// Says that a call is over; nobody waits for a reply. Its number ends the call's id.
pub(crate) fn status_update() -> Message {
    let own = json!({ "timestamp": 1_773_741_625_610_u64, "type": "status-update", "status": "ended", "endedReason": "customer-ended-call" });
    of_numbered_call(joined(own, &artifact(TURNS), 0))
}

/// Tells of a call of twenty minutes that is over; nobody waits for a reply. Its number ends the call's id.
pub(crate) fn report() -> Message {
    let artifact = artifact(TURNS_OF_REPORT);
    let lines = artifact.get("messages").and_then(Value::as_array).into_iter().flatten();
    let said = lines.filter_map(|line| line.get("message").and_then(Value::as_str).map(str::to_owned));
    let transcript = said.skip(1).collect::<Vec<_>>().join("\n");
    let mut own = json!({
        "timestamp": 1_773_742_800_610_u64, "type": "end-of-call-report", "endedReason": "customer-ended-call",
        "analysis": { "summary": "The caller booked a full service for a cargo bike on Tuesday.", "successEvaluation": "Pass" },
        "cost": 0.41, "durationSeconds": 1180.2, "durationMinutes": 19.67, "transcript": transcript,
        "messages": artifact.get("messages"), "summary": "The caller booked a full service.",
    });
    let copies = json!({
        "transcript": transcript, "conversation": artifact.get("messagesOpenAIFormatted"), "messages": artifact.get("messages"),
    });
    if let (Some(own), Value::Object(copies)) = (own.as_object_mut(), copies) {
        own.insert("artifactCopies".to_owned(), Value::Object(copies));
    }
    of_numbered_call(joined(own, &artifact, 0))
}

/// The message in a call whose id ends in the message's number.
fn of_numbered_call(mut message: Value) -> Message {
    if let Some(id) = message.pointer_mut("/call/id") {
        *id = json!(format!("0198c7d2-5c1e-7f44-8a6b-{MARK}0000"));
    }
    Message::new(&message)
}

/// Asks which assistant is to answer a caller; the message's number ends the caller's.
pub(crate) fn assistant_request() -> Message {
    let caller = format!("+155{MARK}");
    let mut call = call(0);
    if let Some(customer) = call.get_mut("customer") {
        *customer = json!({ "number": caller });
    }
    Message::new(&json!({
        "timestamp": 1_773_741_600_120_u64, "type": "assistant-request", "call": call,
        "phoneNumber": phone_number(), "customer": { "number": caller },
    }))
}

/// The fields of the kind itself, then those that all kinds have.
fn joined(mut own: Value, artifact: &Value, number: usize) -> Value {
    let common = json!({
        "artifact": artifact, "call": call(number), "phoneNumber": phone_number(),
        "customer": { "number": "+15555550142" }, "assistant": assistant(),
    });
    if let (Value::Object(own), Value::Object(common)) = (&mut own, common) {
        own.extend(common);
    }
    own
}

fn append(artifact: &mut Value, list: &str, item: Value) {
    if let Some(list) = artifact.get_mut(list).and_then(Value::as_array_mut) {
        list.push(item);
    }
}

/// What was said in so many turns.
fn artifact(turns: usize) -> Value {
    let said = [
        ("bot", "assistant", "Spoke and Chain, Wim speaking. What does your bicycle need?"),
        ("user", "user", "Hello, the chain jumps when I go uphill, and the brakes squeal."),
        ("bot", "assistant", "That sounds like a full service. Which bicycle is it?"),
        ("user", "user", "A cargo bike, about four years old. My name is Robin Vale."),
        ("bot", "assistant", "Thank you, Robin. Which day would suit you?"),
        ("user", "user", "Next Tuesday, if you have room in the morning."),
    ];
    let mut messages =
        vec![json!({ "role": "system", "message": PROMPT, "time": 1_773_741_600_000_u64, "secondsFromStart": 0 })];
    let mut formatted = vec![json!({ "role": "system", "content": PROMPT })];
    for ((role, openai_role, text), turn) in said.into_iter().cycle().take(turns).zip(1_u32..) {
        let (start, time) = (f64::from(turn) * 3.87, 1_773_741_600_000 + u64::from(turn) * 3870);
        messages.push(json!({
            "role": role, "message": text, "time": time, "endTime": time + 3112, "secondsFromStart": start, "duration": 3112.25,
        }));
        formatted.push(json!({ "role": openai_role, "content": text }));
    }
    json!({ "messages": messages, "messagesOpenAIFormatted": formatted })
}

fn call(number: usize) -> Value {
    let monitor =
        "phone-call-websocket.aws-us-west-2-backend-production1.vapi.example/0198c7d2-5c1e-7f44-8a6b-2f9d3e4c5b6a";
    json!({
        "id": format!("0198c7d2-5c1e-7f44-8a6b-2f9d3e4c{number:04}"), "orgId": "5e1d7c3b-9f2a-4c68-b1d0-7a8e6f5c4b3a",
        "createdAt": "2026-03-16T10:00:00.125Z", "updatedAt": "2026-03-16T10:00:00.125Z", "type": "inboundPhoneCall",
        "monitor": { "listenUrl": format!("wss://{monitor}/listen"), "controlUrl": format!("https://{monitor}/control") },
        "transport": { "provider": "twilio", "callSid": "CA11111111111111111111111111111111", "accountSid": "AC22222222222222222222222222222222" },
        "phoneCallProvider": "twilio", "phoneCallProviderId": "CA11111111111111111111111111111111", "phoneCallTransport": "pstn",
        "status": "ringing", "assistantId": "9d3b5c7e-1f2a-4b6c-8d9e-3a5c7e9f1b2d", "assistantOverrides": { "variableValues": { "season": "spring" } },
        "phoneNumberId": "7c9e1b3d-5f7a-4c8e-9b1d-2e4f6a8c1b3d", "customer": { "number": "+15555550142" },
    })
}

fn phone_number() -> Value {
    json!({
        "id": "7c9e1b3d-5f7a-4c8e-9b1d-2e4f6a8c1b3d", "orgId": "5e1d7c3b-9f2a-4c68-b1d0-7a8e6f5c4b3a", "number": "+15555550108",
        "createdAt": "2025-11-03T08:12:45.331Z", "updatedAt": "2026-02-20T17:40:11.902Z", "stripeSubscriptionId": null,
        "stripeSubscriptionStatus": "active", "name": "The workshop", "credentialId": "4b6d8f1a-3c5e-4a7b-9d2f-6e8a1c3b5d7f",
        "provider": "twilio", "server": { "url": "https://hooks.spoke.example/vapi" }, "status": "active", "smsEnabled": true,
    })
}

fn assistant() -> Value {
    let kinds = [
        "conversation-update",
        "end-of-call-report",
        "function-call",
        "hang",
        "model-output",
        "speech-update",
        "status-update",
        "tool-calls",
        "transcript",
        "transfer-destination-request",
        "user-interrupted",
        "voice-input",
        "assistant.started",
    ];
    json!({
        "id": "9d3b5c7e-1f2a-4b6c-8d9e-3a5c7e9f1b2d", "orgId": "5e1d7c3b-9f2a-4c68-b1d0-7a8e6f5c4b3a", "name": "Wim of Spoke & Chain",
        "voice": { "model": "eleven_turbo_v2_5", "voiceId": "Qm4Rt8Lx2Vb6Nz1Kc5Hp", "provider": "11labs", "stability": 0.45, "similarityBoost": 0.8 },
        "createdAt": "2025-11-03T08:20:01.118Z", "updatedAt": "2026-03-01T09:02:37.450Z",
        "model": {
            "model": "gpt-4.1", "temperature": 0.25, "maxTokens": 280, "messages": [{ "role": "system", "content": PROMPT }],
            "tools": [
                function("find_slot", "Looks for a place in the workshop.", &["day", "work", "bicycle", "name"]),
                function("book_slot", "Books a place that was found and confirmed.", &["day", "work", "bicycle", "name"]),
                function("repair_status", "Says how far a repair is.", &["ticket"]),
                function("send_way", "Sends the way to the workshop as a text message.", &["phone"]),
                function("to_counter", "Hands the call to the counter.", &["reason"]),
            ],
            "provider": "openai",
        },
        "firstMessage": "Spoke and Chain, Wim speaking. What does your bicycle need?",
        "voicemailMessage": "This is Wim of Spoke and Chain. Please call again from Tuesday to Saturday.",
        "endCallMessage": "Thank you, and keep rolling.",
        "transcriber": { "model": "nova-3", "language": "en", "provider": "deepgram", "endpointing": 150 },
        "clientMessages": kinds, "serverMessages": kinds, "endCallPhrases": ["keep rolling", "talk to you soon"],
        "hipaaEnabled": false, "backgroundDenoisingEnabled": false,
        "analysisPlan": { "summaryPlan": { "enabled": true }, "successEvaluationPlan": { "enabled": true, "rubric": "PassFail" } },
        "artifactPlan": { "recordingEnabled": true, "transcriptPlan": { "enabled": true } },
        "startSpeakingPlan": { "waitSeconds": 0.4, "smartEndpointingPlan": { "provider": "livekit" } }, "stopSpeakingPlan": { "numWords": 2 },
        "monitorPlan": { "listenEnabled": true, "controlEnabled": true },
        "server": { "url": "https://hooks.spoke.example/vapi", "timeoutSeconds": 20, "credentialId": "4b6d8f1a-3c5e-4a7b-9d2f-6e8a1c3b5d7f" },
        "metadata": { "workshop": "canal" }, "variableValues": { "season": "spring" },
    })
}

fn function(name: &str, description: &str, parameters: &[&str]) -> Value {
    let described = |name: &&str| {
        ((*name).to_owned(), json!({ "type": "string", "description": format!("the {name} that the caller said") }))
    };
    let properties: serde_json::Map<_, _> = parameters.iter().map(described).collect();
    json!({
        "type": "function",
        "function": { "name": name, "description": description,
            "parameters": { "type": "object", "properties": properties, "required": parameters } },
        "async": false, "server": { "url": "https://hooks.spoke.example/vapi/tools", "timeoutSeconds": 20 },
        "messages": [
            { "type": "request-start", "content": "Let me look into the book.", "blocking": false },
            { "type": "request-failed", "content": "The book will not open today." },
        ],
    })
}
