//! What was decided about an event, and why.

use std::time::Duration;

use smallvec::SmallVec;

use super::action::Action;
use super::diagnostic::Place;
use super::facts::{Part, State};
use super::matcher::Leaf;
use super::question::Question;
use super::reply::Reply;
use super::rule::RuleId;
use super::script::LogLine;

/// The engine's whole answer to one event, or to one tool call of it.
#[derive(Debug, Default)]
pub struct Decision {
    /// What Vapi is told.
    pub reply: Reply,
    /// What is to be done for the rest of the world, in order.
    pub actions: Vec<Action>,
    /// The rule that gave the reply; `None` if no rule did.
    pub answered_by: Option<RuleId>,
    /// The row of that rule's table that fits, if it has one, as spreadsheets count.
    pub row: Option<usize>,
    /// Whether the model was told to mend the arguments of its tool call, so that no rule was asked.
    pub refused_arguments: bool,
    /// What went wrong on the way; the reply is valid all the same.
    pub faults: Vec<Fault>,
    /// What scripts wanted logged.
    pub logs: Vec<LogLine>,
    /// The state of the call as scripts have left it; `None` if they changed nothing.
    pub state: Option<State>,
    /// What need not be found out or carried out when the event is decided again; noted down only where it may be.
    pub done: Vec<Part>,
    /// Which rules were considered, and what became of them.
    pub trace: Trace,
}

/// The decision cannot be made as things stand. Nothing has happened; once there is what it needs, it can be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// What it needs.
    pub needs: Needs,
    /// How long the rule that was at work may take, counted from when the decision began.
    pub time_max: Option<Duration>,
}

/// What a decision needs that is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// More operations than its host allows here: it is to be made where it holds up nobody.
    Operations,
    /// Answers to these questions, as facts.
    Answers(Vec<Question>),
}

/// Something that went wrong in a rule while it was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The rule.
    pub rule: RuleId,
    /// Where in the author's files.
    pub place: Place,
    /// What went wrong.
    pub message: String,
    /// Whether it may pass, since somebody else did not answer, or not in time: decided again, the rule may do better.
    pub is_passing: bool,
}

/// Which rules were considered, in order, and what became of them. Rules that an index has ruled out do
/// not appear.
#[derive(Debug, Default)]
pub struct Trace(pub SmallVec<[(RuleId, Considered); 4]>);

/// What became of a rule that was considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Considered {
    /// All its conditions held.
    Matched,
    /// This condition did not hold.
    Missed(Leaf),
    /// A script in its conditions failed, which counts as not matching.
    Failed,
}
