//! What was decided about an event, and why.

use std::time::Duration;

use smallvec::SmallVec;

use super::action::Action;
use super::diagnostic::Place;
use super::facts::State;
use super::matcher::Leaf;
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
    /// Whether the model was told to mend the arguments of its tool call, so that no rule was asked.
    pub refused_arguments: bool,
    /// What went wrong on the way; the reply is valid all the same.
    pub faults: Vec<Fault>,
    /// What scripts wanted logged.
    pub logs: Vec<LogLine>,
    /// The state of the call as scripts have left it; `None` if they changed nothing.
    pub state: Option<State>,
    /// Which rules were considered, and what became of them.
    pub trace: Trace,
}

/// The decision needs longer than its host allows here. Nothing has happened; it can be made again
/// where it holds up nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// How long the rule that was at work may take, counted from when the decision began.
    pub time_max: Option<Duration>,
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
    /// Whether the time was over, rather than the rule wrong.
    pub out_of_time: bool,
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
