//! What a test changes in a message before it is decided: values that are put into it, and some that are taken out.

use serde_json::{Map, Value, json};

use super::tool_call::{self, Part};
use super::world::object;
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::kind::Kind;
use crate::engine::path::{Path, Segment};
use crate::engine::source::read::Spanned;
use crate::engine::source::unknown_field;
use crate::engine::source::yaml::Node;

/// A change of a message: of its own fields (`customer.number`), and of a tool call `tool` and `args`.
#[derive(Debug)]
pub(super) struct Change {
    path: Path,
    span: Span,
    /// What comes there; `None`: it is taken away.
    to: Option<Value>,
}

impl Change {
    /// Each entry of `set`.
    pub(super) fn puts(set: &Node, found: &mut Vec<Diagnostic>) -> Vec<Change> {
        object("set", set, found);
        let put = |(path, span), value: &Node| Change { path, span, to: Some(value.to_json()) };
        let entries = set.entries().iter();
        entries.filter_map(|(key, value)| Some(put(parsed(&key.text, key.span, found)?, value))).collect()
    }

    /// Each of the paths below `unset`.
    pub(super) fn takes(unset: &[Spanned<String>], found: &mut Vec<Diagnostic>) -> Vec<Change> {
        let paths = unset.iter().filter_map(|written| parsed(&written.value, written.span, found));
        paths.map(|(path, span)| Change { path, span, to: None }).collect()
    }

    /// What is wrong with it in a message of this kind; nothing is where nobody knows the kind.
    pub(super) fn misfit(&self, kind: Option<Kind>) -> Option<Diagnostic> {
        let kind = kind?;
        let wrong = |slug, message: String, help: &str| Some(Diagnostic::error(slug, self.span, message).help(help));
        match (self.path.root(), self.path.rest()) {
            ("args", _) | ("tool", []) if kind.asks_for_tools() => None,
            ("tool", [Segment::Key(key)]) if kind.asks_for_tools() && matches!(&**key, "name" | "id") => None,
            ("tool", _) if kind.asks_for_tools() => wrong(
                "unknown-path",
                format!("a tool call has no `{}`", self.path),
                "there are `tool.name` and `tool.id`",
            ),
            (root @ ("args" | "tool"), _) => {
                let message = format!("`{root}` exists only for tool calls, and this is `{}`", kind.name());
                wrong("unknown-name", message, "write `event: tool-calls`, or leave it out")
            }
            (root, _) => match beside(root).filter(|_| unknown_field(kind, &self.path, self.span).is_some()) {
                Some(help) => wrong("unknown-name", format!("`{root}` is no part of the message"), help),
                None => unknown_field(kind, &self.path, self.span),
            },
        }
    }

    /// Makes the change.
    pub(super) fn apply(&self, message: &mut Value) {
        let path = if self.path.root() == "event" { self.path.rest() } else { self.path.segments() };
        let part = match path {
            [Segment::Key(root), ..] if &**root == "args" => Some((Part::Arguments, 1)),
            [Segment::Key(root), Segment::Key(id)] if &**root == "tool" && &**id == "id" => Some((Part::Id, 2)),
            [Segment::Key(root), ..] if &**root == "tool" => Some((Part::Name, 2)),
            _ => None,
        };
        let of_call = part.and_then(|(part, deep)| Some((tool_call::part(message, part)?, path.get(deep..))));
        match of_call {
            Some((into, rest)) => change(into, rest.unwrap_or_default(), self.to.clone()),
            None => change(message, path, self.to.clone()),
        }
    }
}

fn parsed(written: &str, span: Span, found: &mut Vec<Diagnostic>) -> Option<(Path, Span)> {
    let path = Path::parse(written);
    if path.is_none() {
        let wrong = Diagnostic::error("bad-path", span, format!("`{written}` is not the name of a value"));
        found.push(wrong.help("write for example `customer.number`"));
    }
    Some((path?, span))
}

/// Where to say what rules know by this name, if it is no part of the message.
fn beside(root: &str) -> Option<&'static str> {
    Some(match root {
        "state" => "write `state: { … }` beside `set`",
        "headers" => "write `headers: { … }` beside `set`",
        "now" => "write `at: 2026-11-23T18:30:00-05:00` beside `set`",
        "vars" => "it is what the rule files say below `vars`; a test does not change it",
        "secrets" => "no test needs the value of a secret: expect `${secrets.name}` where it is sent",
        _ => return None,
    })
}

fn change(into: &mut Value, path: &[Segment], to: Option<Value>) {
    match to {
        Some(value) => put(into, path, value),
        None => take(into, path),
    }
}
/// Puts `value` where `path` leads to; what is missing on the way is made.
fn put(into: &mut Value, path: &[Segment], value: Value) {
    let Some((segment, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    match segment {
        Segment::Key(key) => {
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            if let Some(object) = into.as_object_mut() {
                put(object.entry(&**key).or_insert(Value::Null), rest, value);
            }
        }
        Segment::Index(index) => {
            if !into.is_array() {
                *into = json!([]);
            }
            if let Some(items) = into.as_array_mut()
                && let Some(at) = place(*index, items.len())
            {
                if items.len() <= at {
                    items.resize(at + 1, Value::Null);
                }
                if let Some(item) = items.get_mut(at) {
                    put(item, rest, value);
                }
            }
        }
    }
}

/// Items that a test may add to a list.
const ITEMS_MAX: usize = 1000;

fn place(index: i64, len: usize) -> Option<usize> {
    let far = usize::try_from(index.unsigned_abs()).ok()?;
    let at = if index < 0 { len.checked_sub(far)? } else { far };
    (at < ITEMS_MAX).then_some(at)
}

fn take(from: &mut Value, path: &[Segment]) {
    match path {
        [] => *from = Value::Null,
        [Segment::Key(key)] => drop(from.as_object_mut().and_then(|object| object.shift_remove(&**key))),
        [Segment::Key(key), rest @ ..] => {
            if let Some(inner) = from.get_mut(&**key) {
                take(inner, rest);
            }
        }
        [Segment::Index(index), rest @ ..] => {
            let Some(items) = from.as_array_mut() else { return };
            let Some(at) = place(*index, items.len()).filter(|at| *at < items.len()) else { return };
            match (rest, items.get_mut(at)) {
                ([], _) => drop(items.remove(at)),
                (rest, Some(item)) => take(item, rest),
                _ => {}
            }
        }
    }
}
