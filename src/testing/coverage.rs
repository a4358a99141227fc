//! Which rules and which conditions the tests of a rule set reach.

use std::collections::HashSet;

use crate::engine::Engine;
use crate::engine::diagnostic::Place;
use crate::engine::explanation::{Explanation, Seen};
use crate::engine::rule::{Rule, RuleId};
use crate::report::why::written;

/// What was reached.
#[derive(Debug, Default)]
pub struct Coverage {
    matched: HashSet<RuleId>,
    held: HashSet<(RuleId, u32)>,
    missed: HashSet<(RuleId, u32)>,
}

/// Something that no test has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where it stands.
    pub place: Place,
    /// What it is: `rule `regulars` never matched`.
    pub what: String,
}

/// How much was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// What was.
    pub reached: usize,
    /// What there is.
    pub all: usize,
}

impl Share {
    /// The share in percent, rounded down; all of nothing is 100.
    #[must_use]
    pub fn percent(self) -> usize {
        (self.reached * 100).checked_div(self.all).unwrap_or(100)
    }

    /// This and another share together.
    #[must_use]
    pub fn and(self, other: Share) -> Share {
        Share { reached: self.reached + other.reached, all: self.all + other.all }
    }
}

impl Coverage {
    /// Notes what one decision reached.
    pub(super) fn note(&mut self, explanation: &Explanation) {
        for rule in &explanation.rules {
            if rule.outcome == Seen::Matched {
                self.matched.insert(rule.rule);
            }
            for condition in &rule.conditions {
                let outcomes = if condition.holds { &mut self.held } else { &mut self.missed };
                outcomes.insert((rule.rule, condition.leaf.0));
            }
        }
    }

    /// How many rules matched at least once.
    #[must_use]
    pub fn rules(&self, engine: &Engine) -> Share {
        let rules = engine.rules().rules().len();
        Share { reached: self.matched.len(), all: rules }
    }

    /// How many outcomes of conditions were seen; each condition has two, to hold and not to.
    #[must_use]
    pub fn conditions(&self, engine: &Engine) -> Share {
        let all = engine.rules().rules().iter().map(|rule| rule.leaves.len() * 2).sum();
        Share { reached: self.held.len() + self.missed.len(), all }
    }

    /// What was not reached, in the order of the rules.
    #[must_use]
    pub fn gaps(&self, engine: &Engine) -> Vec<Gap> {
        let rules = (0..).map(RuleId).zip(engine.rules().rules());
        rules.flat_map(|(id, rule)| self.gaps_of(id, rule, engine)).collect()
    }

    fn gaps_of(&self, id: RuleId, rule: &Rule, engine: &Engine) -> Vec<Gap> {
        if !self.matched.contains(&id) {
            return vec![Gap { place: rule.place.clone(), what: format!("rule `{}` never matched", rule.name) }];
        }
        let mut gaps = Vec::new();
        for (leaf, span) in (0..).zip(&rule.leaves) {
            let (held, missed) = (self.held.contains(&(id, leaf)), self.missed.contains(&(id, leaf)));
            let what = match (held, missed) {
                (true, true) => continue,
                (true, false) => "never missed",
                (false, true) => "never held",
                (false, false) => "was never tried",
            };
            let written = written(engine, *span);
            gaps.push(Gap { place: engine.sources().place(*span), what: format!("`{written}` {what}") });
        }
        gaps
    }
}
