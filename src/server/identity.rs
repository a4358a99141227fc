//! What makes an event the same when it comes again (contract, section 7), and numbers that stand for that.
//!
//! The contract tells most events of a kind in one call from each other by their time. But Vapi counts milliseconds, and says
//! several things in one: tokens of a model, that one stops speaking and another starts. So what an event says of itself counts
//! too. What it repeats of its call does not: there are links in it that may differ from one delivery to the next.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hash, RandomState};

use crate::engine::event::{Event, ToolCall};
use crate::engine::json::{Json, JsonType};
use crate::engine::kind::Kind;

/// The fields of a message that show its call, not what has happened; and where recordings of it lie.
const OF_THE_CALL: [&str; 7] =
    ["artifact", "assistant", "call", "customer", "phoneNumber", "recordingUrl", "stereoRecordingUrl"];

/// What tells an event from others of its kind in the same call.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Mark<'a> {
    /// Nothing: there is one for each call.
    Only,
    /// Its status and time, as they are written.
    Stamped([&'a str; 2]),
    /// Its time, and all else that is not of the call: fields and values as they are written.
    Said(Vec<(Cow<'a, str>, &'a str)>),
    /// All of it, since it has no time.
    Body(&'a str),
}

impl Mark<'_> {
    /// What tells `event` from others.
    #[must_use]
    pub fn of(event: &Event) -> Mark<'_> {
        match (event.kind().known(), event.stamps().map(|stamp| stamp.filter(|stamp| says_something(*stamp)))) {
            (Some(Kind::EndOfCallReport), _) => Mark::Only,
            (Some(Kind::StatusUpdate), [Some(status), Some(time)]) => Mark::Stamped([status.raw(), time.raw()]),
            _ => said(event).map_or_else(|| Mark::Body(event.body()), Mark::Said),
        }
    }

    /// The texts that it consists of.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Mark::Only => Vec::new(),
            Mark::Stamped(stamp) => stamp.to_vec(),
            Mark::Said(fields) => fields.iter().flat_map(|(name, value)| [&**name, *value]).collect(),
            Mark::Body(body) => vec![body],
        }
    }
}

/// What makes a tool call the same when it comes again in the same call: its id, its name and its arguments as they are
/// written. Some models begin to number anew in every turn, so that the id alone does not tell. Nothing does of what a hook
/// asks, and of what has no id: that is another one each time.
#[must_use]
pub fn asked(tool_call: &ToolCall) -> Option<[&str; 3]> {
    if tool_call.is_hook() || tool_call.id.is_empty() {
        return None;
    }
    Some([&tool_call.id, &tool_call.name, tool_call.arguments().map(Json::raw).unwrap_or_default()])
}

/// What an event says of itself; nothing if it does not say when.
fn said(event: &Event) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let fields = event.whole().entries_as_written();
    let (mut said, mut has_time) = (Vec::new(), false);
    for (name, value) in fields.filter(|(name, _)| !OF_THE_CALL.contains(&&**name)) {
        has_time |= name == "timestamp" && says_something(value);
        said.push((name, value.raw()));
    }
    has_time.then_some(said)
}

/// Whether a status or a time is one.
fn says_something(stamp: Json<'_>) -> bool {
    match stamp.kind() {
        JsonType::Text => stamp.raw() != "\"\"",
        kind => kind == JsonType::Number,
    }
}

/// A number that stands for an identity.
///
/// It is as good as what it stands for, and takes no room for long texts: nobody can foresee which number they get in this
/// process, and that two of those that are remembered get the same by chance is as likely as to guess a key of a hundred bits at
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u64, u64);

/// Numbers for identities, which nobody else can foresee.
#[derive(Default)]
pub struct Keys([RandomState; 2]);

impl Keys {
    /// The number for `identity`.
    #[must_use]
    pub fn key(&self, identity: &impl Hash) -> Key {
        let [first, second] = self.0.each_ref().map(|hasher| hasher.hash_one(identity));
        Key(first, second)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::event::WantedBuilder;

    fn event(message: &Value) -> Event {
        Event::scan(json!({ "message": message }).to_string(), &WantedBuilder::new().build()).unwrap()
    }

    /// An event of `kind` with a time, some of its call, and `more`.
    fn timed(kind: &str, more: &Value) -> Event {
        let mut message = json!({
            "type": kind, "timestamp": 1_756_461_600_120_u64, "call": { "id": "c", "updatedAt": 1 },
            "artifact": { "recordingUrl": "https://a.example/?sig=1" },
        });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(&message)
    }

    #[test]
    fn a_tool_call_without_an_id_of_its_own_is_another_one_each_time() {
        let call = |id: &str| {
            let call = json!({ "id": id, "function": { "name": "book", "arguments": { "n": 1 } } });
            event(&json!({ "type": "tool-calls", "toolCallList": [call] }))
        };
        assert_eq!(asked(&call("t1").tool_calls()[0]), Some(["t1", "book", "{\"n\":1}"]));
        for id in ["", "hook-function-call"] {
            assert_eq!(asked(&call(id).tool_calls()[0]), None, "{id}");
        }
    }

    #[test]
    fn what_an_event_repeats_of_its_call_makes_no_other_one_of_it() {
        let again = json!({
            "artifact": { "recordingUrl": "https://a.example/?sig=2" }, "call": { "id": "c", "updatedAt": 2 },
            "assistant": {}, "recordingUrl": "https://a.example/?sig=2",
        });
        for kind in ["hang", "conversation-update", "status-update", "end-of-call-report", "a-new-kind"] {
            let first = timed(kind, &json!({ "status": "ended" }));
            let mut second = again.clone();
            second["status"] = json!("ended");
            assert_eq!(Mark::of(&first), Mark::of(&timed(kind, &second)), "{kind}");
        }
    }

    #[test]
    fn what_comes_in_one_millisecond_is_told_apart() {
        for (kind, one, other) in [
            ("speech-update", json!({ "status": "stopped", "role": "user" }), json!({ "status": "started" })),
            ("transcript", json!({ "role": "user", "transcript": "a" }), json!({ "transcript": "b" })),
            ("model-output", json!({ "output": "a" }), json!({ "output": "b" })),
            ("conversation-update", json!({ "messages": [] }), json!({ "messages": [{}] })),
            ("tool-calls", json!({ "toolCallList": [] }), json!({ "toolCallList": [{ "id": "t" }] })),
            ("status-update", json!({ "status": "ringing" }), json!({ "status": "in-progress" })),
            ("hang", json!({}), json!({ "timestamp": "2024-07-01T10:00:00.000Z" })),
            ("a-new-kind", json!({ "n": 1 }), json!({ "n": 2 })),
        ] {
            assert_ne!(Mark::of(&timed(kind, &one)), Mark::of(&timed(kind, &other)), "{kind}");
        }
    }

    #[test]
    fn what_does_not_say_when_it_was_is_told_by_all_of_it() {
        for lacking in [json!({ "timestamp": null }), json!({ "timestamp": "" }), json!({ "timestamp": {} })] {
            for kind in ["status-update", "hang"] {
                let (mut one, mut other) = (lacking.clone(), lacking.clone());
                (one["status"], other["status"]) = (json!("forwarding"), json!("forwarding"));
                one["artifact"] = json!({ "n": 1 });
                assert_ne!(Mark::of(&timed(kind, &one)), Mark::of(&timed(kind, &other)), "{kind}");
                assert_eq!(Mark::of(&timed(kind, &one)), Mark::of(&timed(kind, &one)), "{kind}");
            }
        }
        let untimed = |to: &str| event(&json!({ "type": "status-update", "status": "forwarding", "destination": to }));
        assert_ne!(Mark::of(&untimed("a")), Mark::of(&untimed("b")));
    }
}
