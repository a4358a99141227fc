//! The contract of replies as JSON Schemas, for who writes them.
//!
//! A placeholder may become anything, so a text with one is let pass wherever it stands. Entries that are nearly some
//! that are known are let pass, too: how near is near a schema cannot say.

use serde_json::{Value, json};

use super::contract;
use super::form::{Form, Object, Strays, Union};
use super::spoken::LANGUAGES;
use crate::engine::kind::Kind;
use crate::engine::schema::{Definitions, at_most_one_of, both, described};

/// How a rule writes the reply to `kind`; `None` if it can be anything, or nobody reads it.
#[must_use]
pub fn schema(kind: Kind, defs: &mut Definitions) -> Option<Value> {
    let form = contract::form(kind)?;
    Some(defs.named(&format!("reply-to-{}", kind.name()), |defs| of_form(form, defs)))
}

fn of_form(form: &'static Form, defs: &mut Definitions) -> Value {
    let schema = match form {
        Form::Any => return json!(true),
        Form::Bool => json!({ "type": "boolean" }),
        Form::Number { min, max } => number(*min, *max),
        Form::Text { min, max } => text(*min, *max),
        Form::Words(words) => json!({ "enum": words }),
        Form::Language => defs.named("language", |_| json!({ "enum": LANGUAGES })),
        Form::Name { max } => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$", "maxLength": max }),
        Form::Audio => json!({ "type": "string" }),
        Form::List(form) => json!({ "type": "array", "items": of_form(form, defs) }),
        Form::Map => json!({ "type": "object" }),
        Form::MapOf(form) => json!({ "type": "object", "additionalProperties": of_form(form, defs) }),
        // Some hold others like themselves.
        Form::Object(object) => defs.numbered("vapi", *object, |defs| of_object(object, defs)),
        Form::Tagged(union) => defs.numbered("vapi", *union, |defs| of_union(union, defs)),
        Form::TextOr { max, other } => json!({ "anyOf": [text(0, *max), of_form(other, defs)] }),
        Form::Either(one, other) => json!({ "anyOf": [of_form(one, defs), of_form(other, defs)] }),
    };
    json!({ "anyOf": [schema, { "$ref": placeholder(defs) }] })
}

/// A text that holds a placeholder.
fn placeholder(defs: &mut Definitions) -> Value {
    let schema = defs.named("placeholder", |_| json!({ "type": "string", "pattern": r"\$\{" }));
    schema.get("$ref").cloned().unwrap_or_default()
}

fn number(min: f64, max: f64) -> Value {
    let bound = |name: &str, value: f64| if value.is_finite() { json!({ name: value }) } else { json!({}) };
    both(both(json!({ "type": "number" }), &bound("minimum", min)), &bound("maximum", max))
}

fn text(min: usize, max: usize) -> Value {
    let schema = json!({ "type": "string", "minLength": min });
    if max == usize::MAX { schema } else { both(schema, &json!({ "maxLength": max })) }
}

fn of_object(object: &'static Object, defs: &mut Definitions) -> Value {
    let mut properties = serde_json::Map::new();
    for (name, form) in object.fields() {
        properties.insert((*name).to_owned(), of_form(form, defs));
    }
    let required: Vec<&str> = object.required.iter().map(|(name, _)| *name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "required": required });
    if object.strays == Strays::Refused {
        schema = both(schema, &json!({ "additionalProperties": false }));
    }
    if !object.needs.is_empty() {
        let needs = object.needs.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
        schema = both(schema, &json!({ "anyOf": needs }));
    }
    if !object.exclusive.is_empty() {
        schema = both(schema, &at_most_one_of(object.exclusive));
    }
    if object.help.is_empty() { schema } else { described(schema, object.help) }
}

fn of_union(union: &'static Union, defs: &mut Definitions) -> Value {
    let mut variants: Vec<Value> = Vec::with_capacity(union.variants.len());
    for variant in union.variants {
        let tag = json!({ "properties": { "type": { "const": variant.tag } }, "required": ["type"] });
        variants.push(json!({ "allOf": [tag, of_object(variant, defs)] }));
    }
    if let Some(untyped) = union.untyped {
        let tag = json!({ "not": { "required": ["type"] } });
        variants.push(json!({ "allOf": [tag, of_object(untyped, defs)] }));
    }
    let of_computed_type = json!({ "type": "object", "properties": { "type": { "$ref": placeholder(defs) } },
        "required": ["type"] });
    variants.push(of_computed_type);
    let schema = json!({ "anyOf": variants });
    if union.help.is_empty() { schema } else { described(schema, union.help) }
}
