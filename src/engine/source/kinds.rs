//! Reads what a rule is for: its kinds (`on`) and tools (`tool`).

use serde_json::{Value, json};

use super::Workshop;
use super::read::Spanned;
use super::yaml::{Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span, closest};
use crate::engine::kind::{FINAL_TRANSCRIPT, Kind, KindSet, Subscription};
use crate::engine::schema::{Definitions, Outline, both};

/// The kinds that a rule is for.
pub(super) struct On {
    /// Those of the contract, each with the place that names it. `*` names them all.
    pub(super) kinds: Vec<(Kind, Span)>,
    /// Those that only the author knows. If there are any, there are no others.
    pub(super) unknown: Vec<(String, Span)>,
    /// All of them.
    pub(super) set: KindSet,
}

/// What may stand behind `on`.
pub(super) enum Kinds {}

impl Outline for Kinds {
    fn outline(defs: &mut Definitions) -> Value {
        let known = defs.named("kind", |_| kind_outline());
        let new = json!({
            "type": "object", "properties": { "kind": { "type": "string", "description": "Its name." } },
            "required": ["kind"], "additionalProperties": false,
            "description": "A kind that is not known here, such as a new one of Vapi's.",
        });
        let every = json!({ "const": "*", "description": "Every kind, known or not." });
        // What is known and what is not need rules of their own.
        let spelt_out = json!({ "properties": { "kind": known }, "required": ["kind"] });
        let all_known = json!({ "anyOf": [known, both(new.clone(), &spelt_out)] });
        let list = |of: &Value| json!({ "type": "array", "items": of, "minItems": 1 });
        json!({ "anyOf": [known, every, new, list(&all_known), list(&new)] })
    }
}

/// The name of a kind.
pub(super) fn kind_outline() -> Value {
    let names = Kind::ALL.iter().map(|kind| kind.name()).chain([FINAL_TRANSCRIPT]);
    let what = |kind: &Kind| {
        let waits = if kind.expects_reply() { "Vapi waits for the reply" } else { "no reply is read" };
        match kind.subscription() {
            Subscription::Always | Subscription::Default => waits.to_owned(),
            Subscription::OptIn => format!("{waits}; sent only if `serverMessages` of the assistant names it"),
            Subscription::Campaign => format!("{waits}; sent only if `serverMessages` of the campaign names it"),
            Subscription::Client => format!("{waits}; meant for client apps"),
        }
    };
    let texts = Kind::ALL.iter().map(what).chain(["a final transcript alone".to_owned()]);
    json!({ "enum": names.collect::<Vec<_>>(), "enumDescriptions": texts.collect::<Vec<_>>() })
}

impl Workshop<'_> {
    /// Notes that a rule says neither `on` nor `tool`.
    pub(super) fn for_nothing(&mut self, rule: &Node, name: &Spanned<String>) {
        // Who misspelt one of the two, or left it empty, has been told.
        if rule.entries().iter().any(|(key, _)| closest(&key.text, ["on", "tool"]).is_some()) {
            return;
        }
        let message = format!("rule `{}` does not say what it is for", name.value);
        self.found.push(Diagnostic::error("missing-field", name.span, message).help(
            "add `on:` with a kind of event, such as `on: assistant-request`, or `tool:` with the name of a tool",
        ));
    }

    /// The kinds of a rule that says at least one of the two; `tool` stands for the kinds that ask for tools.
    pub(super) fn on(&mut self, on: Option<&Node>, tool: Option<&Node>) -> Option<On> {
        let Some(tool) = tool else { return self.read_kinds(on?) };
        if let Some(on) = on {
            let kinds = self.read_kinds(on)?;
            if kinds.unknown.is_empty() && kinds.kinds.iter().all(|(kind, _)| kind.asks_for_tools()) {
                return Some(kinds);
            }
            self.not_about_tools(on, &kinds, tool.span);
        }
        let kinds = [Kind::ToolCalls, Kind::FunctionCall].map(|kind| (kind, tool.span));
        let set = kinds.into_iter().map(|(kind, _)| kind).collect();
        Some(On { kinds: kinds.into(), unknown: Vec::new(), set })
    }

    /// A rule that names a tool is for calls of it alone.
    fn not_about_tools(&mut self, node: &Node, on: &On, tool: Span) {
        let known = on.kinds.iter().filter(|(kind, _)| !kind.asks_for_tools()).map(|(kind, span)| (kind.name(), *span));
        let unknown = on.unknown.iter().map(|(name, span)| (name.as_str(), *span));
        let others: Vec<(&str, Span)> = match node.as_str() {
            Some("*") => vec![("*", node.span)],
            _ => known.chain(unknown).collect(),
        };
        for (name, span) in others {
            let is_not = if name == "*" { "is not only about tools" } else { "is not about a tool" };
            self.found.push(
                Diagnostic::error("tool-kind", span, format!("`{name}` {is_not}"))
                    .note(tool, "the tool is named here")
                    .help("with `tool:` the kinds are `tool-calls` and `function-call`, so `on:` can go"),
            );
        }
    }

    fn read_kinds(&mut self, on: &Node) -> Option<On> {
        if on.as_str() == Some("*") {
            let kinds = Kind::ALL.iter().map(|kind| (*kind, on.span)).collect();
            return Some(On { kinds, unknown: Vec::new(), set: KindSet::ALL });
        }
        let nodes = match &on.value {
            Yaml::List(items) => items.as_slice(),
            _ => std::slice::from_ref(on),
        };
        let (mut kinds, mut unknown, mut sound) = (Vec::new(), Vec::new(), true);
        for node in nodes {
            match self.read_kind(node) {
                Some(Named::Known(kind)) => kinds.push((kind, node.span)),
                Some(Named::Unknown(name)) => unknown.push((name, node.span)),
                None => sound = false,
            }
        }
        if let (Some((name, span)), false) = (unknown.first(), kinds.is_empty()) {
            self.found.push(
                Diagnostic::error(
                    "mixed-kinds",
                    *span,
                    format!("`{name}` is not known here, so it needs a rule of its own"),
                )
                .help("make two rules of it"),
            );
            sound = false;
        }
        if nodes.is_empty() {
            let found = Diagnostic::error("empty-condition", on.span, "`on` names no kind");
            self.found.push(found.help("write `on: tool-calls`"));
            sound = false;
        }
        let known: KindSet = kinds.iter().map(|(kind, _)| *kind).collect();
        let set = if unknown.is_empty() { known } else { KindSet::UNKNOWN };
        sound.then_some(On { kinds, unknown, set })
    }

    fn read_kind(&mut self, node: &Node) -> Option<Named> {
        if let Yaml::Map(entries) = &node.value {
            if let [(key, name)] = entries.as_slice()
                && key.text == "kind"
                && let Some(name) = name.as_str()
            {
                // Once the contract knows the kind, the rule means that.
                return Some(Kind::from_name(name).map_or_else(|| Named::Unknown(name.to_owned()), Named::Known));
            }
            self.found.push(Diagnostic::error(
                "wrong-type",
                node.span,
                "a kind that is not known here is written `{ kind: its-name }`",
            ));
            return None;
        }
        let Some(written) = node.as_str() else {
            self.found.push(
                Diagnostic::error(
                    "wrong-type",
                    node.span,
                    format!("`on` names kinds of event, not {}", node.describe()),
                )
                .help("write `on: tool-calls`"),
            );
            return None;
        };
        let Some(kind) = Kind::from_name(written) else {
            self.found.push(unknown_kind(written, node.span, self.arguments.has_tool(written)));
            return None;
        };
        if kind.subscription() == Subscription::Client {
            self.found.push(
                Diagnostic::warning(
                    "client-kind",
                    node.span,
                    format!("`{written}` is a message for client apps; Vapi does not send it to servers"),
                )
                .help("the rule stays without effect unless something else posts such messages"),
            );
        }
        Some(Named::Known(kind))
    }

    /// The tools that a rule names.
    pub(super) fn tool_names(&mut self, node: Option<&Node>) -> Vec<(String, Span)> {
        let Some(node) = node else { return Vec::new() };
        let nodes = match &node.value {
            Yaml::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if nodes.is_empty() {
            let found = Diagnostic::error("empty-condition", node.span, "`tool` names no tool");
            self.found.push(found.help(NAME_OF_TOOL));
        }
        let mut tools = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.as_str().filter(|name| !name.is_empty()) {
                Some(name) => tools.push((name.to_owned(), node.span)),
                None => self.found.push(
                    Diagnostic::error(
                        "wrong-type",
                        node.span,
                        format!("`tool` is a tool's name, not {}", node.describe()),
                    )
                    .help(NAME_OF_TOOL),
                ),
            }
        }
        tools
    }
}

const NAME_OF_TOOL: &str = "write the name that the assistant calls it by: `tool: book_table`";

enum Named {
    Known(Kind),
    Unknown(String),
}

/// Names that are widespread in examples and that Vapi never sends, with what is meant (contract, section 8).
const INVENTED: &[(&str, &str)] = &[
    ("call.started", "status-update` with `status: in-progress"),
    ("call-started", "status-update` with `status: in-progress"),
    ("call-start", "status-update` with `status: in-progress"),
    ("call.ended", "end-of-call-report"),
    ("call-ended", "end-of-call-report"),
    ("call-end", "end-of-call-report"),
    ("recording.ready", "end-of-call-report"),
    ("function-calls", "tool-calls"),
    ("tool_calls", "tool-calls"),
];

fn unknown_kind(written: &str, span: Span, is_tool: bool) -> Diagnostic {
    let found = Diagnostic::error("unknown-event-kind", span, format!("no event kind is called `{written}`"));
    if let Some((_, meant)) = INVENTED.iter().find(|(name, _)| *name == written) {
        return found.help(format!("Vapi's word for it is `{meant}`"));
    }
    if is_tool {
        return found.help(format!("it is a tool: write `tool: {written}` instead of `on`"));
    }
    let new = format!("if Vapi has a new kind of that name, write `on: {{ kind: {written} }}`");
    found.suggest_or(written, Kind::ALL.iter().map(|kind| kind.name()), new)
}
