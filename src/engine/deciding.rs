//! One decision about one event, from its first rule to its last action.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use smallvec::SmallVec;

use super::act::{Act, ActFault, Does};
use super::action::Action;
use super::decision::{Considered, Decision, Fault, Needs, Unfinished};
use super::diagnostic::{Place, Sources};
use super::event::{Event, ToolCall};
use super::explanation::{Recorder, Seen};
use super::facts::{Facts, Host, Part, State};
use super::kind::{EventKind, Kind};
use super::matcher::{self, Verdict};
use super::reply::{self, Reply};
use super::rows::Rows;
use super::rule::{Answer, Proved, Rule, RuleId};
use super::scope::{self, Scope};
use super::script::{Run, ScriptFault};
use super::time_limit::TimeLimit;
use super::{Engine, Turn, tool_call, tool_error, tool_reply};

/// Decides one turn of an event; see [`Engine::decide`].
pub(super) fn decide(
    engine: &Engine,
    event: &Event,
    turn: Turn,
    facts: &Facts,
    host: Arc<dyn Host>,
    recorder: Option<&Recorder>,
) -> Result<Decision, Unfinished> {
    let call = tool_call(event, turn);
    let limit = Arc::new(TimeLimit::new(host));
    let mut run = Run::new(facts, Arc::clone(&limit) as Arc<dyn Host>);
    if let Some(url) = engine.control_url.as_ref().and_then(|slot| event.get(slot).as_str().map(Cow::into_owned)) {
        run.set_control_url(url);
    }
    let run = RefCell::new(run);
    let decision = Decision::default();
    let mut deciding = Deciding { engine, event, turn, call, facts, limit: &limit, recorder, decision };
    let reply = match call.and_then(|call| Some((call, engine.tools.refuses(call)?))) {
        Some((call, why)) => {
            deciding.decision.refused_arguments = true;
            tool_error(event, call, &why)
        }
        None => deciding.consider_rules(&run)?,
    };
    let mut decision = Decision { reply, ..deciding.decision };
    let mut run = run.into_inner();
    decision.logs = run.take_logs();
    decision.state = Some(run.state()).filter(|state| !Arc::ptr_eq(state, &facts.state));
    Ok(decision)
}

/// One decision while it is being made.
struct Deciding<'a> {
    engine: &'a Engine,
    event: &'a Event,
    turn: Turn,
    call: Option<&'a ToolCall>,
    facts: &'a Facts,
    limit: &'a TimeLimit,
    recorder: Option<&'a Recorder>,
    decision: Decision,
}

/// Whether a rule is for this event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    /// Somebody else did not say; another time they may, if that `is_passing`.
    Unknown {
        is_passing: bool,
    },
}

/// Why it is not known whether the conditions of a rule hold.
struct Undecided {
    fault: ScriptFault,
    /// Whether only those are left that look at answers of others.
    asked: bool,
}

/// Why a rule has no reply to give.
enum Trouble {
    Script(ScriptFault),
    Contract(Vec<reply::Fault>),
}

impl<'a> Deciding<'a> {
    /// Every rule whose conditions all hold acts; the first of them that can answer gives the reply.
    fn consider_rules(&mut self, run: &'a RefCell<Run>) -> Result<Reply, Unfinished> {
        let scope = Scope::new(self.event, self.call, self.facts, &[], run, None);
        let (mut reply, mut acting) = (None, Vec::new());
        for (id, rule, proved) in self.candidates(&scope) {
            // Once there is a reply, only those matter that act, or that end it.
            if reply.is_some() && rule.acts.is_empty() && !rule.stop {
                self.record(|recorder, at| recorder.begin(id, Seen::Passed, at));
                continue;
            }
            self.limit.set(rule.time_max);
            self.record(|recorder, at| recorder.begin(id, Seen::Failed, at));
            let scope = Scope::new(self.event, self.call, self.facts, &rule.bindings, run, self.recorder);
            let before = scope.state();
            let matches = self.matches(id, rule, proved, &scope)?;
            if matches != Match::Yes {
                // What a condition wanted done is not done, either.
                drop(scope.take_actions());
            }
            match matches {
                Match::Yes => {}
                // Only when it is known whether this one matches is it known whether others are considered.
                Match::Unknown { is_passing: true } if rule.stop && self.is_tried_again() => break,
                Match::Unknown { .. } if reply.is_none() && rule.fallback.is_some() => {
                    self.decision.answered_by = Some(id);
                    reply = Some(self.fall_back(id, rule, &scope));
                    continue;
                }
                Match::Unknown { .. } | Match::No => continue,
            }
            reply = self.reply_of(id, rule, &scope, reply, before)?;
            self.record(Recorder::through);
            if !rule.acts.is_empty() {
                acting.push((id, rule, scope));
            }
            if rule.stop {
                break;
            }
        }
        let reply = reply.unwrap_or_else(|| self.unanswered());
        self.act(acting, &reply)?;
        Ok(reply)
    }

    /// The reply once a rule that matches has been asked for its own, should there be none yet. What it did already, it does
    /// not do again: the state is put back to what it was `before` the rule was looked at.
    fn reply_of(
        &mut self,
        id: RuleId,
        rule: &Rule,
        scope: &Scope<'_>,
        reply: Option<Reply>,
        before: State,
    ) -> Result<Option<Reply>, Unfinished> {
        let faults = self.decision.faults.len();
        let answer = rule.answer.as_ref().filter(|_| reply.is_none());
        if answer.is_some() {
            self.decision.answered_by = Some(id);
        }
        if self.is_done(&rule.name, None) {
            scope.restore(before);
            return Ok(reply.or_else(|| answer.map(|_| self.emptiest())));
        }
        let reply = match answer {
            Some(answer) => Some(self.answer(id, rule, answer, scope)?),
            None => reply,
        };
        self.collect(&rule.name, rule, scope);
        self.done_since(faults, &rule.name, None);
        Ok(reply)
    }

    /// Whether the event is decided once more if this decision lacks something.
    fn is_tried_again(&self) -> bool {
        self.facts.tries.as_ref().is_some_and(|tries| !tries.is_last)
    }

    /// Whether an earlier try has carried out this part of a rule.
    fn is_done(&self, rule: &str, act: Option<&str>) -> bool {
        self.facts.tries.as_ref().is_some_and(|tries| tries.done.contains(&Part::of(rule, act)))
    }

    /// Notes that this part of a rule is carried out, unless it lacks what it may have another time: it began when there
    /// were so many `faults`.
    fn done_since(&mut self, faults: usize, rule: &str, act: Option<&str>) {
        let lacks = self.decision.faults.iter().skip(faults).any(|fault| fault.is_passing);
        if self.facts.tries.is_some() && !lacks {
            self.decision.done.push(Part::of(rule, act));
        }
    }

    fn matches(&mut self, id: RuleId, rule: &Rule, proved: Proved, scope: &Scope<'_>) -> Result<Match, Unfinished> {
        let before = scope.state();
        let (considered, matches) = match verdict(rule, proved, scope) {
            Ok(Verdict::Holds) => (Considered::Matched, Match::Yes),
            Ok(Verdict::Misses(leaf)) => (Considered::Missed(leaf), Match::No),
            Err(Undecided { fault, asked }) => {
                unless_unfinished(&fault, rule.time_max, scope)?;
                scope.restore(before);
                let is_passing = self.fault(id, rule.place.clone(), &Trouble::Script(fault));
                (Considered::Failed, if asked { Match::Unknown { is_passing } } else { Match::No })
            }
        };
        self.decision.trace.0.push((id, considered));
        self.record(|recorder, at| {
            matcher::try_the_rest(&rule.conditions, scope);
            recorder.end(considered.into(), at);
        });
        Ok(matches)
    }

    /// The rules that may match; all of them where somebody wants to know about the others.
    fn candidates(&self, scope: &Scope<'_>) -> SmallVec<[(RuleId, &'a Rule, Proved); 8]> {
        let rules = &self.engine.rules;
        match self.recorder {
            Some(_) => rules.for_kind(self.event).map(|(id, rule)| (id, rule, Proved::Nothing)).collect(),
            None => rules.candidates(self.event, scope).collect(),
        }
    }

    fn record(&self, note: impl FnOnce(&Recorder, Option<Duration>)) {
        if let Some(recorder) = self.recorder {
            note(recorder, self.limit.elapsed());
        }
    }

    /// Carries out what the rules that matched do, now that it is known what was answered. One that fails leaves the others
    /// alone.
    fn act(&mut self, acting: Vec<(RuleId, &Rule, Scope<'a>)>, reply: &Reply) -> Result<(), Unfinished> {
        if acting.is_empty() {
            return Ok(());
        }
        self.limit.set(None);
        for (id, rule, scope) in &acting {
            self.record(|recorder, _| recorder.resume(*id));
            // What several rules ask is asked at once, too: each of them is looked at before any gives up.
            let _ = scope.ask(rule.needs.acts());
        }
        let outcome = Rc::new(self.outcome(reply));
        for (id, rule, scope) in acting {
            let scope = scope.knowing(&outcome);
            self.record(|recorder, _| recorder.resume(id));
            for act in &rule.acts {
                if self.is_done(&rule.name, Some(&act.name)) {
                    continue;
                }
                let (before, faults) = (scope.state(), self.decision.faults.len());
                if let Err(fault) = self.carry_out(rule, act, &scope) {
                    if let ActFault::Script(fault) = &fault {
                        unless_unfinished(fault, None, &scope)?;
                    }
                    // What failed must not be half done.
                    scope.restore(before);
                    self.act_fault(id, act, &fault);
                }
                self.collect(&format!("{}/{}", rule.name, act.name), rule, &scope);
                self.done_since(faults, &rule.name, Some(&act.name));
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, rule: &Rule, act: &Act, scope: &Scope<'_>) -> Result<(), ActFault> {
        if matcher::all(&act.when, None, scope)? != Verdict::Holds {
            return Ok(());
        }
        match &act.does {
            Does::Request(errand) => {
                let action = errand.render(format!("{}/{}", rule.name, act.name), scope)?;
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

    /// Takes over what scripts want done, whose names begin with who runs them: one that fails must not shift the numbers
    /// of another one's namesakes, by which they are known when the event is decided again.
    /// For the same reason none of them is called as an action of the rule is.
    fn collect(&mut self, whose: &str, rule: &Rule, scope: &Scope<'_>) {
        let named = |action: Action| {
            let first = action.name.split('/').next().unwrap_or_default();
            let is_taken = whose == rule.name && rule.acts.iter().any(|act| act.name == first);
            let script = if is_taken { "script/" } else { "" };
            Action { name: format!("{whose}/{script}{}", action.name), ..action }
        };
        self.decision.actions.extend(scope.take_actions().into_iter().map(named));
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

    fn answer(&mut self, id: RuleId, rule: &Rule, answer: &Answer, scope: &Scope<'_>) -> Result<Reply, Unfinished> {
        let before = scope.state();
        let made = scope.ask(rule.needs.answer()).and_then(|()| match answer {
            Answer::Respond(template) => template.render(scope),
            Answer::Run(handler) => scope.call(handler),
            Answer::Script(evaluation) => scope.evaluate(evaluation),
            Answer::Rows(rows) => self.row(rows, scope),
        });
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
                self.fault(id, here, &trouble);
                Ok(self.fall_back(id, rule, scope))
            }
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
    fn fall_back(&mut self, id: RuleId, rule: &Rule, scope: &Scope<'_>) -> Reply {
        self.limit.grant_grace();
        let Some(fallback) = &rule.fallback else { return self.emptiest() };
        match fallback.render(scope).map_err(Trouble::Script).and_then(|value| self.shape(value)) {
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
    fn emptiest(&self) -> Reply {
        self.engine.give_up(self.event, self.turn)
    }

    /// The reply when no rule gave one.
    fn unanswered(&self) -> Reply {
        match self.call {
            Some(call) => tool_error(self.event, call, &format!("There is no tool `{}` here.", call.name)),
            None => self.emptiest(),
        }
    }

    /// Notes what went wrong with a rule, and says whether that may pass; `here` is where, unless the trouble knows better.
    fn fault(&mut self, rule: RuleId, here: Place, trouble: &Trouble) -> bool {
        let (place, message) = match trouble {
            Trouble::Script(fault) => explained(fault, here, &self.engine.sources, "the rule did not answer in time"),
            Trouble::Contract(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                (here, format!("the reply breaks its contract: {}", faults.join("; ")))
            }
        };
        let is_passing = matches!(trouble, Trouble::Script(fault) if fault.is_passing());
        self.decision.faults.push(Fault { rule, place, message, is_passing });
        is_passing
    }
}

/// Whether all conditions of a rule hold. Nobody is asked before all that can be known without asking is known to hold.
fn verdict(rule: &Rule, proved: Proved, scope: &Scope<'_>) -> Result<Verdict, Undecided> {
    let proved = match proved {
        Proved::Nothing => None,
        Proved::One(leaf) => Some(leaf),
        Proved::All => return Ok(Verdict::Holds),
    };
    let (alone, asking) = rule.conditions.split_at_checked(rule.conditions_alone).unwrap_or((&rule.conditions, &[]));
    let verdict = matcher::all(alone, proved, scope).map_err(|fault| Undecided { fault, asked: false })?;
    if asking.is_empty() || verdict != Verdict::Holds {
        return Ok(verdict);
    }
    let answered = scope.ask(rule.needs.conditions());
    let verdict = answered.and_then(|()| matcher::all(asking, proved, scope));
    verdict.map_err(|fault| Undecided { fault, asked: true })
}

/// Gives up if the fault is none: the decision lacks something, and is to be made again with it.
fn unless_unfinished(fault: &ScriptFault, time_max: Option<Duration>, scope: &Scope<'_>) -> Result<(), Unfinished> {
    let needs = match fault {
        ScriptFault::Unfinished => Needs::Operations,
        ScriptFault::Unanswered => Needs::Answers(scope.take_questions()),
        _ => return Ok(()),
    };
    Err(Unfinished { needs, time_max })
}

/// Where a fault happened, and what it was; `here` is where the rule or the action stands.
fn explained(fault: &ScriptFault, here: Place, sources: &Sources, late: &str) -> (Place, String) {
    match fault {
        ScriptFault::Failed { message, at } | ScriptFault::Unfetched { message, at, .. } => {
            (sources.place(*at), message.clone())
        }
        ScriptFault::Thrown(text) => (here, format!("the script threw: {text}")),
        ScriptFault::OutOfTime | ScriptFault::Unfinished | ScriptFault::Unanswered => (here, late.to_owned()),
    }
}
