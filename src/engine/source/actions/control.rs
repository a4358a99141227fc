//! Messages to the call that is going on, through its `monitor.controlUrl` (contract, section 6).

use compact_str::CompactString;

use super::super::Workshop;
use super::super::names::Names;
use super::super::rule::answer::span_of;
use super::super::yaml::{Node, Yaml};
use super::ActionSource;
use crate::engine::control::{self, URL};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::kind::{Kind, KindSet};
use crate::engine::outgoing::Content;
use crate::engine::path::Path;
use crate::engine::reply::{self, Step};
use crate::engine::request::{Method, Target};
use crate::engine::template::{Constant, Template};
use crate::engine::term::Term;

impl Workshop<'_> {
    pub(super) fn control(
        &mut self,
        verb: &str,
        node: &Node,
        source: &ActionSource,
        names: &Names,
    ) -> Option<(Target, Method, Template, Option<Content>)> {
        for (name, span) in source.about_requests() {
            let message = format!("`{verb}` has no `{name}`: what it sends to the call is known");
            self.found.push(Diagnostic::error("unknown-field", span, message).help(format!("remove `{name}`")));
        }
        let message = self.message(verb, node, names)?;
        for fault in reply::check_control(&message) {
            let path: &[Step] = match fault.path.as_slice() {
                // What `add_message` says stands in it without the `message` around.
                [Step::Key(key), rest @ ..] if key == "message" && verb == "add_message" => rest,
                path => path,
            };
            let span = span_of(node, path, fault.at_key);
            let found = Diagnostic::error("bad-control", span, format!("{} (`{verb}`)", fault.message));
            self.found.push(match fault.help {
                Some(help) => found.help(help),
                None => found,
            });
        }
        self.check_destination(node, &message);
        let url = self.control_url(node, names)?;
        Some((Target::CallControl, Method::Post, url, Some(Content::Json(message))))
    }

    /// Where the call is controlled, which not every event says.
    fn control_url(&mut self, node: &Node, names: &Names) -> Option<Template> {
        let path = Path::parse(URL)?;
        // An assistant-request describes a call, but one that has not begun (contract, section 1).
        let comes_before = names.kinds.minus(Kind::AssistantRequest.into()) == KindSet::EMPTY;
        match names.resolve(&path, self) {
            Ok(lookup) if !comes_before => Some(Template::Hole(Term::Lookup(lookup))),
            _ => {
                let message = format!("events of this kind have no `{URL}`, so the call cannot be told anything");
                let help = "choose an event that comes while the call goes on, or answer with `respond`";
                self.found.push(Diagnostic::error("bad-control", node.span, message).help(help));
                None
            }
        }
    }

    fn message(&mut self, verb: &str, node: &Node, names: &Names) -> Option<Template> {
        let fields = match (verb, &node.value) {
            ("mute" | "unmute", _) => vec![("control".into(), text(&format!("{verb}-{}", self.whom(verb, node)?)))],
            ("say_first_message", _) => {
                self.only_true(verb, node);
                vec![("control".into(), text("say-first-message"))]
            }
            ("end_call", _) => {
                self.only_true(verb, node);
                Vec::new()
            }
            ("send_transport_message", _) => vec![("message".into(), self.template(node, names))],
            ("say", Yaml::Text(_)) => vec![("content".into(), self.template(node, names))],
            ("add_message", Yaml::Text(_)) => {
                vec![("message".into(), said("system", self.template(node, names)))]
            }
            ("add_message", Yaml::Map(entries)) => self.added(entries, names),
            (_, Yaml::Map(entries)) => {
                entries.iter().map(|(key, value)| (key.text.as_str().into(), self.template(value, names))).collect()
            }
            _ => {
                let message = format!("`{verb}` is a mapping, not {}", node.describe());
                let help = "write for example `transfer: { destination: { type: number, number: \"+15550100\" } }`";
                self.found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
                return None;
            }
        };
        Some(Template::Map([("type".into(), text(control::kind(verb)))].into_iter().chain(fields).collect()))
    }

    /// `add_message: { role: …, content: …, triggerResponseEnabled: … }`
    fn added(&mut self, entries: &[(super::super::yaml::Key, Node)], names: &Names) -> Vec<(CompactString, Template)> {
        let (mut message, mut around) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            let value = self.template(value, names);
            let into = if key.text == "triggerResponseEnabled" { &mut around } else { &mut message };
            into.push((key.text.as_str().into(), value));
        }
        around.push(("message".into(), Template::Map(message)));
        around
    }

    /// Who is not to be heard, or heard again.
    fn whom(&mut self, verb: &str, node: &Node) -> Option<&'static str> {
        match node.as_str() {
            Some("assistant") => Some("assistant"),
            Some("customer") => Some("customer"),
            _ => {
                let message = format!("`{verb}` is for the assistant or the customer");
                let help = format!("write `{verb}: assistant` or `{verb}: customer`");
                self.found.push(Diagnostic::error("bad-control", node.span, message).help(help));
                None
            }
        }
    }

    fn only_true(&mut self, verb: &str, node: &Node) {
        if node.value != Yaml::Bool(true) {
            let message = format!("`{verb}` says nothing more");
            let help = format!("write `{verb}: true`");
            self.found.push(Diagnostic::error("bad-control", node.span, message).help(help));
        }
    }
}

fn text(text: &str) -> Template {
    Template::Constant(Constant::Text(text.into()))
}

fn said(role: &str, content: Template) -> Template {
    Template::Map(vec![("role".into(), text(role)), ("content".into(), content)])
}
