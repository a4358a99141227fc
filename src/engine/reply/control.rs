//! Messages to a call that is going on (contract, section 6). No reply to an event, but made of the same parts.

use super::destination::{FORWARD, HANDOFF};
use super::form::{Field, Form, NONEMPTY, Object, TEXT, Union};

const CONTENT: Field = ("content", TEXT);

/// A control message, by its `type`.
pub(super) static CONTROL: Union =
    Union { variants: &[&SAY, &ADD_MESSAGE, &SWITCH, &END_CALL, &TRANSFER, &HAND_OFF, &SEND], untyped: None, help: "" };
static SAY: Object = Object {
    tag: "say",
    required: &[("content", NONEMPTY)],
    optional: &[
        ("endCallAfterSpoken", Form::Bool),
        ("interruptAssistantEnabled", Form::Bool),
        ("interruptionsEnabled", Form::Bool),
    ],
    ..Object::OPEN
};
static ADD_MESSAGE: Object = Object {
    tag: "add-message",
    required: &[("message", Form::Object(&MESSAGE))],
    optional: &[("triggerResponseEnabled", Form::Bool)],
    ..Object::OPEN
};
static MESSAGE: Object = Object { required: &[("role", Form::Words(ROLES)), ("content", NONEMPTY)], ..Object::OPEN };
const ROLES: &[&str] = &["system", "user", "assistant", "developer", "tool", "function"];
static SWITCH: Object = Object {
    tag: "control",
    required: &[(
        "control",
        Form::Words(&["mute-assistant", "unmute-assistant", "mute-customer", "unmute-customer", "say-first-message"]),
    )],
    ..Object::OPEN
};
static END_CALL: Object = Object { tag: "end-call", ..Object::CLOSED };
static TRANSFER: Object = Object {
    tag: "transfer",
    required: &[("destination", Form::Tagged(&FORWARD))],
    optional: &[CONTENT],
    ..Object::OPEN
};
static HAND_OFF: Object = Object {
    tag: "handoff",
    required: &[("destination", Form::Tagged(&HANDOFF))],
    optional: &[CONTENT],
    ..Object::OPEN
};
static SEND: Object = Object { tag: "send-transport-message", required: &[("message", Form::Map)], ..Object::OPEN };
