//! The reply that each kind waits for, after the Vapi contract, sections 4 and 5.

use super::assistant::{ASSISTANT, OVERRIDES, SQUAD, WORKFLOW, WORKFLOW_OVERRIDES};
use super::destination::{FORWARD, HANDOFF, TRANSFER};
use super::form::{Form, NONEMPTY, Object, Strays, TEXT, number};
use super::spoken::{CUSTOM_MESSAGE, RESULT_MESSAGE, TOOL_MESSAGE};
use crate::engine::kind::Kind;

/// The form of the reply to `kind` as a rule gives it; `None` if there is nothing to hold it against: no reply
/// is read, or it is the answer of one tool (see [`tool`](super::tool)).
pub(super) fn form(kind: Kind) -> Option<&'static Form> {
    match kind {
        Kind::AssistantRequest => Some(&ASSISTANT_REQUEST),
        Kind::TransferDestinationRequest => Some(&TRANSFER_REQUEST),
        Kind::HandoffDestinationRequest => Some(&HANDOFF_REQUEST),
        Kind::KnowledgeBaseRequest => Some(&KNOWLEDGE_BASE),
        Kind::CallEndpointingRequest => Some(&ENDPOINTING),
        Kind::CampaignPredial => Some(&PREDIAL),
        Kind::VoiceRequest => Some(&VOICE),
        Kind::ApiRequest => Some(&Form::Map),
        _ => None,
    }
}

/// Whether a reply to any kind but those of tools has an entry of this name.
pub(super) fn has_entry(name: &str) -> bool {
    objects().any(|object| object.field(name).is_some())
}

/// What to do instead of an entry of this name, which is often tried in replies.
pub(super) fn advice(name: &str) -> Option<&'static str> {
    objects().flat_map(|object| object.advice).find(|(known, _)| *known == name).map(|(_, advice)| *advice)
}

/// The objects that replies are.
fn objects() -> impl Iterator<Item = &'static Object> {
    let object = |form: &'static Form| if let Form::Object(object) = form { Some(*object) } else { None };
    Kind::ALL.iter().filter_map(|kind| form(*kind)).filter_map(object)
}

/// The form of the JSON that goes back to Vapi; `None` if none goes back or nothing of it is read.
pub(super) fn wire_form(kind: Kind) -> Option<&'static Form> {
    match kind {
        Kind::ToolCalls => Some(&TOOL_CALLS),
        Kind::FunctionCall => Some(&FUNCTION_CALL),
        Kind::VoiceRequest => None,
        kind => form(kind),
    }
}

const WRAPPER: (&str, &str) = ("messageResponse", "write what it holds, without this wrapper");
const UNDER_OVERRIDES: &str = "it belongs under `assistantOverrides`";
const UNDER_ASSISTANT: &str = "it belongs under `assistant` or, beside `assistantId`, under `assistantOverrides`";

static ASSISTANT_REQUEST: Form = Form::Object(&Object {
    optional: &[
        ("error", NONEMPTY),
        ("destination", Form::Tagged(&FORWARD)),
        ("assistantId", NONEMPTY),
        ("assistant", Form::Object(&ASSISTANT)),
        ("assistantOverrides", Form::Object(&OVERRIDES)),
        ("squadId", NONEMPTY),
        ("squad", Form::Object(&SQUAD)),
        ("squadOverrides", Form::Object(&OVERRIDES)),
        ("workflowId", NONEMPTY),
        ("workflow", Form::Object(&WORKFLOW)),
        ("workflowOverrides", Form::Object(&WORKFLOW_OVERRIDES)),
    ],
    needs: &["assistantId", "assistant", "squadId", "squad", "workflowId", "workflow", "destination", "error"],
    advice: &[
        WRAPPER,
        ("action", "to forward the call, write `destination: { type: number, number: … }`"),
        ("number", "write `destination: { type: number, number: … }`"),
        ("phoneNumber", "write `destination: { type: number, number: … }`"),
        ("variableValues", UNDER_OVERRIDES),
        ("variables", "write `assistantOverrides: { variableValues: … }`"),
        ("metadata", UNDER_OVERRIDES),
        ("firstMessage", UNDER_ASSISTANT),
        ("model", UNDER_ASSISTANT),
        ("voice", UNDER_ASSISTANT),
        ("message", "to say a sentence and hang up, write `error: …`"),
    ],
    help: "write `{ assistantId: … }`, or `{ error: … }` to say a sentence and hang up",
    ..Object::CLOSED
});

static TRANSFER_REQUEST: Form = Form::Object(&Object {
    optional: &[
        ("destination", Form::Tagged(&TRANSFER)),
        ("message", Form::Tagged(&TOOL_MESSAGE)),
        ("error", NONEMPTY),
    ],
    needs: &["destination", "error"],
    advice: &[WRAPPER, ("number", "write `destination: { type: number, number: … }`")],
    help: "write `{ destination: … }`, or `{ error: … }` where nobody can be reached",
    ..Object::CLOSED
});

static HANDOFF_REQUEST: Form = Form::Object(&Object {
    optional: &[("destination", Form::Tagged(&HANDOFF)), ("result", TEXT), ("error", NONEMPTY)],
    needs: &["destination", "error"],
    advice: &[
        WRAPPER,
        ("assistantId", "write `destination: { type: assistant, assistantId: … }`"),
        ("assistantName", "write `destination: { type: assistant, assistantName: … }`"),
        ("squadId", "write `destination: { type: squad, squadId: … }`"),
    ],
    help: "write `{ destination: … }`, or `{ error: … }` not to hand off",
    ..Object::CLOSED
});

static KNOWLEDGE_BASE: Form = Form::Object(&Object {
    optional: &[("documents", Form::List(&Form::Object(&DOCUMENT))), ("message", SAID_AT_ONCE)],
    needs: &["documents", "message"],
    advice: &[WRAPPER, ("results", "the documents go under `documents`")],
    help: "write `{ documents: [ { content: …, similarity: 0.9 } ] }`",
    ..Object::CLOSED
});
static DOCUMENT: Object = Object {
    required: &[("content", TEXT), ("similarity", number(f64::NEG_INFINITY, f64::INFINITY))],
    optional: &[("uuid", TEXT)],
    help: "write `{ content: …, similarity: 0.9 }`",
    ..Object::OPEN
};
/// Vapi's pages write it as the first, its OpenAPI as the second.
const SAID_AT_ONCE: Form = Form::Either(
    &Form::Object(&Object {
        required: &[("role", Form::Words(&["assistant"])), ("content", TEXT)],
        strays: Strays::Tolerated,
        help: "write `{ role: assistant, content: … }`",
        ..Object::OPEN
    }),
    &Form::Tagged(&CUSTOM_MESSAGE),
);

static ENDPOINTING: Form = Form::Object(&Object {
    required: &[("timeoutSeconds", number(0.0, 15.0))],
    advice: &[WRAPPER],
    help: "write `{ timeoutSeconds: 0.6 }`",
    ..Object::CLOSED
});

static PREDIAL: Form = Form::Object(&Object {
    required: &[("eligible", Form::Bool)],
    advice: &[WRAPPER],
    help: "write `{ eligible: true }` or `{ eligible: false }`",
    ..Object::CLOSED
});

static VOICE: Form = Form::Object(&Object {
    required: &[("audio", Form::Audio)],
    advice: &[WRAPPER, ("data", "Vapi reads bytes, not JSON: write `audio: \"${tts.bytes}\"`")],
    help: "write `{ audio: \"${tts.bytes}\" }`",
    ..Object::CLOSED
});

static TOOL_CALLS: Form = Form::Object(&Object {
    optional: &[("results", Form::List(&Form::Object(&TOOL_RESULT))), ("error", TEXT)],
    needs: &["results", "error"],
    ..Object::CLOSED
});
static TOOL_RESULT: Object = Object {
    required: &[("toolCallId", NONEMPTY), ("name", NONEMPTY)],
    optional: &[("result", TEXT), ("error", TEXT), ("message", Form::Tagged(&RESULT_MESSAGE)), ("metadata", Form::Map)],
    needs: &["result", "error"],
    exclusive: &["result", "error"],
    ..Object::CLOSED
};
static FUNCTION_CALL: Form =
    Form::Object(&Object { required: &[("result", TEXT)], strays: Strays::Tolerated, ..Object::OPEN });
