//! One mapping while its entries come in: duplicates, and what `<<` merges into it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::super::super::super::diagnostic::{Diagnostic, Span};
use super::super::{Key, Node, Yaml};

/// A mapping whose end has not come.
#[derive(Default)]
pub(super) struct Mapping {
    entries: Vec<(Key, Node)>,
    merged: Vec<Node>,
    pending: Pending,
}

/// What the next value belongs to.
#[derive(Default)]
enum Pending {
    /// No value: a key comes next.
    #[default]
    Nothing,
    Key(Key),
    Merge(Span),
    /// A key that was refused.
    Refused,
}

impl Mapping {
    pub(super) fn wants_key(&self) -> bool {
        matches!(self.pending, Pending::Nothing)
    }

    pub(super) fn key(&mut self, key: Key, merges: bool) {
        self.pending = if merges { Pending::Merge(key.span) } else { Pending::Key(key) };
    }

    /// Says that what came as a key cannot be one.
    pub(super) fn no_key(&mut self) {
        self.pending = Pending::Refused;
    }

    pub(super) fn value(&mut self, node: Node, found: &mut Vec<Diagnostic>) {
        match std::mem::take(&mut self.pending) {
            Pending::Key(key) => self.entries.push((key, node)),
            Pending::Merge(span) => self.merge(node, span, found),
            Pending::Nothing | Pending::Refused => {}
        }
    }

    fn merge(&mut self, node: Node, span: Span, found: &mut Vec<Diagnostic>) {
        let nodes = match node.value {
            Yaml::List(nodes) => nodes,
            _ => vec![node],
        };
        for node in nodes {
            if matches!(node.value, Yaml::Map(_)) {
                self.merged.push(node);
            } else {
                let message = format!("`<<` merges mappings, and this is {}", node.describe());
                found.push(
                    Diagnostic::error("yaml-merge", node.span, message)
                        .note(span, "merged here")
                        .help("name a mapping, such as `<<: *defaults`, or a list of them, `<<: [*defaults, *more]`"),
                );
            }
        }
    }

    /// The entries, each key once: what is written here wins over what is merged, and what is merged
    /// first over what is merged later.
    pub(super) fn finish(self, found: &mut Vec<Diagnostic>) -> Vec<(Key, Node)> {
        let mut entries = unique(self.entries, found);
        if self.merged.is_empty() {
            return entries;
        }
        let mut known: HashSet<String> = entries.iter().map(|(key, _)| key.text.clone()).collect();
        for node in self.merged {
            if let Yaml::Map(merged) = node.value {
                entries.extend(merged.into_iter().filter(|(key, _)| known.insert(key.text.clone())));
            }
        }
        entries
    }
}

/// Up to so many keys are compared with each other: that is quicker than to hash them, and most mappings are short.
const COMPARED_MAX: usize = 16;

/// Reports the keys that come twice and keeps the first of each.
fn unique(mut entries: Vec<(Key, Node)>, found: &mut Vec<Diagnostic>) -> Vec<(Key, Node)> {
    let first = firsts(&entries);
    let mut first = first.iter();
    entries.retain(|(key, _)| {
        let Some(Some(first)) = first.next() else { return true };
        found.push(
            Diagnostic::error("duplicate-key", key.span, format!("the key `{}` comes twice", key.text))
                .note(*first, "first used here")
                .help("keep one of the two, or give one of them another name"),
        );
        false
    });
    entries
}

/// For each entry, where its key was used before, if it was.
fn firsts(entries: &[(Key, Node)]) -> Vec<Option<Span>> {
    let keys = || entries.iter().map(|(key, _)| key);
    if entries.len() <= COMPARED_MAX {
        let earlier = |(at, key): (usize, &Key)| keys().take(at).find(|it| it.text == key.text).map(|it| it.span);
        return keys().enumerate().map(earlier).collect();
    }
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(entries.len());
    keys()
        .map(|key| match seen.entry(&key.text) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) => {
                place.insert(key.span);
                None
            }
        })
        .collect()
}
