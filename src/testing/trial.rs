//! One event, decided to see why: what a test is without what it expects.

use std::sync::Arc;

use serde_json::Map;

use super::answers;
use super::{EventFiles, Step};
use crate::engine::decision::{Decision, Needs, Unfinished};
use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::engine::explanation::Explanation;
use crate::engine::facts::{Facts, Host};
use crate::engine::question::{Answers, Fetched};
use crate::engine::source::yaml;
use crate::engine::{Engine, Turn};

/// An event, and what is known of the world.
#[derive(Debug)]
pub struct Trial(Step);

/// A decision about one turn of the event, and what was seen on the way to it.
#[derive(Debug)]
pub struct Explained {
    /// Which turn it is.
    pub turn: Turn,
    /// What was decided.
    pub decision: Decision,
    /// What was seen.
    pub explanation: Explanation,
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

    /// Decides each turn of the event, as long as `host` allows. Whatever has no answer among those of the trial fails.
    ///
    /// # Errors
    /// When the event cannot be read.
    pub fn explain(&self, engine: &Engine, host: &Arc<dyn Host>) -> Result<Vec<Explained>, String> {
        let Trial(step) = self;
        let event = engine.read(step.body.to_string()).map_err(|error| error.to_string())?;
        let mut facts = Facts {
            now: step.now,
            seed: step.seed,
            headers: Arc::new(step.headers.clone()),
            state: Arc::new(step.state.clone().unwrap_or_else(Map::new)),
            answers: Answers::default(),
        };
        let mut explained = Vec::new();
        for turn in Engine::turns(&event) {
            let (decision, explanation) = loop {
                match engine.explain(&event, turn, &facts, Arc::clone(host)) {
                    Ok(done) => break done,
                    Err(Unfinished { needs: Needs::Operations, .. }) => {
                        return Err("the scripts take longer than there is time for".to_owned());
                    }
                    Err(Unfinished { needs: Needs::Answers(questions), .. }) => {
                        let answers = questions.into_iter().map(|question| {
                            let fetched = answers::said(&step.answers, &question).unwrap_or_else(unasked);
                            (question, Arc::new(fetched))
                        });
                        facts.answers = facts.answers.with(answers.collect::<Vec<_>>());
                    }
                }
            };
            facts.state = decision.state.clone().unwrap_or(facts.state);
            explained.push(Explained { turn, decision, explanation });
        }
        Ok(explained)
    }
}

fn unasked() -> Fetched {
    Fetched::failed("nobody was asked; say what is answered with `answers`")
}
