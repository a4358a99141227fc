//! The core: an event goes in, a [`Decision`] comes out. Pure and synchronous.
//!
//! [`source::compile`] makes an [`Engine`] of an author's files; [`Engine::decide`] is the one function
//! that the daemon and every tool call. Nothing in here names a socket, a file, the clock or chance:
//! what a decision may know of the world comes in as [`Facts`], how long it may take as a [`Host`].

pub mod act;
pub mod action;
pub mod decision;
pub mod diagnostic;
pub mod event;
pub mod facts;
pub mod fields;
pub mod json;
pub mod kind;
pub mod matcher;
pub mod outgoing;
pub mod path;
pub mod phone;
pub mod reply;
pub mod request;
pub mod rule;
pub mod scope;
pub mod script;
pub mod share;
pub mod source;
pub mod template;
pub mod term;
pub mod tools;
pub mod window;

mod time_limit;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use smallvec::{SmallVec, smallvec};

use act::{Act, ActFault, Does};
use decision::{Considered, Decision, Fault, Unfinished};
use diagnostic::{Place, Sources};
use event::{Event, EventError, ToolCall, Wanted, WantedBuilder};
use facts::{Facts, Host};
use kind::{EventKind, Kind, KindSet};
use matcher::Verdict;
use reply::{Outcome, Reply, ToolAnswer, ToolResult};
use rule::{Answer, Proved, Rule, RuleId, RuleSet};
use scope::Scope;
use script::{Run, ScriptFault};
use source::Options;
use time_limit::TimeLimit;
use tools::Tools;

/// A rule set, ready to decide. Immutable: a changed rule set is another engine.
#[derive(Debug)]
pub struct Engine {
    rules: RuleSet,
    wanted: Wanted,
    tools: Tools,
    no_assistant: String,
    wants_headers: bool,
    /// The kinds for which rules have requests sent.
    acting: KindSet,
    // To say where in its file a script failed.
    sources: Sources,
}

/// What one decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The event as a whole.
    Whole,
    /// One of its tool calls, by its place in the message.
    ToolCall(usize),
}

impl Engine {
    /// An engine for a server whose files are broken: it can read events and [give up](Engine::give_up).
    #[must_use]
    pub fn without_rules(options: &Options) -> Engine {
        Engine {
            rules: RuleSet::default(),
            wanted: WantedBuilder::new().build(),
            tools: Tools::default(),
            no_assistant: options.no_assistant.clone(),
            wants_headers: false,
            acting: KindSet::EMPTY,
            sources: Sources::default(),
        }
    }

    /// Reads an event, looking only for what these rules can ask for.
    ///
    /// # Errors
    /// When the body is no server message that can be read.
    pub fn read(&self, body: impl Into<Bytes>) -> Result<Event, EventError> {
        Event::scan(body, &self.wanted)
    }

    /// Whether any rule looks at the request's headers.
    #[must_use]
    pub fn wants_headers(&self) -> bool {
        self.wants_headers
    }

    /// Whether any rule for this kind has requests sent.
    #[must_use]
    pub fn acts_on(&self, kind: &EventKind) -> bool {
        let kinds = kind.known().map_or(KindSet::UNKNOWN, KindSet::from);
        self.acting.overlaps(kinds)
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// What there is to decide about an event: one turn for each tool call, or the whole.
    #[must_use]
    pub fn turns(event: &Event) -> SmallVec<[Turn; 2]> {
        match event.tool_calls().len() {
            0 => smallvec![Turn::Whole],
            calls => (0..calls).map(Turn::ToolCall).collect(),
        }
    }

    /// The reply to one turn of an event that cannot be decided.
    #[must_use]
    pub fn give_up(&self, event: &Event, turn: Turn) -> Reply {
        match (tool_call(event, turn), event.kind().known()) {
            (Some(call), _) => {
                tool_error(event, call, &format!("The tool `{}` is not available right now.", call.name))
            }
            (None, Some(kind)) => reply::emptiest(kind, &self.no_assistant),
            (None, None) => Reply::Nothing,
        }
    }

    /// Decides one turn of an event.
    ///
    /// The same event and the same facts give the same decision, as long as the host leaves it the time.
    ///
    /// # Errors
    /// [`Unfinished`] when scripts need more operations than the host allows.
    pub fn decide(
        &self,
        event: &Event,
        turn: Turn,
        facts: &Facts,
        host: Arc<dyn Host>,
    ) -> Result<Decision, Unfinished> {
        let call = tool_call(event, turn);
        let limit = Arc::new(TimeLimit::new(host));
        let run = RefCell::new(Run::new(facts, Arc::clone(&limit) as Arc<dyn Host>));
        let mut deciding = Deciding { engine: self, event, turn, call, limit: &limit, decision: Decision::default() };
        let reply = match call.and_then(|call| Some((call, self.tools.refuses(call)?))) {
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
}

/// One decision while it is being made.
struct Deciding<'a> {
    engine: &'a Engine,
    event: &'a Event,
    turn: Turn,
    call: Option<&'a ToolCall>,
    limit: &'a TimeLimit,
    decision: Decision,
}

/// Why a rule has no reply to give.
enum Trouble {
    Script(ScriptFault),
    Contract(Vec<reply::Fault>),
}

impl<'a> Deciding<'a> {
    /// Every rule whose conditions all hold acts; the first of them that can answer gives the reply.
    fn consider_rules(&mut self, facts: &'a Facts, run: &'a RefCell<Run>) -> Result<Reply, Unfinished> {
        let scope = Scope::new(self.event, self.call, facts, &[], run);
        let (mut reply, mut acting) = (None, Vec::new());
        for (id, rule, proved) in self.engine.rules.candidates(self.event, &scope) {
            // Once there is a reply, only those matter that act, or that end it.
            if reply.is_some() && rule.acts.is_empty() && !rule.stop {
                continue;
            }
            self.limit.set(rule.time_max);
            let scope = Scope::new(self.event, self.call, facts, &rule.lets, run);
            if !self.matches(id, rule, proved, &scope)? {
                continue;
            }
            if let (None, Some(answer)) = (&reply, &rule.answer) {
                self.decision.answered_by = Some(id);
                reply = Some(self.answer(id, rule, answer, &scope)?);
            }
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

    fn matches(&mut self, id: RuleId, rule: &Rule, proved: Proved, scope: &Scope<'_>) -> Result<bool, Unfinished> {
        if proved == Proved::All {
            self.decision.trace.0.push((id, Considered::Matched));
            return Ok(true);
        }
        let before = scope.state();
        let considered = match rule.test(proved, scope) {
            Ok(Verdict::Holds) => Considered::Matched,
            Ok(Verdict::Misses(leaf)) => Considered::Missed(leaf),
            Err(ScriptFault::Unfinished) => return Err(Unfinished { time_max: rule.time_max }),
            Err(fault) => {
                scope.restore(before);
                self.fault(id, rule, &Trouble::Script(fault));
                Considered::Failed
            }
        };
        self.decision.trace.0.push((id, considered));
        Ok(considered == Considered::Matched)
    }

    /// Carries out what the rules that matched do, now that it is known what was answered. One that fails leaves the others
    /// alone.
    fn act(&mut self, acting: Vec<(RuleId, &Rule, Scope<'a>)>, reply: &Reply) -> Result<(), Unfinished> {
        if acting.is_empty() {
            return Ok(());
        }
        let outcome = Rc::new(self.outcome(reply));
        for (id, rule, scope) in acting {
            let scope = scope.knowing(&outcome);
            self.limit.set(None);
            for act in &rule.acts {
                match self.carry_out(rule, act, &scope) {
                    Ok(()) => {}
                    Err(ActFault::Script(ScriptFault::Unfinished)) => return Err(Unfinished { time_max: None }),
                    Err(fault) => self.act_fault(id, act, &fault),
                }
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
        let place = self.engine.sources.place(act.span);
        let (place, message) = match fault {
            ActFault::Script(ScriptFault::Failed { message, at }) => (self.engine.sources.place(*at), message.clone()),
            ActFault::Script(ScriptFault::Thrown(text)) => (place, format!("the script threw: {text}")),
            ActFault::Script(ScriptFault::OutOfTime | ScriptFault::Unfinished) => {
                (place, "the action was not made in time".to_owned())
            }
            ActFault::Nowhere => (place, "the action has no URL: what should hold it is absent".to_owned()),
            ActFault::State(why) => (place, why.clone()),
        };
        let out_of_time = matches!(fault, ActFault::Script(ScriptFault::OutOfTime | ScriptFault::Unfinished));
        self.decision.faults.push(Fault {
            rule,
            place,
            message: format!("action `{}`: {message}", act.name),
            out_of_time,
        });
    }

    fn answer(&mut self, id: RuleId, rule: &Rule, answer: &Answer, scope: &Scope<'_>) -> Result<Reply, Unfinished> {
        let before = scope.state();
        let made = match answer {
            Answer::Respond(template) => template.render(scope),
            Answer::Run(handler) => scope.call(handler),
            Answer::Script(evaluation) => scope.evaluate(evaluation),
        };
        match made.map_err(Trouble::Script).and_then(|value| self.shape(value)) {
            Ok(reply) => Ok(reply),
            Err(Trouble::Script(ScriptFault::Unfinished)) => Err(Unfinished { time_max: rule.time_max }),
            Err(trouble) => {
                if let Trouble::Script(ScriptFault::Thrown(text)) = &trouble
                    && let Some(refusal) = self.refusal(text)
                {
                    return Ok(refusal);
                }
                // What failed must not be half done. A `throw` is an answer like any other.
                scope.begin_anew(before);
                self.fault(id, rule, &trouble);
                Ok(self.fall_back(id, rule, scope))
            }
        }
    }

    /// What a rule says when its answer failed; nobody waits for long any more, so scripts in it must be brief.
    fn fall_back(&mut self, id: RuleId, rule: &Rule, scope: &Scope<'_>) -> Reply {
        self.limit.grant_grace();
        let Some(fallback) = &rule.fallback else { return self.emptiest() };
        match fallback.render(scope).map_err(Trouble::Script).and_then(|value| self.shape(value)) {
            Ok(reply) => reply,
            Err(trouble) => {
                self.fault(id, rule, &trouble);
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

    fn fault(&mut self, rule_id: RuleId, rule: &Rule, trouble: &Trouble) {
        let (place, message) = trouble.explain(rule, &self.engine.sources);
        let out_of_time = matches!(trouble, Trouble::Script(ScriptFault::OutOfTime | ScriptFault::Unfinished));
        self.decision.faults.push(Fault { rule: rule_id, place, message, out_of_time });
    }
}

fn tool_call(event: &Event, turn: Turn) -> Option<&ToolCall> {
    match turn {
        Turn::Whole => None,
        Turn::ToolCall(index) => event.tool_calls().get(index),
    }
}

fn tool_reply(event: &Event, call: &ToolCall, answer: ToolAnswer) -> Reply {
    let result = ToolResult { id: Arc::clone(&call.id), name: Arc::clone(&call.name), answer };
    Reply::of_tools(event.kind().known().unwrap_or(Kind::ToolCalls), vec![result])
}

fn tool_error(event: &Event, call: &ToolCall, text: &str) -> Reply {
    tool_reply(event, call, Outcome::error(text).into())
}

impl Trouble {
    /// Where it happened, and what it was.
    fn explain(&self, rule: &Rule, sources: &Sources) -> (Place, String) {
        let here = rule.place.clone();
        match self {
            Trouble::Script(ScriptFault::Failed { message, at }) => (sources.place(*at), message.clone()),
            Trouble::Script(ScriptFault::Thrown(text)) => (here, format!("the script threw: {text}")),
            Trouble::Script(ScriptFault::OutOfTime | ScriptFault::Unfinished) => {
                (here, "the rule did not answer in time".to_owned())
            }
            Trouble::Contract(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                (here, format!("the reply breaks its contract: {}", faults.join("; ")))
            }
        }
    }
}
