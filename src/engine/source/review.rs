//! What can only be seen by looking at all rules of a server together.

mod reach;

use std::collections::HashMap;

use super::Workshop;
use super::rule::Draft;
use crate::engine::diagnostic::{Diagnostic, Span, closest, has_errors};
use crate::engine::kind::{Kind, KindSet, Subscription};

/// Kinds that callers wait for in nearly every set-up.
const USUAL: &[Kind] =
    &[Kind::AssistantRequest, Kind::ToolCalls, Kind::TransferDestinationRequest, Kind::HandoffDestinationRequest];

impl Workshop<'_> {
    /// Looks at all rules together.
    pub(super) fn review(&mut self, drafts: &[Draft], declared: &[(String, Span)], first_rules: Option<Span>) {
        self.names_are_unique(drafts);
        let rules: Vec<&Draft> = drafts.iter().filter(|draft| draft.enabled).collect();
        // What is wrong with a rule is said already; what follows from it is not worth saying.
        let sound: Vec<&Draft> = rules.iter().filter(|draft| draft.sound).copied().collect();
        self.every_rule_can_answer(&sound);
        self.kinds_are_sent(&rules);
        if has_errors(self.found) {
            // The rule that cannot be read may be the very one that answers.
            return;
        }
        self.found.extend(self.sheets.unused(&self.tables_used));
        self.declared_tools_are_answered(&rules, declared);
        self.kinds_are_answered(&rules);
        if let Some(span) = first_rules {
            self.usual_kinds_are_answered(&rules, span);
        }
    }

    fn names_are_unique(&mut self, drafts: &[Draft]) {
        let mut names: HashMap<&str, Span> = HashMap::new();
        for draft in drafts {
            if let Some(first) = names.get(&*draft.rule.name) {
                self.found.push(
                    Diagnostic::error(
                        "duplicate-name",
                        draft.span,
                        format!("two rules are called `{}`", draft.rule.name),
                    )
                    .note(*first, "the first one is here")
                    .help("give one of them another name: names appear in logs and metrics"),
                );
            } else {
                names.insert(&draft.rule.name, draft.span);
            }
        }
    }

    /// A rule never answers if an earlier one always does.
    fn every_rule_can_answer(&mut self, rules: &[&Draft]) {
        for (rule, blocker) in reach::shadowed(rules) {
            if rule.rule.answer.is_some() {
                self.found.push(self.unreachable(rule, blocker));
            }
        }
    }

    fn unreachable(&self, draft: &Draft, blocker: &Draft) -> Diagnostic {
        let place = self.sources.place(blocker.span);
        let message =
            format!("`{}` never answers: `{}` always matches first ({place})", draft.rule.name, blocker.rule.name);
        Diagnostic::warning("unreachable-rule", draft.span, message)
            .help("move it above that rule, or give that rule conditions")
    }

    /// Some kinds come only to those who ask for them.
    fn kinds_are_sent(&mut self, rules: &[&Draft]) {
        let mut seen = KindSet::EMPTY;
        for (kind, span) in
            rules.iter().filter(|draft| draft.kinds.len() < Kind::ALL.len()).flat_map(|draft| &draft.kinds)
        {
            if seen.overlaps((*kind).into()) {
                continue;
            }
            seen = seen.union((*kind).into());
            let list = match kind.subscription() {
                Subscription::OptIn => "assistant.serverMessages",
                Subscription::Campaign => "campaign.serverMessages",
                Subscription::Always | Subscription::Default | Subscription::Client => continue,
            };
            let message = format!("Vapi sends `{}` only to those who subscribe to it", kind.name());
            let found = Diagnostic::hint("opt-in-kind", *span, message).help(format!("add it to `{list}` in Vapi"));
            self.found.push(match kind {
                Kind::PhoneCallControl => found.help("who subscribes to it must forward and hang up calls himself"),
                _ => found,
            });
        }
    }

    fn declared_tools_are_answered(&mut self, rules: &[&Draft], declared: &[(String, Span)]) {
        for (tool, span) in declared {
            let answers = |draft: &&Draft| {
                let asked = draft.kinds.iter().any(|(kind, _)| kind.asks_for_tools());
                asked
                    && draft.rule.answer.is_some()
                    && (draft.tools.is_empty() || draft.tools.iter().any(|(name, _)| name == tool))
            };
            if !rules.iter().any(answers) {
                let found = Diagnostic::warning("unanswered-tool", *span, format!("no rule answers the tool `{tool}`"));
                self.found.push(match nearly(tool, rules, declared) {
                    Some((other, place)) => found
                        .note(place, "a rule answers this one")
                        .help(format!("no tool is declared as `{other}`, which a rule answers: spell both alike")),
                    None => found.help(format!("add a rule with `tool: {tool}`")),
                });
            }
        }
    }

    /// A kind that a rule names and that waits for a reply should get one from some rule.
    fn kinds_are_answered(&mut self, rules: &[&Draft]) {
        let mut named: Vec<(Kind, Span)> = Vec::new();
        for (kind, span) in
            rules.iter().filter(|draft| draft.kinds.len() < Kind::ALL.len()).flat_map(|draft| &draft.kinds)
        {
            if kind.expects_reply() && !named.iter().any(|(other, _)| other == kind) {
                named.push((*kind, *span));
            }
        }
        for (kind, span) in named {
            if !answered(rules, kind) {
                self.found.push(
                    Diagnostic::warning(
                        "unanswered-kind",
                        span,
                        format!("`{}` waits for a reply, but no rule gives one", kind.name()),
                    )
                    .help("add `respond`, `run`, `script` or `table` to a rule for it"),
                );
            }
        }
    }

    fn usual_kinds_are_answered(&mut self, rules: &[&Draft], span: Span) {
        let named = |kind: &Kind| rules.iter().any(|draft| draft.rule.kinds.overlaps((*kind).into()));
        let missing: Vec<String> =
            USUAL.iter().filter(|kind| !named(kind)).map(|kind| format!("`{}`", kind.name())).collect();
        if !missing.is_empty() {
            self.found.push(
                Diagnostic::hint("unanswered-kind", span, format!("no rule answers {}", missing.join(", ")))
                    .help("if Vapi asks all the same, it gets the emptiest valid reply"),
            );
        }
    }
}

/// A tool that a rule names, that nobody declares, and that may be meant to be `tool`.
fn nearly<'d>(tool: &str, rules: &[&'d Draft], declared: &[(String, Span)]) -> Option<(&'d str, Span)> {
    let is_declared = |name: &str| declared.iter().any(|(known, _)| known == name);
    let named = || rules.iter().flat_map(|draft| &draft.tools).filter(|(name, _)| !is_declared(name));
    let meant = closest(tool, named().map(|(name, _)| name.as_str()))?;
    named().find(|(name, _)| name == meant).map(|(name, span)| (name.as_str(), *span))
}

fn answered(rules: &[&Draft], kind: Kind) -> bool {
    rules.iter().any(|draft| draft.rule.kinds.overlaps(kind.into()) && draft.rule.answer.is_some())
}
