//! The core: an event goes in, a [`Decision`] comes out. Pure and synchronous.
//!
//! [`source::compile`] makes an [`Engine`] of an author's files; [`Engine::decide`] is the one function
//! that the daemon and every tool call. Nothing in here names a socket, a file, the clock or chance:
//! what a decision may know of the world comes in as [`Facts`], how long it may take as a [`Host`].

pub mod act;
pub mod action;
pub mod binding;
mod control;
pub mod decision;
pub mod diagnostic;
pub mod event;
pub mod explanation;
pub mod facts;
pub mod fields;
pub mod json;
pub mod kind;
pub mod matcher;
pub mod outgoing;
pub mod path;
pub mod phone;
pub mod question;
pub mod reply;
pub mod request;
pub mod rows;
pub mod rule;
pub mod schema;
pub mod scope;
pub mod script;
pub mod share;
pub mod source;
pub mod table;
pub mod template;
pub mod term;
pub mod tools;
pub mod url;
pub mod window;

mod deciding;
mod time_limit;

use std::sync::Arc;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use decision::{Decision, Unfinished};
use diagnostic::Sources;
use event::{Event, EventError, Slot, ToolCall, Wanted, WantedBuilder};
use explanation::{Explanation, Recorder};
use facts::{Facts, Host};
use kind::{EventKind, Kind, KindSet};
use reply::{Outcome, Reply, ToolAnswer, ToolResult};
use rule::RuleSet;
use source::Options;
use tools::Tools;

/// A rule set, ready to decide. Immutable: a changed rule set is another engine.
#[derive(Debug)]
pub struct Engine {
    rules: RuleSet,
    wanted: Wanted,
    tools: Tools,
    no_assistant: String,
    wants_headers: bool,
    /// The kinds for which rules ask others, or tell them something.
    reaching_out: KindSet,
    /// The kinds for which rules may have to wait: for others, or for a thread.
    waiting: KindSet,
    /// The kinds whose events make superfluous what rules want done.
    calling_off: KindSet,
    /// Where an event says how to reach its call, if scripts want to know.
    control_url: Option<Slot>,
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
            reaching_out: KindSet::EMPTY,
            waiting: KindSet::EMPTY,
            calling_off: KindSet::EMPTY,
            control_url: None,
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

    /// Whether any rule for this kind asks others something, or tells them.
    #[must_use]
    pub fn reaches_out(&self, kind: &EventKind) -> bool {
        self.reaching_out.overlaps(KindSet::from(kind))
    }

    /// Whether an event of this kind may be decided once it has been acknowledged: nobody waits for the reply, and what rules
    /// ask of others or tell them has to wait for somebody.
    #[must_use]
    pub fn may_put_off(&self, kind: &EventKind) -> bool {
        !kind.expects_reply() && self.reaches_out(kind) && self.waiting.overlaps(KindSet::from(kind))
    }

    /// Whether an event of this kind makes anything superfluous that a rule may want done.
    #[must_use]
    pub fn calls_off(&self, kind: &EventKind) -> bool {
        kind.known().is_some_and(|kind| self.calling_off.overlaps(KindSet::from(kind)))
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The tools that they declare.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// The files that they were made of.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
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
    /// [`Unfinished`] when scripts need more operations than the host allows, or answers that are not among the facts.
    pub fn decide(
        &self,
        event: &Event,
        turn: Turn,
        facts: &Facts,
        host: Arc<dyn Host>,
    ) -> Result<Decision, Unfinished> {
        deciding::decide(self, event, turn, facts, host, None)
    }

    /// The same decision, with what each rule saw on the way to it.
    ///
    /// # Errors
    /// As for [`decide`](Engine::decide).
    pub fn explain(
        &self,
        event: &Event,
        turn: Turn,
        facts: &Facts,
        host: Arc<dyn Host>,
    ) -> Result<(Decision, Explanation), Unfinished> {
        let recorder = Recorder::default();
        let decision = deciding::decide(self, event, turn, facts, host, Some(&recorder))?;
        Ok((decision, recorder.done()))
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
