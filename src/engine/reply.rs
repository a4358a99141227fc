//! The reply contract: what Vapi reads of the answer to each kind, how our own are checked and made.
//!
//! [`check`] says what is certainly wrong with a reply, finished or not; [`normalise`] and [`tool_answer`]
//! make a [`Reply`] of what a rule rendered or a script returned. A finished reply may hold `null` where a
//! placeholder found nothing; that counts as absent. Nothing else is mended silently: what breaks the
//! contract comes back as [`Fault`]s, and the caller sends a fallback.

mod assistant;
mod audio;
mod checker;
mod contract;
mod control;
mod destination;
mod fault;
mod form;
mod received;
mod schema;
mod spoken;
mod tool;
mod tree;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use self::form::{Form, Object};
use super::kind::Kind;

pub use self::fault::{Fault, Step};
pub use self::received::check_body;
pub use self::schema::schema;
pub use self::tool::{Outcome, PART_NAMES, ToolAnswer, ToolResult, tool_answer};
pub use self::tree::{Shape, Tree};

/// How long to wait for the caller to go on when nobody says it better: about as long as people pause.
const ENDPOINTING_SECONDS: f64 = 0.8;

/// A reply, ready to be sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Reply {
    /// A JSON object.
    Json(Value),
    /// The results of tool calls, in the order of the calls.
    Tools(Vec<ToolResult>),
    /// The outcome of a legacy function call.
    Function(Outcome),
    /// Raw speech: signed 16 bit, little endian, mono.
    Audio(Vec<u8>),
    /// `{}`, to a kind that expects no reply.
    #[default]
    Nothing,
}

/// Everything in which `reply`, as a rule gives it, certainly breaks the contract of `kind`; what is unknown is
/// given the benefit of the doubt.
///
/// For the tool kinds that is the answer of one tool, without id and name.
#[must_use]
pub fn check<T: Tree>(kind: Kind, reply: &T) -> Vec<Fault> {
    if kind.asks_for_tools() {
        return tool::check(reply);
    }
    contract::form(kind).map_or_else(Vec::new, |form| checker::check(form, reply))
}

/// Whether the contract of `kind` has a text where `path` leads in a reply, so that `42` written there is one.
#[must_use]
pub fn takes_text_at(kind: Kind, path: &[&str]) -> bool {
    if kind.asks_for_tools() {
        return tool::takes_text_at(path);
    }
    contract::form(kind).is_some_and(|form| form.takes_text_at(path))
}

/// Whether replies of any kind have an entry of this name.
#[must_use]
pub fn has_entry(name: &str) -> bool {
    tool::PART_NAMES.contains(&name) || contract::has_entry(name)
}

/// What to do instead of an entry of this name, which no reply has and which is often tried.
#[must_use]
pub fn advice(name: &str) -> Option<&'static str> {
    contract::advice(name)
}

/// Everything in which `message` is certainly no message to a call that is going on (contract, section 6).
#[must_use]
pub fn check_control<T: Tree>(message: &T) -> Vec<Fault> {
    checker::check(&form::Form::Tagged(&control::CONTROL), message)
}

/// Everything in which `reply`, the JSON that goes back to Vapi, breaks the contract of `kind`.
#[must_use]
pub fn check_wire(kind: Kind, reply: &Value) -> Vec<Fault> {
    contract::wire_form(kind).map_or_else(Vec::new, |form| checker::check(form, reply))
}

/// Makes the reply of a kind that is not a tool kind of what a rule rendered or a script returned.
///
/// # Errors
/// Everything in which `value` breaks the contract. For a tool kind that is always so: [`tool_answer`] makes
/// their answers, call by call.
pub fn normalise(kind: Kind, mut value: Value) -> Result<Reply, Vec<Fault>> {
    if !kind.expects_reply() {
        return Ok(Reply::Nothing);
    }
    let Some(form) = contract::form(kind) else {
        return Err(vec![Fault::new(&[], "the reply to a tool call cannot be given for all calls at once")]);
    };
    drop_absent(form, &mut value);
    let faults = checker::check(form, &value);
    if !faults.is_empty() {
        return Err(faults);
    }
    let audio = value.get("audio").and_then(Value::as_str).filter(|_| kind == Kind::VoiceRequest);
    Ok(match audio.map(audio::decode) {
        Some(samples) => Reply::Audio(samples.unwrap_or_default()), // the check has decoded it before
        None => Reply::Json(value),
    })
}

/// Takes entries out of `value` that are `null` where the contract has no `null`: a placeholder found nothing.
fn drop_absent(form: &Form, value: &mut Value) {
    match (form, value) {
        (Form::Object(object), value) => drop_absent_entries(object, value),
        (Form::Tagged(union), value) => {
            let tag = value.get("type").and_then(Value::as_str);
            if let Some(object) = tag.map_or(union.untyped, |tag| union.variant(tag)) {
                drop_absent_entries(object, value);
            }
        }
        (Form::List(form), Value::Array(items)) => items.iter_mut().for_each(|item| drop_absent(form, item)),
        (Form::TextOr { other, .. }, value) => drop_absent(other, value),
        (Form::Either(one, other), value) => {
            drop_absent(one, value);
            drop_absent(other, value);
        }
        _ => {}
    }
}

fn drop_absent_entries(object: &Object, value: &mut Value) {
    let Value::Object(entries) = value else { return };
    entries.retain(|key, value| !(value.is_null() && object.field(key).is_some()));
    for (key, value) in entries {
        if let Some(form) = object.field(key) {
            drop_absent(form, value);
        }
    }
}

/// The emptiest valid reply to `kind`; `sentence` is what the caller or the model is told where the kind can
/// carry an error.
///
/// For `tool-calls` it holds no result at all: whoever knows the calls answers each with an error.
#[must_use]
pub fn emptiest(kind: Kind, sentence: &str) -> Reply {
    match kind {
        Kind::AssistantRequest | Kind::TransferDestinationRequest | Kind::HandoffDestinationRequest => error(sentence),
        Kind::ToolCalls => Reply::Tools(Vec::new()),
        Kind::FunctionCall => Reply::Function(Outcome::error(sentence)),
        Kind::KnowledgeBaseRequest => Reply::Json(json!({ "documents": [] })),
        Kind::CallEndpointingRequest => Reply::Json(json!({ "timeoutSeconds": ENDPOINTING_SECONDS })),
        Kind::CampaignPredial => Reply::Json(json!({ "eligible": false })),
        Kind::VoiceRequest => Reply::Audio(Vec::new()),
        Kind::ApiRequest => Reply::Json(json!({})),
        _ => Reply::Nothing,
    }
}

/// The reply of a rule or script that refuses on purpose, with `text` for whoever asked; `None` if the kind has
/// no words for it, or if it is a tool kind: then it is [`Outcome::error`], call by call.
#[must_use]
pub fn refusal(kind: Kind, text: &str) -> Option<Reply> {
    match kind {
        Kind::AssistantRequest | Kind::TransferDestinationRequest | Kind::HandoffDestinationRequest => {
            Some(error(text))
        }
        _ => None,
    }
}

fn error(text: &str) -> Reply {
    let text = if text.trim().is_empty() { "Something went wrong." } else { text };
    Reply::Json(json!({ "error": text }))
}

impl Reply {
    /// The reply to a tool kind, of the answers to its calls in their order. A legacy `function-call` is one
    /// call; the first answer counts.
    #[must_use]
    pub fn of_tools(kind: Kind, results: Vec<ToolResult>) -> Reply {
        if kind != Kind::FunctionCall {
            return Reply::Tools(results);
        }
        let outcome = results.into_iter().next().map(|result| result.answer.outcome);
        Reply::Function(outcome.unwrap_or_else(|| Outcome::error("")))
    }

    /// Adds the results of the next tool call of the same event.
    pub fn append(&mut self, next: Reply) {
        if let (Reply::Tools(results), Reply::Tools(next)) = (self, next) {
            results.extend(next);
        }
    }

    /// The reply as JSON. Speech is shown as a rule would give it, `{"audio": <base64>}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        // Every key is text, so nothing can fail.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The body of the response.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Reply::Audio(samples) => samples.clone(),
            reply => serde_json::to_vec(reply).unwrap_or_default(),
        }
    }

    /// The media type of the body.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Reply::Audio(_) => "application/octet-stream",
            Reply::Json(_) | Reply::Tools(_) | Reply::Function(_) | Reply::Nothing => "application/json",
        }
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Reply::Json(value) => value.serialize(serializer),
            Reply::Tools(results) => serializer.collect_map([("results", results)]),
            Reply::Function(outcome) => serializer.collect_map([("result", outcome.text())]),
            Reply::Audio(samples) => serializer.collect_map([("audio", audio::encode(samples))]),
            Reply::Nothing => serializer.collect_map([("", ""); 0]),
        }
    }
}

#[cfg(test)]
mod tests;
