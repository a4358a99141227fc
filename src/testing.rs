//! Tests of rules: events as data, what is known of the world, and what is expected of the decision.
//!
//! A test file (`*.test.yaml`) is read like a rule file, with every mistake at its place ([`Suite::read`]). A test is one
//! event or several of one call. Each is decided by the one function that decides for the daemon; whatever it asks is
//! answered from the file ([`run`]). What differs from what is expected is told by its path.

mod acts;
mod answer;
mod answers;
mod change;
mod compare;
pub mod coverage;
mod event;
mod expect;
mod gaps;
mod junit;
mod outline;
pub mod report;
pub mod run;
mod source;
mod tool_call;
pub mod trial;
mod words;
mod world;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::engine::diagnostic::{Place, SourceFile};
use crate::engine::facts::Facts;
use crate::load::is_event_file;
use answers::Answer;
use expect::Expect;
pub use outline::schema;

/// The tests of one rule set.
#[derive(Debug, Default)]
pub struct Suite {
    /// Those that can be run, in the order of their files.
    pub cases: Vec<Case>,
    /// How many cannot, since there is a mistake in them.
    pub broken: usize,
    /// How many files cannot be read at all.
    pub unread: usize,
}

/// A test.
#[derive(Debug)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    steps: Vec<Step>,
}

/// An event, and what is expected of its decision.
#[derive(Debug)]
struct Step {
    /// What it is called in messages; nothing if it is the only one.
    name: String,
    body: Value,
    now: Timestamp,
    seed: u64,
    headers: Map<String, Value>,
    /// What the call's state was; `None`: what the step before has left.
    state: Option<Map<String, Value>>,
    answers: Vec<Answer>,
    expect: Expect,
}

impl Step {
    /// The message in its body.
    fn message(&self) -> &Value {
        self.body.get("message").unwrap_or(&self.body)
    }

    /// What is known of the world when its event comes.
    fn facts(&self, state: Map<String, Value>) -> Facts {
        let (headers, state) = (Arc::new(self.headers.clone()), Arc::new(state));
        Facts { now: self.now, seed: self.seed, headers, state, ..Facts::default() }
    }
}

/// The files that tests name beside their own, by their paths.
pub type EventFiles<'a> = HashMap<&'a str, &'a str>;

/// Those among `files` that hold events.
#[must_use]
pub fn events_among(files: &[SourceFile]) -> EventFiles<'_> {
    let events = files.iter().filter(|file| is_event_file(&file.path));
    events.map(|file| (&*file.path, &*file.text)).collect()
}
