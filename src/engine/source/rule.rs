//! A rule as its author wrote it, and how it is made into one that runs.

pub(super) mod answer;
mod misplaced;
mod outline;

use std::time::Duration;

use serde_json::Value;

use self::outline::{Bindings, Expression, RuleName, ToolNames};
use super::Workshop;
use super::actions::Acts;
use super::bindings::rows_of_tables;
use super::fetch::Fetches;
use super::fetch::{self, Timeouts};
use super::kinds::Kinds;
use super::kinds::On;
use super::names::{Names, Stage};
use super::read::{Anything, Field, Spanned, read, written};
use super::when::{Conditions, When};
use super::yaml::{Key, Node, Yaml};
use crate::engine::act::Act;
use crate::engine::binding::Needs;
use crate::engine::diagnostic::{Diagnostic, Span, has_errors};
use crate::engine::facts::TRY_MAX;
use crate::engine::kind::{Deadline, Kind, KindSet};
use crate::engine::matcher::{Ask, Test};
use crate::engine::path::{Path, Segment};
use crate::engine::rule::{Answer, Equality, Involves, Rule};
use crate::engine::term::Lookup;

written! {
    /// A rule exactly as it stands in the file; lives only until it is compiled.
    #[derive(Debug)]
    pub(super) struct RuleSource {
        name: Field<Spanned<String>> as RuleName =
            "What the rule is called: unique in its server, it stands in logs, metrics and tests.",
        on: Option<Node> as Kinds =
            "The kind of event that the rule is for, as Vapi spells it, a list of them, or `*`.",
        tool: Option<Node> as ToolNames = "The tool whose calls the rule is for, or a list of them.",
        when: Option<Node> as When = "Conditions on values of the event. All of them must hold.",
        condition("if"): Option<Node> as Expression =
            "An expression that must be `true`: `args.adults + args.children > 8`.",
        bindings("let"): Option<Node> as Bindings =
            "Names for values, computed when first needed and at most once: `caller: ${customer.number}`.",
        fetch: Option<Node> as Fetches =
            "Names for requests that are made before answering, when something first looks at them.",
        respond: Option<Node> as Anything =
            "The reply. Its texts may hold `${…}`. For a tool call a bare value is the result.",
        run: Option<Field<Spanned<String>>> = "`module::function` of a script, whose return value is the reply.",
        script: Option<Node> as Expression = "Statements, written in place, whose last value is the reply.",
        actions("do"): Option<Node> as Acts = "What the rule does besides answering, in this order.",
        table: Option<Field<Spanned<String>>> =
            "A decision table, `tables/NAME.csv`, whose first row that fits is the reply.",
        timeout: Option<Field<Spanned<Duration>>> = "How long `run`, `script` and `fetch` may take together.",
        fallback: Option<Node> as Anything = "The reply when `run`, `script` or `fetch` fail or take too long.",
        stop: Option<Field<bool>> = "`true`: once this rule has matched, later ones are not considered.",
        enabled: Option<Field<bool>> = "`false`: the rule is checked, but not in force.",
        #[expect(dead_code, reason = "for people; read so that its type is checked")]
        description: Option<Field<String>> = "What the rule is for, for people.",
        #[expect(dead_code, reason = "for people; read so that its type is checked")]
        tags: Option<Field<Vec<String>>> = "Words to find the rule by, for people.",
    }
    with outline::of_rule;
}

/// A compiled rule with what the checks across rules want to know of it.
pub(super) struct Draft {
    pub(super) rule: Rule,
    /// Where the name stands.
    pub(super) span: Span,
    /// Whether it is in force.
    pub(super) enabled: bool,
    /// Whether nothing is wrong with it.
    pub(super) sound: bool,
    /// The tools that it is for; empty: all.
    pub(super) tools: Vec<(String, Span)>,
    /// Where each kind is named.
    pub(super) kinds: Vec<(Kind, Span)>,
    /// The kinds that it is for and that only its author knows; empty: it is for none of these, or for all.
    pub(super) unknown: Vec<(String, Span)>,
    /// Its conditions as they were written, one text each.
    pub(super) written: Vec<String>,
}

impl Workshop<'_> {
    /// Makes a rule of what its author wrote; what is wrong is noted.
    pub(super) fn rule(&mut self, node: &Node) -> Option<Draft> {
        let before = self.found.len();
        self.involves = Involves::default();
        let (source, name) = self.rule_source(node)?;
        let tools = self.tool_names(source.tool.as_ref());
        if source.on.is_none() && source.tool.is_none() {
            self.for_nothing(node, &name);
            return None;
        }
        let On { kinds, unknown, set } = self.on(source.on.as_ref(), source.tool.as_ref())?;
        let names = self.names(&source, &name.value, set, &tools);
        let mut conditions = self.demands(&source, &tools, &unknown, &names);
        let mut bindings = self.lets(source.bindings.as_ref(), &names);
        let (fetches, timeouts) = self.fetches(source.fetch.as_ref(), names.fetches.start, &names);
        bindings.extend(fetches);
        let own = [&source.bindings, &source.fetch].into_iter().flatten().flat_map(Node::entries);
        self.check_bindings(&own.map(|(key, _)| key).collect::<Vec<_>>(), &bindings);
        let answer = self.answer(&source, &names, &kinds, &bindings, &mut conditions);
        let fallback = source.fallback.as_ref().map(|node| self.reply(node, "fallback", &names, &kinds));
        self.check_fallback(&source, answer.as_ref());
        let acts = source.actions.as_ref().map(|node| self.acts(node, &names, &mut bindings, &mut conditions));
        let time_max = self.time_max(&source, &kinds);
        let mut rule = Rule {
            name: name.value.as_str().into(),
            place: self.sources.place(name.span),
            kinds: names.kinds,
            conditions: conditions.all.into(),
            equalities: conditions.equalities.into(),
            leaves: conditions.leaves.into(),
            bindings: bindings.into(),
            names: names.lets.iter().map(|name| name.as_str().into()).collect(),
            conditions_alone: 0,
            needs: Needs::default(),
            involves: self.involvement(&source, acts.as_deref().unwrap_or_default()),
            answer,
            acts: acts.unwrap_or_default().into(),
            fallback,
            time_max,
            stop: source.stop.as_ref().and_then(Field::get).copied().unwrap_or(false),
        };
        fetch::plan(&mut rule);
        let enabled = source.enabled.as_ref().and_then(Field::get).copied().unwrap_or(true);
        let written = written_conditions(&source, &names, rule.answer.as_ref());
        if !self.has_errors(before) {
            self.check_needed(&rule);
        }
        self.check_deadlines(&rule, &timeouts, &kinds);
        let sound = !self.has_errors(before);
        Some(Draft { rule, span: name.span, enabled, sound, tools, kinds, unknown, written })
    }

    /// The names that a rule may use.
    fn names(&mut self, source: &RuleSource, rule: &str, kinds: KindSet, tools: &[(String, Span)]) -> Names {
        let mut lets = self.binding_names("let", source.bindings.as_ref());
        let first = lets.len();
        lets.extend(self.binding_names("fetch", source.fetch.as_ref()));
        Names {
            rule: rule.to_owned(),
            kinds,
            tools: tools.iter().map(|(tool, _)| tool.clone()).collect(),
            fetches: first..lets.len(),
            lets,
            rows: rows_of_tables(source.bindings.as_ref()),
            stage: Stage::Deciding,
        }
    }

    /// What deciding by the rule at hand may involve, once all of it was compiled.
    fn involvement(&mut self, source: &RuleSource, acts: &[Act]) -> Involves {
        self.scripts_reach_out |= self.involves.others;
        Involves {
            others: self.involves.others || acts.iter().any(Act::is_request) || source.fetch.is_some(),
            waiting: self.involves.waiting || source.fetch.is_some(),
            ..self.involves
        }
    }

    /// A rule's fields, and its name; none where it is no rule.
    fn rule_source(&mut self, node: &Node) -> Option<(RuleSource, Spanned<String>)> {
        if !matches!(node.value, Yaml::Map(_)) {
            self.found.push(
                Diagnostic::error("wrong-type", node.span, format!("a rule is a mapping, not {}", node.describe()))
                    .help("begin it with `- name: …` and write its other fields below, in the column of `name`"),
            );
            return None;
        }
        let before = self.found.len();
        let source: Option<RuleSource> = read(node, "a rule", self.found);
        misplaced::explain(node, self.found.get_mut(before..).unwrap_or_default());
        let source = source?;
        let name = source.name.get()?.clone();
        if name.value.trim().is_empty() {
            let found = Diagnostic::error("bad-name", name.span, "a rule has a name that is not empty");
            self.found.push(found.help("say what it is for: `name: regulars`; the name stands in the log"));
        }
        Some((source, name))
    }

    /// All that a rule demands, but for a row of its table.
    fn demands(
        &mut self,
        source: &RuleSource,
        tools: &[(String, Span)],
        unknown: &[(String, Span)],
        names: &Names,
    ) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some((_, span)) = unknown.first() {
            let names = unknown.iter().map(|(name, _)| name.as_str().into()).collect();
            conditions.push(Ask::KindName(names), *span);
        }
        demand_tools(tools, &mut conditions);
        if let Some(when) = &source.when {
            self.when(when, names, &mut conditions);
        }
        if let Some(condition) = &source.condition {
            self.if_condition(condition, names, &mut conditions);
        }
        conditions
    }

    fn if_condition(&mut self, node: &Node, names: &Names, conditions: &mut Conditions) {
        let Some(text) = node.as_str() else {
            let help = match node.value {
                Yaml::Bool(true) => "remove it: a rule without conditions always applies",
                Yaml::Bool(false) => "to switch a rule off write `enabled: false`",
                _ => "write what must be true, such as `if: args.adults + args.children > 8`",
            };
            let message = format!("`if` is an expression, not {}", node.describe());
            self.found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
            return;
        };
        // Authors who know placeholders from elsewhere in the file write them here too.
        let (written, offset) = match text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            Some(inside) => (inside, text.find("${").map_or(0, |at| at + 2)),
            None => (text, 0),
        };
        if let Some(evaluation) = self.expression(written, offset, node, names, false) {
            conditions.push(Ask::If(Box::new(evaluation)), node.span);
        }
    }

    /// Whether an error was found since there were `before` findings.
    fn has_errors(&self, before: usize) -> bool {
        self.found.get(before..).is_some_and(has_errors)
    }

    /// There must be time for what is fetched.
    fn check_deadlines(&mut self, rule: &Rule, timeouts: &Timeouts, kinds: &[(Kind, Span)]) {
        let own = rule.time_max.map(|time| (time, format!("this rule may take {}", seconds(time))));
        let words = |kind: Kind, time| format!("`{}` must be answered within {}", kind.name(), seconds(time));
        let event = self.tightest(kinds).map(|(time, kind)| (time, words(kind, time)));
        let later = || (TRY_MAX, format!("an event that nobody waits for is given {} at each try", seconds(TRY_MAX)));
        let (budget, why) = own.or(event).unwrap_or_else(later);
        self.check_times(rule, timeouts, (budget, &why));
    }

    /// The kind that must be answered soonest, and how soon.
    fn tightest(&self, kinds: &[(Kind, Span)]) -> Option<(Duration, Kind)> {
        kinds.iter().filter_map(|(kind, _)| Some((self.options.time_for(*kind)?, *kind))).min()
    }

    /// The rule's `timeout`, which every kind of the rule must leave it.
    fn time_max(&mut self, source: &RuleSource, kinds: &[(Kind, Span)]) -> Option<Duration> {
        let timeout = source.timeout.as_ref().and_then(Field::get)?;
        if let Some((budget, kind)) = self.tightest(kinds)
            && timeout.value > budget
        {
            self.found.push(
                Diagnostic::error(
                    "deadline",
                    timeout.span,
                    format!(
                        "`{}` must be answered within {}, so this rule cannot take {}",
                        kind.name(),
                        seconds(budget),
                        seconds(timeout.value)
                    ),
                )
                .help(format!("write `timeout: {}` at most", seconds(budget)))
                .help(why(kind, self.options.timeout)),
            );
        }
        if timeout.value.is_zero() {
            self.found.push(
                Diagnostic::error("deadline", timeout.span, "a timeout of nothing leaves no time to answer")
                    .help("write a duration such as `1500ms` or `4s`"),
            );
        }
        Some(timeout.value)
    }
}

/// A rule that names tools is for calls of these alone.
fn demand_tools(tools: &[(String, Span)], conditions: &mut Conditions) {
    let Some((_, span)) = tools.first() else { return };
    let name = || [Segment::Key("name".into())];
    let texts: Vec<String> = tools.iter().map(|(tool, _)| tool.clone()).collect();
    let wanted = texts.iter().cloned().map(Value::String).collect();
    let lookup = Lookup::Tool(name().into());
    let leaf = conditions.next_leaf();
    conditions.push(Ask::Value(lookup.clone(), vec![Test::In(wanted)]), *span);
    conditions.equalities.push(Equality { path: Path::new("tool", name()), lookup, texts, leaf });
}

/// Why a reply to `kind` must come so soon; `timeout` is the server's.
fn why(kind: Kind, timeout: Duration) -> String {
    match kind.deadline() {
        Deadline::AssistantRequest => "Vapi gives up after 7.5 seconds, whatever the settings say".to_owned(),
        Deadline::KnowledgeBase if timeout > Duration::from_secs(10) => "Vapi gives up after 10 seconds".to_owned(),
        _ => format!("Vapi waits for {}, as the server's `timeout` says, and the way takes a while", seconds(timeout)),
    }
}

/// A duration as authors write it.
pub(super) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// The conditions as texts that are equal when the conditions are; none if they depend on the rule's own names.
fn written_conditions(source: &RuleSource, names: &Names, answer: Option<&Answer>) -> Vec<String> {
    let mut written = Vec::new();
    if let Some(when) = &source.when {
        written.extend(when.entries().iter().map(|(key, node)| {
            // Equal words are another share in another rule.
            let whose = if has_share(key, node) { names.rule.as_str() } else { "" };
            format!("{}: {}{whose}", key.text, node.to_json())
        }));
    }
    if let Some(condition) = &source.condition {
        written.push(format!("if: {}", condition.to_json()));
    }
    if let Some(table) = source.table.as_ref().and_then(Field::get) {
        // Some table never fails to have a row.
        let always = matches!(answer, Some(Answer::Rows(rows)) if rows.always_fits());
        written.extend((!always).then(|| format!("table: {}", table.value)));
    }
    if !names.lets.is_empty() && !written.is_empty() {
        // Two rules may mean different things by the same name.
        written.push(format!("let of {}", names.rule));
    }
    written
}

/// Whether a condition is a `share`, or holds one.
fn has_share(key: &Key, node: &Node) -> bool {
    let inside = |node: &Node| node.entries().iter().any(|(key, node)| has_share(key, node));
    key.text == "share" || inside(node) || node.items().iter().any(inside)
}
