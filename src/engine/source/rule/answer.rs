//! How a rule makes its reply: what its author wrote, held against what Vapi takes.

use super::super::names::Names;
use super::super::read::{Field, Spanned};
use super::super::rows::Asked;
use super::super::when::Conditions;
use super::super::yaml::{Node, Yaml};
use super::super::{Workshop, module_name};
use super::RuleSource;
use crate::engine::binding::Binding;
use crate::engine::diagnostic::{Diagnostic, FileId, Span};
use crate::engine::kind::Kind;
use crate::engine::reply::{self, Step};
use crate::engine::rule::Answer;
use crate::engine::template::Template;
use crate::engine::term::{Evaluation, Handler, Lookup};

impl Workshop<'_> {
    /// How the rule makes its reply, if it does.
    pub(super) fn answer(
        &mut self,
        source: &RuleSource,
        names: &Names,
        kinds: &[(Kind, Span)],
        bindings: &[Binding],
        conditions: &mut Conditions,
    ) -> Option<Answer> {
        let run = source.run.as_ref().and_then(Field::get);
        let table = source.table.as_ref().and_then(Field::get);
        let given = [
            ("respond", source.respond.as_ref().map(|node| node.span)),
            ("run", run.map(|run| run.span)),
            ("script", source.script.as_ref().map(|node| node.span)),
            ("table", table.map(|table| table.span)),
        ];
        let mut given = given.into_iter().filter_map(|(name, span)| Some((name, span?)));
        if let (Some((first, first_span)), Some((second, span))) = (given.next(), given.next()) {
            self.found.push(
                Diagnostic::error(
                    "two-answers",
                    span,
                    format!("a rule has one of `respond`, `run`, `script` and `table`, not `{first}` and `{second}`"),
                )
                .note(first_span, "the other one is here")
                .help("make two rules of it, or call the function in `script`"),
            );
        }
        // All of them are looked at, since nobody knows which one will stay.
        let respond = source.respond.as_ref().map(|node| Answer::Respond(self.reply(node, "respond", names, kinds)));
        let run = run.and_then(|run| self.handler(run, names, kinds)).map(Box::new).map(Answer::Run);
        let script =
            source.script.as_ref().and_then(|node| self.statements(node, names)).map(Box::new).map(Answer::Script);
        let rows =
            table.and_then(|table| self.rows(table, Asked { names, kinds, bindings }, conditions)).map(Answer::Rows);
        respond.or(run).or(script).or(rows)
    }

    fn statements(&mut self, node: &Node, names: &Names) -> Option<Evaluation> {
        let Some(text) = node.as_str() else {
            self.found.push(
                Diagnostic::error(
                    "wrong-type",
                    node.span,
                    format!("`script` is a text of statements, not {}", node.describe()),
                )
                .help("write `script: |` and the statements below it, indented"),
            );
            return None;
        };
        self.expression(text, 0, node, names, true)
    }

    fn handler(&mut self, run: &Spanned<String>, names: &Names, kinds: &[(Kind, Span)]) -> Option<Handler> {
        let tools = kinds.iter().filter(|(kind, _)| kind.asks_for_tools()).count();
        if tools != 0 && tools != kinds.len() {
            self.found.push(
                Diagnostic::error("mixed-kinds", run.span, "a handler is either for tool calls or for other events")
                    .help("make two rules of it: a handler for tools gets `args`, one for other events gets `event`"),
            );
            return None;
        }
        let function = match self.scripts.function(&run.value, tools != 0, run.span) {
            Ok(function) => function,
            Err(found) => {
                if !self.is_broken_script(&run.value) {
                    self.found.push(found);
                }
                return None;
            }
        };
        self.involves.waiting = true;
        self.involves.others |= function.reaches_out();
        let inputs: Vec<Option<Lookup>> = function.uses().iter().map(|used| self.lookup_of(used, names)).collect();
        let inputs: Option<Box<[Lookup]>> = inputs.into_iter().collect();
        Some(Handler { function, inputs: inputs? })
    }

    /// Whether `run` names a function in a script that is there and cannot be read: that is reported in the script.
    fn is_broken_script(&self, run: &str) -> bool {
        let module = run.rsplit_once("::").map(|(module, _)| module.replace("::", "/"));
        let broken = |file: FileId| self.found.iter().any(|one| one.span.file == file && one.slug == "script-syntax");
        self.sources
            .iter()
            .any(|(id, file)| module_name(&file.path) == module.as_deref() && module.is_some() && broken(id))
    }

    /// Makes a template of a reply and holds its literal parts against the contract of each kind.
    pub(super) fn reply(&mut self, node: &Node, field: &str, names: &Names, kinds: &[(Kind, Span)]) -> Template {
        let template = self.template(node, names);
        self.reply_is_read(node.span, field, kinds);
        self.hold_to_contract(node, &template, kinds);
        if kinds.iter().any(|(kind, _)| matches!(kind, Kind::AssistantRequest | Kind::TransferDestinationRequest)) {
            self.check_destination(node, &template);
        }
        template
    }

    /// Warns of a reply that nobody reads.
    pub(in crate::engine::source) fn reply_is_read(&mut self, span: Span, field: &str, kinds: &[(Kind, Span)]) {
        if kinds.is_empty() {
            let message = "no reply is sent to a kind that is not known here";
            let help = format!("remove `{field}`; a `script` can write to the log, or keep something for the call");
            self.found.push(Diagnostic::warning("reply-not-read", span, message).help(help));
        }
        if let Some((kind, _)) = kinds.first().filter(|_| !kinds.iter().any(|(kind, _)| kind.expects_reply())) {
            self.found.push(
                Diagnostic::warning("reply-not-read", span, format!("Vapi does not read a reply to `{}`", kind.name()))
                    .help(format!("remove `{field}`, or choose a kind that waits for a reply")),
            );
        }
    }

    /// Holds the literal parts of a reply, which stands at `node`, against the contract of each kind.
    pub(in crate::engine::source) fn hold_to_contract(
        &mut self,
        node: &Node,
        template: &Template,
        kinds: &[(Kind, Span)],
    ) {
        for kind in kinds.iter().map(|(kind, _)| *kind).filter(|kind| kind.expects_reply()) {
            for fault in reply::check(kind, template) {
                // Both kinds that ask for tools take the same answers.
                let whose = if kind.asks_for_tools() {
                    "answer of a tool".into()
                } else {
                    format!("reply to `{}`", kind.name())
                };
                let span = span_of(node, &fault.path, fault.at_key);
                let found = Diagnostic::error("bad-reply", span, format!("{} ({whose})", fault.message));
                let found = match fault.help {
                    Some(help) => found.help(help),
                    None => found,
                };
                if !self.found.contains(&found) {
                    self.found.push(found);
                }
            }
        }
    }

    /// A fallback belongs to an answer that can fail.
    pub(super) fn check_fallback(&mut self, source: &RuleSource, answer: Option<&Answer>) {
        let Some(fallback) = &source.fallback else { return };
        let written = source.run.is_some() || source.script.is_some() || source.respond.is_some();
        if answer.is_none() && !written && source.table.is_none() {
            self.found.push(
                Diagnostic::warning("useless-fallback", fallback.span, "a rule without a reply needs no `fallback`")
                    .help("add `respond`, `run`, `script` or `table`, or remove `fallback`"),
            );
        }
    }
}

/// Where the part of `node` stands that `path` leads to, or as near as possible.
pub(in crate::engine::source) fn span_of(node: &Node, path: &[Step], at_key: bool) -> Span {
    let Some((step, rest)) = path.split_first() else { return node.span };
    match (&node.value, step) {
        (Yaml::Map(entries), Step::Key(key)) => {
            entries.iter().find(|(name, _)| name.text == *key).map_or(node.span, |(name, inner)| {
                // A value over many lines is best pointed at by its name.
                let long = matches!(inner.value, Yaml::Null | Yaml::List(_) | Yaml::Map(_));
                if rest.is_empty() && (at_key || long) { name.span } else { span_of(inner, rest, at_key) }
            })
        }
        (Yaml::List(items), Step::Item(index)) => {
            items.get(*index).map_or(node.span, |item| span_of(item, rest, at_key))
        }
        _ => node.span,
    }
}
