//! Where a call can be sent by a reply: numbers, SIP addresses, assistants, squads (contract, section 5).

use super::assistant::{ASSISTANT, OVERRIDES, SQUAD};
use super::form::{Field, Form, NONEMPTY, Object, TEXT, Union, number, text};
use super::spoken::SENTENCE;

const MESSAGE: Field = ("message", SENTENCE);
const DESCRIPTION: Field = ("description", TEXT);
const CALLER_ID: Field = ("callerId", text(0, 40));
const TRANSFER_PLAN: Field = ("transferPlan", Form::Object(&PLAN));

static NUMBER: Object = Object {
    tag: "number",
    required: &[("number", text(3, 40))],
    optional: &[
        ("extension", text(1, 10)),
        ("numberE164CheckEnabled", Form::Bool),
        CALLER_ID,
        MESSAGE,
        DESCRIPTION,
        TRANSFER_PLAN,
    ],
    ..Object::OPEN
};
static SIP: Object = Object {
    tag: "sip",
    required: &[("sipUri", NONEMPTY)],
    optional: &[("sipHeaders", Form::Map), CALLER_ID, MESSAGE, DESCRIPTION, TRANSFER_PLAN],
    ..Object::OPEN
};
static SQUAD_MEMBER: Object = Object {
    tag: "assistant",
    required: &[("assistantName", NONEMPTY)],
    optional: &[
        (
            "transferMode",
            Form::Words(&[
                "rolling-history",
                "swap-system-message-in-history",
                "swap-system-message-in-history-and-remove-transfer-tool-messages",
                "delete-history",
            ]),
        ),
        MESSAGE,
        DESCRIPTION,
    ],
    ..Object::OPEN
};

/// Where a call can go before there is an assistant.
pub(super) static FORWARD: Union = Union {
    variants: &[&NUMBER, &SIP],
    untyped: None,
    help: "write `{ type: number, number: … }` or `{ type: sip, sipUri: … }`",
};

/// Where a call can go while an assistant is on it.
pub(super) static TRANSFER: Union = Union {
    variants: &[&NUMBER, &SIP, &SQUAD_MEMBER],
    untyped: None,
    help: "write `{ type: number, number: … }`, `{ type: sip, sipUri: … }` or `{ type: assistant, assistantName: … }`",
};

/// To whom an assistant can hand a call.
pub(super) static HANDOFF: Union = Union {
    variants: &[&HANDOFF_ASSISTANT, &HANDOFF_SQUAD],
    untyped: None,
    help: "write `{ type: assistant, assistantName: … }` or `{ type: squad, squadId: … }`; not to hand off, reply with `error`",
};

static HANDOFF_ASSISTANT: Object = Object {
    tag: "assistant",
    optional: &[
        ("assistantId", NONEMPTY),
        ("assistantName", NONEMPTY),
        ("assistant", Form::Object(&ASSISTANT)),
        ("assistantOverrides", Form::Object(&OVERRIDES)),
        CONTEXT,
        EXTRACTION,
        DESCRIPTION,
    ],
    needs: &["assistantId", "assistantName", "assistant"],
    ..Object::OPEN
};
static HANDOFF_SQUAD: Object = Object {
    tag: "squad",
    optional: &[
        ("squadId", NONEMPTY),
        ("squad", Form::Object(&SQUAD)),
        ("entryAssistantName", NONEMPTY),
        ("squadOverrides", Form::Object(&OVERRIDES)),
        CONTEXT,
        EXTRACTION,
        DESCRIPTION,
    ],
    needs: &["squadId", "squad"],
    ..Object::OPEN
};

const CONTEXT: Field = (
    "contextEngineeringPlan",
    Form::Tagged(&Union {
        variants: &[&ALL, &LAST_MESSAGES, &USER_AND_ASSISTANT, &PREVIOUS_ASSISTANT, &NONE],
        untyped: None,
        help: "",
    }),
);
static ALL: Object = Object { tag: "all", ..Object::OPEN };
static NONE: Object = Object { tag: "none", ..Object::OPEN };
static USER_AND_ASSISTANT: Object = Object { tag: "userAndAssistantMessages", ..Object::OPEN };
static PREVIOUS_ASSISTANT: Object = Object { tag: "previousAssistantMessages", ..Object::OPEN };
static LAST_MESSAGES: Object =
    Object { tag: "lastNMessages", required: &[("maxMessages", number(0.0, f64::INFINITY))], ..Object::OPEN };

/// How a call is passed on to a number or a SIP address.
static PLAN: Object = Object {
    required: &[("mode", Form::Words(MODES))],
    optional: &[
        MESSAGE,
        ("timeout", number(1.0, 600.0)),
        ("sipVerb", Form::Words(&["refer", "bye", "dial"])),
        ("dialTimeout", number(1.0, 600.0)),
        ("holdAudioUrl", TEXT),
        ("transferCompleteAudioUrl", TEXT),
        ("twiml", text(0, 4096)),
        ("summaryPlan", Form::Object(&SUMMARY)),
        (
            "contextEngineeringPlan",
            Form::Tagged(&Union { variants: &[&ALL, &LAST_MESSAGES, &NONE], untyped: None, help: "" }),
        ),
        ("fallbackPlan", Form::Object(&FALLBACK)),
        ("sipHeadersInReferToEnabled", Form::Bool),
    ],
    ..Object::OPEN
};
const MODES: &[&str] = &[
    "blind-transfer",
    "blind-transfer-add-summary-to-sip-header",
    "warm-transfer-say-message",
    "warm-transfer-say-summary",
    "warm-transfer-twiml",
    "warm-transfer-wait-for-operator-to-speak-first-and-then-say-message",
    "warm-transfer-wait-for-operator-to-speak-first-and-then-say-summary",
    "warm-transfer-experimental",
];
static SUMMARY: Object = Object {
    optional: &[("enabled", Form::Bool), ("messages", Form::List(&Form::Map)), ("timeoutSeconds", number(1.0, 60.0))],
    ..Object::OPEN
};
static FALLBACK: Object =
    Object { required: &[("message", SENTENCE)], optional: &[("endCallEnabled", Form::Bool)], ..Object::OPEN };

/// What is read out of the conversation for whoever takes over.
const EXTRACTION: Field = (
    "variableExtractionPlan",
    Form::Object(&Object {
        optional: &[("schema", Form::Object(&SCHEMA)), ("aliases", Form::List(&Form::Object(&ALIAS)))],
        ..Object::OPEN
    }),
);
static ALIAS: Object =
    Object { required: &[("key", Form::Name { max: 40 }), ("value", text(0, 10_000))], ..Object::OPEN };
static SCHEMA: Object = Object {
    required: &[("type", Form::Words(&["string", "number", "integer", "boolean", "array", "object"]))],
    optional: &[
        ("description", TEXT),
        ("title", TEXT),
        ("pattern", TEXT),
        ("enum", Form::List(&TEXT)),
        ("required", Form::List(&TEXT)),
        ("items", Form::Object(&SCHEMA)),
        ("properties", Form::MapOf(&Form::Object(&SCHEMA))),
    ],
    strays: super::form::Strays::Tolerated,
    ..Object::OPEN
};
