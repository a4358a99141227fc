//! What a test says of the world in which its event comes.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::answers::{self, Answer, AnswersOutline};
use super::change::Change;
use super::expect::ExpectSource;
use super::outline::{EventOutline, Steps};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::source::read::{Each, Field, Mapping, Spanned, written};
use crate::engine::source::yaml::Node;

/// When events come about which nothing is said: a Monday, at ten in the morning in New York.
const NOW: &str = "2026-01-05T15:00:00Z";

written! {
    /// A test, or a step of one, exactly as it stands in the file.
    #[derive(Debug)]
    #[serde(rename = "a test")]
    pub(super) struct TestSource {
        pub(super) name: Option<Field<Spanned<String>>> = "What the test shows: `a regular is greeted by name`.",
        pub(super) event: Option<Node> as EventOutline = "What comes: a sample, a file beside this one, or the message itself.",
        set: Option<Node> as Mapping =
            "Values of the message, by their paths: `customer.number`; of a tool call `tool` and `args` too.",
        unset: Option<Field<Each<Spanned<String>>>> = "Paths of values that are taken away.",
        at: Option<Field<Spanned<String>>> = "When it comes, with the offset: `2026-11-23T18:30:00-05:00`.",
        answers: Option<Node> as AnswersOutline =
            "What others say, by what they are asked: `\"GET https://crm.example.com/*\"`.",
        state: Option<Node> as Mapping = "What was kept for the call before.",
        headers: Option<Node> as Mapping = "Header fields of the request, in small letters.",
        seed: Option<Field<u64>> = "What chance begins with.",
        pub(super) expect: Option<Node> as ExpectSource = "What is expected; what is not said is not looked at.",
        pub(super) steps: Option<Node> as Steps = "Several events of one call, one after the other.",
    }
}

/// What a test, or a step of one, says of the world; what it does not say, what stands around it may.
#[derive(Debug, Default)]
pub(super) struct World {
    /// What is to be changed in the message.
    pub(super) changes: Vec<Change>,
    /// What others answer.
    pub(super) answers: Vec<Answer>,
    at: Option<Timestamp>,
    state: Option<Map<String, Value>>,
    headers: Option<Map<String, Value>>,
    seed: Option<u64>,
}

impl World {
    /// Reads it; what is wrong is added to `found`.
    pub(super) fn read(source: &TestSource, found: &mut Vec<Diagnostic>) -> World {
        let mut changes = source.set.as_ref().map(|node| Change::puts(node, found)).unwrap_or_default();
        let unset = source.unset.as_ref().and_then(Field::get);
        changes.extend(unset.iter().flat_map(|Each(paths)| Change::takes(paths, found)));
        World {
            changes,
            answers: source.answers.as_ref().map(|node| answers::answers(node, found)).unwrap_or_default(),
            at: source.at.as_ref().and_then(Field::get).and_then(|written| moment(written, found)),
            state: source.state.as_ref().map(|node| object("state", node, found)),
            headers: source.headers.as_ref().map(|node| header_fields(node, found)),
            seed: source.seed.as_ref().and_then(Field::get).copied(),
        }
    }

    /// When the event comes.
    pub(super) fn now(&self, around: &World) -> Timestamp {
        self.at.or(around.at).unwrap_or_else(|| NOW.parse().unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// What the call's state is, if that is said.
    pub(super) fn state(&self, around: &World) -> Option<Map<String, Value>> {
        self.state.as_ref().or(around.state.as_ref()).cloned()
    }

    /// The request's headers.
    pub(super) fn headers(&self, around: &World) -> Map<String, Value> {
        self.headers.as_ref().or(around.headers.as_ref()).cloned().unwrap_or_default()
    }

    /// All chance that there is.
    pub(super) fn seed(&self, around: &World) -> u64 {
        self.seed.or(around.seed).unwrap_or_default()
    }
}

fn moment(written: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<Timestamp> {
    let moment = written.value.parse().ok();
    if moment.is_none() {
        let message = format!("`{}` is not a moment", written.value);
        let wrong = Diagnostic::error("bad-date", written.span, message);
        found.push(wrong.help("write it with its offset: `2026-11-23T18:30:00-05:00`, or `…Z` for UTC"));
    }
    moment
}

/// The mapping below `what`; anything else is wrong.
pub(super) fn object(what: &str, node: &Node, found: &mut Vec<Diagnostic>) -> Map<String, Value> {
    if let Value::Object(object) = node.to_json() {
        return object;
    }
    let message = format!("`{what}` is a mapping, not {}", node.describe());
    let help = format!("write `name: value` lines below `{what}`");
    found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
    Map::new()
}

/// Header fields, their names as they are compared.
pub(super) fn header_fields(node: &Node, found: &mut Vec<Diagnostic>) -> Map<String, Value> {
    let fields = object("headers", node, found).into_iter();
    fields.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}
