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
use super::decision::{Considered, Decision, Fault, FaultSort, Needs, Unfinished};
use super::diagnostic::{Place, Sources};
use super::event::{Event, ToolCall};
use super::explanation::{Recorder, Seen};
use super::facts::{Facts, Host};
use super::kind::{EventKind, Kind};
use super::matcher::{self, Leaf, Verdict};
use super::reply::{self, Reply};
use super::rows::Rows;
use super::rule::{Answer, Rule, RuleId};
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
    let mut deciding = Deciding { engine, event, turn, call, limit: &limit, recorder, decision: Decision::default() };
    let reply = match call.and_then(|call| Some((call, engine.tools.refuses(call)?))) {
        Some((call, why)) => {
            deciding.decision.refused_arguments = true;
            tool_error(event, call, &why)
        }
        None => deciding.consider_rules(facts, &run)?,
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
    limit: &'a TimeLimit,
    recorder: Option<&'a Recorder>,
    decision: Decision,
}

/// Whether a rule is for this event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    /// Somebody else did not say.
    Unknown,
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
    fn consider_rules(&mut self, facts: &'a Facts, run: &'a RefCell<Run>) -> Result<Reply, Unfinished> {
        let scope = Scope::new(self.event, self.call, facts, &[], run, None);
        let (mut reply, mut acting) = (None, Vec::new());
        for (id, rule, proved) in self.candidates(&scope) {
            // Once there is a reply, only those matter that act, or that end it.
            if reply.is_some() && rule.acts.is_empty() && !rule.stop {
                self.record(|recorder, at| recorder.begin(id, Seen::Passed, at));
                continue;
            }
            self.limit.set(rule.time_max);
            self.record(|recorder, at| recorder.begin(id, Seen::Failed, at));
            let scope = Scope::new(self.event, self.call, facts, &rule.bindings, run, self.recorder);
            let matches = self.matches(id, rule, proved, &scope)?;
            if matches == Match::Unknown && reply.is_none() && rule.fallback.is_some() {
                self.decision.answered_by = Some(id);
                reply = Some(self.fall_back(id, rule, &scope));
            }
            if matches != Match::Yes {
                // What a condition wanted done is not done, either.
                drop(scope.take_actions());
                continue;
            }
            if let (None, Some(answer)) = (&reply, &rule.answer) {
                self.decision.answered_by = Some(id);
                reply = Some(self.answer(id, rule, answer, &scope)?);
            }
            self.collect(&rule.name, &scope);
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

    fn matches(
        &mut self,
        id: RuleId,
        rule: &Rule,
        proved: Option<Leaf>,
        scope: &Scope<'_>,
    ) -> Result<Match, Unfinished> {
        let before = scope.state();
        let (considered, matches) = match verdict(rule, proved, scope) {
            Ok(Verdict::Holds) => (Considered::Matched, Match::Yes),
            Ok(Verdict::Misses(leaf)) => (Considered::Missed(leaf), Match::No),
            Err(Undecided { fault, asked }) => {
                unless_unfinished(&fault, rule.time_max, scope)?;
                scope.restore(before);
                self.fault(id, rule.place.clone(), &Trouble::Script(fault));
                (Considered::Failed, if asked { Match::Unknown } else { Match::No })
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
    fn candidates(&self, scope: &Scope<'_>) -> SmallVec<[(RuleId, &'a Rule, Option<Leaf>); 8]> {
        let rules = &self.engine.rules;
        match self.recorder {
            Some(_) => rules.for_kind(self.event).map(|(id, rule)| (id, rule, None)).collect(),
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
            let _ = scope.ask(&rule.needs.acts);
        }
        let outcome = Rc::new(self.outcome(reply));
        for (id, rule, scope) in acting {
            let scope = scope.knowing(&outcome);
            self.record(|recorder, _| recorder.resume(id));
            for act in &rule.acts {
                if let Err(fault) = self.carry_out(rule, act, &scope) {
                    if let ActFault::Script(fault) = &fault {
                        unless_unfinished(fault, None, &scope)?;
                    }
                    drop(scope.take_actions());
                    self.act_fault(id, act, &fault);
                }
                self.collect(&format!("{}/{}", rule.name, act.name), &scope);
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
    fn collect(&mut self, whose: &str, scope: &Scope<'_>) {
        let named = |action: Action| Action { name: format!("{whose}/{}", action.name), ..action };
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
        let (sort, place, message) = match fault {
            ActFault::Script(fault) => explained(fault, here, &self.engine.sources, "the action was not made in time"),
            ActFault::Nowhere => {
                (FaultSort::Mistake, here, "the action has no URL: what should hold it is absent".to_owned())
            }
            ActFault::State(why) => (FaultSort::Mistake, here, why.clone()),
        };
        let message = format!("action `{}`: {message}", act.name);
        self.decision.faults.push(Fault { rule, place, message, sort });
    }

    fn answer(&mut self, id: RuleId, rule: &Rule, answer: &Answer, scope: &Scope<'_>) -> Result<Reply, Unfinished> {
        let before = scope.state();
        let made = scope.ask(&rule.needs.answer).and_then(|()| match answer {
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

    /// Notes what went wrong with a rule; `here` is where, unless the trouble knows better.
    fn fault(&mut self, rule: RuleId, here: Place, trouble: &Trouble) {
        let (sort, place, message) = match trouble {
            Trouble::Script(fault) => explained(fault, here, &self.engine.sources, "the rule did not answer in time"),
            Trouble::Contract(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                (FaultSort::Mistake, here, format!("the reply breaks its contract: {}", faults.join("; ")))
            }
        };
        self.decision.faults.push(Fault { rule, place, message, sort });
    }
}

/// Whether all conditions of a rule hold. Nobody is asked before all that can be known without asking is known to hold.
fn verdict(rule: &Rule, proved: Option<Leaf>, scope: &Scope<'_>) -> Result<Verdict, Undecided> {
    let (alone, asking) = rule.conditions.split_at_checked(rule.conditions_alone).unwrap_or((&rule.conditions, &[]));
    let verdict = matcher::all(alone, proved, scope).map_err(|fault| Undecided { fault, asked: false })?;
    if asking.is_empty() || verdict != Verdict::Holds {
        return Ok(verdict);
    }
    let answered = scope.ask(&rule.needs.conditions);
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

/// What sort of trouble a fault is, where it happened, and what it was; `here` is where the rule or the action stands.
fn explained(fault: &ScriptFault, here: Place, sources: &Sources, late: &str) -> (FaultSort, Place, String) {
    match fault {
        ScriptFault::Failed { message, at } => (FaultSort::Mistake, sources.place(*at), message.clone()),
        ScriptFault::Unfetched { message, at } => (FaultSort::Unfetched, sources.place(*at), message.clone()),
        ScriptFault::Thrown(text) => (FaultSort::Mistake, here, format!("the script threw: {text}")),
        ScriptFault::OutOfTime | ScriptFault::Unfinished | ScriptFault::Unanswered => {
            (FaultSort::OutOfTime, here, late.to_owned())
        }
    }
}
