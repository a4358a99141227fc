//! `vars`: fixed values that all files of a server share, known once the rules are loaded.

use indexmap::IndexMap;
use serde_json::Value;

use super::placeholder::{Piece, split};
use super::yaml::{Key, Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, FileId, Span};

/// The variables of all files.
#[derive(Default)]
pub(super) struct Vars<'a>(IndexMap<&'a str, Variable<'a>>);

struct Variable<'a> {
    named: Span,
    written: &'a Node,
    value: Value,
}

impl<'a> Vars<'a> {
    /// Gathers what the files say under `vars`.
    pub(super) fn of(files: &'a [(FileId, Node)], found: &mut Vec<Diagnostic>) -> Vars<'a> {
        let mut vars = Vars::default();
        for node in files.iter().filter_map(|(_, node)| node.get("vars")) {
            if !matches!(node.value, Yaml::Map(_) | Yaml::Null) {
                found.push(
                    Diagnostic::error(
                        "wrong-type",
                        node.span,
                        format!("`vars` is a mapping of names to values, not {}", node.describe()),
                    )
                    .help("write each on a line of its own: `front_desk: \"+15550100\"`"),
                );
            }
            for (key, written) in node.entries() {
                vars.add(key, written, found);
            }
        }
        vars
    }

    fn add(&mut self, key: &'a Key, written: &'a Node, found: &mut Vec<Diagnostic>) {
        no_placeholders(written, found);
        let variable = Variable { named: key.span, written, value: unescaped(written.to_json()) };
        if let Some(first) = self.0.insert(&key.text, variable) {
            found.push(
                Diagnostic::error("duplicate-name", key.span, format!("the variable `{}` is set twice", key.text))
                    .note(first.named, "the first time is here")
                    .help("all files of a server share their variables: remove one, or give it another name"),
            );
        }
    }

    /// The value of a variable.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|variable| &variable.value)
    }

    /// A variable as it was written.
    pub(super) fn written(&self, name: &str) -> Option<&'a Node> {
        self.0.get(name).map(|variable| variable.written)
    }

    /// The names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().copied()
    }
}

fn no_placeholders(node: &Node, found: &mut Vec<Diagnostic>) {
    match &node.value {
        Yaml::List(items) => items.iter().for_each(|item| no_placeholders(item, found)),
        Yaml::Map(entries) => {
            for (key, entry) in entries {
                no_placeholder(&key.text, key.span, found);
                no_placeholders(entry, found);
            }
        }
        Yaml::Text(text) => no_placeholder(&text.text, node.span, found),
        _ => {}
    }
}

fn no_placeholder(text: &str, span: Span, found: &mut Vec<Diagnostic>) {
    if plain(text).is_none() {
        found.push(
            Diagnostic::error("not-constant", span, "a variable is a fixed value, without `${…}`")
                .help("values that depend on the event go into the rule's `let`"),
        );
    }
}

/// `value`, in which `$${` stands for `${` as everywhere else.
fn unescaped(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(&text).unwrap_or(text)),
        Value::Array(items) => items.into_iter().map(unescaped).collect(),
        Value::Object(entries) => {
            entries.into_iter().map(|(key, entry)| (plain(&key).unwrap_or(key), unescaped(entry))).collect()
        }
        other => other,
    }
}

/// The text that `written` stands for, if it holds no placeholder.
pub(super) fn plain(written: &str) -> Option<String> {
    match split(written).ok()?.as_slice() {
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}
