//! What the rules that matched do, now that it is known what was answered.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::{Deciding, explained, unless_unfinished};
use crate::engine::act::{Act, ActFault, Does, joined};
use crate::engine::action::Action;
use crate::engine::decision::{Fault, Unfinished};
use crate::engine::facts::{Host as _, What};
use crate::engine::kind::{EventKind, Kind};
use crate::engine::matcher::{self, Verdict};
use crate::engine::question::Within;
use crate::engine::reply::Reply;
use crate::engine::rule::{Rule, RuleId};
use crate::engine::scope::{self, Scope};

impl<'a> Deciding<'a> {
    /// Carries out what the rules that matched do, now that it is known what was answered. One that fails leaves the others
    /// alone.
    pub(super) fn act(&mut self, acting: Vec<(RuleId, &'a Rule, Scope<'a>)>, reply: &Reply) -> Result<(), Unfinished> {
        if acting.is_empty() || !self.limit.may_answer() {
            return Ok(());
        }
        self.limit.set(None);
        for (id, rule, scope) in &acting {
            self.record(|recorder, _| recorder.resume(*id));
            // What several rules ask is asked at once, too: each of them is looked at before any gives up.
            for act in rule.acts.iter().filter(|act| !self.is_done(rule, || What::Act(Arc::clone(&act.name)))) {
                scope.enter(Within::Act(&act.name));
                let _ = scope.ask(&act.needs);
            }
        }
        // Few look at it, and it is a copy of the reply.
        let outcome = acting.iter().any(|(_, rule, _)| rule.involves.reply).then(|| Rc::new(self.outcome(reply)));
        for (id, rule, scope) in acting {
            let scope = scope.knowing(outcome.as_ref());
            self.record(|recorder, _| recorder.resume(id));
            for act in &rule.acts {
                let this = || What::Act(Arc::clone(&act.name));
                if self.is_done(rule, this) {
                    continue;
                }
                scope.enter(Within::Act(&act.name));
                let (before, faults) = (scope.state(), self.decision.faults.len());
                if let Err(fault) = self.carry_out(act, &scope) {
                    if let ActFault::Script(fault) = &fault {
                        unless_unfinished(fault, None, &scope)?;
                    }
                    // What failed must not be half done.
                    scope.restore(before);
                    self.act_fault(id, act, &fault);
                }
                self.collect(&[&rule.name, &act.name], &scope);
                self.done_since(faults, rule, this);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, act: &Act, scope: &Scope<'_>) -> Result<(), ActFault> {
        if matcher::all(&act.when, None, scope)? != Verdict::Holds {
            return Ok(());
        }
        match &act.does {
            Does::Request(errand) => {
                let action = errand.render(act.full_name.to_string(), scope)?;
                self.decision.actions.push(action);
            }
            Does::Set(values) => {
                for (name, value) in values {
                    scope.keep(name, value.render(scope)?).map_err(ActFault::State)?;
                }
            }
            Does::Log(text) => scope.log(text.render_text(scope)?),
        }
        Ok(())
    }

    /// Takes over what the scripts of a rule's answer want done; none of it is called as an action of the rule is.
    pub(super) fn collect_answer(&mut self, rule: &Rule, scope: &Scope<'_>) {
        let is_taken = |action: &Action| rule.acts.iter().any(|act| *act.name == *action.name);
        for action in scope.take_actions() {
            let whose: &[&str] = if is_taken(&action) { &[&rule.name, "%script"] } else { &[&rule.name] };
            self.add(whose, action);
        }
    }

    /// Takes over what scripts want done. One that fails must not shift the numbers of another one's namesakes, by which
    /// they are known when the event is decided again, so the names begin with `whose` it is.
    pub(super) fn collect(&mut self, whose: &[&str], scope: &Scope<'_>) {
        for action in scope.take_actions() {
            self.add(whose, action);
        }
    }

    fn add(&mut self, whose: &[&str], action: Action) {
        let name = joined(&[whose, &[&action.name]].concat());
        self.decision.actions.push(Action { name, ..action });
    }

    /// What actions know of the reply.
    fn outcome(&self, reply: &Reply) -> scope::Outcome {
        let Some(call) = self.call else {
            return scope::Outcome { reply: reply.to_json(), result: Value::Null };
        };
        let reply = reply.to_json();
        let mine = match self.event.kind() {
            EventKind::Known(Kind::FunctionCall) => reply,
            _ => reply.get("results").and_then(|results| results.get(0)).cloned().unwrap_or_default(),
        };
        debug_assert!(mine.get("toolCallId").is_none_or(|id| *id == *call.id));
        let result = mine.get("result").or_else(|| mine.get("error")).cloned().unwrap_or_default();
        scope::Outcome { reply: mine, result }
    }

    fn act_fault(&mut self, rule: RuleId, act: &Act, fault: &ActFault) {
        let here = self.engine.sources.place(act.span);
        let (place, message) = match fault {
            ActFault::Script(fault) => explained(fault, here, &self.engine.sources, "the action was not made in time"),
            ActFault::Nowhere => (here, "the action has no URL: what should hold it is absent".to_owned()),
            ActFault::State(why) => (here, why.clone()),
        };
        let message = format!("action `{}`: {message}", act.name);
        let is_passing = matches!(fault, ActFault::Script(fault) if fault.is_passing());
        self.decision.faults.push(Fault { rule, place, message, is_passing });
    }
}
