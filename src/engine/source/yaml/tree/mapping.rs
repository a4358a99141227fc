//! One mapping while its entries come in: duplicates, and what `<<` merges into it.

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

/// Reports the keys that come twice and keeps the first of each.
fn unique(entries: Vec<(Key, Node)>, found: &mut Vec<Diagnostic>) -> Vec<(Key, Node)> {
    let mut seen: HashMap<String, Span> = HashMap::with_capacity(entries.len());
    let mut unique = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        if let Some(first) = seen.get(&key.text) {
            found.push(
                Diagnostic::error("duplicate-key", key.span, format!("the key `{}` comes twice", key.text))
                    .note(*first, "first used here")
                    .help("keep one of the two, or give one of them another name"),
            );
        } else {
            seen.insert(key.text.clone(), key.span);
            unique.push((key, node));
        }
    }
    unique
}
