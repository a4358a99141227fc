//! How a rule looks in its file, as far as the types of its fields do not tell.

use serde_json::{Value, json};

use super::super::bindings;
use crate::engine::kind::Kind;
use crate::engine::reply;
use crate::engine::schema::{Definitions, Outline, at_most_one_of, both, one_or_many};

/// What a rule is called.
pub(super) enum RuleName {}

/// An expression or statements.
pub(super) enum Expression {}

/// Names of tools.
pub(super) enum ToolNames {}

/// Names of the rule's own.
pub(super) enum Bindings {}

impl Outline for RuleName {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": r"\S" })
    }
}

impl Outline for Expression {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "string" })
    }
}

impl Outline for ToolNames {
    fn outline(_: &mut Definitions) -> Value {
        one_or_many(&json!({ "type": "string", "minLength": 1 }))
    }
}

impl Outline for Bindings {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "object", "propertyNames": bindings::name_outline() })
    }
}

/// What the fields of a rule have to do with each other.
pub(super) fn of_rule(defs: &mut Definitions) -> Value {
    let for_something = json!({ "anyOf": [{ "required": ["on"] }, { "required": ["tool"] }] });
    let one_answer = at_most_one_of(&["respond", "run", "script", "table"]);
    let mut all = vec![one_answer, about_tools()];
    all.extend(Kind::ALL.iter().filter_map(|kind| of_kind(*kind, defs)));
    both(for_something, &json!({ "allOf": all }))
}

/// A rule that names a tool is for tool calls alone.
fn about_tools() -> Value {
    let kinds: Vec<&str> = Kind::ALL.iter().filter(|kind| kind.asks_for_tools()).map(|kind| kind.name()).collect();
    let on = one_or_many(&json!({ "enum": kinds }));
    json!({ "if": { "required": ["tool"] }, "then": { "properties": { "on": on } } })
}

/// What a rule for one kind alone replies.
fn of_kind(kind: Kind, defs: &mut Definitions) -> Option<Value> {
    let reply = reply::schema(kind, defs)?;
    let alone = json!({ "anyOf": [{ "const": kind.name() }, { "const": [kind.name()] }] });
    Some(json!({
        "if": { "properties": { "on": alone }, "required": ["on"] },
        "then": { "properties": { "respond": reply, "fallback": reply } },
    }))
}
