//! The core: an event goes in, a [`Decision`] comes out. Pure and synchronous.
//!
//! [`source::compile`] makes an [`Engine`] of an author's files; [`Engine::decide`] is the one function
//! that the daemon and every tool call. Nothing in here names a socket, a file, the clock or chance:
//! what a decision may know of the world comes in as [`Facts`], how long it may take as a [`Host`].

pub mod action;
pub mod decision;
pub mod diagnostic;
pub mod event;
pub mod facts;
pub mod fields;
pub mod json;
pub mod kind;
pub mod matcher;
pub mod path;
pub mod phone;
pub mod reply;
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
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use smallvec::{SmallVec, smallvec};

use decision::{Considered, Decision, Fault, Unfinished};
use diagnostic::{Place, Sources};
use event::{Event, EventError, ToolCall, Wanted, WantedBuilder};
use facts::{Facts, Host};
use kind::{EventKind, Kind};
use matcher::Verdict;
use reply::{Outcome, Reply, ToolAnswer, ToolResult};
use rule::{Answer, Rule, RuleId, RuleSet};
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
                Some(tool_error(event, call, &why))
            }
            None => deciding.consider_rules(facts, &run)?,
        };
        let mut decision = deciding.finish(reply);
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
    fn consider_rules(&mut self, facts: &'a Facts, run: &'a RefCell<Run>) -> Result<Option<Reply>, Unfinished> {
        let scope = Scope::new(self.event, self.call, facts, &[], run);
        for (id, rule, proved) in self.engine.rules.candidates(self.event, &scope) {
            self.limit.set(rule.time_max);
            let scope = Scope::new(self.event, self.call, facts, &rule.lets, run);
            let before = run.borrow().state();
            let considered = match matcher::all(&rule.conditions, proved, &scope) {
                Ok(Verdict::Holds) => Considered::Matched,
                Ok(Verdict::Misses(leaf)) => Considered::Missed(leaf),
                Err(ScriptFault::Unfinished) => return Err(Unfinished { time_max: rule.time_max }),
                Err(fault) => {
                    run.borrow_mut().restore(before);
                    self.fault(id, rule, &Trouble::Script(fault));
                    Considered::Failed
                }
            };
            self.decision.trace.0.push((id, considered));
            if considered != Considered::Matched {
                continue;
            }
            if let Some(answer) = &rule.answer {
                self.decision.answered_by = Some(id);
                return self.answer(id, rule, answer, &scope).map(Some);
            }
            if rule.stop {
                break;
            }
        }
        Ok(None)
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

    fn finish(self, reply: Option<Reply>) -> Decision {
        let reply = reply.unwrap_or_else(|| self.unanswered());
        Decision { reply, ..self.decision }
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
    let result = ToolResult { id: call.id.to_string(), name: call.name.to_string(), answer };
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
