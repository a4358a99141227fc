//! What a test expects of a rule's `do`, written as the rule writes it.

use serde_json::Value;

use super::compare::{Difference, compare, shown};
use super::words::{Act, shown_act, spelt_out};
use super::world::{header_fields, object};
use crate::engine::decision::Decision;
use crate::engine::diagnostic::Diagnostic;
use crate::engine::source::read::duration;
use crate::engine::source::yaml::{Key, Node, Yaml};
use crate::engine::source::{VERBS, words};

/// What an action says besides what it does.
const ABOUT: &[&str] =
    &["name", "headers", "json", "form", "body", "after", "timeout", "retry", "order", "unless_by", "sign"];

/// What is expected of `do`, each with its place there.
#[derive(Debug, Default)]
pub(super) struct Acts {
    /// All actions that leave the house, in order, each by a part of it.
    actions: Vec<(String, Value)>,
    /// Some of the lines that are logged, in order.
    logs: Vec<(String, Value)>,
    /// Some of the values that are kept.
    sets: Vec<(String, Value)>,
}

impl Acts {
    pub(super) fn read(nodes: &[Node], found: &mut Vec<Diagnostic>) -> Acts {
        let mut acts = Acts::default();
        for (number, node) in nodes.iter().enumerate() {
            acts.add(format!("do[{number}]"), node, found);
        }
        acts
    }

    fn add(&mut self, at: String, node: &Node, found: &mut Vec<Diagnostic>) {
        let Yaml::Map(entries) = &node.value else {
            let message = format!("an action is a mapping, not {}", node.describe());
            let help = "write it as the rule does: `- post: https://…`, `- say: …` or `- log: …`";
            found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
            return;
        };
        found.extend(entries.iter().filter_map(|(key, _)| unknown(key)));
        let mut verbs = entries.iter().filter(|(key, _)| VERBS.contains(&key.text.as_str()));
        if let (Some((first, _)), Some((other, _))) = (verbs.next(), verbs.next()) {
            let message = format!("an action does one thing, not `{}` and `{}`", first.text, other.text);
            let wrong = Diagnostic::error("two-actions", other.span, message);
            found.push(wrong.note(first.span, "the other one is here").help("give each a dash of its own"));
        }
        match (node.get("log"), node.get("set")) {
            (Some(log), _) => self.logs.push((at + ".log", as_text(log.to_json()))),
            (None, Some(set)) => self.sets.push((at + ".set", object("set", set, found).into())),
            (None, None) => {
                let fields = entries.iter().map(|(key, node)| (key.text.clone(), expected(&key.text, node, found)));
                self.actions.push((at, Value::Object(fields.collect())));
            }
        }
    }

    /// What did not come true, where `state` is what the call's state is afterwards.
    pub(super) fn held_against(&self, decision: &Decision, state: &Value) -> Vec<Difference> {
        let actual: Vec<Act> = decision.actions.iter().map(Act::of).collect();
        let mut differences = if self.actions.len() == actual.len() {
            let pairs = self.actions.iter().zip(&actual);
            pairs.flat_map(|((at, expected), actual)| one(at, expected, actual)).collect()
        } else {
            let expected: Vec<String> = self.actions.iter().map(|(_, act)| shown_act(act.clone())).collect();
            let actual: Vec<String> = actual.into_iter().map(|act| act.shown).collect();
            vec![Difference::new("do", list(&expected), list(&actual))]
        };
        differences.extend(self.logged(decision));
        differences.extend(self.sets.iter().flat_map(|(at, set)| compare(at, set, state, false)));
        differences
    }

    /// The first line that is not logged behind those before it.
    fn logged(&self, decision: &Decision) -> Option<Difference> {
        let mut lines = decision.logs.iter();
        let (at, missing) =
            self.logs.iter().find(|(_, line)| !lines.any(|logged| line.as_str() == Some(&logged.text)))?;
        let logged = decision.logs.iter().map(|line| Value::from(line.text.as_str()).to_string());
        let logged = logged.reduce(|all, line| all + ", " + &line);
        Some(Difference::new(at, shown(missing), logged.unwrap_or_else(|| "none".to_owned())))
    }
}

/// What differs of one action. Its name may be said without that of its rule.
fn one(path: &str, expected: &Value, actual: &Act) -> Vec<Difference> {
    let mut expected = expected.clone();
    if let (Some(name), Some(whole)) = (expected.get_mut("name"), actual.whole.get("name"))
        && let (Some(own), Some(full)) = (name.as_str(), whole.as_str())
        && full.strip_suffix(own).is_some_and(|rule| rule.ends_with('/'))
    {
        *name = whole.clone();
    }
    let verb = expected.as_object().and_then(|it| it.keys().find(|key| VERBS.contains(&key.as_str())));
    match verb {
        // Another action altogether is shown as one.
        Some(verb) if actual.whole.get(verb).is_none() => {
            vec![Difference::new(path, shown_act(expected), actual.shown.clone())]
        }
        _ => compare(path, &expected, &actual.whole, false),
    }
}

/// How many there are, and which; several on lines of their own.
fn list(acts: &[String]) -> String {
    match acts {
        [] => "none".to_owned(),
        [only] => format!("1: {only}"),
        acts => format!("{}:\n    {}", acts.len(), acts.join("\n    ")),
    }
}

/// What is expected of one field, in the form in which it is compared.
fn expected(key: &str, node: &Node, found: &mut Vec<Diagnostic>) -> Value {
    let value = match key {
        "after" | "timeout" => time(node, found),
        "unless_by" | "retry" => mapped(node, |key, inner| match key {
            "within" => time(inner, found),
            _ => inner.to_json(),
        }),
        "form" => mapped(node, |_, inner| as_text(inner.to_json())),
        "name" | "body" => as_text(node.to_json()),
        "vapi" => mapped(node, |key, inner| match inner.as_str().filter(|_| key == "method") {
            Some(method) => method.to_ascii_lowercase().into(),
            None => inner.to_json(),
        }),
        "headers" => header_fields(node, found).into_iter().map(|(name, value)| (name, as_text(value))).collect(),
        _ => node.to_json(),
    };
    spelt_out(key, value)
}

/// A number where a text goes out is one.
fn as_text(value: Value) -> Value {
    match value {
        Value::Number(_) | Value::Bool(_) => value.to_string().into(),
        value => value,
    }
}

fn mapped(node: &Node, mut each: impl FnMut(&str, &Node) -> Value) -> Value {
    match &node.value {
        Yaml::Map(entries) => entries.iter().map(|(key, inner)| (key.text.clone(), each(&key.text, inner))).collect(),
        _ => node.to_json(),
    }
}

/// A time as it is compared: `60s` is `1m`.
fn time(node: &Node, found: &mut Vec<Diagnostic>) -> Value {
    let time = node.as_str().and_then(duration);
    if time.is_none() {
        let message = format!("expected a duration, found {}", node.describe());
        let help = "write numbers with `ms`, `s`, `m`, `h` or `d`: `4s`, `1500ms`, `1h30m`";
        found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
    }
    time.map(words).into()
}

fn unknown(key: &Key) -> Option<Diagnostic> {
    const DONE: &str = "an action that was done has no";
    let known = || VERBS.iter().chain(ABOUT).copied();
    if known().any(|known| known == key.text) {
        return None;
    }
    let wrong = |what: &str| Diagnostic::error("unknown-field", key.span, format!("{what} `{}`", key.text));
    Some(match key.text.as_str() {
        "use" | "with" => wrong(DONE).help("write what it comes to, as below `actions`: `- post: https://…`"),
        "when" => wrong(DONE).help("leave it out: an action whose conditions do not hold is not done"),
        _ => {
            let all = format!("it can have `{}`", known().collect::<Vec<_>>().join("`, `"));
            wrong("an action has no field").suggest_or(&key.text, known(), all)
        }
    })
}
