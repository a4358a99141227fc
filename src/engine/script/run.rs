//! One decision's scripts at work: what they may know, and what they leave behind.
//!
//! Rhai calls host functions and its progress callback with nothing of ours in hand, so while a script
//! runs its [`Run`] is at work in a thread-local. Only this module knows that: host functions ask
//! [`with`], and the engine's callback is [`progress`]. A borrow never outlives one question, so a host
//! function may call back into the script.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult};
use serde_json::Value;

use super::host::fail;
use crate::engine::action::Action;
use crate::engine::facts::{Facts, Host, State, bytes_kept};
use crate::engine::question::{Fetched, Occurrence, Origin, QUESTIONS_MAX, Question};
use crate::engine::request::Method;

/// The stack that a thread needs to decide events: besides what `STACK_MAX` grants the functions of a script there
/// must be room to let go of a value that is nested some thousand deep.
pub const STACK_BYTES: usize = 32 << 20;

/// How much of the stack the functions of a script may take.
///
/// Rhai counts calls, but what one call takes depends on what stands around it: it is some kilobytes within a sum and a
/// hundred of them within nested `switch`es. A stack that overflows would end the program.
const STACK_MAX: usize = 1 << 20;

/// How many bytes the state of one call may take. Without a bound, a script that keeps what it hears under one name
/// after another would drive out the states of all other calls.
const STATE_BYTES_MAX: usize = 256 * 1024;

/// How many actions the scripts of one rule may want.
const ACTIONS_MAX: usize = 100;

/// After how many operations the host is asked again whether the time is over.
const OPERATIONS_BETWEEN_ASKS: u64 = 32;

/// How grave a script's log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `log::info`, `print` and `debug`.
    Info,
    /// `log::warn`.
    Warn,
}

/// A line that a script wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How grave it is.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
}

/// What the scripts of one decision may know, and what they have left behind so far.
#[derive(Clone)]
pub struct Run {
    host: Arc<dyn Host>,
    work: Rc<RefCell<Work>>,
}

/// The part of a [`Run`] that host functions look at and change.
pub(super) struct Work {
    pub(super) facts: Facts,
    /// The state as the scripts see it; a copy is made at the first change.
    pub(super) state: State,
    /// How many bytes that takes, once it was counted.
    state_bytes: Option<usize>,
    pub(super) logs: Vec<LogLine>,
    /// How often chance was asked for.
    pub(super) chances: u64,
    /// The operations of all scripts so far.
    operations: u64,
    /// What is to be done, as scripts want it.
    actions: Vec<Action>,
    /// Where the call can be told something, if the event says so.
    pub(super) control_url: Option<String>,
    /// What it has asked, whether that is known or has to be asked first. What other tries have asked does not count.
    questions: Vec<Question>,
    /// Where the script stands that is at work.
    origin: Option<Origin>,
    /// What scripts have asked so far, and from where: the same is perhaps asked again.
    asked: Vec<(Option<Origin>, Question)>,
}

/// Why an answer is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unasked {
    /// It has to be asked for first.
    #[error("it has to be asked for first")]
    Later,
    /// There is no time to ask.
    #[error("there was no time left to ask")]
    OutOfTime,
    /// The decision has asked too much already.
    #[error("one decision asks {QUESTIONS_MAX} questions at most")]
    TooMany,
}

/// Why a script was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    OutOfTime,
    Unfinished,
    Unanswered,
    TooManyOperations,
    TooDeep,
    TooLarge,
    /// A secret was to become a text.
    SecretSaid,
}

impl Run {
    /// A run that has not begun.
    #[must_use]
    pub fn new(facts: &Facts, host: Arc<dyn Host>) -> Run {
        let work = Work {
            facts: facts.clone(),
            state: Arc::clone(&facts.state),
            state_bytes: None,
            logs: Vec::new(),
            chances: 0,
            operations: 0,
            actions: Vec::new(),
            control_url: None,
            questions: Vec::new(),
            origin: None,
            asked: Vec::new(),
        };
        Run { host, work: Rc::new(RefCell::new(work)) }
    }

    /// The state of the call as the scripts have left it.
    #[must_use]
    pub fn state(&self) -> State {
        Arc::clone(&self.work().state)
    }

    /// Puts the state back to what [`state`](Run::state) returned before, and forgets the actions that were not taken: what
    /// failed must not be half done.
    pub fn restore(&mut self, state: State) {
        let mut work = self.work();
        (work.state, work.state_bytes) = (state, None);
        work.actions.clear();
    }

    /// Says where the script stands that runs next.
    pub fn set_origin(&mut self, origin: Option<Origin>) {
        self.work().origin = origin;
    }

    /// Says where the call can be told something.
    pub fn set_control_url(&mut self, url: String) {
        self.work().control_url = Some(url);
    }

    /// Takes what scripts want done.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.work().actions)
    }

    /// Keeps a value for the length of the call; null removes it.
    ///
    /// # Errors
    /// Why there is no room for it.
    pub fn keep(&mut self, name: &str, value: Value) -> Result<(), String> {
        self.work().keep(name, value).map_err(|error| match *error {
            EvalAltResult::ErrorRuntime(why, _) => why.to_string(),
            other => other.to_string(),
        })
    }

    /// Has a line logged.
    pub fn log(&mut self, text: String) {
        self.work().logs.push(LogLine { level: LogLevel::Info, text });
    }

    /// Forgets the operations so far: what follows has an allowance of its own.
    pub fn begin_anew(&mut self) {
        self.work().operations = 0;
    }

    /// Takes what was logged since the last call.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.work().logs)
    }

    /// What was said to `question`. If nobody has asked it, it is noted as one that has to be asked.
    ///
    /// # Errors
    /// That it is not known yet, that there is no time to ask, or that too much was asked already.
    pub fn ask(&self, question: Question) -> Result<Arc<Fetched>, Unasked> {
        let mut work = self.work();
        let known = work.facts.answers.get(&question).map(Arc::clone);
        if known.is_none() && !self.host.may_ask() {
            return Err(Unasked::OutOfTime);
        }
        if !work.questions.contains(&question) {
            if QUESTIONS_MAX <= work.questions.len() {
                return Err(Unasked::TooMany);
            }
            work.questions.push(question);
        }
        known.ok_or(Unasked::Later)
    }

    /// What has to be asked before the decision can be made.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        let work = self.work();
        let is_open = |question: &&Question| work.facts.answers.get(question).is_none();
        work.questions.iter().filter(is_open).cloned().collect()
    }

    fn work(&self) -> RefMut<'_, Work> {
        self.work.borrow_mut()
    }

    /// Does `script` with this run at work on this thread, and says why it was stopped, if it was.
    pub(super) fn at_work<T>(&mut self, operations_max: u64, script: impl FnOnce() -> T) -> (T, Option<Stop>) {
        let done = self.work().operations;
        let allowed = self.host.operations_max().map(|max| max.saturating_sub(done));
        AT_WORK.with(|at_work| {
            let before = at_work.replace(Some(self.clone()), operations_max, allowed);
            let restore = Restore(Some(before));
            let result = script();
            self.work().operations += at_work.operations.get();
            let stop = at_work.stop.get();
            drop(restore);
            (result, stop)
        })
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

impl Work {
    /// Notes what is to be done.
    pub(super) fn act(&mut self, action: Action) -> Result<(), Box<EvalAltResult>> {
        if ACTIONS_MAX <= self.actions.len() {
            return Err(fail(format_args!("one script wants {ACTIONS_MAX} actions at most")));
        }
        self.actions.push(action);
        Ok(())
    }

    /// Keeps `value` under `name`; null removes it. Fails if the state would grow too large.
    pub(super) fn keep(&mut self, name: &str, value: Value) -> Result<(), Box<EvalAltResult>> {
        let entry = |name: &str, value: &Value| if value.is_null() { 0 } else { bytes_kept(name, value) };
        let count = || self.state.iter().map(|(name, value)| bytes_kept(name, value)).sum();
        let bytes = self.state_bytes.unwrap_or_else(count);
        let (before, after) = (self.state.get(name).map_or(0, |old| entry(name, old)), entry(name, &value));
        let bytes = bytes.saturating_sub(before) + after;
        if before < after && STATE_BYTES_MAX < bytes {
            return Err(fail(format_args!("the state of the call would be larger than {STATE_BYTES_MAX} bytes")));
        }
        self.state_bytes = Some(bytes);
        let state = Arc::make_mut(&mut self.state);
        if value.is_null() {
            state.shift_remove(name);
        } else {
            state.insert(name.to_owned(), value);
        }
        Ok(())
    }
}

/// The run at work on one thread, and how far it has come.
#[derive(Default)]
struct AtWork {
    run: RefCell<Option<Run>>,
    stop: Cell<Option<Stop>>,
    operations: Cell<u64>,
    operations_max: Cell<u64>,
    /// What the host allows, if less than the limits do.
    operations_allowed: Cell<Option<u64>>,
    /// Where the stack stood when the outermost script began.
    stack: Cell<Option<usize>>,
}

thread_local! {
    static AT_WORK: AtWork = AtWork::default();
}

impl AtWork {
    /// Begins with `run`; returns what was at work before.
    fn replace(&self, run: Option<Run>, operations_max: u64, allowed: Option<u64>) -> AtWork {
        AtWork {
            run: RefCell::new(self.run.replace(run)),
            stop: Cell::new(self.stop.replace(None)),
            operations: Cell::new(self.operations.replace(0)),
            operations_max: Cell::new(self.operations_max.replace(operations_max)),
            operations_allowed: Cell::new(self.operations_allowed.replace(allowed)),
            stack: Cell::new(self.stack.replace(self.stack.get().or_else(|| Some(stack())))),
        }
    }

    fn next_stop(&self) -> Option<Stop> {
        if self.stop.get().is_some() {
            return self.stop.get();
        }
        let operations = self.operations.get() + 1;
        self.operations.set(operations);
        if self.operations_allowed.get().is_some_and(|allowed| allowed < operations) {
            return Some(Stop::Unfinished);
        }
        if self.operations_max.get() < operations {
            return Some(Stop::TooManyOperations);
        }
        if self.stack.get().is_some_and(|began| began.abs_diff(stack()) > STACK_MAX) {
            return Some(Stop::TooDeep);
        }
        let ask = operations.is_multiple_of(OPERATIONS_BETWEEN_ASKS);
        (ask && self.is_out_of_time()).then_some(Stop::OutOfTime)
    }

    fn is_out_of_time(&self) -> bool {
        self.run.borrow().as_ref().is_some_and(|run| run.host.out_of_time())
    }
}

/// Puts back what was at work before, also when a script panics.
struct Restore(Option<AtWork>);

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            AT_WORK.with(|at_work| {
                at_work.run.replace(before.run.into_inner());
                at_work.stop.set(before.stop.get());
                at_work.operations.set(before.operations.get());
                at_work.operations_max.set(before.operations_max.get());
                at_work.operations_allowed.set(before.operations_allowed.get());
                at_work.stack.set(before.stack.get());
            });
        }
    }
}

/// Where the stack of this thread stands.
#[inline(never)]
fn stack() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// Does `script` without a run: host functions that want one refuse.
pub(super) fn loading<T>(operations_max: u64, script: impl FnOnce() -> T) -> T {
    AT_WORK.with(|at_work| {
        let _restore = Restore(Some(at_work.replace(None, operations_max, None)));
        script()
    })
}

/// Rhai's progress callback: called for every operation, and `Some` ends the script.
pub(super) fn progress() -> Option<Dynamic> {
    AT_WORK.with(|at_work| {
        let stop = at_work.next_stop();
        at_work.stop.set(stop);
        stop.map(|_| Dynamic::UNIT)
    })
}

/// Ends the script at its next operation, for callers that can return no error.
pub(super) fn stop_soon(stop: Stop) {
    AT_WORK.with(|at_work| at_work.stop.set(at_work.stop.get().or(Some(stop))));
}

/// Asks the run at work on this thread for an answer. What a script asks twice it means twice, unless it only reads.
pub(super) fn ask(mut question: Question) -> Result<Result<Arc<Fetched>, Unasked>, Box<EvalAltResult>> {
    let run = AT_WORK.with(|at_work| at_work.run.borrow().clone()).ok_or_else(only_deciding)?;
    if question.request.method != Method::Get {
        let mut work = run.work();
        let asked = (work.origin.clone(), question.clone());
        let before = work.asked.iter().filter(|before| **before == asked).count();
        let number = u32::try_from(before).unwrap_or(u32::MAX);
        question.occurrence = Some(Occurrence { origin: asked.0.clone(), number });
        work.asked.push(asked);
    }
    Ok(run.ask(question))
}

/// Looks at, or changes, the run at work on this thread.
pub(super) fn with<T>(look: impl FnOnce(&mut Work) -> T) -> Result<T, Box<EvalAltResult>> {
    let run = AT_WORK.with(|at_work| at_work.run.borrow().clone());
    match run {
        Some(run) => Ok(look(&mut run.work())),
        None => Err(only_deciding()),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai wants its errors in boxes")]
fn only_deciding() -> Box<EvalAltResult> {
    fail("host functions can be used only while an event is decided, not while a script is loaded")
}
