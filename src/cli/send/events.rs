//! The events that are sent: a sample or a file, each time of a new call, with values set and taken away.

pub(super) mod fresh;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Arguments;
use crate::cli::{Outcome, could_not_run, event, set, show_of_arguments};
use crate::engine::Engine;
use crate::engine::kind::EventKind;
use crate::engine::source::Options;
use crate::testing::trial::Trial;

/// Makes events.
pub(super) struct Events {
    /// As it stands in the sample or the file.
    written: Value,
    /// What is set and taken away, as a test says it.
    wish: String,
    as_is: bool,
    /// What reads them, to know what a reply must say.
    engine: Engine,
}

/// An event, ready to be sent.
pub(super) struct Event {
    pub(super) kind: EventKind,
    /// The ids of its tool calls.
    pub(super) calls: Vec<String>,
    pub(super) body: Bytes,
}

impl Events {
    /// What the arguments mean. What is wrong is told.
    pub(super) fn of(arguments: &Arguments) -> Result<Events, Outcome> {
        let refused = |why: String| could_not_run(&why);
        let written = written(arguments).map_err(refused)?;
        let set = set::values(&arguments.set).map_err(refused)?;
        let wish = json!({ "set": Value::Object(set), "unset": arguments.unset }).to_string();
        let engine = Engine::without_rules(&Options::default());
        let events = Events { written, wish, as_is: arguments.as_is, engine };
        events.told()?;
        events.next().map_err(refused)?;
        Ok(events)
    }

    /// Tells what is wrong with what is to be set and taken away.
    fn told(&self) -> Result<(), Outcome> {
        let mut found = Vec::new();
        let _ = Trial::of(self.written.clone(), &self.wish, &mut found);
        match show_of_arguments(&found) {
            Outcome::Fine => Ok(()),
            outcome => Err(outcome),
        }
    }

    /// The next event.
    pub(super) fn next(&self) -> Result<Event, String> {
        let message = if self.as_is { self.written.clone() } else { fresh::fresh(&self.written) };
        let trial = Trial::of(message, &self.wish, &mut Vec::new());
        let event = trial.map(|trial| trial.event().clone()).unwrap_or_default();
        let body = Bytes::from(self.enveloped(event).to_string());
        let read = self.engine.read(body.clone()).map_err(|error| error.to_string())?;
        let calls = read.tool_calls().iter().map(|call| call.id.to_string()).collect();
        Ok(Event { kind: read.kind().clone(), calls, body })
    }

    /// As it was written: some kinds come without an envelope (contract, section 1).
    fn enveloped(&self, mut event: Value) -> Value {
        let message = event.get_mut("message").filter(|_| self.written.get("message").is_none());
        match message {
            Some(message) => message.take(),
            None => event,
        }
    }
}

fn written(arguments: &Arguments) -> Result<Value, String> {
    if let Some(file) = &arguments.file {
        return event::in_file(file);
    }
    let kind = arguments.kind.as_deref().unwrap_or_default();
    event::sample(kind, "send another one from a file with `--file EVENT.json`")
}
