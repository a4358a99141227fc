//! The event of a test: a sample, a file or a mapping.

use serde_json::Value;

use crate::engine::diagnostic::{Diagnostic, closest};
use crate::engine::kind::Kind;
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

/// The message without its envelope. An API's request has none, but may have a field of that name.
pub(super) fn unwrapped(mut event: Value) -> Value {
    match event.get_mut("message").filter(|message| message.get("type").is_some()) {
        Some(message) => message.take(),
        None => event,
    }
}

/// The kind of a message, if it is one that the contract knows.
pub(super) fn kind(message: &Value) -> Option<Kind> {
    Kind::from_name(message.get("type")?.as_str()?)
}
