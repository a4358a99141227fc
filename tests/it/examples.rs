//! Every example, as a newcomer uses it: the command finds no fault in it, and its events are decided as it says.
//!
//! `expected/<event>.json` says what comes of `events/<event>.json`. What stands under `given` is written by hand: the
//! server that the event came to, when it came ([`NOW`] if nothing is said), and what the call's state was. The rest
//! is rewritten with `UPDATE_EXPECT=1`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use switchhook::engine::facts::{Facts, Unhurried};
use switchhook::engine::reply::{Reply, check_wire};
use switchhook::engine::script::LogLevel;
use switchhook::engine::source::{Options, compile};
use switchhook::engine::{Engine, Turn};
use switchhook::load;

/// When events come about which nothing is said: on a Tuesday, at three in the afternoon in New York.
const NOW: &str = "2026-11-24T15:00:00-05:00";

/// The examples with the hints that each earns; errors and warnings are never allowed.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("bistro", &[]),
    // Each of its two servers leaves something to the other.
    ("clinic", &["unanswered-kind", "unanswered-kind"]),
    ("leads", &["opt-in-kind"]),
];

/// What the settings of the examples want of the environment.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("CLINIC_HMAC_KEY", "a-key-for-tests"),
    ("CLINIC_TOKEN", "a-token-for-tests"),
    ("CLINIC_OLD_TOKEN", "another-token-for-tests"),
    ("LEADS_SECRET", "a-secret-for-tests"),
];

fn folder(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example)
}

fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the JSON files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|it| it == "json"))
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn every_example_is_held_to_what_it_says() {
    let mut folders: Vec<String> = fs::read_dir(folder(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort_unstable();
    assert_eq!(folders, EXAMPLES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for name in folders {
        assert!(folder(&name).join("README.md").is_file(), "{name} has no README.md");
        let (events, expected) = (names(&folder(&name).join("events")), names(&folder(&name).join("expected")));
        assert!(events.len() >= 3, "{name} has {} events", events.len());
        assert!(update() || events == expected, "{name}: {events:?} but {expected:?}");
    }
}

#[test]
fn the_command_finds_no_fault_in_them() {
    for (example, hints) in EXAMPLES {
        let output = Command::new(env!("CARGO_BIN_EXE_switchhook"))
            .args(["check", "--format", "json"])
            .arg(Path::new("examples").join(example))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .envs(ENVIRONMENT.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let found: Vec<Value> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{example}: {error}: {text}"));
        let of = |key: &str, found: &Value| found.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        for one in &found {
            assert_eq!(of("severity", one), "hint", "{example}: {one}");
        }
        let slugs: Vec<String> = found.iter().map(|one| of("slug", one)).collect();
        assert_eq!(slugs, *hints, "{example}: {text}");
        assert!(output.status.success(), "{example}");
    }
}

#[test]
fn their_events_are_decided_as_they_say() {
    let mut differences = Vec::new();
    for (example, _) in EXAMPLES {
        for name in names(&folder(example).join("events")) {
            let body = fs::read(folder(example).join("events").join(&name)).unwrap();
            let path = folder(example).join("expected").join(&name);
            let expected = if path.is_file() { read_json(&path) } else { json!({}) };
            let decided = decide(example, body, &Given::of(&expected));
            if update() && decided != expected {
                fs::write(&path, serde_json::to_string_pretty(&decided).unwrap() + "\n").unwrap();
            } else if decided != expected {
                differences.push(format!("{example}/{name}\n  expected {expected}\n  but was  {decided}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}\n(UPDATE_EXPECT=1 rewrites them)", differences.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "an author of the tests says so")]
pub(crate) fn update() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// What an event meets.
struct Given {
    written: Option<Value>,
    server: String,
    facts: Facts,
}

impl Given {
    fn of(expected: &Value) -> Given {
        let written = expected.get("given").cloned();
        let text = |key: &str| written.as_ref().and_then(|given| given.get(key)?.as_str()).map(ToOwned::to_owned);
        let state = written.as_ref().and_then(|given| given.get("state")?.as_object()).cloned().unwrap_or_default();
        let now = text("now").unwrap_or_else(|| NOW.to_owned()).parse().unwrap();
        let facts = Facts { now, state: Arc::new(state), ..Facts::default() };
        Given { server: text("server").unwrap_or_default(), facts, written }
    }
}

/// What the example makes of an event, as it stands in `expected/`.
fn decide(example: &str, body: Vec<u8>, given: &Given) -> Value {
    let engine = engine(example, &given.server);
    let event = engine.read(body).unwrap();
    let kind = event.kind().known().unwrap_or_else(|| panic!("{example}: {}", event.kind()));
    let mut reply: Option<Reply> = None;
    let (mut rules, mut log, mut facts) = (Vec::new(), Vec::new(), given.facts.clone());
    for turn in Engine::turns(&event) {
        let decision = engine.decide(&event, turn, &facts, Arc::new(Unhurried)).unwrap();
        assert_eq!(decision.faults, [], "{example}");
        let rule = decision.answered_by.and_then(|id| engine.rules().rule(id)).map(|rule| json!(*rule.name));
        rules.push(rule.unwrap_or_default());
        log.extend(decision.logs.into_iter().map(|line| match line.level {
            LogLevel::Info => json!(line.text),
            LogLevel::Warn => json!(format!("warning: {}", line.text)),
        }));
        facts.state = decision.state.unwrap_or(facts.state);
        match &mut reply {
            Some(reply) => reply.append(decision.reply),
            None => reply = Some(decision.reply),
        }
        assert!(turn == Turn::Whole || kind.asks_for_tools());
    }
    let reply = reply.unwrap().to_json();
    assert_eq!(check_wire(kind, &reply), [], "{example}: {reply}");

    let mut decided = Map::new();
    decided.extend(given.written.clone().map(|given| ("given".to_owned(), given)));
    decided.insert("rule".to_owned(), if rules.len() == 1 { rules.remove(0) } else { json!(rules) });
    decided.insert("reply".to_owned(), reply);
    if !log.is_empty() {
        decided.insert("log".to_owned(), json!(log));
    }
    if facts.state != given.facts.state {
        decided.insert("state".to_owned(), json!(*facts.state));
    }
    Value::Object(decided)
}

/// The engine of an example's rules, or of those of one of its servers.
fn engine(example: &str, server: &str) -> Engine {
    let settings = fs::read_to_string(folder(example).join("switchhook.yaml")).unwrap_or_default();
    let settings: Value = serde_yaml::from_str(&settings).unwrap();
    let servers = settings.get("servers");
    let rules = servers.map_or(Some("rules"), |servers| servers.get(server)?.get("rules")?.as_str());
    let rules = rules.unwrap_or_else(|| panic!("{example} has no server `{server}`"));
    let sources = load::rules(&folder(example).join(rules)).unwrap();
    compile(&sources, &Options::default()).unwrap_or_else(|found| panic!("{example}: {found:#?}")).engine
}
