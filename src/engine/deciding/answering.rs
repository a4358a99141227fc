//! The reply of the rule that answers, or what stands in its place.

use serde_json::Value;

use super::{Deciding, Trouble, unless_unfinished};
use crate::engine::decision::Unfinished;
use crate::engine::diagnostic::Place;
use crate::engine::facts::{Host as _, What};
use crate::engine::kind::EventKind;
use crate::engine::question::Within;
use crate::engine::reply::{self, Reply};
use crate::engine::rows::Rows;
use crate::engine::rule::{Answer, Rule, RuleId};
use crate::engine::scope::Scope;
use crate::engine::script::ScriptFault;
use crate::engine::{tool_error, tool_reply};

impl Deciding<'_> {
    pub(super) fn answer(
        &mut self,
        id: RuleId,
        rule: &Rule,
        answer: &Answer,
        scope: &Scope<'_>,
    ) -> Result<Reply, Unfinished> {
        let before = scope.state();
        let made = self.made(rule, answer, scope);
        if let Ok(value) = &made {
            self.record(|recorder, _| recorder.made(value));
        }
        match made.map_err(Trouble::Script).and_then(|value| self.shape(value)) {
            Ok(reply) => Ok(reply),
            Err(trouble) => {
                if let Trouble::Script(fault) = &trouble {
                    unless_unfinished(fault, rule.time_max, scope)?;
                    if let ScriptFault::Thrown(text) = fault
                        && let Some(refusal) = self.refusal(text)
                    {
                        return Ok(refusal);
                    }
                }
                // What failed must not be half done. A `throw` is an answer like any other.
                scope.begin_anew(before);
                let here = self.place_of(rule, answer, scope);
                let is_passing = self.fault(id, here, &trouble);
                // Where it is asked once more, nothing stands in for the answer yet.
                let waits = is_passing && self.is_tried_again();
                Ok(if waits { self.emptiest() } else { self.fall_back(id, rule, scope) })
            }
        }
    }

    /// What the answer of a rule comes to.
    fn made(&mut self, rule: &Rule, answer: &Answer, scope: &Scope<'_>) -> Result<Value, ScriptFault> {
        if !self.limit.may_answer() {
            return Err(ScriptFault::OutOfTime);
        }
        scope.ask(rule.needs.answer())?;
        match answer {
            Answer::Respond(template) => template.render(scope),
            Answer::Run(handler) => scope.call(handler),
            Answer::Script(evaluation) => scope.evaluate(evaluation),
            Answer::Rows(rows) => self.row(rows, scope),
        }
    }

    /// What the row of a table says that fits.
    fn row(&mut self, rows: &Rows, scope: &Scope<'_>) -> Result<Value, ScriptFault> {
        let Some(row) = scope.fitting(rows)? else { return Ok(Value::Null) };
        self.decision.row = Some(row.number);
        scope.ask(&row.needs)?;
        row.reply.render(scope)
    }

    /// Where the answer of a rule stands: of a table, the row that fits.
    fn place_of(&self, rule: &Rule, answer: &Answer, scope: &Scope<'_>) -> Place {
        let row = match answer {
            Answer::Rows(rows) => scope.fitting(rows).ok().flatten(),
            Answer::Respond(_) | Answer::Run(_) | Answer::Script(_) => None,
        };
        row.map_or_else(|| rule.place.clone(), |row| self.engine.sources.place(row.span))
    }

    /// What a rule says when its answer failed; nobody waits for long any more, so scripts in it must be brief.
    pub(super) fn fall_back(&mut self, id: RuleId, rule: &Rule, scope: &Scope<'_>) -> Reply {
        self.limit.grant_grace();
        let Some(fallback) = rule.fallback.as_ref().filter(|_| !self.is_done(rule, || What::Fallback)) else {
            return self.emptiest();
        };
        scope.enter(Within::Fallback);
        let made = fallback.render(scope);
        self.collect(&[&rule.name, "%fallback"], scope);
        self.done(rule, || What::Fallback);
        match made.map_err(Trouble::Script).and_then(|value| self.shape(value)) {
            Ok(reply) => reply,
            Err(trouble) => {
                self.fault(id, rule.place.clone(), &trouble);
                self.emptiest()
            }
        }
    }

    /// Makes a reply of what a rule rendered or a script returned.
    fn shape(&self, value: Value) -> Result<Reply, Trouble> {
        match (self.call, self.event.kind()) {
            (Some(call), _) => {
                let answer = reply::tool_answer(value).map_err(Trouble::Contract)?;
                Ok(tool_reply(self.event, call, answer))
            }
            (None, EventKind::Known(kind)) => reply::normalise(*kind, value).map_err(Trouble::Contract),
            (None, EventKind::Unknown(_)) => Ok(Reply::Nothing),
        }
    }

    /// What a deliberate `throw` says, where the kind has words for it.
    fn refusal(&self, text: &str) -> Option<Reply> {
        match self.call {
            Some(call) => Some(tool_error(self.event, call, text)),
            None => reply::refusal(self.event.kind().known()?, text),
        }
    }

    /// The reply when a rule was found, but could not give one.
    pub(super) fn emptiest(&self) -> Reply {
        self.engine.give_up(self.event, self.turn)
    }

    /// The reply when no rule gave one.
    pub(super) fn unanswered(&self) -> Reply {
        match self.call {
            Some(call) => tool_error(self.event, call, &format!("There is no tool `{}` here.", call.name)),
            None => self.emptiest(),
        }
    }
}
