//! How actions look in their file, as far as the types of their fields do not tell.

use serde_json::{Value, json};

use super::super::kinds::kind_outline;
use super::patience::ATTEMPTS_MAX;
use super::reuse::BESIDE_USE;
use super::{ActionSource, VERBS};
use crate::engine::request::Method;
use crate::engine::schema::{Definitions, Outline, at_most_one_of, both, one_of};

/// A list of actions: what stands behind `do`.
pub(in crate::engine::source) enum Acts {}
/// Actions under names, that rules can use.
pub(in crate::engine::source) enum Named {}
/// The assistant or the customer.
pub(super) enum Party {}
/// Nothing but `true`.
pub(super) enum True {}
/// The order of actions.
pub(super) enum Order {}
/// The name of a kind of event.
pub(super) enum KindName {}
/// How often something is tried.
pub(super) enum Attempts {}
/// The name of an action that is used.
pub(super) enum UsedName {}
/// How a request is sent.
pub(super) enum MethodName {}

impl Outline for Acts {
    fn outline(defs: &mut Definitions) -> Value {
        json!({ "type": "array", "items": ActionSource::outline(defs) })
    }
}

impl Outline for Named {
    fn outline(defs: &mut Definitions) -> Value {
        let written_out = json!({ "not": { "required": ["use"] } });
        json!({ "type": "object", "additionalProperties": both(ActionSource::outline(defs), &written_out) })
    }
}

impl Outline for Party {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "enum": ["assistant", "customer"] })
    }
}

impl Outline for True {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "const": true })
    }
}

impl Outline for Order {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "const": "call" })
    }
}

impl Outline for KindName {
    fn outline(defs: &mut Definitions) -> Value {
        defs.named("kind", |_| kind_outline())
    }
}

impl Outline for Attempts {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": ATTEMPTS_MAX })
    }
}

impl Outline for UsedName {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "string" })
    }
}

impl Outline for MethodName {
    fn outline(_: &mut Definitions) -> Value {
        let small = Method::ALL.iter().map(|method| method.as_str().to_ascii_lowercase());
        let large = Method::ALL.iter().map(|method| method.as_str().to_owned());
        json!({ "enum": small.chain(large).collect::<Vec<_>>() })
    }
}

/// What the fields of an action have to do with each other.
pub(super) fn of_action(_: &mut Definitions) -> Value {
    let beside: Value = BESIDE_USE.iter().map(|name| ((*name).to_owned(), json!(true))).collect();
    json!({
        "allOf": [
            one_of(VERBS.iter().copied().chain(["use"])),
            at_most_one_of(&["json", "form", "body"]),
            { "if": { "required": ["use"] }, "then": { "properties": beside, "additionalProperties": false } },
            { "if": { "required": ["with"] }, "then": { "required": ["use"] } },
        ],
    })
}
