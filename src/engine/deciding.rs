//! One decision about one event, from its first rule to its last action.

mod acting;
mod answering;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::decision::{Considered, Decision, Fault, Needs, Unfinished};
use super::diagnostic::{Place, Sources};
use super::event::{Event, ToolCall};
use super::explanation::{Recorder, Seen};
use super::facts::{Facts, Host, Part, What};
use super::matcher::{self, Verdict};
use super::question::Within;
use super::reply::{self, Reply};
use super::rule::{Proved, Rule, RuleId};
use super::scope::Scope;
use super::script::{Run, ScriptFault};
use super::time_limit::TimeLimit;
use super::{Engine, Turn, tool_call, tool_error};

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
    let mut deciding = Deciding {
        engine,
        event,
        turn,
        call,
        facts,
        limit: &limit,
        recorder,
        decision,
        answer_is_open: false,
        asks: false,
    };
    let readable = call.filter(|_| limit.may_answer());
    let reply = match readable.and_then(|call| Some((call, engine.tools.refuses(call)?))) {
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
    /// Whether it is open whether an earlier rule answers, so that no later one does in this try.
    answer_is_open: bool,
    /// Whether somebody has to be asked before it can be made.
    asks: bool,
}

/// Whether a rule is for this event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    /// Somebody else did not say, and will not.
    Unknown,
    /// Somebody else has not said yet, and the event can wait for it.
    Open,
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
        let scope = Scope::new(self.event, self.call, self.facts, None, run, None);
        let (mut reply, mut acting) = (None, Vec::new());
        for (id, rule, proved) in self.candidates(&scope) {
            // Once there is a reply, only those matter that act, or that end it.
            if reply.is_some() && rule.acts.is_empty() && !rule.stop {
                self.record(|recorder, at| recorder.begin(id, Seen::Passed, at));
                continue;
            }
            self.limit.set(rule.time_max);
            self.record(|recorder, at| recorder.begin(id, Seen::Failed, at));
            let scope = Scope::new(self.event, self.call, self.facts, Some(rule), run, self.recorder);
            match self.matches(id, rule, proved, &scope)? {
                Match::Yes => {}
                // Only when it is known whether this one matches is it known whether others are considered, or answer.
                Match::Open => {
                    if rule.stop {
                        break;
                    }
                    self.answer_is_open |= rule.answer.is_some();
                    continue;
                }
                Match::Unknown if reply.is_none() && rule.fallback.is_some() => {
                    self.decision.answered_by = Some(id);
                    reply = Some(self.fall_back(id, rule, &scope));
                    continue;
                }
                Match::Unknown | Match::No => continue,
            }
            reply = self.reply_of(id, rule, &scope, reply)?;
            self.record(Recorder::through);
            if !rule.acts.is_empty() {
                acting.push((id, rule, scope));
            }
            if rule.stop {
                break;
            }
        }
        if self.asks {
            return Err(Unfinished { needs: Needs::Answers(scope.questions()), time_max: None });
        }
        let reply = reply.unwrap_or_else(|| self.unanswered());
        self.act(acting, &reply)?;
        Ok(reply)
    }

    /// The reply once a rule that matches has been asked for its own, should there be none yet. What it did already, it does
    /// not do again.
    fn reply_of(
        &mut self,
        id: RuleId,
        rule: &Rule,
        scope: &Scope<'_>,
        reply: Option<Reply>,
    ) -> Result<Option<Reply>, Unfinished> {
        let faults = self.decision.faults.len();
        let Some(answer) = rule.answer.as_ref().filter(|_| reply.is_none() && !self.answer_is_open) else {
            return Ok(reply);
        };
        self.decision.answered_by = Some(id);
        if self.is_done(rule, || What::Answer) {
            return Ok(Some(self.emptiest()));
        }
        scope.enter(Within::Answer);
        let reply = self.answer(id, rule, answer, scope)?;
        self.collect_answer(rule, scope);
        self.done_since(faults, rule, || What::Answer);
        Ok(Some(reply))
    }

    /// Whether the event is decided once more if this decision lacks something.
    fn is_tried_again(&self) -> bool {
        self.facts.tries.as_ref().is_some_and(|tries| !tries.is_last)
    }

    /// Whether an earlier try has come to this with a rule.
    fn is_done(&self, rule: &Rule, what: impl FnOnce() -> What) -> bool {
        let part = || Part { rule: Arc::clone(&rule.name), what: what() };
        self.facts.tries.as_ref().is_some_and(|tries| tries.done.contains(&part()))
    }

    /// Notes that later tries find this to be so, where there may be any.
    fn done(&mut self, rule: &Rule, what: impl FnOnce() -> What) {
        if self.facts.tries.is_some() {
            self.decision.done.push(Part { rule: Arc::clone(&rule.name), what: what() });
        }
    }

    /// Notes that this part of a rule is carried out, unless it lacks what it may have another time: it began when there
    /// were so many `faults`.
    fn done_since(&mut self, faults: usize, rule: &Rule, what: impl FnOnce() -> What) {
        if !self.decision.faults.iter().skip(faults).any(|fault| fault.is_passing) {
            self.done(rule, what);
        }
    }

    /// Whether a rule matches. What an earlier try has found stays so, whatever the event has changed since.
    fn matches(&mut self, id: RuleId, rule: &Rule, proved: Proved, scope: &Scope<'_>) -> Result<Match, Unfinished> {
        if self.is_done(rule, || What::Matched) {
            self.decision.trace.0.push((id, Considered::Matched));
            return Ok(Match::Yes);
        }
        if self.is_done(rule, || What::Missed) {
            return Ok(Match::No);
        }
        let before = scope.state();
        let (considered, matches) = match verdict(rule, proved, scope) {
            Ok(Verdict::Holds) => {
                self.done(rule, || What::Matched);
                (Considered::Matched, Match::Yes)
            }
            Ok(Verdict::Misses(leaf)) => {
                self.done(rule, || What::Missed);
                (Considered::Missed(leaf), Match::No)
            }
            Err(undecided) => {
                let matches = self.undecided(id, rule, undecided, scope)?;
                scope.restore(before);
                (Considered::Failed, matches)
            }
        };
        if matches == Match::Yes {
            self.collect(&[&rule.name, "%when"], scope);
        } else {
            // What a condition wanted done is not done, either.
            drop(scope.take_actions());
        }
        self.decision.trace.0.push((id, considered));
        self.record(|recorder, at| {
            matcher::try_the_rest(&rule.conditions, scope);
            recorder.end(considered.into(), at);
        });
        Ok(matches)
    }

    /// What is to be made of a rule of which it is not known whether its conditions hold.
    fn undecided(
        &mut self,
        id: RuleId,
        rule: &Rule,
        Undecided { fault, asked }: Undecided,
        scope: &Scope<'_>,
    ) -> Result<Match, Unfinished> {
        // Where the event can wait, one who does not answer does not keep those from being asked whom later rules need.
        if matches!(fault, ScriptFault::Unanswered) && self.facts.tries.is_some() {
            self.asks = true;
            return Ok(Match::Open);
        }
        unless_unfinished(&fault, rule.time_max, scope)?;
        let is_passing = self.fault(id, rule.place.clone(), &Trouble::Script(fault));
        Ok(if is_passing && self.is_tried_again() {
            Match::Open
        } else if asked {
            Match::Unknown
        } else {
            Match::No
        })
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
        ScriptFault::Unanswered => Needs::Answers(scope.questions()),
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
