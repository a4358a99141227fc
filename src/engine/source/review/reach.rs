//! Finds the rules that are never reached, because an earlier one matches whenever they do.
//!
//! Whatever shadows a rule demands nothing of an event that the rule does not demand too. So a rule is kept under its
//! rarest demand, and a later one looks under its own demands alone: few pairs need a closer look, even among
//! thousands of rules that have their first conditions in common.

use foldhash::{HashMap, HashMapExt as _};

use super::super::rule::Draft;
use crate::engine::kind::KindSet;

/// Something that an event may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Trait<'a> {
    /// A condition holds for it, written so.
    Condition(&'a str),
    /// It is a call of this tool.
    Tool(&'a str),
    /// It is of this kind, which the contract does not know.
    Kind(&'a str),
}

/// What a rule demands: an event must have one of these traits.
type Demand<'a> = Vec<Trait<'a>>;

/// The rules that an earlier one shadows, each with the first that does.
pub(super) fn shadowed<'a>(rules: &[&'a Draft]) -> Vec<(&'a Draft, &'a Draft)> {
    let demands: Vec<Vec<Demand<'_>>> = rules.iter().map(|rule| rule.demands()).collect();
    let mut shelves = Shelves::new(&demands);
    let mut shadowed = Vec::new();
    for (index, (later, demands)) in rules.iter().zip(&demands).enumerate() {
        let earlier = shelves.candidates(demands).filter_map(|at| Some((at, *rules.get(at)?)));
        match earlier.filter(|(_, earlier)| shadows(earlier, later)).min_by_key(|(at, _)| *at) {
            // What it shadows, the earlier one does too.
            Some((_, earlier)) => shadowed.push((*later, earlier)),
            None if later.rule.answer.is_some() || later.rule.stop => shelves.keep(index, demands),
            None => {}
        }
    }
    shadowed
}

/// Whether `earlier` matches whenever `later` does.
fn shadows(earlier: &Draft, later: &Draft) -> bool {
    let covers = later.rule.kinds.minus(earlier.rule.kinds) == KindSet::EMPTY;
    covers
        && are_among(&later.tools, &earlier.tools)
        && are_among(&later.unknown, &earlier.unknown)
        && earlier.written.iter().all(|condition| later.written.contains(condition))
}

/// Whether `some` names are all among `others`; no names at all stand for every name.
fn are_among<T>(some: &[(String, T)], others: &[(String, T)]) -> bool {
    let known = |name: &str| others.iter().any(|(other, _)| other == name);
    others.is_empty() || (!some.is_empty() && some.iter().all(|(name, _)| known(name)))
}

impl Draft {
    fn demands(&self) -> Vec<Demand<'_>> {
        let conditions = self.written.iter().map(|condition| vec![Trait::Condition(condition)]);
        let tools = self.tools.iter().map(|(tool, _)| Trait::Tool(tool)).collect();
        let kinds = self.unknown.iter().map(|(kind, _)| Trait::Kind(kind)).collect();
        conditions.chain([tools, kinds]).filter(|demand: &Demand<'_>| !demand.is_empty()).collect()
    }
}

/// Rules, by their numbers, so that those that could shadow another are found.
struct Shelves<'a> {
    /// How many rules each trait would do for.
    rules_with: HashMap<Trait<'a>, usize>,
    /// Rules under each trait that would do for their rarest demand.
    under: HashMap<Trait<'a>, Vec<usize>>,
    /// Rules that demand nothing.
    undemanding: Vec<usize>,
}

impl<'a> Shelves<'a> {
    fn new(demands: &[Vec<Demand<'a>>]) -> Shelves<'a> {
        let mut rules_with = HashMap::new();
        for one in demands.iter().flatten().flatten() {
            *rules_with.entry(*one).or_default() += 1;
        }
        Shelves { rules_with, under: HashMap::new(), undemanding: Vec::new() }
    }

    fn keep(&mut self, rule: usize, demands: &[Demand<'a>]) {
        let count = |one: &Trait<'a>| self.rules_with.get(one).copied().unwrap_or_default();
        match demands.iter().min_by_key(|demand| demand.iter().map(count).sum::<usize>()) {
            Some(rarest) => rarest.iter().for_each(|one| self.under.entry(*one).or_default().push(rule)),
            None => self.undemanding.push(rule),
        }
    }

    /// Every kept rule that could shadow one with these demands: what does for a demand of the later rule does for
    /// one of the earlier rule's too, and so any of them leads there.
    fn candidates(&self, demands: &[Demand<'a>]) -> impl Iterator<Item = usize> {
        let kept = demands.iter().filter_map(|demand| self.under.get(demand.first()?));
        kept.chain([&self.undemanding]).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rules_need_a_closer_look() {
        let names: Vec<String> = (0..1000).map(|number| format!("tool{number}")).collect();
        let rare = |name| vec![vec![Trait::Condition("shared")], vec![Trait::Tool(name)], vec![Trait::Kind("shared")]];
        let demands: Vec<Vec<Demand<'_>>> = names.iter().map(|name| rare(name)).collect();
        let mut shelves = Shelves::new(&demands);
        let looks: usize = demands
            .iter()
            .enumerate()
            .map(|(rule, demands)| {
                let looks = shelves.candidates(demands).count();
                shelves.keep(rule, demands);
                looks
            })
            .sum();
        assert_eq!(looks, 0);
    }

    #[test]
    fn what_could_shadow_a_rule_is_found() {
        let (holds, also) = (|| vec![Trait::Condition("a")], || vec![Trait::Condition("b")]);
        let tools = |names: &[&'static str]| names.iter().map(|name| Trait::Tool(name)).collect::<Demand<'_>>();
        for (earlier, later, found) in [
            (vec![], vec![], true),
            (vec![], vec![holds()], true),
            (vec![holds()], vec![], false),
            (vec![holds()], vec![also(), holds()], true),
            (vec![holds()], vec![also()], false),
            (vec![tools(&["x", "y"])], vec![tools(&["y"])], true),
            (vec![tools(&["x", "y"])], vec![tools(&["y", "x"])], true),
            (vec![tools(&["x"])], vec![tools(&["y"])], false),
            (vec![tools(&["x", "y"]), holds()], vec![holds(), tools(&["y"])], true),
        ] {
            let mut shelves = Shelves::new(&[earlier.clone(), later.clone()]);
            shelves.keep(0, &earlier);
            assert_eq!(shelves.candidates(&later).count() > 0, found, "{earlier:?} {later:?}");
        }
    }
}
