//! Reads a rule's `fetch`: requests that are made before the rule answers.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Workshop;
use super::bindings::name_outline;
use super::names::{Names, Stage};
use super::outgoing::BodySource;
use super::read::{Anything, Field, Spanned, Text, Texts, read, written};
use super::rule::seconds;
use super::template::broken;
use super::uses::Uses;
use super::yaml::{Key, Node};
use crate::engine::binding::{Binding, Fetch, Needs};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::matcher::Ask;
use crate::engine::outgoing::Outgoing;
use crate::engine::question::QUESTIONS_MAX;
use crate::engine::request::{Method, Target};
use crate::engine::rule::{Answer, Rule};
use crate::engine::schema::{Definitions, Outline, at_most_one_of, one_of};
use crate::engine::template::Template;
use crate::engine::term::Lookup;

/// How long an answer is waited for, unless the fetch says otherwise; never longer than the rule may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const CACHE_MAX: Duration = Duration::from_secs(24 * 3600);

written! {
    /// A request exactly as it stands in the file.
    #[derive(Debug)]
    #[serde(rename = "a fetch")]
    struct FetchSource {
        get: Option<Node> as Text = "The URL that is asked with `GET`. What stands in `${…}` is escaped.",
        post: Option<Node> as Text = "The URL that is asked with `POST`.",
        put: Option<Node> as Text = "The URL that is asked with `PUT`.",
        patch: Option<Node> as Text = "The URL that is asked with `PATCH`.",
        delete: Option<Node> as Text = "The URL that is asked with `DELETE`.",
        headers: Option<Node> as Texts = "Header fields of the request.",
        json: Option<Node> as Anything = "What the request holds, as JSON.",
        form: Option<Node> as Texts = "What the request holds, as fields of a form.",
        body: Option<Node> as Text = "What the request holds, as a text.",
        timeout: Option<Field<Spanned<Duration>>> = "How long the answer is waited for; 5s if nothing is said.",
        cache: Option<Field<Spanned<Duration>>> = "How long an answer serves for whoever asks the same.",
        optional: Option<Field<bool>> = "`true`: if it fails, the rule goes on, and `error` below its name says why.",
    }
    with of_fetch;
}

/// One request, with at most one content.
fn of_fetch(_: &mut Definitions) -> Value {
    let methods = Method::ALL.iter().map(|method| method.as_str().to_ascii_lowercase()).collect::<Vec<_>>();
    let one = one_of(methods.iter().map(String::as_str));
    json!({ "allOf": [one, at_most_one_of(&["json", "form", "body"])] })
}

/// What stands behind `fetch`: requests by their names.
pub(super) enum Fetches {}

impl Outline for Fetches {
    fn outline(defs: &mut Definitions) -> Value {
        let fetch = FetchSource::outline(defs);
        json!({
            "type": "object", "propertyNames": name_outline(), "additionalProperties": fetch,
            "maxProperties": QUESTIONS_MAX,
        })
    }
}

/// The timeouts that are written, by the numbers of their fetches.
pub(super) type Timeouts = HashMap<usize, Spanned<Duration>>;

impl Workshop<'_> {
    /// The requests of `fetch`, in the order of their names, whose numbers begin with `first`.
    pub(super) fn fetches(&mut self, node: Option<&Node>, first: usize, names: &Names) -> (Vec<Binding>, Timeouts) {
        let names = &names.at(Stage::Asking);
        let mut timeouts = Timeouts::new();
        let entries = node.map(Node::entries).unwrap_or_default();
        if let Some((key, _)) = entries.get(QUESTIONS_MAX) {
            let message = format!("one decision asks {QUESTIONS_MAX} questions at most, and this is one more");
            let help = "ask for several things in one request, or leave some to actions";
            self.found.push(Diagnostic::error("invalid-value", key.span, message).help(help));
        }
        let entries = (first..).zip(entries);
        let fetches = entries.map(|(number, (key, node))| {
            let fetch = self.fetch(key, node, names).map(|(fetch, timeout)| {
                timeouts.extend(timeout.map(|timeout| (number, timeout)));
                Binding::Fetch(Box::new(fetch))
            });
            fetch.unwrap_or_else(|| Binding::Value(broken()))
        });
        (fetches.collect(), timeouts)
    }

    fn fetch(&mut self, key: &Key, node: &Node, names: &Names) -> Option<(Fetch, Option<Spanned<Duration>>)> {
        let source: FetchSource = read(node, "a fetch", self.found)?;
        let (method, url) = self.method_and_url(&source, key.span)?;
        let url = self.url(url, names);
        let content = BodySource { json: &source.json, form: &source.form, body: &source.body };
        let body = self.content(content, names);
        let headers = self.headers(source.headers.as_ref(), names);
        self.not_zero(source.timeout.as_ref(), "what may take no time is never answered", "timeout: 2s");
        let written = source.timeout.as_ref().and_then(Field::get).copied();
        let timeout = written.as_ref().map_or(TIMEOUT, |timeout| timeout.value);
        let request = Outgoing { target: Target::Anybody, method, url: url?, headers, body, timeout };
        let cache = self.at_most(source.cache.as_ref(), CACHE_MAX);
        let optional = source.optional.as_ref().and_then(Field::get).copied().unwrap_or(false);
        Some((Fetch { name: key.text.clone(), span: key.span, request, cache, optional }, written))
    }

    fn method_and_url<'n>(&mut self, source: &'n FetchSource, span: Span) -> Option<(Method, &'n Node)> {
        let given = [
            (Method::Get, &source.get),
            (Method::Post, &source.post),
            (Method::Put, &source.put),
            (Method::Patch, &source.patch),
            (Method::Delete, &source.delete),
        ];
        let mut given = given.into_iter().filter_map(|(method, node)| Some((method, node.as_ref()?)));
        let Some((method, url)) = given.next() else {
            let found = Diagnostic::error("no-action", span, "this fetch does not say what it asks");
            self.found
                .push(found.help("write for example `get: https://crm.example.com/people?phone=${customer.number}`"));
            return None;
        };
        if let Some((_, other)) = given.next() {
            let found = Diagnostic::error("two-actions", other.span, "a fetch makes one request");
            self.found
                .push(found.note(url.span, "the other one is here").help("give each a name of its own below `fetch`"));
        }
        Some((method, url))
    }

    /// What is fetched must be looked at.
    pub(super) fn check_needed(&mut self, rule: &Rule) {
        let used = Uses::of(|uses| {
            uses.conditions(&rule.conditions);
            rule.answer.iter().for_each(|answer| uses.answer(answer));
            rule.acts.iter().for_each(|act| uses.act(act));
        });
        let used = used.followed(&rule.bindings);
        let too_late = asked(&rule.bindings, |uses| rule.fallback.iter().for_each(|fallback| uses.template(fallback)));
        for (index, fetch) in fetches(&rule.bindings).filter(|(index, _)| !used.contains(index)) {
            let message = if too_late.contains(&index) {
                format!("only the fallback looks at `{}`, when it is too late to ask", fetch.name)
            } else {
                format!("nothing looks at `{}`, so it is never asked", fetch.name)
            };
            let help = format!("write `${{{}.json}}` where it is needed, or remove it", fetch.name);
            self.found.push(Diagnostic::warning("unused-fetch", fetch.span, message).help(help));
        }
    }

    /// There must be time for what is fetched: `budget`, for this reason.
    pub(super) fn check_times(&mut self, rule: &Rule, timeouts: &Timeouts, (budget, why): (Duration, &str)) {
        let mut known = vec![None; rule.bindings.len()];
        for (index, fetch) in fetches(&rule.bindings) {
            let Some(timeout) = timeouts.get(&index) else { continue };
            let takes = longest(&rule.bindings, index, timeouts, &mut known);
            if takes <= budget {
                continue;
            }
            let before = takes.saturating_sub(timeout.value);
            let message = if before.is_zero() {
                format!("`{}` may take {}, but {why}", fetch.name, seconds(takes))
            } else {
                format!("`{}` may take {} with what it needs first, but {why}", fetch.name, seconds(takes))
            };
            let most = budget.saturating_sub(before);
            let help = if most.is_zero() {
                "give what it needs first less time, too".to_owned()
            } else {
                format!("write `timeout: {}` at most", seconds(most))
            };
            self.found.push(Diagnostic::error("deadline", timeout.span, message).help(help));
        }
    }
}

/// Puts the conditions of a rule that ask nobody first, and notes what it surely asks.
pub(super) fn plan(rule: &mut Rule) {
    let bindings = &rule.bindings;
    let asking = |look: &dyn Fn(&mut Uses)| asked(bindings, look);
    let (last, alone): (Vec<_>, Vec<_>) = std::mem::take(&mut rule.conditions)
        .into_iter()
        .partition(|condition| may_ask(bindings, |uses| uses.conditions([condition])));
    // Of a table nobody knows yet which rows will be looked at: each of them has needs of its own.
    let answer = rule.answer.iter().filter(|answer| !matches!(answer, Answer::Rows(_)));
    rule.needs = Needs::new(
        asking(&|uses| uses.conditions(last.iter().filter(|last| !matches!(last.ask, Ask::Row(_))))),
        asking(&|uses| answer.clone().for_each(|answer| uses.answer(answer))),
    );
    for act in rule.acts.iter_mut().filter(|act| act.when.is_empty()) {
        act.needs = asked(bindings, |uses| uses.act(act));
    }
    rule.conditions_alone = alone.len();
    rule.conditions = alone.into_iter().chain(last).collect();
}

/// Whether others have to be asked for what `lookup` finds.
pub(super) fn asks(lookup: &Lookup, bindings: &[Binding]) -> bool {
    may_ask(bindings, |uses| uses.lookup(lookup))
}

/// Which bindings that ask others a template surely looks at.
pub(super) fn needs(template: &Template, bindings: &[Binding]) -> Box<[usize]> {
    asked(bindings, |uses| uses.template(template))
}

/// Whether others may be asked for what is used there, be it in a script.
fn may_ask(bindings: &[Binding], look: impl FnOnce(&mut Uses)) -> bool {
    let direct = Uses::of(look);
    direct.scripts_ask
        || direct.followed(bindings).into_iter().any(|index| bindings.get(index).is_some_and(asks_itself))
}

fn asks_itself(binding: &Binding) -> bool {
    matches!(binding, Binding::Fetch(_)) || Uses::of(|uses| uses.binding(binding)).scripts_ask
}

/// The bindings that ask others and that are used there.
fn asked(bindings: &[Binding], look: impl FnOnce(&mut Uses)) -> Box<[usize]> {
    let used = Uses::of(look).followed(bindings).into_iter();
    used.filter(|index| matches!(bindings.get(*index), Some(Binding::Fetch(_)))).collect()
}

fn fetches(bindings: &[Binding]) -> impl Iterator<Item = (usize, &Fetch)> {
    bindings.iter().enumerate().filter_map(|(index, binding)| match binding {
        Binding::Fetch(fetch) => Some((index, &**fetch)),
        Binding::Value(_) => None,
    })
}

/// How long the binding of this number may take with all that it waits for, as far as timeouts are written.
fn longest(bindings: &[Binding], index: usize, timeouts: &Timeouts, known: &mut [Option<Duration>]) -> Duration {
    let (Some(binding), Some(place)) = (bindings.get(index), known.get_mut(index)) else { return Duration::ZERO };
    if let Some(takes) = place {
        return *takes;
    }
    // Whoever is in a circle, which is reported, has no time to speak of.
    *place = Some(Duration::ZERO);
    let before = Uses::of(|uses| uses.binding(binding)).names;
    let before = before.into_iter().map(|other| longest(bindings, other, timeouts, known)).max();
    let own = timeouts.get(&index).map_or(Duration::ZERO, |timeout| timeout.value);
    let takes = before.unwrap_or_default().saturating_add(own);
    if let Some(place) = known.get_mut(index) {
        *place = Some(takes);
    }
    takes
}
