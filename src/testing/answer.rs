//! What an event was answered with, as a test expects it: in the words of a rule's `respond`.

use serde_json::{Value, json};

use crate::engine::event::Event;
use crate::engine::kind::{EventKind, Kind};
use crate::engine::reply::{PART_NAMES, Reply};

/// What is expected of a reply, and the reply, in the same form. Of a single tool call that is what it was answered
/// with, and a result that is expected as data is compared as such: it went out as text.
pub(super) fn told(expected: &Value, reply: &Reply, event: &Event) -> (Value, Value) {
    let mut reply = reply.to_json();
    if !event.kind().known().is_some_and(Kind::asks_for_tools) {
        return (expected.clone(), reply);
    }
    if *event.kind() == EventKind::Known(Kind::ToolCalls)
        && let Some([only]) = reply.get("results").and_then(Value::as_array).map(Vec::as_slice)
        && expected.get("results").is_none()
    {
        reply = only.clone();
        if let Some(only) = reply.as_object_mut() {
            only.shift_remove("toolCallId");
            only.shift_remove("name");
        }
    }
    let expected = with_parts(expected);
    read(&expected, &mut reply);
    (expected, reply)
}

/// A rule may write the result alone.
fn with_parts(expected: &Value) -> Value {
    let known = |key: &String| key == "results" || PART_NAMES.contains(&key.as_str());
    match expected {
        Value::Object(parts) if parts.keys().all(known) => expected.clone(),
        Value::Null => Value::Null,
        result => json!({ "result": result }),
    }
}

/// Makes data of results that are expected as data.
fn read(expected: &Value, reply: &mut Value) {
    if let (Some(expected), Some(results)) =
        (expected.get("results").and_then(Value::as_array), reply.get_mut("results").and_then(Value::as_array_mut))
    {
        expected.iter().zip(results).for_each(|(expected, result)| read(expected, result));
    }
    if let (Some(expected), Some(result)) = (expected.get("result"), reply.get_mut("result"))
        && !expected.is_string()
        && let Some(data) = result.as_str().and_then(|text| serde_json::from_str(text).ok())
    {
        *result = data;
    }
}
