//! What a decision may know of the world, as values.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::decision::{Needs, Unfinished};
use super::question::{Answers, Fetched, Question};

/// Values kept by name for the length of a call.
pub type State = Arc<Map<String, Value>>;

/// No values at all: what most calls keep, and what is told of headers that nobody looks at. Each thread has its own, since
/// cores that count in turn who has the same one wait for each other.
#[must_use]
pub fn nothing() -> State {
    thread_local!(static NOTHING: State = State::default());
    NOTHING.with(Arc::clone)
}

/// About how many bytes of memory a name and its value take in a state.
#[must_use]
pub fn bytes_kept(name: &str, value: &Value) -> usize {
    name.len() + bytes_of(value)
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 24,
        Value::Array(items) => items.iter().map(bytes_of).sum::<usize>() + 24,
        Value::Object(entries) => entries.iter().map(|(key, entry)| bytes_kept(key, entry)).sum::<usize>() + 48,
        _ => 24,
    }
}

/// What the engine is told of the world for one event: the shell fills it in, a test writes it down.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When the event arrived.
    pub now: Timestamp,
    /// All the chance that this decision may use.
    pub seed: u64,
    /// The request's headers, names in lower case, credentials left out.
    pub headers: Arc<Map<String, Value>>,
    /// What earlier decisions of the same call have set.
    pub state: State,
    /// What others have said to the questions of this decision.
    pub answers: Answers,
    /// What earlier tries to decide the same event have come to, where there may be several.
    pub tries: Option<Tries>,
}

/// How long one try to decide an event may take that is decided again until others have given the answers that it needs: time
/// for those who are slow, and an end for those who never answer.
pub const TRY_MAX: Duration = Duration::from_secs(10 * 60);

/// How far an event has come that is decided again until others have given the answers that it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tries {
    /// What has been found out or carried out, and is not again.
    pub done: Arc<BTreeSet<Part>>,
    /// Whether this is the last one, so that what fails now is done without.
    pub is_last: bool,
}

/// What an event's earlier tries have come to with one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The rule's name.
    pub rule: Arc<str>,
    /// What it was.
    pub what: What,
}

/// What is found out, or carried out, as a whole, and once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Its conditions held.
    Matched,
    /// They did not.
    Missed,
    /// Its answer.
    Answer,
    /// What it says when that fails.
    Fallback,
    /// Its action of this name.
    Act(Arc<str>),
}

impl Default for Facts {
    fn default() -> Facts {
        let (headers, state, answers) = (nothing(), nothing(), Answers::default());
        Facts { now: Timestamp::default(), seed: 0, headers, state, answers, tries: None }
    }
}

impl Facts {
    /// What `make` makes of these facts, where answers are at hand: `answer` gives those that are asked for, and they join
    /// the facts.
    ///
    /// # Errors
    /// [`Unfinished`] when scripts need more operations than the host allows.
    pub fn answered<T>(
        &mut self,
        mut answer: impl FnMut(&Question) -> Fetched,
        make: impl Fn(&Facts) -> Result<T, Unfinished>,
    ) -> Result<T, Unfinished> {
        loop {
            match make(self) {
                Err(Unfinished { needs: Needs::Answers(questions), .. }) => {
                    let answers = questions.into_iter().map(|question| {
                        let fetched = Arc::new(answer(&question));
                        (question, fetched)
                    });
                    self.answers = self.answers.with(answers);
                }
                done => return done,
            }
        }
    }
}

/// How far a decision may go, asked again and again while scripts run.
pub trait Host: Send + Sync {
    /// Whether the time that this decision may take is over.
    fn out_of_time(&self) -> bool;

    /// Whether more than `time` has passed since the event arrived: how a rule's own `timeout` is kept.
    fn passed(&self, time: Duration) -> bool;

    /// Whether there is time to ask somebody else.
    fn may_ask(&self) -> bool {
        !self.out_of_time()
    }

    /// Whether rules may say and do something with what the event holds. If not, who would answer falls back, and nothing
    /// is done.
    fn may_answer(&self) -> bool {
        true
    }

    /// How long the decision has taken so far, where somebody measures it.
    fn elapsed(&self) -> Option<Duration> {
        None
    }

    /// After how many script operations to give up and report
    /// [`Unfinished`], so that the decision can be made again where it
    /// holds up nobody. `None`: the limits of the rule set alone hold.
    fn operations_max(&self) -> Option<u64> {
        None
    }
}

/// A host for decisions that may take as long as the rule set's own limits allow.
#[derive(Debug, Clone, Copy)]
pub struct Unhurried;

impl Host for Unhurried {
    fn out_of_time(&self) -> bool {
        false
    }

    fn passed(&self, _: Duration) -> bool {
        false
    }
}
