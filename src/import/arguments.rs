//! Arguments that a tool would take, made of the JSON Schema of its parameters.

use serde_json::{Map, Value, json};

/// How deep objects lie within each other at most; what lies deeper is left out.
const DEPTH_MAX: usize = 6;

/// Arguments with each property that is required, or with all that there are where none is; nothing if they do not hold
/// against the schema, which can ask for more than is known here.
pub(super) fn for_schema(schema: &Value) -> Option<Value> {
    // A schema that does not say what it is about is one of arguments, too.
    let arguments = Some(value(schema, DEPTH_MAX)).filter(Value::is_object).unwrap_or_else(|| json!({}));
    jsonschema::validator_for(schema).ok()?.is_valid(&arguments).then_some(arguments)
}

fn value(schema: &Value, depth: usize) -> Value {
    let given = ["const", "default", "example"].into_iter().find_map(|name| schema.get(name)).cloned();
    let first_of = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|all| all.first()).cloned();
    if let Some(given) = given.or_else(|| first_of("examples")).or_else(|| first_of("enum")) {
        return given;
    }
    if let Some(one) = first_of("anyOf").or_else(|| first_of("oneOf")) {
        return value(&one, depth.saturating_sub(1));
    }
    match kind(schema) {
        "object" => object(schema, depth),
        "array" => list(schema, depth),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => text(schema),
    }
}

/// The type, or the first of several.
fn kind(schema: &Value) -> &str {
    let written = schema.get("type");
    let first = written.and_then(Value::as_array).and_then(|kinds| kinds.first()).or(written);
    let implied = if schema.get("properties").is_some() { "object" } else { "string" };
    first.and_then(Value::as_str).unwrap_or(implied)
}

fn object(schema: &Value, depth: usize) -> Value {
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let wanted = properties.iter().filter(|(name, _)| required.is_empty() || required.contains(&name.as_str()));
    let Some(depth) = depth.checked_sub(1) else { return json!({}) };
    Value::Object(wanted.map(|(name, schema)| (name.clone(), value(schema, depth))).collect())
}

fn list(schema: &Value, depth: usize) -> Value {
    let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(8);
    let item = schema.get("items").map_or(Value::Null, |items| value(items, depth.saturating_sub(1)));
    (0..count).map(|_| item.clone()).collect()
}

fn text(schema: &Value) -> Value {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-11-27",
        Some("date-time") => "2026-11-27T19:30:00Z",
        Some("time") => "19:30:00Z",
        Some("email") => "ada@example.com",
        Some("uri") => "https://example.com/",
        Some("uuid") => "7d9c9c0e-3f0c-4e1a-9d1f-2b7f5b0a1c11",
        _ => "text",
    };
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0).min(1000);
    Value::from(format!("{text:x<width$}", width = usize::try_from(least).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fit_their_schema() {
        let schema = json!({
            "type": "object", "required": ["day", "guests", "where", "tags", "who"],
            "properties": {
                "day": { "type": "string", "format": "date" },
                "guests": { "type": "integer", "minimum": 2 },
                "where": { "enum": ["inside", "outside"] },
                "tags": { "type": "array", "items": { "type": "string", "minLength": 6 }, "minItems": 1 },
                "who": { "type": ["object", "null"], "properties": { "name": {} } },
                "notes": { "type": "string" },
            },
        });
        let expected = json!({
            "day": "2026-11-27", "guests": 2, "where": "inside", "tags": ["textxx"], "who": { "name": "text" },
        });
        assert_eq!(for_schema(&schema), Some(expected));
        assert_eq!(for_schema(&json!({ "properties": { "a": {} } })), Some(json!({ "a": "text" })));
        assert_eq!(for_schema(&json!({})), Some(json!({})));
        assert_eq!(for_schema(&json!({ "required": ["a"] })), None);
        assert_eq!(for_schema(&json!({ "type": "string" })), None);
    }

    #[test]
    fn what_cannot_be_guessed_is_not() {
        let schema = json!({ "required": ["a"], "properties": { "a": { "type": "string", "pattern": "^[0-9]{5}$" } } });
        assert_eq!(for_schema(&schema), None);
        assert_eq!(for_schema(&json!({ "type": 7 })), None);
    }
}
