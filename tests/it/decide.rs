//! What is decided, from rule files and events as data.
//!
//! - `decide/conditions.yaml`: conditions, with events for which they hold and events for which they do not;
//! - `decide/templates.yaml`: placeholders, and what they become;
//! - `decide/<name>/`: rules (and scripts), `event.json` and perhaps `facts.json`, with all of the decision in
//!   `decision.json`; `event.<variant>.json` is another event for the same rules. An event that is a text names a
//!   message under `events/`. `UPDATE_EXPECT=1 cargo test` writes the decisions anew, to be read in review.
//!
//! Every decision is made twice and must be the same, and every reply must honour the contract of its kind.

mod conditions;
mod tables;
mod templates;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use switchhook::engine::action::Action;
use switchhook::engine::decision::{Considered, Decision, Needs, Unfinished};
use switchhook::engine::diagnostic::Sources;
use switchhook::engine::event::Event;
use switchhook::engine::facts::{Facts, Host};
use switchhook::engine::kind::EventKind;
use switchhook::engine::question::{Fetched, Question, Response};
use switchhook::engine::reply;
use switchhook::engine::request::{Request, Text};
use switchhook::engine::source::{Options, compile};
use switchhook::engine::{Engine, Turn};
use switchhook::load;
use switchhook::report::{self, Format};

use crate::golden;

const FOLDER: &str = "tests/it/decide";
/// A Monday evening, unless a case says otherwise.
const NOW: &str = "2026-11-23T18:30:00Z";

#[test]
fn decisions_are_as_they_were() {
    let mut differences = Vec::new();
    for folder in folders() {
        let engine = engine(&sources(&folder));
        for event in files(&folder, "event") {
            let file = event.with_file_name(name(&event).replacen("event", "decision", 1));
            let decision = format!("{:#}\n", decided(&engine, &body(&read(&event)), &facts_beside(&event)));
            differences.extend(golden::difference(&file, &decision));
        }
        assert_eq!(files(&folder, "event").len(), files(&folder, "decision").len(), "{}", folder.display());
    }
    golden::assert_none(&differences);
}

/// What a decision may know, and how long it has taken already.
struct World {
    facts: Facts,
    host: Arc<dyn Host>,
    /// What others say, by `METHOD URL`: `{ status, headers, json, text, error }`.
    answers: Map<String, Value>,
}

/// A host that says that this much time has passed since the event arrived.
struct Passed(Duration);

impl Host for Passed {
    fn out_of_time(&self) -> bool {
        false
    }

    fn passed(&self, time: Duration) -> bool {
        time < self.0
    }
}

impl World {
    fn answer(&self, question: &Question) -> Fetched {
        let Request { method, url, .. } = &question.request;
        let Some(answer) = self.answers.get(&format!("{} {}", method.as_str(), url.redacted())) else {
            return Fetched::failed("nobody listens there");
        };
        if let Some(error) = answer["error"].as_str() {
            return Fetched::failed(error);
        }
        let text = answer["text"].as_str().map(str::to_owned);
        let body = text.or_else(|| answer.get("json").map(ToString::to_string)).unwrap_or_default();
        let status = u16::try_from(answer["status"].as_u64().unwrap_or(200)).unwrap();
        let headers = answer["headers"].as_object().cloned().unwrap_or_default();
        Fetched::from(Response { status, headers, body: body.into() })
    }

    /// `{ now, headers, state, seconds_passed, answers }`, each of them if it matters.
    fn of(facts: &Value) -> World {
        let map = |key: &str| Arc::new(facts[key].as_object().cloned().unwrap_or_default());
        let now = facts["now"].as_str().unwrap_or(NOW).parse().unwrap();
        let passed = Duration::from_secs(facts["seconds_passed"].as_u64().unwrap_or_default());
        World {
            facts: Facts { now, seed: 7, headers: map("headers"), state: map("state"), ..Facts::default() },
            host: Arc::new(Passed(passed)),
            answers: facts["answers"].as_object().cloned().unwrap_or_default(),
        }
    }
}

/// An engine made of rules that are data, which JSON is to YAML as well.
fn engine_of(rules: &Value) -> Engine {
    let mut sources = Sources::default();
    sources.add("rules.yaml", rules.to_string());
    engine(&sources)
}

fn engine(sources: &Sources) -> Engine {
    let compiled = compile(sources, &Options::default());
    compiled.unwrap_or_else(|found| panic!("{}", report::render(&found, sources, Format::Short, false))).engine
}

/// The decision about all of an event, made twice.
fn decide(engine: &Engine, body: &Value, world: &World) -> (EventKind, Decision, Vec<Vec<String>>) {
    let event = engine.read(body.to_string().into_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"));
    let (once, asked) = decide_once(engine, &event, world);
    let (again, asked_again) = decide_once(engine, &event, world);
    assert_eq!(shown(engine, &once), shown(engine, &again), "two decisions differ");
    assert_eq!(asked, asked_again, "two decisions ask differently");
    if let Some(kind) = event.kind().known() {
        let faults = reply::check_wire(kind, &once.reply.to_json());
        assert!(faults.is_empty(), "{faults:?} in {}", once.reply.to_json());
    }
    (event.kind().clone(), once, asked)
}

fn decide_once(engine: &Engine, event: &Event, world: &World) -> (Decision, Vec<Vec<String>>) {
    let mut facts = world.facts.clone();
    let (mut turns, mut asked) = (Engine::turns(event).into_iter(), Vec::new());
    let mut all = decide_turn(engine, event, turns.next().unwrap(), &facts, world, &mut asked);
    for turn in turns {
        facts.state = all.state.clone().unwrap_or(facts.state);
        let next = decide_turn(engine, event, turn, &facts, world, &mut asked);
        all.reply.append(next.reply);
        all.answered_by = all.answered_by.or(next.answered_by);
        all.faults.extend(next.faults);
        all.logs.extend(next.logs);
        all.actions.extend(next.actions);
        all.trace.0.extend(next.trace.0);
        all.state = next.state.or(all.state);
    }
    (all, asked)
}

/// Decides one turn, and notes what it asks, round by round.
fn decide_turn(
    engine: &Engine,
    event: &Event,
    turn: Turn,
    facts: &Facts,
    world: &World,
    asked: &mut Vec<Vec<String>>,
) -> Decision {
    let mut facts = facts.clone();
    loop {
        let questions = match engine.decide(event, turn, &facts, Arc::clone(&world.host)) {
            Ok(decision) => return decision,
            Err(Unfinished { needs: Needs::Answers(questions), .. }) => questions,
            Err(Unfinished { needs: Needs::Operations, .. }) => panic!("the host allows all there are"),
        };
        assert!(questions.iter().any(|question| facts.answers.get(question).is_none()), "it asks nothing new");
        asked.push(questions.iter().map(question).collect());
        let answers = questions.into_iter().map(|question| {
            let answer = Arc::new(world.answer(&question));
            (question, answer)
        });
        facts.answers = facts.answers.with(answers);
    }
}

/// A question as a reviewer reads it.
fn question(question: &Question) -> String {
    let Request { method, url, headers, body, timeout, .. } = &question.request;
    let headers = headers.iter().map(|(name, value)| format!("[{name}: {}]", value.redacted()));
    let body = body.as_ref().map(|body| body.text.redacted());
    let cache = question.cache.map(|cache| format!("kept for {cache:?}"));
    let first = [method.as_str().to_owned(), url.redacted()].into_iter();
    first.chain(headers).chain(body).chain([format!("within {timeout:?}")]).chain(cache).collect::<Vec<_>>().join(" ")
}

fn decided(engine: &Engine, body: &Value, facts: &Value) -> Value {
    let (_, decision, asked) = decide(engine, body, &World::of(facts));
    let mut shown = shown(engine, &decision);
    if !asked.is_empty() {
        shown["asked"] = json!(asked);
    }
    shown
}

/// A decision as a reviewer reads it: what is empty is left out.
fn shown(engine: &Engine, decision: &Decision) -> Value {
    let name = |id| engine.rules().rule(id).map(|rule| &*rule.name);
    let considered = decision.trace.0.iter().map(|(id, considered)| {
        let outcome = match considered {
            Considered::Matched => "matched",
            Considered::Missed(_) => "missed",
            Considered::Failed => "failed",
        };
        json!(format!("{} {outcome}", name(*id).unwrap()))
    });
    let fault = |fault: &switchhook::engine::decision::Fault| json!({ "rule": name(fault.rule), "place": fault.place.to_string(), "message": fault.message });
    let mut shown = json!({
        "reply": decision.reply.to_json(),
        "answered_by": decision.answered_by.and_then(name),
        "row": decision.row,
        "considered": considered.collect::<Value>(),
        "actions": decision.actions.iter().map(action).collect::<Value>(),
        "faults": decision.faults.iter().map(fault).collect::<Value>(),
        "logs": decision.logs.iter().map(|line| json!(format!("{:?}: {}", line.level, line.text))).collect::<Value>(),
        "state": decision.state.as_deref(),
    });
    shown.as_object_mut().unwrap().retain(|_, value| !value.is_null() && *value != json!([]));
    shown
}

/// An action as a reviewer reads it, with the names of secrets in their place.
fn action(action: &Action) -> Value {
    let mut shown = json!({
        "name": action.name, "target": action.request.target, "request": format!("{} {}", action.request.method.as_str(), action.request.url.redacted()),
        "headers": action.request.headers.iter().map(|(name, value)| (name.clone(), json!(value.redacted()))).collect::<Map<_, _>>(),
        "body": action.request.body.as_ref().map(|body| format!("{}: {}", body.content_type, body.text.redacted())),
        "after": (!action.after.is_zero()).then(|| format!("{:?}", action.after)),
        "unless_by": action.unless_by, "tries": format!("{} within {:?}, {:?} each", action.retry.attempts_max, action.retry.age_max, action.request.timeout),
        "in_order": action.in_order.then_some(true), "sign": action.sign.as_ref().map(Text::redacted),
    });
    shown.as_object_mut().unwrap().retain(|_, value| !value.is_null() && *value != json!({}));
    shown
}

/// The body that an event stands for: the fields of a message, or the name of a message under `events/`.
fn body(event: &Value) -> Value {
    match event {
        Value::String(name) => read(&Path::new("src/samples/events").join(format!("{name}.json"))),
        message => json!({ "message": message }),
    }
}

/// A message of `kind` with these fields.
fn message(kind: &str, fields: &Value) -> Value {
    let mut message = Map::from_iter([("type".to_owned(), json!(kind))]);
    message.extend(fields.as_object().cloned().unwrap_or_default());
    body(&Value::Object(message))
}

fn sources(folder: &Path) -> Sources {
    let read = load::rules(folder).unwrap_or_else(|error| panic!("{error}"));
    let mut sources = Sources::default();
    for (_, file) in read.iter() {
        let path = Path::new(&*file.path).strip_prefix(folder).unwrap();
        sources.add(path.to_str().unwrap(), &*file.text);
    }
    sources
}

/// `facts.<variant>.json`, or `facts.json`, beside `event.<variant>.json`.
fn facts_beside(event: &Path) -> Value {
    let own = event.with_file_name(name(event).replacen("event", "facts", 1));
    let path = if own.exists() { own } else { event.with_file_name("facts.json") };
    if path.exists() { read(&path) } else { json!({}) }
}

/// The entries of a list of cases.
fn table(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(Path::new(FOLDER).join(file)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// The files `<what>.json` and `<what>.<variant>.json` of a folder.
fn files(folder: &Path, what: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| name(path).starts_with(&format!("{what}.")));
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}
