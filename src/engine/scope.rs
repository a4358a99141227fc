//! The names that a rule may use, while one decision is made about one event.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use smallvec::SmallVec;

use super::action::Action;
use super::binding::{Binding, Fetch};
use super::event::{Event, ToolCall};
use super::explanation::Recorder;
use super::facts::{Facts, State};
use super::json::Val;
use super::outgoing::Unmade;
use super::path::Segment;
use super::question::{Fetched, Origin, Question, Within};
use super::rows::{Row, Rows};
use super::rule::Rule;
use super::script::{Run, ScriptFault, Unasked};
use super::term::{Evaluation, Handler, Lookup, Term};

/// Most scripts look at no more values.
const INPUTS_USUAL: usize = 8;

/// What one rule sees of the world.
pub struct Scope<'a> {
    event: &'a Event,
    call: Option<&'a ToolCall>,
    facts: &'a Facts,
    // Before any rule is looked at, there is none.
    rule: Option<&'a Rule>,
    // The part of it that is at work.
    within: Cell<Within<&'a Arc<str>>>,
    // Computed when first needed, and at most once.
    values: Box<[OnceCell<Result<Bound, ScriptFault>>]>,
    run: &'a RefCell<Run>,
    // The place of the row of the rule's table that fits, once it was looked for.
    fitting: OnceCell<Option<usize>>,
    // Known once there is a reply, to actions.
    outcome: Option<Rc<Outcome>>,
    recorder: Option<&'a Recorder>,
}

/// What a binding has come to.
enum Bound {
    Value(Value),
    Fetched(Arc<Fetched>),
}

/// What an event was answered with.
#[derive(Debug)]
pub struct Outcome {
    /// The reply; of a tool call its own part of it.
    pub reply: Value,
    /// What a tool call was answered with, result or error.
    pub result: Value,
}

impl<'a> Scope<'a> {
    /// The scope of a rule, of which the conditions come first; what it comes by is written down, if somebody wants to know.
    #[must_use]
    pub fn new(
        event: &'a Event,
        call: Option<&'a ToolCall>,
        facts: &'a Facts,
        rule: Option<&'a Rule>,
        run: &'a RefCell<Run>,
        recorder: Option<&'a Recorder>,
    ) -> Scope<'a> {
        Scope {
            event,
            call,
            facts,
            rule,
            within: Cell::new(Within::Conditions),
            values: rule.map_or(&[][..], |rule| &rule.bindings).iter().map(|_| OnceCell::new()).collect(),
            run,
            fitting: OnceCell::new(),
            outcome: None,
            recorder,
        }
    }

    /// The same scope, for actions: they know what was answered, where any of them looks at it.
    #[must_use]
    pub fn knowing(self, outcome: Option<&Rc<Outcome>>) -> Scope<'a> {
        Scope { outcome: outcome.cloned(), ..self }
    }

    /// Another part of the rule is at work from now on.
    pub fn enter(&self, within: Within<&'a Arc<str>>) {
        self.within.set(within);
    }

    /// Keeps a value for the length of the call; null removes it.
    ///
    /// # Errors
    /// Why there is no room for it.
    pub fn keep(&self, name: &str, value: Value) -> Result<(), String> {
        self.run.borrow_mut().keep(name, value)
    }

    /// Has a line written to the log.
    pub fn log(&self, text: String) {
        self.run.borrow_mut().log(text);
    }

    /// Who wants to know what the rule comes by.
    #[must_use]
    pub fn recorder(&self) -> Option<&'a Recorder> {
        self.recorder
    }

    /// The facts of this decision.
    #[must_use]
    pub fn facts(&self) -> &'a Facts {
        self.facts
    }

    /// The event's kind as Vapi spells it.
    #[must_use]
    pub fn kind_name(&self) -> &str {
        self.event.kind().name()
    }

    /// The value of a term.
    ///
    /// # Errors
    /// When a script on the way to it fails.
    pub fn term<'s>(&'s self, term: &'s Term) -> Result<Val<'s>, ScriptFault> {
        match term {
            Term::Lookup(lookup) => self.value(lookup),
            Term::Evaluation(evaluation) => Ok(Val::Value(Cow::Owned(self.evaluate(evaluation)?))),
        }
    }

    /// The value that `lookup` finds.
    ///
    /// # Errors
    /// When it lies in a `let` whose script fails.
    pub fn value<'s>(&'s self, lookup: &'s Lookup) -> Result<Val<'s>, ScriptFault> {
        Ok(match lookup {
            Lookup::Event(slot) => self.event.get(slot),
            Lookup::Arguments(rest) => self.call.and_then(|call| call.argument(rest)).into(),
            Lookup::Tool(rest) => self.tool(rest),
            Lookup::Headers(rest) => below(&self.facts.headers, rest),
            Lookup::State(rest) => return Ok(self.kept(rest)),
            Lookup::Now => text(self.facts.now.to_string()),
            Lookup::Let(index, rest) => return self.bound(*index, rest),
            Lookup::Constant(value) => Val::Value(Cow::Borrowed(value)),
            Lookup::Reply(rest) => {
                self.outcome.as_ref().map_or(Val::Absent, |it| Val::Value(Cow::Borrowed(&it.reply)).walk(rest))
            }
            Lookup::Result(rest) => {
                self.outcome.as_ref().map_or(Val::Absent, |it| Val::Value(Cow::Borrowed(&it.result)).walk(rest))
            }
            Lookup::Secret(_) => Val::Absent,
        })
    }

    /// Evaluates an expression or a block of statements.
    ///
    /// # Errors
    /// When it fails, or a `let` that it looks at does.
    pub fn evaluate(&self, evaluation: &Evaluation) -> Result<Value, ScriptFault> {
        let values = self.values(&evaluation.inputs)?;
        self.with_run(|run| evaluation.expression.eval(&values, run))
    }

    /// Whether an expression is `true`; absence counts as `false`.
    ///
    /// # Errors
    /// When it fails or is neither true nor false, or a `let` that it looks at fails.
    pub fn is_true(&self, evaluation: &Evaluation) -> Result<bool, ScriptFault> {
        let values = self.values(&evaluation.inputs)?;
        self.with_run(|run| evaluation.expression.eval_bool(&values, run))
    }

    /// Calls a handler.
    ///
    /// # Errors
    /// When it fails, or a `let` that it looks at does.
    pub fn call(&self, handler: &Handler) -> Result<Value, ScriptFault> {
        let values = self.values(&handler.inputs)?;
        self.with_run(|run| handler.function.call(&values, run))
    }

    /// Runs a script, of which is known where it stands.
    fn with_run<T>(&self, script: impl FnOnce(&mut Run) -> T) -> T {
        let mut run = self.run.borrow_mut();
        let within = self.within.get();
        run.set_origin(self.rule.map(|rule| Origin { rule: Arc::clone(&rule.name), within: within.cloned() }));
        script(&mut run)
    }

    /// The first row that fits of the rule's table, which is looked for once.
    ///
    /// # Errors
    /// When a script on the way to a value fails.
    pub fn fitting<'t>(&self, rows: &'t Rows) -> Result<Option<&'t Row>, ScriptFault> {
        let place = if let Some(place) = self.fitting.get() {
            *place
        } else {
            let place = rows.first(self)?;
            *self.fitting.get_or_init(|| place)
        };
        Ok(place.and_then(|place| rows.rows().get(place)))
    }

    /// The state of the call as the scripts of this decision have left it so far.
    #[must_use]
    pub fn state(&self) -> State {
        self.run.borrow().state()
    }

    /// Takes what scripts want done.
    #[must_use]
    pub fn take_actions(&self) -> Vec<Action> {
        self.run.borrow_mut().take_actions()
    }

    /// Takes back what was done since the state was `state`.
    pub fn restore(&self, state: State) {
        self.run.borrow_mut().restore(state);
    }

    /// Takes back what was done since the state was `state`; what follows has operations of its own.
    pub fn begin_anew(&self, state: State) {
        let mut run = self.run.borrow_mut();
        run.restore(state);
        run.begin_anew();
    }

    fn values<'s>(&'s self, inputs: &'s [Lookup]) -> Result<SmallVec<[Val<'s>; INPUTS_USUAL]>, ScriptFault> {
        inputs.iter().map(|input| self.value(input)).collect()
    }

    /// Has asked, all at once, what the bindings of these numbers ask.
    ///
    /// # Errors
    /// [`ScriptFault::Unanswered`] if any of it is not known yet.
    pub fn ask(&self, needs: &[usize]) -> Result<(), ScriptFault> {
        let unanswered = |index: &usize| matches!(self.binding(*index), Some((_, Err(ScriptFault::Unanswered))));
        // Each of them is looked at, so that each asks.
        match needs.iter().filter(|index| unanswered(index)).count() {
            0 => Ok(()),
            _ => Err(ScriptFault::Unanswered),
        }
    }

    /// What has to be asked before the decision can be made.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        self.run.borrow().questions()
    }

    fn bound(&self, index: usize, rest: &[Segment]) -> Result<Val<'_>, ScriptFault> {
        match self.binding(index) {
            None => Ok(Val::Absent),
            Some((_, Err(fault))) => Err(fault.clone()),
            Some((_, Ok(Bound::Value(value)))) => Ok(Val::Value(Cow::Borrowed(value)).walk(rest)),
            Some((Binding::Fetch(fetch), Ok(Bound::Fetched(fetched)))) if !fetch.optional => match fetched.error() {
                Some(why) if !Fetched::is_about_failure(rest) => Err(fetch.failed(&why, fetched.is_passing())),
                _ => Ok(fetched.get(rest)),
            },
            Some((_, Ok(Bound::Fetched(fetched)))) => Ok(fetched.get(rest)),
        }
    }

    fn binding(&self, index: usize) -> Option<(&'a Binding, Result<&Bound, &ScriptFault>)> {
        let (cell, binding) = (self.values.get(index)?, self.rule?.bindings.get(index)?);
        // A cycle among the bindings is refused at load, so this never waits for itself.
        Some((binding, cell.get_or_init(|| self.recorded(index, binding)).as_ref()))
    }

    fn recorded(&self, index: usize, binding: &Binding) -> Result<Bound, ScriptFault> {
        // What an action is given by `with` is its own affair.
        let name = self.rule.and_then(|rule| rule.names.get(index));
        let within = self.within.replace(name.map_or(self.within.get(), Within::Name));
        let bound = self.compute(binding);
        self.within.set(within);
        if let Some(recorder) = self.recorder {
            recorder.binding(
                index,
                match &bound {
                    Ok(Bound::Value(value)) => Ok(value.clone()),
                    Ok(Bound::Fetched(fetched)) => Ok(fetched.get(&[]).to_value()),
                    Err(fault) => Err(fault.to_string()),
                },
            );
        }
        bound
    }

    fn compute(&self, binding: &Binding) -> Result<Bound, ScriptFault> {
        match binding {
            Binding::Value(template) => Ok(Bound::Value(template.render(self)?)),
            Binding::Fetch(fetch) => self.fetched(fetch).map(Bound::Fetched),
        }
    }

    fn fetched(&self, fetch: &Fetch) -> Result<Arc<Fetched>, ScriptFault> {
        let refused = |why: &str| Ok(Arc::new(Fetched::refused(why)));
        let question = match fetch.question(self) {
            Ok(question) => question,
            Err(Unmade::Script(fault)) => return Err(fault),
            Err(Unmade::Nowhere) => return refused("it has no URL, since what should hold it is absent"),
        };
        let answer = self.run.borrow().ask(question.clone());
        if let (Some(recorder), Ok(fetched)) = (self.recorder, &answer) {
            recorder.asked(question, fetched);
        }
        match answer {
            Err(Unasked::Later) => Err(ScriptFault::Unanswered),
            // Whoever can do without an answer cannot do without the time.
            Err(Unasked::OutOfTime) => Err(ScriptFault::OutOfTime),
            Err(unasked @ Unasked::TooMany) => refused(&unasked.to_string()),
            Ok(fetched) => Ok(fetched),
        }
    }

    fn tool(&self, rest: &[Segment]) -> Val<'_> {
        let Some(call) = self.call else { return Val::Absent };
        match rest {
            [Segment::Key(key)] if &**key == "name" => Val::Text(&call.name),
            [Segment::Key(key)] if &**key == "id" => Val::Text(&call.id),
            [] => Val::Value(Cow::Owned(json!({ "name": *call.name, "id": *call.id }))),
            _ => Val::Absent,
        }
    }

    // What a script of this very decision has set is visible at once.
    fn kept(&self, rest: &[Segment]) -> Val<'static> {
        let value = below(&self.state(), rest).to_value();
        Val::Value(Cow::Owned(value))
    }
}

fn text<'a>(text: impl Into<String>) -> Val<'a> {
    Val::Value(Cow::Owned(Value::String(text.into())))
}

fn below<'a>(map: &'a serde_json::Map<String, Value>, rest: &[Segment]) -> Val<'a> {
    match rest {
        [] => Val::Value(Cow::Owned(Value::Object(map.clone()))),
        [Segment::Key(key), rest @ ..] => {
            map.get(&**key).map_or(Val::Absent, |value| Val::Value(Cow::Borrowed(value)).walk(rest))
        }
        [Segment::Index(_), ..] => Val::Absent,
    }
}
