//! Assistants, squads and workflows written out inside a reply.
//!
//! Vapi adds to them every week, so only their topmost entries are looked at, and of those only what is
//! certain; entries that are not listed here are let pass.

use super::form::{Field, Form, Object, Strays, TEXT, number, text};

/// Entries that an assistant and the overrides of one have in common.
macro_rules! assistant_fields {
    ($($more:expr),*) => {
        &[
            ("name", text(0, 40)),
            ("firstMessage", TEXT),
            ("firstMessageMode", TEXT),
            ("firstMessageInterruptionsEnabled", Form::Bool),
            ("model", Form::Map),
            ("voice", Form::Map),
            ("transcriber", Form::Map),
            ("maxDurationSeconds", DURATION),
            ("voicemailMessage", text(0, 1000)),
            ("endCallMessage", text(0, 1000)),
            ("endCallPhrases", Form::List(&text(2, 140))),
            ("backgroundSound", TEXT),
            ("modelOutputInMessagesEnabled", Form::Bool),
            ("clientMessages", TEXTS),
            ("serverMessages", TEXTS),
            ("credentialIds", TEXTS),
            ("credentials", OBJECTS),
            ("hooks", OBJECTS),
            ("transportConfigurations", OBJECTS),
            ("metadata", Form::Map),
            ("server", Form::Map),
            ("voicemailDetection", Form::Any),
            ("analysisPlan", Form::Map),
            ("artifactPlan", Form::Map),
            ("backgroundSpeechDenoisingPlan", Form::Map),
            ("compliancePlan", Form::Map),
            ("keypadInputPlan", Form::Map),
            ("monitorPlan", Form::Map),
            ("observabilityPlan", Form::Map),
            ("startSpeakingPlan", Form::Map),
            ("stopSpeakingPlan", Form::Map),
            $($more),*
        ]
    };
}

const TEXTS: Form = Form::List(&TEXT);
const OBJECTS: Form = Form::List(&Form::Map);
const DURATION: Form = number(10.0, 43_200.0);
const VARIABLES: Field = ("variableValues", Form::Map);

/// An assistant made for one call.
pub(super) static ASSISTANT: Object = Object {
    optional: assistant_fields!(),
    strays: Strays::Tolerated,
    help: "a saved assistant is named by `assistantId`",
    ..Object::OPEN
};

/// What differs from a saved assistant, or in each member of a squad.
pub(super) static OVERRIDES: Object = Object {
    optional: assistant_fields!(VARIABLES, ("tools:append", OBJECTS)),
    strays: Strays::Tolerated,
    help: "write `{ variableValues: { name: value } }`",
    ..Object::OPEN
};

/// What differs from a saved workflow.
pub(super) static WORKFLOW_OVERRIDES: Object =
    Object { optional: &[VARIABLES], strays: Strays::Tolerated, help: OVERRIDES.help, ..Object::OPEN };

/// A squad made for one call.
pub(super) static SQUAD: Object = Object {
    required: &[("members", OBJECTS)],
    optional: &[("name", TEXT), ("membersOverrides", Form::Object(&OVERRIDES))],
    strays: Strays::Tolerated,
    help: "a saved squad is named by `squadId`",
    ..Object::OPEN
};

/// A workflow made for one call.
pub(super) static WORKFLOW: Object = Object {
    required: &[("nodes", OBJECTS), ("edges", OBJECTS), ("name", text(0, 80))],
    optional: &[
        ("globalPrompt", text(0, 5000)),
        ("model", Form::Map),
        ("voice", Form::Map),
        ("transcriber", Form::Map),
        ("server", Form::Map),
        ("maxDurationSeconds", DURATION),
        ("voicemailMessage", text(0, 1000)),
    ],
    strays: Strays::Tolerated,
    help: "a saved workflow is named by `workflowId`",
    ..Object::OPEN
};
