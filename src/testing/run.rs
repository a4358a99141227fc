//! Runs tests: each event is decided as the daemon would, and the decision is held against what is expected.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::answers;
use super::compare::Difference;
use super::coverage::Coverage;
use super::{Case, Step, Suite};
use crate::clock::Clock;
use crate::engine::decision::Decision;
use crate::engine::diagnostic::Place;
use crate::engine::event::Event;
use crate::engine::facts::{Facts, Unhurried};
use crate::engine::question::{Fetched, Question};
use crate::engine::{Engine, Turn};

/// What came of a test.
#[derive(Debug)]
pub struct Outcome {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What did not come true, in sentences; nothing if the test passed.
    pub failures: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// Whether all came true.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Suite {
    /// Runs those tests whose names hold `filter`, and notes what they reach.
    pub fn run(&self, engine: &Engine, filter: &str, coverage: &mut Coverage) -> Vec<Outcome> {
        let chosen = self.cases.iter().filter(|case| case.name.contains(filter));
        chosen.map(|case| case.run(engine, coverage)).collect()
    }
}

impl Case {
    fn run(&self, engine: &Engine, coverage: &mut Coverage) -> Outcome {
        let begun_at = Clock::instant();
        let (mut state, mut failures) = (Map::new(), Vec::new());
        for step in &self.steps {
            let before = if step.name.is_empty() { String::new() } else { format!("{}: ", step.name) };
            let failed = step.run(engine, &mut state, coverage);
            failures.extend(failed.into_iter().map(|failure| before.clone() + &failure));
        }
        Outcome { name: self.name.clone(), place: self.place.clone(), failures, took: Clock::instant() - begun_at }
    }
}

impl Step {
    /// Decides the event and says what did not come true. The state of the call is carried on.
    fn run(&self, engine: &Engine, state: &mut Map<String, Value>, coverage: &mut Coverage) -> Vec<String> {
        if let Some(given) = &self.state {
            state.clone_from(given);
        }
        let event = match engine.read(self.body.to_string()) {
            Ok(event) => event,
            Err(error) => return vec![format!("the event cannot be read: {error}")],
        };
        let (decision, mut failures) = self.decide(engine, &event, state, coverage);
        if let Some(kept) = &decision.state {
            state.clone_from(kept);
        }
        let decision = Decision { state: Some(Arc::new(state.clone())), ..decision };
        failures.extend(self.expect.held_against(&decision, &event, engine).iter().map(told));
        failures
    }

    fn decide(
        &self,
        engine: &Engine,
        event: &Event,
        state: &Map<String, Value>,
        coverage: &mut Coverage,
    ) -> (Decision, Vec<String>) {
        let (mut all, mut failures): (Option<Decision>, Vec<String>) = (None, Vec::new());
        let mut facts = self.facts(state.clone());
        for turn in Engine::turns(event) {
            let next = self.decide_turn(engine, event, turn, &mut facts, coverage, &mut failures);
            facts.state = next.state.clone().unwrap_or(facts.state);
            all = Some(match all {
                None => next,
                Some(before) => joined(before, next),
            });
        }
        (all.unwrap_or_default(), failures)
    }

    fn decide_turn(
        &self,
        engine: &Engine,
        event: &Event,
        turn: Turn,
        facts: &mut Facts,
        coverage: &mut Coverage,
        failures: &mut Vec<String>,
    ) -> Decision {
        let answer = |question: &Question| {
            answers::said(&self.answers, question).unwrap_or_else(|| {
                let asked = question.request.title();
                failures.push(format!(
                    "`{asked}` is asked, and the test has no answer to it\n  \
                     write it below `answers`: `\"{asked}\": {{ json: {{ … }} }}`"
                ));
                Fetched::failed("the test has no answer to this")
            })
        };
        let explain = |facts: &Facts| engine.explain(event, turn, facts, Arc::new(Unhurried));
        // Who is in no hurry has operations without end.
        let Ok((decision, explanation)) = facts.answered(answer, explain) else { return Decision::default() };
        coverage.note(&explanation);
        decision
    }
}

/// Two turns of one event as one decision.
fn joined(mut all: Decision, next: Decision) -> Decision {
    all.reply.append(next.reply);
    all.answered_by = all.answered_by.or(next.answered_by);
    all.faults.extend(next.faults);
    all.logs.extend(next.logs);
    all.actions.extend(next.actions);
    all.state = next.state.or(all.state);
    all
}

fn told(difference: &Difference) -> String {
    let Difference { path, expected, actual } = difference;
    format!("{path}\n  expected {expected}\n  but was  {actual}")
}
