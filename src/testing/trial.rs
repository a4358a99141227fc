//! One event, decided to see why: what a test is without what it expects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answers;
use super::{EventFiles, Step};
use crate::clock::Clock;
use crate::engine::decision::Decision;
use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::engine::explanation::Explanation;
use crate::engine::facts::Host;
use crate::engine::question::{Fetched, Question};
use crate::engine::source::yaml;
use crate::engine::{Engine, Turn};
use crate::report::why::Why;

/// An event, and what is known of the world.
#[derive(Debug)]
pub struct Trial(Step);

/// A decision about one turn of the event, and what was seen on the way to it.
#[derive(Debug)]
pub struct Explained {
    /// The tool call that it is about, its name and its id; `None` if it is about the event as a whole.
    pub call: Option<(String, String)>,
    /// What was decided.
    pub decision: Decision,
    /// What was seen.
    pub explanation: Explanation,
}

impl Explained {
    /// For programs.
    #[must_use]
    pub fn json(&self, engine: &Engine) -> Value {
        let mut told = self.why(engine).json();
        if let (Some((name, id)), Some(fields)) = (&self.call, told.as_object_mut()) {
            fields.insert("tool_call".to_owned(), json!({ "name": name, "id": id }));
        }
        told
    }

    /// Why it came out as it did.
    #[must_use]
    pub fn why<'a>(&'a self, engine: &'a Engine) -> Why<'a> {
        Why { engine, decision: &self.decision, explanation: &self.explanation }
    }
}

impl Trial {
    /// Reads the fields of a test (`event`, `set`, `at`, `answers`, …) from `text`, which is YAML or JSON; what is wrong
    /// with them is added to `found`.
    #[must_use]
    pub fn read(text: &str, files: &EventFiles<'_>, found: &mut Vec<Diagnostic>) -> (Option<Trial>, Sources) {
        let mut sources = Sources::default();
        let id = sources.add("event", text);
        let node = yaml::parse(id, text, found);
        let step = node.and_then(|node| super::source::step(&node, &sources, files, found));
        (step.map(Trial), sources)
    }

    /// The same of an event that is at hand; `world` holds all other fields.
    #[must_use]
    pub fn of(event: Value, world: &str, found: &mut Vec<Diagnostic>) -> Option<Trial> {
        let mut sources = Sources::default();
        let node = yaml::parse(sources.add("world", world), world, found)?;
        super::source::step_of(event, &node, &sources, found).map(Trial)
    }

    /// The event as Vapi would post it.
    #[must_use]
    pub fn event(&self) -> &Value {
        &self.0.body
    }

    /// Decides each turn of the event, for as long as `time_max` says. Whatever has no answer among those of the trial fails.
    ///
    /// # Errors
    /// When the event cannot be read.
    pub fn explain(&self, engine: &Engine, time_max: Option<Duration>) -> Result<Vec<Explained>, String> {
        let Trial(step) = self;
        let event = engine.read(step.body.to_string()).map_err(|error| error.to_string())?;
        let host: Arc<dyn Host> = Arc::new(Measured { begun_at: Clock::instant(), time_max });
        let mut facts = step.facts(step.state.clone().unwrap_or_default());
        let answer = |question: &Question| answers::said(&step.answers, question).unwrap_or_else(unasked);
        let mut explained = Vec::new();
        for turn in Engine::turns(&event) {
            let made = facts.answered(answer, |facts| engine.explain(&event, turn, facts, Arc::clone(&host)));
            let (decision, explanation) =
                made.map_err(|_| "the scripts take longer than there is time for".to_owned())?;
            facts.state = decision.state.clone().unwrap_or(facts.state);
            let call = match turn {
                Turn::Whole => None,
                Turn::ToolCall(index) => event.tool_calls().get(index),
            };
            let call = call.map(|call| (call.name.to_string(), call.id.to_string()));
            explained.push(Explained { call, decision, explanation });
        }
        Ok(explained)
    }
}

/// A host that tells how long it takes, and at last stops who takes too long.
struct Measured {
    begun_at: Instant,
    time_max: Option<Duration>,
}

impl Host for Measured {
    fn out_of_time(&self) -> bool {
        self.time_max.is_some_and(|max| max < Clock::instant() - self.begun_at)
    }

    fn passed(&self, _: Duration) -> bool {
        false
    }

    fn elapsed(&self) -> Option<Duration> {
        Some(Clock::instant() - self.begun_at)
    }
}

fn unasked() -> Fetched {
    Fetched::failed("nobody was asked; say what is answered with `answers`")
}
