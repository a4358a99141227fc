//! Rules as they run: immutable, compiled, indexed by kind and by equal values.

mod index;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::act::Act;
use super::binding::{Binding, Needs};
use super::diagnostic::{Place, Span};
use super::event::Event;
use super::kind::{Kind, KindSet};
use super::matcher::{Condition, Leaf};
use super::path::Path;
use super::rows::Rows;
use super::scope::Scope;
use super::template::Template;
use super::term::{Evaluation, Handler, Lookup};

use index::Index;

/// A rule's number within its rule set, in the order in which rules are considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub u32);

/// One rule, ready to run.
#[derive(Debug)]
pub struct Rule {
    /// Its name, unique in its rule set.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The kinds of event that it is for.
    pub kinds: KindSet,
    /// All of these must hold. Those that look at answers of others come last.
    pub conditions: Vec<Condition>,
    /// Those of its conditions by which it can be found.
    pub equalities: Vec<Equality>,
    /// Where each of its conditions stands, by its leaf.
    pub leaves: Vec<Span>,
    /// Its own names, and those that reused actions are given; terms refer to them by number.
    pub bindings: Vec<Binding>,
    /// The names of the first of these, for people; others have none.
    pub names: Box<[String]>,
    /// How many of its conditions, from the first on, look at no answer of others.
    pub conditions_alone: usize,
    /// Which bindings it surely looks at.
    pub needs: Needs,
    /// How it makes a reply, if it does.
    pub answer: Option<Answer>,
    /// What it does besides, in order.
    pub acts: Vec<Act>,
    /// The reply when `answer` fails or takes too long.
    pub fallback: Option<Template>,
    /// How long `answer` may take; without it the event's own deadline holds.
    pub time_max: Option<Duration>,
    /// Whether it asks others something, or tells them; of scripts that may do so it is assumed.
    pub reaches_out: bool,
    /// Whether later rules are not considered once this one has matched.
    pub stop: bool,
}

/// How a rule makes its reply.
#[derive(Debug)]
pub enum Answer {
    /// A tree with placeholders.
    Respond(Template),
    /// A function of a script module.
    Run(Handler),
    /// Statements written in place.
    Script(Evaluation),
    /// The first row of a table that fits; its conditions say that there is one.
    Rows(Arc<Rows>),
}

/// A condition that holds just when the value at `path` is one of `texts`.
#[derive(Debug)]
pub struct Equality {
    /// Where the value lies, as its author wrote it: equal paths share an index.
    pub path: Path,
    /// How the value is found.
    pub lookup: Lookup,
    /// The texts.
    pub texts: Vec<String>,
    /// The condition; whoever found the rule by it need not test it again.
    pub leaf: Leaf,
}

/// The rules of one server, in order.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    by_kind: HashMap<Kind, Index>,
    unknown: Index,
}

impl RuleSet {
    /// Indexes `rules`, which are in the order in which they are to be considered.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> RuleSet {
        let wanted = rules.iter().fold(KindSet::EMPTY, |kinds, rule| kinds.union(rule.kinds));
        let by_kind = wanted.kinds().map(|kind| (kind, Index::new(&rules, kind.into()))).collect();
        let unknown = Index::new(&rules, KindSet::UNKNOWN);
        RuleSet { rules, by_kind, unknown }
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that number.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(id.0 as usize)
    }

    /// The rules for events of this kind, in order, whether they may match or not.
    pub fn for_kind(&self, event: &Event) -> impl Iterator<Item = (RuleId, &Rule)> {
        let kinds = event.kind().known().map_or(KindSet::UNKNOWN, KindSet::from);
        (0..).map(RuleId).zip(&self.rules).filter(move |(_, rule)| rule.kinds.overlaps(kinds))
    }

    /// The rules that may match this event, in order, each with its condition that surely holds, if there is one.
    pub fn candidates<'a>(
        &'a self,
        event: &Event,
        scope: &Scope<'_>,
    ) -> impl Iterator<Item = (RuleId, &'a Rule, Option<Leaf>)> {
        let index = match event.kind().known() {
            Some(kind) => self.by_kind.get(&kind),
            None => Some(&self.unknown),
        };
        let found = index.map(|index| index.candidates(scope)).unwrap_or_default();
        found.into_iter().filter_map(|(id, proved)| Some((id, self.rule(id)?, proved)))
    }
}
