//! The tool call of a message, in whichever shape Vapi words it (contract, section 4), to be changed in one place.

use serde_json::{Map, Value, json};

use crate::engine::event::{Event, WantedBuilder};

/// Where Vapi says which tools it calls, what counts first.
const LISTS: [&str; 3] = ["toolCallList", "toolCalls", "toolWithToolCallList"];

/// A part of a tool call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Id,
    Name,
    Arguments,
}

/// Where that part of the message's first tool call stands; nowhere if it calls none.
pub(super) fn part(message: &mut Value, part: Part) -> Option<&mut Value> {
    let read = read(message);
    let call = call(message)?;
    match part {
        Part::Id => Some(call.entry("id").or_insert(Value::Null)),
        Part::Name => Some(function(call)?.entry("name").or_insert(Value::Null)),
        Part::Arguments => {
            let function = function(call)?;
            let parameters = !function.contains_key("arguments") && function.contains_key("parameters");
            let arguments = function.entry(if parameters { "parameters" } else { "arguments" }).or_insert(Value::Null);
            *arguments = read.unwrap_or_else(|| json!({}));
            Some(arguments)
        }
    }
}

/// The arguments as rules see them: they may come as text, or as a schema.
fn read(message: &Value) -> Option<Value> {
    let body = json!({ "message": message }).to_string();
    let event = Event::scan(body, &WantedBuilder::new().build()).ok()?;
    Some(event.tool_calls().first()?.arguments().ok()?.to_value())
}

/// Where Vapi says it in several places, only the one that counts is left, lest they contradict each other.
fn call(message: &mut Value) -> Option<&mut Map<String, Value>> {
    let message = message.as_object_mut()?;
    match message.get("type")?.as_str()? {
        "function-call" => message.get_mut("functionCall")?.as_object_mut(),
        "tool-calls" => {
            let has_items = |list: &&str| message.get(*list).and_then(|list| list.get(0)).is_some();
            let list = LISTS.into_iter().find(has_items)?;
            LISTS.into_iter().filter(|other| *other != list).for_each(|other| drop(message.shift_remove(other)));
            let item = message.get_mut(list)?.get_mut(0)?.as_object_mut()?;
            if item.contains_key("toolCall") { item.get_mut("toolCall")?.as_object_mut() } else { Some(item) }
        }
        _ => None,
    }
}

/// What holds the name and the arguments.
fn function(call: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    let inside = call.get("function").is_some_and(Value::is_object);
    if inside { call.get_mut("function")?.as_object_mut() } else { Some(call) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_shape_of_a_tool_call_can_be_changed() {
        let calls = samples::names().filter(|name| name.starts_with("tool-calls.") || *name == "function-call");
        for name in calls {
            let mut message = samples::named(name).unwrap()["message"].take();
            *part(&mut message, Part::Name).unwrap() = json!("book");
            part(&mut message, Part::Arguments).unwrap()["seats"] = json!(4);
            let body = json!({ "message": message }).to_string();
            let event = Event::scan(body, &WantedBuilder::new().build()).unwrap();
            let call = &event.tool_calls()[0];
            assert_eq!(&*call.name, "book", "{name}");
            assert_eq!(call.arguments().unwrap().get("seats").unwrap().raw(), "4", "{name}");
            let kept = call.arguments().unwrap().len() > Some(1);
            assert!(kept || ["tool-calls.cut-arguments", "tool-calls.without-arguments"].contains(&name), "{name}");
        }
    }
}
