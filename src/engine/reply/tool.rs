//! The answer of one tool call: one line of text for the model, and words to be spoken if the author likes.
//!
//! Any value is a result, so that a script may return what it has. Only an object whose entries are nothing but
//! `result` or `error`, `message` and `metadata` is read as an answer with parts. A tool that returns nothing is
//! said to have finished without a result: Vapi would tell the model "No result returned" if the
//! text were empty.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use super::checker;
use super::fault::{Fault, Step};
use super::form::{Form, Object};
use super::spoken::WRITTEN_RESULT_MESSAGE;
use super::tree::{Shape, Tree};
use crate::engine::diagnostic::closest;

/// The result of a tool that returned nothing, or an empty text.
pub(super) const NO_RESULT: &str = "Finished without a result.";
/// The error of a tool that failed without a word.
const NO_REASON: &str = "The tool failed without giving a reason.";

/// What became of a tool call: one line of text, never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It worked; this is for the model.
    Result(String),
    /// It did not; this is for the model, too.
    Error(String),
}

impl Outcome {
    /// The outcome of a call that returned `value`.
    #[must_use]
    pub fn result(value: Value) -> Outcome {
        Outcome::Result(line_of(value, NO_RESULT))
    }

    /// The outcome of a call that failed for the reason that `text` gives.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Outcome {
        Outcome::Error(line(text.into(), NO_REASON))
    }

    /// What the model is told.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Outcome::Result(text) | Outcome::Error(text) => text,
        }
    }
}

/// The answer to one tool call, not yet addressed to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolAnswer {
    /// What the model is told.
    pub outcome: Outcome,
    /// What is spoken instead of what the model would say: a `ToolMessageComplete` or `ToolMessageFailed`.
    pub message: Option<Value>,
    /// An object that Vapi keeps with the call.
    pub metadata: Option<Value>,
}

impl From<Outcome> for ToolAnswer {
    fn from(outcome: Outcome) -> ToolAnswer {
        ToolAnswer { outcome, message: None, metadata: None }
    }
}

/// The answer to one tool call, addressed to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The call's id, exactly as it was asked.
    pub id: Arc<str>,
    /// The tool's name.
    pub name: Arc<str>,
    /// What it answered.
    pub answer: ToolAnswer,
}

/// The item of `results` that Vapi reads.
impl Serialize for ToolResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ToolAnswer { outcome, message, metadata } = &self.answer;
        let key = match outcome {
            Outcome::Result(_) => "result",
            Outcome::Error(_) => "error",
        };
        let mut item = serializer.serialize_map(None)?;
        item.serialize_entry("toolCallId", &*self.id)?;
        item.serialize_entry("name", &*self.name)?;
        item.serialize_entry(key, outcome.text())?;
        for (key, value) in [("message", message), ("metadata", metadata)] {
            if let Some(value) = value {
                item.serialize_entry(key, value)?;
            }
        }
        item.end()
    }
}

/// The entries of an answer with parts.
static PARTS: Form = Form::Object(&Object {
    optional: &[
        ("result", Form::Any),
        ("error", Form::Any),
        ("message", WRITTEN_RESULT_MESSAGE),
        ("metadata", Form::Map),
    ],
    exclusive: &["result", "error"],
    ..Object::OPEN
});
/// What an answer with parts may hold.
pub const PART_NAMES: [&str; 4] = ["result", "error", "message", "metadata"];

/// Makes one tool call's answer, without id and name, of what a rule rendered or a script returned.
///
/// # Errors
/// Everything in which `value` breaks the contract.
pub fn tool_answer(value: Value) -> Result<ToolAnswer, Vec<Fault>> {
    let Value::Object(entries) = value else { return Ok(Outcome::result(value).into()) };
    let keys: Vec<(&str, &Value)> = entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
    match reading(&keys) {
        Reading::Wrapper(fault) => return Err(vec![fault]),
        Reading::Parts => {}
        // Only the author of a rule file is told of a near miss: what a script hands on may look so by chance.
        Reading::Misspelt | Reading::Bare => return Ok(Outcome::result(Value::Object(entries)).into()),
    }
    let mut parts = Value::Object(entries);
    super::drop_absent(&PARTS, &mut parts);
    match checker::check(&PARTS, &parts) {
        faults if faults.is_empty() => Ok(assembled(parts)),
        faults => Err(faults),
    }
}

/// Everything that is certainly wrong with the answer of one tool.
pub(super) fn check<T: Tree>(reply: &T) -> Vec<Fault> {
    let Shape::Map(entries) = reply.shape() else { return Vec::new() };
    match reading(&entries) {
        Reading::Bare => Vec::new(),
        Reading::Wrapper(fault) => vec![fault],
        Reading::Parts | Reading::Misspelt => checker::check(&PARTS, reply),
    }
}

/// Whether a text belongs where `path` leads in the answer of a tool.
pub(super) fn takes_text_at(path: &[&str]) -> bool {
    PARTS.takes_text_at(path)
}

/// How an object that a tool answers is to be read.
enum Reading {
    /// It is the result.
    Bare,
    /// It holds the parts of an answer.
    Parts,
    /// So it probably does, but a name is misspelt.
    Misspelt,
    /// It is what Vapi's pages tell servers to send, with the call's id, which is none of the author's business.
    Wrapper(Fault),
}

fn reading<T: Tree>(entries: &[(&str, &T)]) -> Reading {
    let has = |key: &str| entries.iter().any(|(name, _)| *name == key);
    if entries.iter().any(|(key, value)| *key == "results" && holds_addressed(*value)) {
        return Reading::Wrapper(copied("results"));
    }
    if has("toolCallId") && (has("result") || has("error")) {
        return Reading::Wrapper(copied("toolCallId"));
    }
    if !has("result") && !has("error") {
        return Reading::Bare;
    }
    let free = || PART_NAMES.into_iter().filter(|name| !has(name));
    let others: Vec<&str> = entries.iter().map(|(key, _)| *key).filter(|key| !PART_NAMES.contains(key)).collect();
    if others.is_empty() {
        Reading::Parts
    } else if others.iter().all(|key| closest(key, free()).is_some()) {
        Reading::Misspelt
    } else {
        Reading::Bare
    }
}

/// Whether `results` lists results that name their calls; other lists of that name may be anybody's.
fn holds_addressed<T: Tree>(results: &T) -> bool {
    let Shape::List(items) = results.shape() else { return false };
    items.iter().any(|item| match item.shape() {
        Shape::Map(entries) => entries.iter().any(|(key, _)| *key == "toolCallId"),
        _ => false,
    })
}

fn copied(key: &str) -> Fault {
    let path = [Step::Key(key.to_owned())];
    Fault::new(&path, format!("`{key}` is filled in when the reply is sent"))
        .help("give the bare result: `toolCallId` and `name` are filled in")
        .at_key()
}

/// The answer that checked parts make.
fn assembled(mut parts: Value) -> ToolAnswer {
    let mut take = |key: &str| parts.as_object_mut().and_then(|parts| parts.remove(key));
    let (outcome, kind) = match take("error") {
        Some(error) => (Outcome::Error(line_of(error, NO_REASON)), "request-failed"),
        None => (Outcome::result(take("result").unwrap_or_default()), "request-complete"),
    };
    let message = take("message").map(|message| match message {
        Value::Object(mut message) => {
            message.entry("type").or_insert_with(|| kind.into());
            Value::Object(message)
        }
        sentence => json!({ "type": kind, "content": sentence }),
    });
    ToolAnswer { outcome, message, metadata: take("metadata") }
}

/// `value` as one line of text: texts as they are, everything else as compact JSON.
fn line_of(value: Value, if_empty: &str) -> String {
    match value {
        Value::Null => if_empty.to_owned(),
        Value::String(text) => line(text, if_empty),
        value => line(value.to_string(), if_empty),
    }
}

/// `text` with every stretch of line breaks as one space, as Vapi demands; without those at its ends.
fn line(text: String, if_empty: &str) -> String {
    const BREAKS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    // Each of them begins with one of these bytes; few texts have any.
    let may_break = text.bytes().any(|byte| matches!(byte, b'\n'..=b'\r' | 0xC2 | 0xE2));
    let line = if may_break {
        let lines: Vec<&str> = text.split(BREAKS).filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    } else {
        text
    };
    if line.trim().is_empty() { if_empty.to_owned() } else { line }
}
