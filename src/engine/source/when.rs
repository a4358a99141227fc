//! Makes conditions of a rule's `when`.

mod now;
mod operators;
mod outline;
mod pitfalls;

pub(super) use self::outline::When;
use super::Workshop;
use super::names::Names;
use super::yaml::{Key, Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::matcher::{Ask, Condition, Leaf, Test};
use crate::engine::path::Path;
use crate::engine::rule::Equality;
use crate::engine::schema;
use crate::engine::term::Lookup;

/// Fields of a rule that end up among its conditions when they are indented too far.
const RULE_FIELDS: &[&str] =
    &["if", "let", "fetch", "respond", "run", "script", "do", "timeout", "fallback", "stop", "enabled", "tags"];

/// What a rule's conditions are made into.
#[derive(Default)]
pub(super) struct Conditions {
    /// All must hold.
    pub(super) all: Vec<Condition>,
    /// Those among them by which the rule can be found.
    pub(super) equalities: Vec<Equality>,
    /// Where each leaf stands, by its number.
    pub(super) leaves: Vec<Span>,
}

impl Conditions {
    /// Adds a condition that must hold too.
    pub(super) fn push(&mut self, ask: Ask, span: Span) {
        let condition = self.condition(ask, span);
        self.all.push(condition);
    }

    /// The number that the next condition gets.
    pub(super) fn next_leaf(&self) -> Leaf {
        Leaf(u32::try_from(self.leaves.len()).unwrap_or(u32::MAX))
    }

    fn condition(&mut self, ask: Ask, span: Span) -> Condition {
        let leaf = self.next_leaf();
        self.leaves.push(span);
        Condition { leaf, ask }
    }
}

impl Workshop<'_> {
    /// Makes conditions of `when`, which must be a mapping.
    pub(super) fn when(&mut self, node: &Node, names: &Names, into: &mut Conditions) {
        self.conditions("`when`", node, names, into);
    }

    /// Makes conditions of the mapping that `what` names.
    fn conditions(&mut self, what: &str, node: &Node, names: &Names, into: &mut Conditions) {
        let Yaml::Map(entries) = &node.value else {
            let message = format!("{what} is a mapping of conditions, not {}", node.describe());
            let found = Diagnostic::error("wrong-type", node.span, message);
            self.found.push(pitfalls::no_mapping(node).into_iter().fold(found, Diagnostic::help));
            return;
        };
        if entries.is_empty() {
            self.found.push(pitfalls::no_condition(what, node.span));
        }
        for (key, value) in entries {
            if let Some(ask) = self.ask(key, value, names, into) {
                note_equality(key, &ask, names, into);
                into.push(ask, Span { end: value.span.end.max(key.span.end), ..key.span });
            }
        }
    }

    fn ask(&mut self, key: &Key, value: &Node, names: &Names, into: &mut Conditions) -> Option<Ask> {
        match key.text.as_str() {
            "all" => Some(Ask::All(self.group(key, value, names, into)?)),
            "any" => Some(Ask::Any(self.group(key, value, names, into)?)),
            "not" => Some(Ask::Not(self.nested("`not`", value, names, into))),
            "now" => self.windows(value, names),
            "share" => self.share(value, names),
            written => {
                let Some(path) = Path::parse(written) else {
                    self.found.push(no_path(key));
                    return None;
                };
                if RULE_FIELDS.contains(&written) && !names.knows(written) {
                    self.found.push(
                        Diagnostic::error("unknown-name", key.span, format!("nothing is called `{written}` here"))
                            .help(format!("`{written}` is a field of the rule: begin it in the same column as `when`")),
                    );
                    return None;
                }
                let lookup = self.lookup(&path, key.span, names);
                if let Some(found) = pitfalls::misplaced_word(written, value) {
                    self.found.push(found);
                    return None;
                }
                let tests = self.tests(value, names)?;
                self.check_types(&path, &tests, value, names);
                Some(Ask::Value(lookup?, tests))
            }
        }
    }

    /// The conditions of a mapping within `any`, `all` or `not`, or of an action: numbered with those of the rule.
    pub(super) fn nested(&mut self, what: &str, node: &Node, names: &Names, into: &mut Conditions) -> Vec<Condition> {
        let mut inner = Conditions { leaves: std::mem::take(&mut into.leaves), ..Conditions::default() };
        self.conditions(what, node, names, &mut inner);
        into.leaves = inner.leaves;
        inner.all
    }

    fn group(&mut self, key: &Key, node: &Node, names: &Names, into: &mut Conditions) -> Option<Vec<Condition>> {
        let Yaml::List(items) = &node.value else {
            self.found.push(
                Diagnostic::error("wrong-type", node.span, format!("`{}` is a list of conditions, not {}", key.text, node.describe()))
                    .help(format!("write `{}: [ {{ status: ended }}, {{ status: forwarding }} ]`, or each on a line of its own behind a dash", key.text)),
            );
            return None;
        };
        if items.is_empty() {
            self.found.push(pitfalls::no_condition(&format!("`{}`", key.text), node.span));
        }
        let mut conditions = Vec::with_capacity(items.len());
        for item in items {
            let all = self.nested(&format!("an item of `{}`", key.text), item, names, into);
            conditions.push(into.condition(Ask::All(all), item.span));
        }
        Some(conditions)
    }

    fn share(&mut self, node: &Node, names: &Names) -> Option<Ask> {
        const HELP: &str = "write `share: { of: customer.number, percent: 20 }`";
        let before = self.found.len();
        for (key, _) in
            node.entries().iter().filter(|(key, _)| !schema::names(outline::SHARE).any(|name| name == key.text))
        {
            self.found.push(
                Diagnostic::error("unknown-field", key.span, format!("`share` has no field `{}`", key.text)).help(HELP),
            );
        }
        let (Some(of), Some(percent)) = (node.get("of"), node.get("percent")) else {
            // Who misspelt one of the two has been told.
            if self.found.len() == before {
                let message = "`share` needs `of`, a value, and `percent`, a number from 0 to 100";
                self.found.push(Diagnostic::error("bad-share", node.span, message).help(HELP));
            }
            return None;
        };
        let written = percent.describe();
        let percent = match percent.value {
            #[expect(clippy::cast_precision_loss, reason = "only 0 to 100 is let through")]
            Yaml::Int(percent) => Some(percent as f64),
            Yaml::Float(percent) => Some(percent),
            _ => None,
        }
        .filter(|percent| (0.0..=100.0).contains(percent))
        .or_else(|| {
            let message = format!("`percent` must be from 0 to 100, not {written}");
            self.found.push(Diagnostic::error("bad-share", percent.span, message).help(HELP));
            None
        });
        let Some(path) = of.as_str().and_then(Path::parse) else {
            let message = format!("`of` is the name of a value, not {}", of.describe());
            self.found.push(Diagnostic::error("bad-share", of.span, message).help(HELP));
            return None;
        };
        // Two rules that share by the same value choose among the same callers, but not the same ones.
        let salt = names.rule.clone();
        Some(Ask::Share { of: self.lookup(&path, of.span, names)?, salt, percent: percent? })
    }
}

/// A condition that only certain texts pass lets the rule be found by them.
fn note_equality(key: &Key, ask: &Ask, names: &Names, into: &mut Conditions) {
    let Ask::Value(lookup, tests) = ask else { return };
    let (Some(path), [Test::In(values)]) = (Path::parse(&key.text), tests.as_slice()) else { return };
    // An earlier rule of the same decision may change the state, after the rules to consider have been found.
    if matches!(lookup, Lookup::Let(..) | Lookup::State(_)) || names.lets.iter().any(|name| name == path.root()) {
        return;
    }
    let wanted: Option<Vec<String>> = values.iter().map(|value| value.as_str().map(ToOwned::to_owned)).collect();
    if let Some(texts) = wanted {
        let leaf = into.next_leaf();
        into.equalities.push(Equality { path, lookup: lookup.clone(), texts, leaf });
    }
}

fn no_path(key: &Key) -> Diagnostic {
    let found = Diagnostic::error("bad-path", key.span, format!("`{}` is not the name of a value", key.text));
    if key.text.contains("${") {
        return found.help("write the plain name here, without `${` and `}`: `customer.number: present`");
    }
    if key.text.contains(['(', '=', '<', '>', '+', ' ']) {
        return found.help("an expression goes under `if:`, beside `when:`");
    }
    found
        .help("names are joined by dots: `customer.number`, `artifact.messages[0].role`")
        .suggest(&key.text, schema::names(outline::GROUPS))
}
