//! One server message: bytes in, a view out in which values are found when a rule asks.
//!
//! [`Event::scan`] goes over the body once and remembers where the values lie that the rules said they
//! [want](Wanted); it makes no tree of the body, and no copy: an event keeps the buffer in which its body came. A value
//! that nobody wanted beforehand can only be had by walking [`Event::whole`].
//!
//! What is a message (contract, section 1): usually the object at `message`. Without such an object
//! the body itself is the message: one with a `type` is of that kind (simulations), one without is
//! [`Kind::ApiRequest`] (the arguments that an `apiRequest` tool posts,
//! and what is sent to a custom model).

use std::sync::Arc;

use bytes::Bytes;
use simdutf8::compat;

use self::scan::Extent;
use super::json::{DEPTH_MAX, Json, JsonError, Val};
use super::kind::{EventKind, Kind};

mod scan;
mod tool_call;
mod trie;

use self::tool_call::ToolCalls;
use self::trie::ROOT;

pub use tool_call::{TOOL_CALLS_MAX, ToolCall};
pub use trie::{Slot, Wanted, WantedBuilder};

/// One server message.
#[derive(Debug, Clone)]
pub struct Event {
    /// UTF-8, as [`scan`](Event::scan) has seen to. A slice of it is tested again whenever it is taken, which costs less
    /// than to copy all of it into a `String`: most slices are short, most bodies are long.
    body: Bytes,
    kind: EventKind,
    /// Where each place of the trie of what was wanted lies in the body; the first is the message.
    extents: Vec<Extent>,
    tool_calls: ToolCalls,
    call_id: Option<Arc<str>>,
    /// Where a status update says which status, and when.
    stamps: [Extent; 2],
    /// The slot to answer with `final`, though the body does not say so.
    is_final: Option<Slot>,
}

/// Why a body is not a server message.
///
/// No variant quotes the body, which may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is no text.
    #[error("the body is not UTF-8: byte {at} belongs to no character")]
    NotUtf8 {
        /// The first byte that is none, from 0.
        at: usize,
    },
    /// It is no JSON document.
    #[error("the body is not JSON: {why} at line {line}, column {column}")]
    NotJson {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// It is JSON, but a list, a text, a number, ….
    #[error("the body is JSON, but not an object")]
    NotAnObject,
    /// The message does not say what it is.
    #[error("the body's `message` has no `type`")]
    NoType,
    /// Nobody reads such documents.
    #[error("the body nests lists and objects more than {depth_max} deep")]
    TooDeep {
        /// How deep it may be.
        depth_max: usize,
    },
    /// No model makes so many calls at once.
    #[error("the message holds more than {calls_max} tool calls")]
    TooManyToolCalls {
        /// How many it may hold.
        calls_max: usize,
    },
}

impl From<JsonError> for EventError {
    fn from(error: JsonError) -> EventError {
        match error {
            JsonError::Invalid { line, column, why } => EventError::NotJson { line, column, why },
            JsonError::TooDeep => EventError::TooDeep { depth_max: DEPTH_MAX },
        }
    }
}

impl Event {
    /// Reads a body.
    ///
    /// # Errors
    /// If it is not a server message.
    pub fn scan(body: impl Into<Bytes>, wanted: &Wanted) -> Result<Event, EventError> {
        let body = body.into();
        let text = compat::from_utf8(&body).map_err(|error| EventError::NotUtf8 { at: error.valid_up_to() })?;
        let found = scan::scan(text, wanted)?;
        // Here and now the body is known to be text: later every slice of it is tested again.
        let at = |slot| found.at(slot, text);
        let tool_calls = if found.kind.known().is_some_and(Kind::asks_for_tools) {
            tool_call::read(wanted.tool_lists.iter().map(at), at(&wanted.function_call))?
        } else {
            ToolCalls::new()
        };
        let call_id = at(&wanted.call_id).and_then(Json::as_str).filter(|id| !id.is_empty()).map(Arc::from);
        let says_type = || at(&wanted.transcript_type).is_some_and(|value| !value.is_null());
        let is_final = (found.is_final_transcript && !says_type()).then(|| wanted.transcript_type.clone());
        let stamps = wanted.stamps.each_ref().map(|slot| found.extent(slot));
        Ok(Event { kind: found.kind, extents: found.extents, tool_calls, call_id, stamps, is_final, body })
    }

    /// The kind of the message.
    #[must_use]
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// The value at a slot that was wanted in messages of this kind, and of the same [`Wanted`].
    ///
    /// Of a `transcript[transcriptType="final"]` the `transcriptType` is `final`, said or not.
    #[must_use]
    pub fn get(&self, slot: &Slot) -> Val<'_> {
        if self.is_final.as_ref() == Some(slot) {
            return Val::Json(Json::of_checked("\"final\""));
        }
        self.found(slot).into()
    }

    fn found(&self, slot: &Slot) -> Option<Json<'_>> {
        Json::of_checked(self.text(slot.place)?).walk(&slot.rest)
    }

    /// The id of the call that the message belongs to; an empty one would be that of many.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.call_id.as_deref()
    }

    /// The same, for who keeps it.
    #[must_use]
    pub fn shared_call_id(&self) -> Option<Arc<str>> {
        self.call_id.clone()
    }

    /// The status and the time of a status update; other kinds have none.
    #[must_use]
    pub fn stamps(&self) -> [Option<Json<'_>>; 2] {
        self.stamps.map(|found| self.slice(found).map(Json::of_checked))
    }

    /// The tool calls of a message that asks for tools; other kinds have none.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        &self.tool_calls
    }

    /// Puts `arguments`, JSON text, in place of those of the tool call at `index`: they came encrypted.
    /// Text that is no object makes them unreadable for the rules, as it would have in the body.
    pub fn replace_arguments(&mut self, index: usize, arguments: &str) {
        if let Some(call) = self.tool_calls.get_mut(index) {
            call.replace_arguments(arguments);
        }
    }

    /// The body as it came.
    #[must_use]
    pub fn body(&self) -> &str {
        str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The message, envelope taken off.
    #[must_use]
    pub fn whole(&self) -> Json<'_> {
        Json::of_checked(self.text(ROOT).unwrap_or("{}"))
    }

    /// What was found at a place of the trie.
    fn text(&self, place: usize) -> Option<&str> {
        self.slice(*self.extents.get(place)?)
    }

    fn slice(&self, found: Extent) -> Option<&str> {
        str::from_utf8(found.bytes(&self.body)?).ok()
    }
}

#[cfg(test)]
mod tests;
