//! Why a decision came out as it did: what each rule saw, as a by-product of the one decision.
//!
//! A [`Recorder`] is handed to the decision, which writes down what it comes by. With it, two things are done that are of no
//! consequence: rules that an index would rule out are looked at too, and after a condition that does not hold the plain
//! ones behind it are tried, so that it can be told how near a rule was.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::decision::Considered;
use super::json::Val;
use super::matcher::Leaf;
use super::question::{Fetched, Question};
use super::rule::RuleId;

/// What was seen on the way to a decision.
#[derive(Debug, Default)]
pub struct Explanation {
    /// The rules for events of this kind, in order, as far as they were looked at.
    pub rules: Vec<RuleSeen>,
    /// What the rule that answered made, before it became a reply.
    pub made: Option<Value>,
    /// What was asked, and what came of it.
    pub asked: Vec<(Question, Arc<Fetched>)>,
}

/// What one rule saw.
#[derive(Debug)]
pub struct RuleSeen {
    /// The rule.
    pub rule: RuleId,
    /// What became of it.
    pub outcome: Seen,
    /// Its conditions that were tried, in the order in which they were.
    pub conditions: Vec<ConditionSeen>,
    /// Values of its own that were looked at, by their numbers; of those that could not be had, why.
    pub bindings: Vec<(usize, Result<Value, String>)>,
    /// How long after the decision began it was its turn, where the host can tell.
    pub began: Option<Duration>,
    /// The same of when it was through.
    pub ended: Option<Duration>,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// All its conditions held.
    Matched,
    /// This condition did not hold, the first of them.
    Missed(Leaf),
    /// It could not be told whether they hold.
    Failed,
    /// It was not its turn any more: an earlier one had answered, and it does nothing else.
    Passed,
}

impl From<Considered> for Seen {
    fn from(considered: Considered) -> Seen {
        match considered {
            Considered::Matched => Seen::Matched,
            Considered::Missed(leaf) => Seen::Missed(leaf),
            Considered::Failed => Seen::Failed,
        }
    }
}

/// A condition that was tried.
#[derive(Debug, Clone)]
pub struct ConditionSeen {
    /// Its number in the rule.
    pub leaf: Leaf,
    /// Whether it held.
    pub holds: bool,
    /// The value that it looked at, if it looks at one.
    pub value: Option<Value>,
}

/// Writes down what a decision comes by.
#[derive(Debug, Default)]
pub struct Recorder {
    written: RefCell<Explanation>,
    /// Which of the rules is at hand.
    at_hand: Cell<usize>,
}

impl Recorder {
    /// What was written down.
    #[must_use]
    pub fn done(self) -> Explanation {
        self.written.into_inner()
    }

    /// It is the turn of `rule`.
    pub(super) fn begin(&self, rule: RuleId, outcome: Seen, at: Option<Duration>) {
        let (conditions, bindings) = (Vec::new(), Vec::new());
        let mut explanation = self.written.borrow_mut();
        self.at_hand.set(explanation.rules.len());
        explanation.rules.push(RuleSeen { rule, outcome, conditions, bindings, began: at, ended: at });
    }

    /// It is the turn of `rule` again: what it does comes when all have been considered.
    pub(super) fn resume(&self, rule: RuleId) {
        let place = self.written.borrow().rules.iter().position(|seen| seen.rule == rule);
        if let Some(place) = place {
            self.at_hand.set(place);
        }
    }

    /// The rule at hand came to this.
    pub(super) fn end(&self, outcome: Seen, at: Option<Duration>) {
        self.at_hand(|rule| (rule.outcome, rule.ended) = (outcome, at));
    }

    /// The rule at hand is through.
    pub(super) fn through(&self, at: Option<Duration>) {
        self.at_hand(|rule| rule.ended = at);
    }

    /// A condition of the rule at hand was tried.
    pub(super) fn condition(&self, leaf: Leaf, holds: bool, value: Option<&Val<'_>>) {
        let value = value.map(Val::to_value);
        self.at_hand(|rule| rule.conditions.push(ConditionSeen { leaf, holds, value }));
    }

    /// A value of a rule's own was looked at.
    pub(super) fn binding(&self, number: usize, value: Result<Value, String>) {
        self.at_hand(|rule| rule.bindings.push((number, value)));
    }

    /// Somebody has answered.
    pub(super) fn asked(&self, question: Question, fetched: &Arc<Fetched>) {
        let mut explanation = self.written.borrow_mut();
        if !explanation.asked.iter().any(|(asked, _)| *asked == question) {
            explanation.asked.push((question, Arc::clone(fetched)));
        }
    }

    /// The rule that answers made this.
    pub(super) fn made(&self, value: &Value) {
        self.written.borrow_mut().made = Some(value.clone());
    }

    /// Whether the rule at hand has tried this condition.
    pub(super) fn has_tried(&self, leaf: Leaf) -> bool {
        let explanation = self.written.borrow();
        explanation
            .rules
            .get(self.at_hand.get())
            .is_some_and(|rule| rule.conditions.iter().any(|tried| tried.leaf == leaf))
    }

    fn at_hand(&self, note: impl FnOnce(&mut RuleSeen)) {
        if let Some(rule) = self.written.borrow_mut().rules.get_mut(self.at_hand.get()) {
            note(rule);
        }
    }
}
