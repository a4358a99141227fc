//! Finds the rules that may match by the values that they demand, so that ten thousand cost what ten do.

use compact_str::CompactString;
use foldhash::{HashMap, HashMapExt as _};
use smallvec::SmallVec;

use super::{Proved, Rule, RuleId};
use crate::engine::json::Val;
use crate::engine::kind::KindSet;
use crate::engine::matcher::Leaf;
use crate::engine::path::Path;
use crate::engine::scope::Scope;
use crate::engine::term::Lookup;

/// The rules of one kind.
#[derive(Debug, Default)]
pub(super) struct Index {
    groups: Vec<Group>,
    // Rules that demand no equal text, to be considered always.
    others: Vec<Candidate>,
}

/// Rules that demand a certain text at the same place.
#[derive(Debug)]
struct Group {
    // Whose `Equality` says how the value is found: lookups are not copied.
    lookup: Lookup,
    // Few demand the same text, most texts are short, and where there are many rules each look aside costs.
    rules: HashMap<CompactString, SmallVec<[Candidate; 2]>>,
}

/// A rule that may match, with what is known of its conditions.
pub(super) type Candidate = (RuleId, Proved);

impl Index {
    /// Indexes those of `rules` that are for one of `kinds`.
    pub(super) fn new(rules: &[Rule], kinds: KindSet) -> Index {
        let of_kind = || (0..).map(RuleId).zip(rules).filter(|(_, rule)| rule.kinds.overlaps(kinds));
        let mut popularity: HashMap<&Path, usize> = HashMap::new();
        for (_, rule) in of_kind() {
            for equality in &rule.equalities {
                *popularity.entry(&equality.path).or_default() += 1;
            }
        }
        let mut index = Index::default();
        let mut places: HashMap<&Path, usize> = HashMap::new();
        for (id, rule) in of_kind() {
            // The path that most rules share splits them best: for tool calls that is `tool.name`.
            let Some(best) = rule.equalities.iter().rev().max_by_key(|equality| popularity.get(&equality.path)) else {
                index.others.push((id, Proved::Nothing));
                continue;
            };
            let place = *places.entry(&best.path).or_insert_with(|| {
                index.groups.push(Group { lookup: best.lookup.clone(), rules: HashMap::new() });
                index.groups.len() - 1
            });
            if let Some(group) = index.groups.get_mut(place) {
                group.add((id, proved(rule, best.leaf)), &best.texts);
            }
        }
        index
    }

    /// The rules that may match, in order.
    pub(super) fn candidates(&self, scope: &Scope<'_>) -> SmallVec<[Candidate; 8]> {
        let mut candidates: SmallVec<[Candidate; 8]> = self.others.iter().copied().collect();
        for group in &self.groups {
            let value = scope.value(&group.lookup).ok();
            let text = value.as_ref().and_then(Val::as_str);
            if let Some(found) = text.and_then(|text| group.rules.get(&*text)) {
                candidates.extend(found.iter().copied());
            }
        }
        candidates.sort_unstable_by_key(|(id, _)| *id);
        candidates
    }
}

/// What is known of the conditions of a rule that was found by the one called `leaf`.
fn proved(rule: &Rule, leaf: Leaf) -> Proved {
    match &*rule.conditions {
        [only] if only.leaf == leaf => Proved::All,
        _ => Proved::One(leaf),
    }
}

impl Group {
    fn add(&mut self, rule: Candidate, texts: &[String]) {
        for text in texts {
            let rules = self.rules.entry(text.into()).or_default();
            // A list may name the same text twice.
            if rules.last() != Some(&rule) {
                rules.push(rule);
            }
        }
    }
}
