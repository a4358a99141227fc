//! What a test expects of a decision, and what of it did not come true.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::compare::{Difference, compare, shown};
use crate::engine::Engine;
use crate::engine::action::Action;
use crate::engine::decision::Decision;
use crate::engine::diagnostic::{Diagnostic, closest};
use crate::engine::event::Event;
use crate::engine::kind::EventKind;
use crate::engine::reply::Reply;
use crate::engine::request::{Target, VAPI};
use crate::engine::source::read::{Each, Field, read};
use crate::engine::source::yaml::Node;

/// What is expected; what is not said is not looked at.
#[derive(Debug, Default)]
pub(super) struct Expect {
    rule: Answering,
    respond: Option<Value>,
    exactly: Option<Value>,
    acts: Option<Vec<Value>>,
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

#[derive(Debug, Deserialize)]
#[serde(rename = "`expect`")]
struct ExpectSource {
    rule: Option<Node>,
    respond: Option<Node>,
    exactly: Option<Node>,
    #[serde(rename = "do")]
    acts: Option<Each<Node>>,
    logs: Option<Field<Each<String>>>,
    state: Option<Node>,
    error: Option<Field<String>>,
}

impl Expect {
    /// Reads what is expected; `rules` are the names that there are.
    pub(super) fn read(node: &Node, rules: &[String], found: &mut Vec<Diagnostic>) -> Option<Expect> {
        let source: ExpectSource = read(node, "`expect`", found)?;
        let rule = source.rule.as_ref().map(|node| named(node, rules, found)).unwrap_or_default();
        Some(Expect {
            rule,
            respond: source.respond.as_ref().map(Node::to_json),
            exactly: source.exactly.as_ref().map(Node::to_json),
            acts: source.acts.map(|Each(acts)| acts.iter().map(Node::to_json).map(spelt_out).collect()),
            logs: source.logs.as_ref().and_then(Field::get).map(|Each(logs)| logs.clone()),
            state: source.state.as_ref().map(Node::to_json),
            error: source.error.as_ref().and_then(Field::get).cloned(),
        })
    }

    /// What did not come true.
    pub(super) fn held_against(&self, decision: &Decision, event: &Event, engine: &Engine) -> Vec<Difference> {
        let mut differences = Vec::new();
        let answered = decision.answered_by.and_then(|id| engine.rules().rule(id)).map(|rule| rule.name.as_str());
        let named = |rule: Option<&str>| rule.map_or_else(|| "none".to_owned(), |rule| format!("`{rule}`"));
        match &self.rule {
            Answering::None if answered.is_some() => {
                differences.push(difference("rule", named(None), named(answered)));
            }
            Answering::Rule(rule) if answered != Some(rule) => {
                differences.push(difference("rule", named(Some(rule)), named(answered)));
            }
            _ => {}
        }
        let reply = own(&decision.reply, event);
        for (expected, exactly) in [(&self.respond, false), (&self.exactly, true)] {
            differences.extend(expected.iter().flat_map(|expected| compare("respond", expected, &reply, exactly)));
        }
        differences.extend(self.acts.iter().flat_map(|acts| compare_acts(acts, &decision.actions)));
        differences.extend(self.logs.iter().flat_map(|logs| compare_logs(logs, decision)));
        if let Some(state) = &self.state {
            let kept = decision.state.as_deref().cloned().map(Value::Object).unwrap_or_default();
            differences.extend(compare("state", state, &kept, false));
        }
        differences.extend(self.faults(decision));
        differences
    }

    fn faults(&self, decision: &Decision) -> Vec<Difference> {
        let said = |fault: &crate::engine::decision::Fault| format!("{}: {}", fault.place, fault.message);
        let all: Vec<String> = decision.faults.iter().map(said).collect();
        match &self.error {
            Some(part) if all.iter().any(|fault| fault.contains(part.as_str())) => Vec::new(),
            Some(part) => {
                let actual = if all.is_empty() { "no fault".to_owned() } else { all.join("; ") };
                vec![difference("error", format!("a fault that says `{part}`"), actual)]
            }
            None => all.into_iter().map(|fault| difference("error", "no fault".to_owned(), fault)).collect(),
        }
    }
}

fn difference(path: &str, expected: String, actual: String) -> Difference {
    Difference { path: path.to_owned(), expected, actual }
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

/// The reply; of a single tool call, what it is answered with.
fn own(reply: &Reply, event: &Event) -> Value {
    let whole = reply.to_json();
    if *event.kind() == EventKind::Known(crate::engine::kind::Kind::FunctionCall) {
        return whole;
    }
    let Some([only]) = whole.get("results").and_then(Value::as_array).map(Vec::as_slice) else { return whole };
    let mut only = only.clone();
    if let Some(only) = only.as_object_mut() {
        only.shift_remove("toolCallId");
        only.shift_remove("name");
    }
    only
}

fn compare_acts(expected: &[Value], actions: &[Action]) -> Vec<Difference> {
    let actual: Vec<Value> = actions.iter().map(written).collect();
    if expected.len() != actual.len() {
        let list = |acts: &[Value]| match acts {
            [] => "none".to_owned(),
            acts => format!("{}: {}", acts.len(), acts.iter().map(shown).collect::<Vec<_>>().join(", ")),
        };
        return vec![difference("do", list(expected), list(&actual))];
    }
    let pairs = expected.iter().zip(&actual).enumerate();
    pairs.flat_map(|(number, (expected, actual))| compare(&format!("do[{number}]"), expected, actual, false)).collect()
}

fn compare_logs(expected: &[String], decision: &Decision) -> Vec<Difference> {
    let lines: Vec<&str> = decision.logs.iter().map(|line| line.text.as_str()).collect();
    let fits =
        expected.len() == lines.len() && expected.iter().zip(&lines).all(|(part, line)| line.contains(part.as_str()));
    let list = |lines: Vec<&str>| if lines.is_empty() { "none".to_owned() } else { json!(lines).to_string() };
    if fits {
        return Vec::new();
    }
    vec![difference("logs", list(expected.iter().map(String::as_str).collect()), list(lines))]
}

/// What `say: text` and the like stand for.
fn spelt_out(mut act: Value) -> Value {
    if let Some(say) = act.get_mut("say").filter(|say| say.is_string()) {
        *say = json!({ "content": say.take() });
    }
    act
}

/// An action in the words of a rule's `do`.
fn written(action: &Action) -> Value {
    let request = &action.request;
    let body = request.body.as_ref().map(|body| body.text.redacted());
    let json = body.as_ref().and_then(|body| serde_json::from_str::<Value>(body).ok());
    let mut written = Map::new();
    written.insert("name".to_owned(), action.name.clone().into());
    let url = request.url.redacted();
    match request.target {
        Target::CallControl => {
            let mut message = json.unwrap_or_default();
            let kind = message.as_object_mut().and_then(|message| message.shift_remove("type")).unwrap_or_default();
            written.insert(kind.as_str().unwrap_or_default().replace('-', "_"), message);
        }
        Target::Vapi => {
            let path = url.strip_prefix(VAPI).unwrap_or(&url);
            let method = request.method.as_str().to_ascii_lowercase();
            written.insert("vapi".to_owned(), json!({ "method": method, "path": path, "json": json }));
        }
        Target::Anybody => {
            written.insert(request.method.as_str().to_ascii_lowercase(), url.into());
            written.insert("headers".to_owned(), request.headers_redacted());
            written.extend(json.map(|json| ("json".to_owned(), json)));
            written.extend(body.map(|body| ("body".to_owned(), body.into())));
        }
    }
    if !action.after.is_zero() {
        written.insert("after".to_owned(), format!("{}s", action.after.as_secs()).into());
    }
    Value::Object(written)
}
