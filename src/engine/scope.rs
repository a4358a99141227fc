//! The names that a rule may use, while one decision is made about one event.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use serde_json::{Value, json};
use smallvec::SmallVec;

use super::event::{Event, ToolCall};
use super::facts::{Facts, State};
use super::json::Val;
use super::path::Segment;
use super::script::{Run, ScriptFault};
use super::template::Template;
use super::term::{Evaluation, Handler, Lookup, Term};

/// Most scripts look at no more values.
const INPUTS_USUAL: usize = 8;

/// What one rule sees of the world.
pub struct Scope<'a> {
    event: &'a Event,
    call: Option<&'a ToolCall>,
    facts: &'a Facts,
    lets: &'a [Template],
    // Computed when first needed, and at most once.
    values: Box<[OnceCell<Result<Value, ScriptFault>>]>,
    run: &'a RefCell<Run>,
    // Known once there is a reply, to actions.
    outcome: OnceCell<Rc<Outcome>>,
}

/// What an event was answered with.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The reply; of a tool call its own part of it.
    pub reply: Value,
    /// What a tool call was answered with, result or error.
    pub result: Value,
}

impl<'a> Scope<'a> {
    /// The scope of a rule with these `lets`.
    #[must_use]
    pub fn new(
        event: &'a Event,
        call: Option<&'a ToolCall>,
        facts: &'a Facts,
        lets: &'a [Template],
        run: &'a RefCell<Run>,
    ) -> Scope<'a> {
        Scope {
            event,
            call,
            facts,
            lets,
            values: lets.iter().map(|_| OnceCell::new()).collect(),
            run,
            outcome: OnceCell::new(),
        }
    }

    /// The same scope, for actions: they know what was answered.
    #[must_use]
    pub fn knowing(self, outcome: &Rc<Outcome>) -> Scope<'a> {
        // It is known once and for all.
        let _ = self.outcome.set(Rc::clone(outcome));
        self
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
            Lookup::Let(index, rest) => match self.binding(*index) {
                Ok(value) => Val::Value(Cow::Borrowed(value)).walk(rest),
                Err(fault) => return Err(fault.clone()),
            },
            Lookup::Constant(value) => Val::Value(Cow::Borrowed(value)),
            Lookup::Reply(rest) => {
                self.outcome.get().map_or(Val::Absent, |it| Val::Value(Cow::Borrowed(&it.reply)).walk(rest))
            }
            Lookup::Result(rest) => {
                self.outcome.get().map_or(Val::Absent, |it| Val::Value(Cow::Borrowed(&it.result)).walk(rest))
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
        evaluation.expression.eval(&values, &mut self.run.borrow_mut())
    }

    /// Whether an expression is `true`; absence counts as `false`.
    ///
    /// # Errors
    /// When it fails or is neither true nor false, or a `let` that it looks at fails.
    pub fn is_true(&self, evaluation: &Evaluation) -> Result<bool, ScriptFault> {
        let values = self.values(&evaluation.inputs)?;
        evaluation.expression.eval_bool(&values, &mut self.run.borrow_mut())
    }

    /// Calls a handler.
    ///
    /// # Errors
    /// When it fails, or a `let` that it looks at does.
    pub fn call(&self, handler: &Handler) -> Result<Value, ScriptFault> {
        let values = self.values(&handler.inputs)?;
        handler.function.call(&values, &mut self.run.borrow_mut())
    }

    /// The state of the call as the scripts of this decision have left it so far.
    #[must_use]
    pub fn state(&self) -> State {
        self.run.borrow().state()
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

    fn binding(&self, index: usize) -> Result<&Value, &ScriptFault> {
        static ABSENT: Value = Value::Null;
        match (self.values.get(index), self.lets.get(index)) {
            // A cycle among the bindings is refused at load, so this never waits for itself.
            (Some(cell), Some(binding)) => cell.get_or_init(|| binding.render(self)).as_ref(),
            _ => Ok(&ABSENT),
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
