//! How often each rule has matched, and when it last did.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

use crate::engine::rule::{RuleId, RuleSet};

/// What one rule has to show for itself.
#[derive(Debug, Default)]
pub struct Tally {
    count: AtomicU64,
    /// Milliseconds since 1970; 0 before the first.
    last_ms: AtomicI64,
}

impl Tally {
    /// How often the rule has matched since the daemon started.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// When it last matched, if it ever did.
    pub fn last(&self) -> Option<Timestamp> {
        let last = self.last_ms.load(Ordering::Relaxed);
        (last != 0).then(|| Timestamp::from_millisecond(last).ok()).flatten()
    }
}

/// The tallies of a rule set, by the rules' numbers.
#[derive(Debug, Default)]
pub struct Hits(Vec<Arc<Tally>>);

impl Hits {
    /// Tallies for `rules`. A rule that was there `before`, by its name, goes on counting.
    #[must_use]
    pub fn of(rules: &RuleSet, before: Option<(&RuleSet, &Hits)>) -> Hits {
        let known: HashMap<&str, &Arc<Tally>> = before
            .into_iter()
            .flat_map(|(rules, hits)| rules.rules().iter().map(|rule| &*rule.name).zip(&hits.0))
            .collect();
        let tally = |name: &str| known.get(name).map(|tally| Arc::clone(tally)).unwrap_or_default();
        Hits(rules.rules().iter().map(|rule| tally(&rule.name)).collect())
    }

    /// Notes that a rule has matched.
    pub fn note(&self, rule: RuleId, now: Timestamp) {
        if let Some(tally) = self.rule(rule) {
            tally.count.fetch_add(1, Ordering::Relaxed);
            tally.last_ms.store(now.as_millisecond(), Ordering::Relaxed);
        }
    }

    /// The tally of one rule.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> Option<&Tally> {
        self.0.get(rule.0 as usize).map(Arc::as_ref)
    }
}
