//! Rules as they run: immutable, compiled, indexed by kind and by equal values.

mod index;

use std::mem::offset_of;
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
///
/// What each decision looks at stands first and side by side: among ten thousand rules none of it is in the processor's
/// cache, which fetches 64 bytes at a time, and often the next 64 with them.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Rule {
    /// How it makes a reply, if it does.
    pub answer: Option<Answer>,
    /// Its own names, and those that reused actions are given; terms refer to them by number.
    pub bindings: Box<[Binding]>,
    /// All of these must hold. Those that look at answers of others come last.
    pub conditions: Box<[Condition]>,
    /// How many of its conditions, from the first on, look at no answer of others.
    pub conditions_alone: usize,
    /// Which bindings it surely looks at.
    pub needs: Needs,
    /// What it does besides, in order.
    pub acts: Box<[Act]>,
    /// How long `answer` may take; without it the event's own deadline holds.
    pub time_max: Option<Duration>,
    /// Whether later rules are not considered once this one has matched.
    pub stop: bool,
    /// What deciding by it may involve.
    pub involves: Involves,
    /// The kinds of event that it is for.
    pub kinds: KindSet,
    /// Its name, unique in its rule set.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// Those of its conditions by which it can be found.
    pub equalities: Box<[Equality]>,
    /// Where each of its conditions stands, by its leaf.
    pub leaves: Box<[Span]>,
    /// The names of the first of its bindings, for people; others have none.
    pub names: Box<[Arc<str>]>,
    /// The reply when `answer` fails or takes too long.
    pub fallback: Option<Template>,
}

/// What deciding by a rule may involve; of scripts that may do something it is assumed that they do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Involves {
    /// Whether others are asked something, or told.
    pub others: bool,
    /// Whether it may have to wait: for what others answer, or for a thread that runs its scripts.
    pub waiting: bool,
    /// Whether its actions look at what was answered.
    pub reply: bool,
}

const _: () = assert!(offset_of!(Rule, name) <= 128, "each decision looks at more than 128 bytes of a rule");
const _: () = assert!(size_of::<Rule>() <= 256, "what only some decisions look at takes more than 128 bytes");

/// What is known of a rule's conditions by the way that it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// Nothing.
    Nothing,
    /// This one holds.
    One(Leaf),
    /// All of them hold.
    All,
}

/// How a rule makes its reply.
#[derive(Debug)]
pub enum Answer {
    /// A tree with placeholders.
    Respond(Template),
    /// A function of a script module.
    Run(Box<Handler>),
    /// Statements written in place.
    Script(Box<Evaluation>),
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
    // In the order of `Kind::ALL`.
    by_kind: Vec<Index>,
    unknown: Index,
}

impl RuleSet {
    /// Indexes `rules`, which are in the order in which they are to be considered.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> RuleSet {
        let wanted = rules.iter().fold(KindSet::EMPTY, |kinds, rule| kinds.union(rule.kinds));
        let index = |kind| if wanted.overlaps(kind) { Index::new(&rules, kind) } else { Index::default() };
        let by_kind = Kind::ALL.iter().map(|kind| index((*kind).into())).collect();
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
        let kinds = KindSet::from(event.kind());
        (0..).map(RuleId).zip(&self.rules).filter(move |(_, rule)| rule.kinds.overlaps(kinds))
    }

    /// The rules that may match this event, in order, each with what is known of its conditions.
    pub fn candidates<'a>(
        &'a self,
        event: &Event,
        scope: &Scope<'_>,
    ) -> impl Iterator<Item = (RuleId, &'a Rule, Proved)> {
        let index = match event.kind().known() {
            Some(kind) => self.by_kind.get(kind as usize),
            None => Some(&self.unknown),
        };
        let found = index.map(|index| index.candidates(scope)).unwrap_or_default();
        found.into_iter().filter_map(|(id, proved)| Some((id, self.rule(id)?, proved)))
    }
}
