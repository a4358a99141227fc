//! The event of a test: a sample, a file or a mapping, with values set and taken away.

use serde_json::{Map, Value, json};

use crate::engine::diagnostic::{Diagnostic, closest};
use crate::engine::path::{Path, Segment};
use crate::engine::source::yaml::{Node, Yaml};
use crate::load::is_event_file;
use crate::samples;

use super::EventFiles;

/// The message that `event` names.
pub(super) fn event(node: &Node, folder: &str, files: &EventFiles<'_>, found: &mut Vec<Diagnostic>) -> Option<Value> {
    if matches!(node.value, Yaml::Map(_)) {
        return Some(unwrapped(node.to_json()));
    }
    let Some(name) = node.as_str() else {
        let message = format!("`event` is the name of a kind, a file or a mapping, not {}", node.describe());
        found.push(Diagnostic::error("wrong-type", node.span, message).help("write for example `event: tool-calls`"));
        return None;
    };
    if let Some(sample) = samples::named(name) {
        return Some(unwrapped(sample));
    }
    let text = files.get(format!("{folder}{name}").as_str()).copied();
    match text.map(serde_json::from_str) {
        Some(Ok(event)) => Some(unwrapped(event)),
        Some(Err(error)) => {
            found.push(Diagnostic::error("invalid-value", node.span, format!("`{name}` is no JSON: {error}")));
            None
        }
        None => {
            found.push(no_event(node, name));
            None
        }
    }
}

fn no_event(node: &Node, name: &str) -> Diagnostic {
    if is_event_file(name) {
        let message = format!("there is no file `{name}` beside this one");
        return Diagnostic::error("invalid-value", node.span, message)
            .help("its path counts from the folder of the test file, and it lies below it");
    }
    let found = Diagnostic::error("unknown-event-kind", node.span, format!("there is no sample of `{name}`"));
    match closest(name, samples::names()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help("name a kind such as `tool-calls`, or a file that ends in `.json`"),
    }
}

/// The message without its envelope.
fn unwrapped(mut event: Value) -> Value {
    match event.get_mut("message") {
        Some(message) => message.take(),
        None => event,
    }
}

/// Sets values of the message: `customer.number`, `artifact.messages[0].role`, and of a tool call `tool` and `args`.
pub(super) fn set(message: &mut Value, node: &Node, found: &mut Vec<Diagnostic>) {
    for (key, value) in node.entries() {
        let value = value.to_json();
        let Some(path) = Path::parse(&key.text) else {
            let message = format!("`{}` is not the name of a value", key.text);
            found.push(Diagnostic::error("bad-path", key.span, message).help("write for example `customer.number`"));
            continue;
        };
        let path = if path.root() == "event" { path.rest() } else { path.segments() };
        match (path, tool_call(message)) {
            ([Segment::Key(tool)], Some(call)) if &**tool == "tool" => call.name(value),
            ([Segment::Key(args), rest @ ..], Some(call)) if &**args == "args" => put(call.arguments, rest, value),
            _ => put(message, path, value),
        }
    }
}

/// Takes values of the message away.
pub(super) fn unset(message: &mut Value, written: &str) -> bool {
    let Some(path) = Path::parse(written) else { return false };
    let path = if path.root() == "event" { path.rest() } else { path.segments() };
    if let ([Segment::Key(args), rest @ ..], Some(call)) = (path, tool_call(message))
        && &**args == "args"
    {
        take(call.arguments, rest);
    } else {
        take(message, path);
    }
    true
}

/// The one tool call of a message.
struct ToolCall<'a> {
    name: &'a mut Value,
    arguments: &'a mut Value,
}

impl ToolCall<'_> {
    fn name(self, name: Value) {
        *self.name = name;
    }
}

/// The first tool call of a message. Where Vapi says it in several places, only one is left, lest they contradict each other.
fn tool_call(message: &mut Value) -> Option<ToolCall<'_>> {
    let message = message.as_object_mut()?;
    match message.get("type")?.as_str()? {
        "function-call" => two(message.get_mut("functionCall")?, "name", "parameters"),
        "tool-calls" => {
            if message.contains_key("toolCallList") {
                message.shift_remove("toolWithToolCallList");
                message.shift_remove("toolCalls");
            }
            let call = message.get_mut("toolCallList")?.get_mut(0)?;
            let inner = call.get("function").is_some_and(Value::is_object);
            two(if inner { call.get_mut("function")? } else { call }, "name", "arguments")
        }
        _ => None,
    }
}

fn two<'a>(object: &'a mut Value, name: &str, arguments: &str) -> Option<ToolCall<'a>> {
    let object = object.as_object_mut()?;
    object.entry(name).or_insert(Value::Null);
    object.entry(arguments).or_insert_with(|| json!({}));
    let (mut found_name, mut found_arguments) = (None, None);
    for (key, value) in object.iter_mut() {
        match key.as_str() {
            key if key == name => found_name = Some(value),
            key if key == arguments => found_arguments = Some(value),
            _ => {}
        }
    }
    Some(ToolCall { name: found_name?, arguments: found_arguments? })
}

/// Puts `value` where `path` leads to; what is missing on the way is made.
fn put(into: &mut Value, path: &[Segment], value: Value) {
    let Some((segment, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    match segment {
        Segment::Key(key) => {
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            if let Some(object) = into.as_object_mut() {
                put(object.entry(&**key).or_insert(Value::Null), rest, value);
            }
        }
        Segment::Index(index) => {
            if !into.is_array() {
                *into = json!([]);
            }
            if let Some(items) = into.as_array_mut()
                && let Some(at) = place(*index, items.len())
            {
                if items.len() <= at {
                    items.resize(at + 1, Value::Null);
                }
                if let Some(item) = items.get_mut(at) {
                    put(item, rest, value);
                }
            }
        }
    }
}

/// Items that a test may add to a list.
const ITEMS_MAX: usize = 1000;

fn place(index: i64, len: usize) -> Option<usize> {
    let far = usize::try_from(index.unsigned_abs()).ok()?;
    let at = if index < 0 { len.checked_sub(far)? } else { far };
    (at < ITEMS_MAX).then_some(at)
}

fn take(from: &mut Value, path: &[Segment]) {
    match path {
        [] => *from = Value::Null,
        [Segment::Key(key)] => drop(from.as_object_mut().and_then(|object| object.shift_remove(&**key))),
        [Segment::Key(key), rest @ ..] => {
            if let Some(inner) = from.get_mut(&**key) {
                take(inner, rest);
            }
        }
        [Segment::Index(index), rest @ ..] => {
            let Some(items) = from.as_array_mut() else { return };
            let Some(at) = place(*index, items.len()).filter(|at| *at < items.len()) else { return };
            match (rest, items.get_mut(at)) {
                ([], _) => drop(items.remove(at)),
                (rest, Some(item)) => take(item, rest),
                _ => {}
            }
        }
    }
}
