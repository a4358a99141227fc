//! Reads a rule's `do`: what it does besides answering.

mod control;
mod outline;
mod patience;
mod request;
mod reuse;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::outline::{Acts, Named};
use self::outline::{Attempts, KindName, Order, Party, True, UsedName, of_action};
use self::request::VapiSource;
pub(super) use self::reuse::Reusable;
use super::Workshop;
use super::names::{Names, Stage};
use super::outgoing::BodySource;
use super::read::{Anything, Field, Mapping, Spanned, Text, Texts, read, written};
use super::when::{Conditions, When};
use super::yaml::{Node, Yaml};
use crate::engine::act::{Act, Does, joined};
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

written! {
    /// An action exactly as it stands in the file.
    #[derive(Debug)]
    #[serde(rename = "an action")]
    struct ActionSource {
        post: Option<Node> as Text = "The URL to which a `POST` is sent. It goes through the outbox until it is taken.",
        put: Option<Node> as Text = "The URL to which a `PUT` is sent.",
        patch: Option<Node> as Text = "The URL to which a `PATCH` is sent.",
        get: Option<Node> as Text = "The URL to which a `GET` is sent.",
        delete: Option<Node> as Text = "The URL to which a `DELETE` is sent.",
        say: Option<Node> as Anything =
            "What is said into the call: a text, or `{ content: …, endCallAfterSpoken: true }`.",
        add_message: Option<Node> as Anything = "A message for the model: a text, or `{ role: system, content: … }`.",
        mute: Option<Node> as Party = "Who is not to be heard any more.",
        unmute: Option<Node> as Party = "Who is to be heard again.",
        say_first_message: Option<Node> as True = "The assistant says its first message.",
        transfer: Option<Node> as Mapping =
            "Where the call is transferred to: `{ destination: { type: number, number: … } }`.",
        handoff: Option<Node> as Mapping =
            "To which assistant the call is handed: `{ destination: { type: assistant, … } }`.",
        end_call: Option<Node> as True = "The call ends.",
        send_transport_message: Option<Node> as Mapping = "A message for the telephone network.",
        vapi: Option<Node> as VapiSource = "A request to Vapi's REST API, with the secret `vapi` as its key.",
        set: Option<Node> as Mapping =
            "Values that are kept for the length of the call, by their names: `stage: booked`.",
        log: Option<Node> as Anything = "A line for the log.",
        reused("use"): Option<Node> as UsedName = "The name of an action below `actions`.",
        with: Option<Node> as Mapping = "What the action that is used is given, by names that it knows as `${name}`.",
        name: Option<Field<Spanned<String>>> = "What the action is called in logs and in the outbox.",
        when: Option<Node> as When = "Conditions under which it is done.",
        after: Option<Field<Spanned<Duration>>> = "How long it is put off: `10m`.",
        unless_by: Option<Field<UnlessBySource>> =
            "What would make it needless: an event of this call that comes first.",
        headers: Option<Node> as Texts = "Header fields of the request.",
        json: Option<Node> as Anything = "What the request holds, as JSON.",
        form: Option<Node> as Texts = "What the request holds, as fields of a form.",
        body: Option<Node> as Text = "What the request holds, as a text.",
        timeout: Option<Field<Spanned<Duration>>> = "How long one attempt may take.",
        retry: Option<Field<RetrySource>> = "How it is tried again until it is taken.",
        order: Option<Field<Spanned<String>>> as Order =
            "`call`: the actions of one call are sent one after the other.",
        sign: Option<Field<SignSource>> = "Signs the request as Standard Webhooks do.",
    }
    with of_action;
}

written! {
    #[derive(Debug)]
    #[serde(rename = "`unless_by`")]
    struct UnlessBySource {
        kind: Field<Spanned<String>> as KindName = "The kind of event that makes it needless.",
        within: Field<Spanned<Duration>> = "How long it is waited for.",
    }
}

written! {
    #[derive(Debug)]
    #[serde(rename = "`retry`")]
    struct RetrySource {
        attempts: Option<Field<Spanned<u32>>> as Attempts = "How often it is tried at most; 1 is never again.",
        within: Option<Field<Spanned<Duration>>> = "For how long it is tried.",
    }
}

written! {
    #[derive(Debug)]
    #[serde(rename = "`sign`")]
    struct SignSource {
        key: Node as Text = "What the receiver has given you, kept as a secret: `${secrets.hook}`.",
    }
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
        Some(Act {
            span: node.span,
            full_name: joined(&[&names.rule, &name]).into(),
            name: name.into(),
            when,
            leaves: first..rule.next_leaf().0,
            needs: Box::default(),
            does,
        })
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
    let mut taken: HashSet<Arc<str>> = acts.iter().map(|act| act.name.clone()).collect();
    let mut met = HashSet::new();
    for act in acts {
        let mut number = 2;
        while !met.insert(act.name.clone()) {
            let other: Arc<str> = format!("{}-{number}", act.name).into();
            if taken.insert(other.clone()) {
                act.name = other;
            }
            number += 1;
        }
    }
}
