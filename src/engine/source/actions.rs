//! Reads a rule's `do`: what it does besides answering.

mod control;
mod patience;
mod request;
mod reuse;

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

pub(super) use self::reuse::Reusable;
use super::Workshop;
use super::names::{Names, Stage};
use super::outgoing::BodySource;
use super::read::{Field, Spanned, read};
use super::when::Conditions;
use super::yaml::{Node, Yaml};
use crate::engine::act::{Act, Does};
use crate::engine::binding::Binding;
use crate::engine::diagnostic::{Diagnostic, Span, closest};
use crate::engine::matcher::Condition;

/// What an action can do, as it is written. An action has one of these.
pub const VERBS: &[&str] = &[
    "post",
    "put",
    "patch",
    "get",
    "delete",
    "say",
    "add_message",
    "mute",
    "unmute",
    "say_first_message",
    "transfer",
    "handoff",
    "end_call",
    "send_transport_message",
    "vapi",
    "set",
    "log",
];

/// An action exactly as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(rename = "an action")]
struct ActionSource {
    post: Option<Node>,
    put: Option<Node>,
    patch: Option<Node>,
    get: Option<Node>,
    delete: Option<Node>,
    say: Option<Node>,
    add_message: Option<Node>,
    mute: Option<Node>,
    unmute: Option<Node>,
    say_first_message: Option<Node>,
    transfer: Option<Node>,
    handoff: Option<Node>,
    end_call: Option<Node>,
    send_transport_message: Option<Node>,
    vapi: Option<Node>,
    set: Option<Node>,
    log: Option<Node>,
    #[serde(rename = "use")]
    reused: Option<Node>,
    with: Option<Node>,
    name: Option<Field<Spanned<String>>>,
    when: Option<Node>,
    after: Option<Field<Spanned<Duration>>>,
    unless_by: Option<Field<UnlessBySource>>,
    headers: Option<Node>,
    json: Option<Node>,
    form: Option<Node>,
    body: Option<Node>,
    timeout: Option<Field<Spanned<Duration>>>,
    retry: Option<Field<RetrySource>>,
    order: Option<Field<Spanned<String>>>,
    sign: Option<Field<SignSource>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "`unless_by`")]
struct UnlessBySource {
    kind: Field<Spanned<String>>,
    within: Field<Spanned<Duration>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "`retry`")]
struct RetrySource {
    attempts: Option<Field<Spanned<u32>>>,
    within: Option<Field<Spanned<Duration>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "`sign`")]
struct SignSource {
    key: Node,
}

impl ActionSource {
    /// What it says that it does.
    fn verbs(&self) -> Vec<(&'static str, &Node)> {
        let nodes = [
            &self.post,
            &self.put,
            &self.patch,
            &self.get,
            &self.delete,
            &self.say,
            &self.add_message,
            &self.mute,
            &self.unmute,
            &self.say_first_message,
            &self.transfer,
            &self.handoff,
            &self.end_call,
            &self.send_transport_message,
            &self.vapi,
            &self.set,
            &self.log,
        ];
        VERBS.iter().zip(nodes).filter_map(|(verb, node)| Some((*verb, node.as_ref()?))).collect()
    }

    /// What a request holds.
    fn content(&self) -> BodySource<'_> {
        BodySource { json: &self.json, form: &self.form, body: &self.body }
    }

    /// The fields that are only about requests, where they stand.
    fn about_requests(&self) -> impl Iterator<Item = (&'static str, Span)> {
        let nodes = [("headers", &self.headers), ("json", &self.json), ("form", &self.form), ("body", &self.body)];
        nodes.into_iter().filter_map(|(name, node)| Some((name, node.as_ref()?.span)))
    }
}

impl Workshop<'_> {
    /// The entries of `do`; what is wrong is noted. Values that they are given join the rule's `bindings`.
    /// Their conditions are numbered with those of the rule.
    pub(super) fn acts(
        &mut self,
        node: &Node,
        names: &Names,
        bindings: &mut Vec<Binding>,
        rule: &mut Conditions,
    ) -> Vec<Act> {
        let Yaml::List(items) = &node.value else {
            let message = format!("`do` is a list of actions, not {}", node.describe());
            let help = "begin each action with a dash: `- post: https://…`";
            self.found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
            return Vec::new();
        };
        let names = names.at(Stage::Acting);
        let acts = items.iter().zip(1..).filter_map(|(item, number)| self.an_act(item, number, &names, bindings, rule));
        let mut acts: Vec<Act> = acts.collect();
        tell_apart(&mut acts);
        acts
    }

    fn an_act(
        &mut self,
        node: &Node,
        number: usize,
        names: &Names,
        bindings: &mut Vec<Binding>,
        rule: &mut Conditions,
    ) -> Option<Act> {
        let first = rule.next_leaf().0;
        let source: ActionSource = read(node, "an action", self.found)?;
        if let Some(reused) = &source.reused {
            return self.reuse(node, &source, reused, names, bindings, rule);
        }
        let (when, does) = self.conditions_and_deed(node, &source, names, rule)?;
        let name = source.name.as_ref().and_then(Field::get);
        let name = name.map_or_else(|| number.to_string(), |name| name.value.clone());
        Some(Act { span: node.span, name, when, leaves: first..rule.next_leaf().0, does })
    }

    /// When an action is done, and what it does.
    fn conditions_and_deed(
        &mut self,
        node: &Node,
        source: &ActionSource,
        names: &Names,
        rule: &mut Conditions,
    ) -> Option<(Vec<Condition>, Does)> {
        if let Some(with) = &source.with {
            let found = Diagnostic::error("unknown-field", with.span, "`with` goes with `use` alone");
            self.found.push(found.help("remove it: this action is written out, so it is given nothing"));
        }
        let when = source.when.as_ref().map(|when| self.nested("`when`", when, names, rule)).unwrap_or_default();
        Some((when, self.deed(node, source, names)?))
    }

    fn deed(&mut self, node: &Node, source: &ActionSource, names: &Names) -> Option<Does> {
        let verbs = source.verbs();
        let (verb, what) = match verbs.as_slice() {
            [one] => *one,
            [] => {
                // Who misspelt one has been told.
                if !node.entries().iter().any(|(key, _)| closest(&key.text, VERBS.iter().copied()).is_some()) {
                    self.found.push(no_verb(node.span));
                }
                return None;
            }
            [(first, at), (second, other), ..] => {
                let message = format!("an action does one thing, not `{first}` and `{second}`");
                self.found.push(
                    Diagnostic::error("two-actions", other.span, message)
                        .note(at.span, "the other one is here")
                        .help("give each a dash of its own"),
                );
                return None;
            }
        };
        if matches!(verb, "set" | "log") {
            self.only_for_requests(verb, source);
        }
        match verb {
            "set" => self.set(what, names),
            "log" => Some(Does::Log(self.template(what, names))),
            _ => {
                let request = self.request(verb, what, source, names);
                request.map(|request| Does::Request(Box::new(request)))
            }
        }
    }

    fn only_for_requests(&mut self, verb: &str, source: &ActionSource) {
        for (name, span) in source.about_requests() {
            let message = format!("`{verb}` makes no request, so it has no `{name}`");
            self.found.push(Diagnostic::error("unknown-field", span, message).help(format!("remove `{name}`")));
        }
    }

    fn set(&mut self, node: &Node, names: &Names) -> Option<Does> {
        let Yaml::Map(entries) = &node.value else {
            let message = format!("`set` is a mapping of names to values, not {}", node.describe());
            let help = "write each on a line of its own, below `set`: `stage: booked`";
            self.found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
            return None;
        };
        Some(Does::Set(entries.iter().map(|(key, value)| (key.text.clone(), self.template(value, names))).collect()))
    }
}

fn no_verb(span: Span) -> Diagnostic {
    Diagnostic::error("no-action", span, "this action does not say what it does")
        .help("write for example `post: https://…`, `say: …`, `set: { … }` or `log: …`")
        .help(format!("an action has one of `{}`, or `use`", VERBS.join("`, `")))
}

/// Gives those that are called alike (they may use the same action) names of their own, by which they are known when the
/// event is decided again.
fn tell_apart(acts: &mut [Act]) {
    let mut taken: HashSet<String> = acts.iter().map(|act| act.name.clone()).collect();
    let mut met = HashSet::new();
    for act in acts {
        let mut number = 2;
        while !met.insert(act.name.clone()) {
            let other = format!("{}-{number}", act.name);
            if taken.insert(other.clone()) {
                act.name = other;
            }
            number += 1;
        }
    }
}
