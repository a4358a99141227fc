//! Which rules, which conditions and which rows of decision tables the tests of a rule set reach.

use std::collections::HashSet;

use super::gaps;
use crate::engine::Engine;
use crate::engine::decision::Decision;
use crate::engine::diagnostic::Place;
use crate::engine::explanation::{Explanation, Seen};
use crate::engine::matcher::{Ask, Condition};
use crate::engine::rows::Row;
use crate::engine::rule::{Answer, Rule, RuleId};

/// What was reached.
#[derive(Debug, Default)]
pub struct Coverage {
    matched: HashSet<RuleId>,
    held: HashSet<(RuleId, u32)>,
    missed: HashSet<(RuleId, u32)>,
    rows: HashSet<(RuleId, usize)>,
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
    /// The share in percent, rounded down to a tenth; all of nothing is 100.
    #[must_use]
    pub fn percent(self) -> f64 {
        let tenths = (self.reached * 1000).checked_div(self.all).unwrap_or(1000);
        f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
    }

    /// This and another share together.
    #[must_use]
    pub fn and(self, other: Share) -> Share {
        Share { reached: self.reached + other.reached, all: self.all + other.all }
    }
}

/// Of a condition, whether it was seen to hold and not to, as far as either can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcomes {
    pub(super) leaf: u32,
    pub(super) held: bool,
    /// `None`: it cannot miss.
    pub(super) missed: Option<bool>,
}

impl Coverage {
    /// Notes what one decision reached.
    pub(super) fn note(&mut self, decision: &Decision, explanation: &Explanation) {
        for rule in &explanation.rules {
            if rule.outcome == Seen::Matched {
                self.matched.insert(rule.rule);
            }
            for condition in &rule.conditions {
                let outcomes = if condition.holds { &mut self.held } else { &mut self.missed };
                outcomes.insert((rule.rule, condition.leaf.0));
            }
        }
        self.rows.extend(decision.answered_by.zip(decision.row));
    }

    /// How many rules matched at least once.
    #[must_use]
    pub fn rules(&self, engine: &Engine) -> Share {
        Share { reached: self.matched.len(), all: engine.rules().rules().len() }
    }

    /// How many outcomes of conditions were seen; each condition has two, to hold and not to.
    #[must_use]
    pub fn conditions(&self, engine: &Engine) -> Share {
        let mut share = Share::default();
        for outcomes in all(engine).flat_map(|(id, rule)| self.outcomes(id, rule)) {
            share.all += 1 + usize::from(outcomes.missed.is_some());
            share.reached += usize::from(outcomes.held) + usize::from(outcomes.missed == Some(true));
        }
        share
    }

    /// How many rows of decision tables answered at least once.
    #[must_use]
    pub fn rows(&self, engine: &Engine) -> Share {
        let rows = all(engine).map(|(_, rule)| rows_of(rule).len()).sum();
        Share { reached: self.rows.len(), all: rows }
    }

    /// What was not reached, in the order of the rules.
    #[must_use]
    pub fn gaps(&self, engine: &Engine) -> Vec<Gap> {
        all(engine).flat_map(|(id, rule)| gaps::of_rule(self, id, rule, engine)).collect()
    }

    pub(super) fn matched(&self, id: RuleId) -> bool {
        self.matched.contains(&id)
    }

    pub(super) fn answered(&self, id: RuleId, row: &Row) -> bool {
        self.rows.contains(&(id, row.number))
    }

    /// What was seen of each condition of a rule.
    pub(super) fn outcomes(&self, id: RuleId, rule: &Rule) -> Vec<Outcomes> {
        let mut conditions = Vec::new();
        single(&rule.conditions, &mut conditions);
        rule.acts.iter().for_each(|act| single(&act.when, &mut conditions));
        conditions.sort_by_key(|condition| condition.leaf.0);
        let outcomes = conditions.into_iter().map(|condition| {
            let (leaf, always) = (condition.leaf.0, matches!(&condition.ask, Ask::Row(rows) if rows.always_fits()));
            let missed = (!always).then(|| self.missed.contains(&(id, leaf)));
            Outcomes { leaf, held: self.held.contains(&(id, leaf)), missed }
        });
        outcomes.collect()
    }
}

fn all(engine: &Engine) -> impl Iterator<Item = (RuleId, &Rule)> {
    (0..).map(RuleId).zip(engine.rules().rules())
}

/// The rows of the rule's decision table, if it answers with one.
pub(super) fn rows_of(rule: &Rule) -> &[Row] {
    match &rule.answer {
        Some(Answer::Rows(rows)) => rows.rows(),
        _ => &[],
    }
}

/// Those among `conditions` that say something of their own. What all of several comes to, and `any` or `not` of a
/// single one, was seen there.
fn single<'c>(conditions: &'c [Condition], into: &mut Vec<&'c Condition>) {
    for condition in conditions {
        match &condition.ask {
            Ask::All(inner) => single(inner, into),
            Ask::Any(inner) | Ask::Not(inner) => {
                single(inner, into);
                if inner.len() > 1 {
                    into.push(condition);
                }
            }
            _ => into.push(condition),
        }
    }
}
