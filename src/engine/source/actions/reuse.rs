//! Actions under names: what files say below `actions`, and the entries of `do` that use it.

use std::cell::Cell;

use indexmap::IndexMap;

use super::super::Workshop;
use super::super::names::Names;
use super::super::read::{Field, Spanned, read};
use super::super::when::Conditions;
use super::super::yaml::{Node, Yaml};
use super::ActionSource;
use crate::engine::act::{Act, joined};
use crate::engine::binding::Binding;
use crate::engine::diagnostic::{Diagnostic, FileId, Span};

/// What an entry may say besides `use`: all else belongs to the action that it uses.
pub(super) const BESIDE_USE: &[&str] = &["use", "with", "name", "when"];

/// The actions that all files of a server share.
#[derive(Default)]
pub(in crate::engine::source) struct Reusable<'a>(IndexMap<&'a str, Named<'a>>);

struct Named<'a> {
    key: Span,
    node: &'a Node,
    used: Cell<bool>,
}

impl<'a> Reusable<'a> {
    /// Gathers what the files say under `actions`.
    pub(in crate::engine::source) fn of(files: &'a [(FileId, Node)], found: &mut Vec<Diagnostic>) -> Reusable<'a> {
        let mut all = Reusable::default();
        for node in files.iter().filter_map(|(_, node)| node.get("actions")) {
            if !matches!(node.value, Yaml::Map(_) | Yaml::Null) {
                let message = format!("`actions` is a mapping of names to actions, not {}", node.describe());
                let help = "write each below its name: `tell-crm: { post: https://crm.example.com/calls }`";
                found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
            }
            for (key, node) in node.entries() {
                let named = Named { key: key.span, node, used: Cell::new(false) };
                if let Some(first) = all.0.insert(&key.text, named) {
                    let message = format!("two actions are called `{}`", key.text);
                    found.push(
                        Diagnostic::error("duplicate-name", key.span, message)
                            .note(first.key, "the first one is here")
                            .help("all files of a server share their actions: give one of them another name"),
                    );
                }
            }
        }
        all
    }

    /// The action of this name, which is used now.
    fn take(&self, name: &str) -> Option<&'a Node> {
        self.0.get(name).map(|named| {
            named.used.set(true);
            named.node
        })
    }

    /// What nobody uses, and so nobody has looked at.
    pub(in crate::engine::source) fn unused(&self) -> impl Iterator<Item = Diagnostic> {
        let unused = self.0.iter().filter(|(_, named)| !named.used.get());
        unused.map(|(name, named)| {
            Diagnostic::warning("unused-action", named.key, format!("no rule uses the action `{name}`")).help(format!(
                "write `- use: {name}` in the `do` of a rule, or remove it; it is not checked until then"
            ))
        })
    }
}

impl Workshop<'_> {
    /// The action that an entry of `do` uses. What it is given by `with` are names that this one use of it knows, in
    /// `bindings`.
    pub(super) fn reuse(
        &mut self,
        entry: &Node,
        source: &ActionSource,
        reused: &Node,
        names: &Names,
        bindings: &mut Vec<Binding>,
        rule: &mut Conditions,
    ) -> Option<Act> {
        self.nothing_else(entry);
        let first_leaf = rule.next_leaf().0;
        let called: Spanned<String> = read(reused, "`use`", self.found)?;
        let mut when = source.when.as_ref().map(|when| self.nested("`when`", when, names, rule)).unwrap_or_default();
        let given = self.binding_names("with", source.with.as_ref());
        let values = source.with.as_ref().map(Node::entries).unwrap_or_default();
        let values: Vec<Binding> =
            values.iter().map(|(_, value)| Binding::Value(self.template(value, names))).collect();
        let Some(node) = self.reusable.take(&called.value) else {
            self.found.push(self.no_such_action(&called));
            return None;
        };
        let inner: ActionSource = read(node, "an action", self.found)?;
        if let Some(again) = &inner.reused {
            let found = Diagnostic::error("no-action", again.span, "an action that is used does something itself");
            self.found.push(found.help("write out what it does; only rules can use it"));
            return None;
        }
        let first = bindings.len();
        let names = names.given(first, given);
        bindings.extend(values);
        self.looked_up.clear();
        let before = self.found.len();
        let done = self.conditions_and_deed(node, &inner, &names, rule);
        for found in self.found.iter_mut().skip(before) {
            found.notes.push((called.span, "it is used here".to_owned()));
            if found.slug == "unknown-name" {
                found.help.push("what an action needs is given where it is used, by `with`".to_owned());
            }
        }
        let (conditions, does) = done?;
        self.all_is_taken(&called.value, source.with.as_ref(), first);
        when.extend(conditions);
        let name = source.name.as_ref().and_then(Field::get).map_or(called.value, |name| name.value.clone());
        let leaves = first_leaf..rule.next_leaf().0;
        let full_name = joined(&[&names.rule, &name]).into();
        Some(Act { span: node.span, full_name, name: name.into(), when, leaves, needs: Box::default(), does })
    }

    /// What is given must be looked at; its names have the numbers from `first` on.
    fn all_is_taken(&mut self, called: &str, with: Option<&Node>, first: usize) {
        let given = with.map(Node::entries).unwrap_or_default();
        for (_, (key, _)) in (first..).zip(given).filter(|(number, _)| !self.looked_up.contains(number)) {
            let message = format!("the action `{called}` takes no `{}`", key.text);
            let help = format!("remove it, or write `${{{}}}` where the action needs it", key.text);
            self.found.push(Diagnostic::error("unknown-field", key.span, message).help(help));
        }
    }

    fn nothing_else(&mut self, entry: &Node) {
        for (key, _) in entry.entries().iter().filter(|(key, _)| !BESIDE_USE.contains(&key.text.as_str())) {
            // Who misspelt it has been told.
            if self.found.iter().any(|found| found.span == key.span) {
                continue;
            }
            let message = format!("`{}` does not go with `use`", key.text);
            self.found.push(
                Diagnostic::error("two-actions", key.span, message)
                    .help("write it in the action that is used; what differs from use to use is given by `with`"),
            );
        }
    }

    fn no_such_action(&self, called: &Spanned<String>) -> Diagnostic {
        let known: Vec<&str> = self.reusable.0.keys().copied().collect();
        let message = format!("there is no action `{}`", called.value);
        let found = Diagnostic::error("unknown-action", called.span, message);
        let otherwise = match known.as_slice() {
            [] => "write it below `actions:` in a rule file, beside `rules:`".to_owned(),
            known => format!("below `actions` there are `{}`", known.join("`, `")),
        };
        found.suggest_or(&called.value, known.iter().copied(), otherwise)
    }
}
