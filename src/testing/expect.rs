//! What a test expects of a decision, and what of it did not come true.

use serde_json::{Value, json};

use super::acts::Acts;
use super::answer;
use super::compare::{Difference, compare};
use super::world::object;
use crate::engine::Engine;
use crate::engine::decision::Decision;
use crate::engine::diagnostic::{Diagnostic, closest};
use crate::engine::event::Event;
use crate::engine::schema::{Definitions, Outline};
use crate::engine::source::read::{Anything, Each, Field, Mapping, Text, read, written};
use crate::engine::source::yaml::{Node, Yaml};

/// What is expected; what is not said is not looked at.
#[derive(Debug, Default)]
pub(super) struct Expect {
    rule: Answering,
    respond: Option<Value>,
    exactly: Option<Value>,
    acts: Option<Acts>,
    logs: Option<Vec<String>>,
    state: Option<Value>,
    /// A part of what is said of a fault. Without it, there must be none.
    error: Option<String>,
}

/// Which rule is to answer.
#[derive(Debug, Default)]
enum Answering {
    /// It does not matter.
    #[default]
    Any,
    None,
    Rule(String),
}

written! {
    #[derive(Debug)]
    #[serde(rename = "`expect`")]
    pub(super) struct ExpectSource {
        rule: Option<Node> as Text = "The rule that answers, or `none`.",
        respond: Option<Node> as Anything =
            "What the reply holds, among other things. Of one tool call, what it is answered.",
        exactly: Option<Node> as Anything = "What the reply is, and nothing else.",
        acts("do"): Option<Each<Node>> as ActsOutline =
            "What is done, in this order, as a rule's `do` writes it; of each as much as is said.",
        logs: Option<Field<Each<String>>> = "What the lines for the log hold, in this order.",
        state: Option<Node> as Mapping = "What is kept for the call, among other things.",
        error: Option<Field<String>> = "A part of what is said of a fault. Without it there must be none.",
    }
}

/// Actions of which a part is written.
pub(super) enum ActsOutline {}

impl Outline for ActsOutline {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "array", "items": { "type": "object" } })
    }
}

impl Expect {
    /// Reads what is expected; `rules` are the names that there are.
    pub(super) fn read(node: &Node, rules: &[String], found: &mut Vec<Diagnostic>) -> Option<Expect> {
        let before = found.len();
        let source: ExpectSource = read(node, "`expect`", found)?;
        explain_nothing(node, found.get_mut(before..).unwrap_or_default());
        if matches!(&node.value, Yaml::Map(entries) if entries.is_empty()) {
            let help = "write what is to come of it, such as `rule: regulars`, or leave `expect` out: then nothing must \
                        go wrong";
            found.push(Diagnostic::error("empty-field", node.span, "`expect` expects nothing").help(help));
        }
        let rule = source.rule.as_ref().map(|node| named(node, rules, found)).unwrap_or_default();
        Some(Expect {
            rule,
            respond: source.respond.as_ref().map(Node::to_json),
            exactly: source.exactly.as_ref().map(Node::to_json),
            acts: source.acts.map(|Each(acts)| Acts::read(&acts, found)),
            logs: source.logs.as_ref().and_then(Field::get).map(|Each(logs)| logs.clone()),
            state: source.state.as_ref().map(|node| object("state", node, found).into()),
            error: source.error.as_ref().and_then(Field::get).cloned(),
        })
    }

    /// The name of the rule that is to answer, if one is.
    pub(super) fn rule(&self) -> Option<&str> {
        match &self.rule {
            Answering::Rule(name) => Some(name),
            Answering::Any | Answering::None => None,
        }
    }

    /// What did not come true; `kept` says what kept the rule that is expected from answering.
    pub(super) fn held_against(
        &self,
        decision: &Decision,
        event: &Event,
        engine: &Engine,
        kept: Option<String>,
    ) -> Vec<Difference> {
        let mut differences = Vec::new();
        differences.extend(self.answering(decision, engine, kept));
        for (expected, exactly) in [(&self.respond, false), (&self.exactly, true)] {
            let Some(expected) = expected else { continue };
            let (expected, reply) = answer::told(expected, &decision.reply, event);
            differences.extend(compare("respond", &expected, &reply, exactly));
        }
        let kept = decision.state.as_deref().cloned().map(Value::Object).unwrap_or_default();
        differences.extend(self.acts.iter().flat_map(|acts| acts.held_against(decision, &kept)));
        differences.extend(self.logs.iter().flat_map(|logs| compare_logs(logs, decision)));
        differences.extend(self.state.iter().flat_map(|state| compare("state", state, &kept, false)));
        differences.extend(self.faults(decision));
        differences
    }

    fn answering(&self, decision: &Decision, engine: &Engine, kept: Option<String>) -> Option<Difference> {
        let answered = decision.answered_by.and_then(|id| engine.rules().rule(id)).map(|rule| &*rule.name);
        let named = |rule: Option<&str>| rule.map_or_else(|| "none".to_owned(), |rule| format!("`{rule}`"));
        let as_expected = match &self.rule {
            Answering::Any => true,
            Answering::None => answered.is_none(),
            Answering::Rule(rule) => answered == Some(rule),
        };
        let expected = named(self.rule());
        (!as_expected).then(|| Difference { since: kept, ..Difference::new("rule", expected, named(answered)) })
    }

    fn faults(&self, decision: &Decision) -> Vec<Difference> {
        let said = |fault: &crate::engine::decision::Fault| format!("{}: {}", fault.place, fault.message);
        let all: Vec<String> = decision.faults.iter().map(said).collect();
        match &self.error {
            Some(part) if all.iter().any(|fault| fault.contains(part.as_str())) => Vec::new(),
            Some(part) => {
                let actual = if all.is_empty() { "no fault".to_owned() } else { all.join("; ") };
                vec![Difference::new("error", format!("a fault that says `{part}`"), actual)]
            }
            None => all.into_iter().map(|fault| Difference::new("error", "no fault".to_owned(), fault)).collect(),
        }
    }
}

/// What is to be written where nothing is.
fn explain_nothing(node: &Node, found: &mut [Diagnostic]) {
    let rule = node.entries().iter().find(|(key, _)| key.text == "rule").map(|(key, _)| key.span);
    for one in found.iter_mut().filter(|one| one.slug == "empty-field" && Some(one.span) == rule) {
        one.help = vec!["write `rule: none` if no rule is to answer".to_owned()];
    }
}

/// The rule that is named.
fn named(node: &Node, rules: &[String], found: &mut Vec<Diagnostic>) -> Answering {
    let name = match node.as_str() {
        Some("none") => return Answering::None,
        Some(name) => name.to_owned(),
        None => node.to_json().to_string(),
    };
    if !rules.contains(&name) {
        let wrong = Diagnostic::error("invalid-value", node.span, format!("no rule is called `{name}`"));
        found.push(match closest(&name, rules.iter().map(String::as_str)) {
            Some(near) => wrong.help(format!("did you mean `{near}`?")),
            None => wrong.help("write the name of a rule of this folder, or `none` if no rule is to answer"),
        });
    }
    Answering::Rule(name)
}

fn compare_logs(expected: &[String], decision: &Decision) -> Vec<Difference> {
    let lines: Vec<&str> = decision.logs.iter().map(|line| line.text.as_str()).collect();
    let fits =
        expected.len() == lines.len() && expected.iter().zip(&lines).all(|(part, line)| line.contains(part.as_str()));
    let list = |lines: Vec<&str>| if lines.is_empty() { "none".to_owned() } else { json!(lines).to_string() };
    if fits {
        return Vec::new();
    }
    vec![Difference::new("logs", list(expected.iter().map(String::as_str).collect()), list(lines))]
}
