//! Runs tests: each event is decided as the daemon would, and the decision is held against what is expected.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::answers;
use super::compare::Difference;
use super::coverage::Coverage;
use super::{Case, Step, Suite, words};
use crate::clock::Clock;
use crate::engine::decision::Decision;
use crate::engine::diagnostic::Place;
use crate::engine::event::Event;
use crate::engine::explanation::Explanation;
use crate::engine::facts::{Facts, Unhurried};
use crate::engine::question::{Fetched, Question};
use crate::engine::rule::RuleId;
use crate::engine::{Engine, Turn};
use crate::report::why::Why;

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
        let (mut state, mut failures, mut unanswered) = (Map::new(), Vec::new(), Vec::new());
        for step in &self.steps {
            let before = if step.name.is_empty() { String::new() } else { format!("{}: ", step.name) };
            let came = step.run(engine, &mut state, coverage);
            failures.extend(came.failures.into_iter().map(|failure| before.clone() + &failure));
            for asked in came.unanswered {
                if !unanswered.iter().any(|(known, _)| *known == asked) {
                    unanswered.push((asked.clone(), before.clone() + &unknown(&asked)));
                }
            }
        }
        // Without an answer nothing comes out as expected, which says no more.
        if !unanswered.is_empty() {
            failures = unanswered.into_iter().map(|(_, failure)| failure).collect();
        }
        Outcome { name: self.name.clone(), place: self.place.clone(), failures, took: Clock::instant() - begun_at }
    }
}

/// What came of a step.
#[derive(Default)]
struct Came {
    /// What did not come true.
    failures: Vec<String>,
    /// What was asked without an answer.
    unanswered: Vec<String>,
    /// What kept the rule that is expected from answering.
    kept: Option<String>,
}

fn unknown(asked: &str) -> String {
    format!(
        "`{asked}` is asked, and the test has no answer to it\n  \
         write it below `answers`: `\"{asked}\": {{ json: {{ … }} }}`"
    )
}

impl Step {
    /// Decides the event and says what did not come true. The state of the call is carried on.
    fn run(&self, engine: &Engine, state: &mut Map<String, Value>, coverage: &mut Coverage) -> Came {
        let mut came = Came::default();
        if let Some(given) = &self.state {
            state.clone_from(given);
        }
        let event = match engine.read(self.body.to_string()) {
            Ok(event) => event,
            Err(error) => {
                came.failures.push(format!("the event cannot be read: {error}"));
                return came;
            }
        };
        let decision = self.decide(engine, &event, state, coverage, &mut came);
        if let Some(kept) = &decision.state {
            state.clone_from(kept);
        }
        let decision = Decision { state: Some(Arc::new(state.clone())), ..decision };
        let differences = self.expect.held_against(&decision, &event, engine, came.kept.take());
        came.failures.extend(differences.iter().map(told));
        came
    }

    fn decide(
        &self,
        engine: &Engine,
        event: &Event,
        state: &Map<String, Value>,
        coverage: &mut Coverage,
        came: &mut Came,
    ) -> Decision {
        let mut all: Option<Decision> = None;
        let mut facts = self.facts(state.clone());
        for turn in Engine::turns(event) {
            let (next, explanation) = self.decide_turn(engine, event, turn, &mut facts, &mut came.unanswered);
            coverage.note(&next, &explanation);
            let why = Why { engine, decision: &next, explanation: &explanation };
            let kept = || why.kept_from_answering(self.awaited(engine)?, event);
            came.kept = came.kept.take().or_else(kept);
            facts.state = next.state.clone().unwrap_or(facts.state);
            all = Some(match all {
                None => next,
                Some(before) => joined(before, next),
            });
        }
        all.unwrap_or_default()
    }

    /// The rule that is to answer.
    fn awaited(&self, engine: &Engine) -> Option<RuleId> {
        let name = self.expect.rule()?;
        (0..).map(RuleId).zip(engine.rules().rules()).find(|(_, rule)| *rule.name == *name).map(|(id, _)| id)
    }

    fn decide_turn(
        &self,
        engine: &Engine,
        event: &Event,
        turn: Turn,
        facts: &mut Facts,
        unanswered: &mut Vec<String>,
    ) -> (Decision, Explanation) {
        let answer = |question: &Question| {
            answers::said(&self.answers, question).unwrap_or_else(|| {
                unanswered.push(words::asked(&question.request));
                Fetched::failed("the test has no answer to this")
            })
        };
        let explain = |facts: &Facts| engine.explain(event, turn, facts, Arc::new(Unhurried));
        // Who is in no hurry has operations without end.
        facts.answered(answer, explain).unwrap_or_default()
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
    let Difference { path, expected, actual, since } = difference;
    let since = since.as_ref().map(|since| format!("\n  since    {since}")).unwrap_or_default();
    format!("{path}\n  expected {expected}\n  but was  {actual}{since}")
}
