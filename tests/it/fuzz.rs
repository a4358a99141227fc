//! What nobody means to write or to send: rule files as a bad day leaves them, every operator before every value, and
//! times at the ends of the calendar.
//!
//! The damage is the same in every run: whoever looks for more of it raises [`CASES`] or changes [`SEED`].

mod harm;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use switchhook::engine::decision::Considered;
use switchhook::engine::diagnostic::{Diagnostic, Sources, Span};
use switchhook::engine::event::Event;
use switchhook::engine::facts::{Facts, Host, Unhurried};
use switchhook::engine::question::{Fetched, Question};
use switchhook::engine::reply::check_wire;
use switchhook::engine::source::{Options, compile};
use switchhook::engine::{Engine, Turn};
use switchhook::load;
use switchhook::report::{self, Format};

use crate::support::{here, samples};
use harm::harm;

/// How many files are damaged: about two seconds' worth.
const CASES: u32 = 400;
const SEED: u64 = 1;

/// Paths and texts of one rule set.
type Files = Vec<(String, String)>;

/// Rule sets to damage. Those with a mistake in them are fewer: after one, little else is looked at.
static RULE_SETS: LazyLock<Vec<Files>> = LazyLock::new(|| {
    let sound = ["rules", "examples/bistro/rules", "examples/clinic/rules", "examples/leads/rules"].map(here);
    let decided = folders("tests/it/decide");
    let broken = folders("tests/it/check").into_iter().step_by(3);
    sound.into_iter().chain(decided).chain(broken).map(|folder| files(&folder)).collect()
});

static EVENTS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(samples);

fn folders(below: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(here(below)).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn files(folder: &Path) -> Files {
    let sources = load::rules(folder).unwrap_or_else(|error| panic!("{error}"));
    let relative = |path: &str| Path::new(path).strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    sources.iter().map(|(_, file)| (relative(&file.path), file.text.to_string())).collect()
}

fn sources(files: &Files) -> Sources {
    let mut sources = Sources::default();
    for (path, text) in files {
        sources.add(path.as_str(), text.as_str());
    }
    sources
}

/// A host whose time is over after it was asked so many times.
struct Asked(AtomicU64);

impl Asked {
    fn again(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) > 2_000
    }
}

impl Host for Asked {
    fn out_of_time(&self) -> bool {
        self.again()
    }

    fn passed(&self, _: Duration) -> bool {
        self.again()
    }
}

#[track_caller]
fn assert_points_inside(found: &Diagnostic, sources: &Sources) {
    let inside = |span: &Span| {
        let file = sources.file(span.file)?;
        file.text.get(span.start as usize..span.end as usize)
    };
    let spans = std::iter::once(&found.span).chain(found.notes.iter().map(|(span, _)| span));
    assert!(spans.map(inside).all(|text| text.is_some()), "{found:?}");
}

/// Decides every turn of every sample and holds the replies against their contracts.
fn assert_answers_all(engine: &Engine) {
    for (name, body) in &*EVENTS {
        let event = engine.read(body.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        for turn in Engine::turns(&event) {
            let mut facts = Facts { now: "2026-11-23T18:30:00Z".parse().unwrap(), ..Facts::default() };
            let host: Arc<dyn Host> = Arc::new(Asked(AtomicU64::new(0)));
            let nobody = |_: &Question| Fetched::failed("nobody listens there");
            let decision =
                facts.answered(nobody, |facts| engine.decide(&event, turn, facts, Arc::clone(&host))).unwrap();
            let reply = decision.reply.to_json();
            let faults = event.kind().known().map(|kind| check_wire(kind, &reply)).unwrap_or_default();
            assert!(faults.is_empty(), "{name}: {faults:?} in {reply}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        rng_seed: RngSeed::Fixed(SEED),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_rule_files_are_explained_or_work(
        set in any::<Index>(),
        file in any::<Index>(),
        harms in prop::collection::vec(harm(), 1..4),
    ) {
        let mut files = set.get(&RULE_SETS).clone();
        let damaged = file.index(files.len());
        files[damaged].1 = harms.iter().fold(files[damaged].1.clone(), |text, harm| harm.befall(&text));
        let sources = sources(&files);
        let compiled = compile(&sources, &Options::default());
        let found = match &compiled {
            Ok(compiled) => &compiled.found,
            Err(found) => found,
        };
        prop_assert!(compiled.is_ok() || !found.is_empty());
        for one in found {
            assert_points_inside(one, &sources);
        }
        for format in [Format::Human, Format::Short, Format::Json, Format::Sarif] {
            drop(report::render(found, &sources, format, true));
        }
        if let Ok(compiled) = &compiled {
            assert_answers_all(&compiled.engine);
        }
    }
}

fn compiled(rules: &Value) -> Engine {
    let mut sources = Sources::default();
    sources.add("rules.yaml", rules.to_string());
    let compiled = compile(&sources, &Options::default());
    compiled.unwrap_or_else(|found| panic!("{}", report::render(&found, &sources, Format::Short, false))).engine
}

fn scan(engine: &Engine, message: &Value) -> Event {
    engine.read(json!({ "message": message }).to_string().into_bytes()).unwrap()
}

#[test]
fn every_operator_meets_every_value() {
    let conditions = json!([
        "x", 5, true, ["x", 5, false], "present", "absent", { "not": "x" }, { "present": false }, { "phone": "+15550100" },
        { "gt": 5 }, { "gte": "x" }, { "lt": -1.5 }, { "lte": "2026-11-23" }, { "length": 1 }, { "length": { "gte": 1, "lt": 3 } },
        { "contains": "x" }, { "contains": [1, "y"] }, { "starts_with": ["x", "+1"] }, { "ends_with": "x" },
        { "matches": "(?i)^x|[0-9]+$" }, { "is": "X", "ignoring_case": true }
    ]);
    let values = json!([
        null, true, 0, -1, 1.5, 1e308, u64::MAX, i64::MIN, "", "x", "X\u{0}", "+1 (555) 0100", "x".repeat(100_000),
        "\u{1F600}\u{301}", [], ["x"], [null, [1], {}], {}, { "x": "x" }
    ]);
    let rule =
        |(number, condition)| json!({ "name": format!("r{number}"), "tool": "t", "when": { "args.v": condition } });
    let mut rules: Vec<Value> = (0..).zip(conditions.as_array().unwrap()).map(rule).collect();
    rules.push(json!({ "name": "shared", "tool": "t", "when": { "share": { "of": "args.v", "percent": 50 } } }));
    rules.push(json!({ "name": "last", "tool": "t", "respond": "${args.v} ${args.v.len()}", "fallback": "no length" }));
    let engine = compiled(&json!({ "rules": rules }));
    for value in values.as_array().unwrap() {
        let call = json!({ "id": "t1", "function": { "name": "t", "arguments": { "v": value } } });
        let event = scan(&engine, &json!({ "type": "tool-calls", "toolCallList": [call] }));
        let decision = engine.decide(&event, Turn::ToolCall(0), &Facts::default(), Arc::new(Unhurried)).unwrap();
        let considered = decision.trace.0.iter().filter(|(_, considered)| *considered != Considered::Failed);
        assert_eq!(considered.count(), rules.len(), "{value} {:?}", decision.faults);
        assert_eq!(check_wire(event.kind().known().unwrap(), &decision.reply.to_json()), [], "{value}");
    }
}

#[test]
fn every_window_can_be_asked_at_every_time() {
    let windows = [
        "mon-fri 09:00-17:30 America/New_York",
        "sun 02:00-03:00 Europe/Berlin",
        "00:00-24:00 UTC",
        "2027-12-31 23:00-01:00 Pacific/Apia",
        "2026-12-24..2026-12-31 Asia/Kathmandu",
        "9999-12-31 18:00-02:00 Pacific/Kiritimati",
        "0001-01-01..9999-12-31 Etc/GMT+12",
        "2028-02-29 America/St_Johns",
    ];
    let rule = |(number, window)| json!({ "name": format!("w{number}"), "on": "hang", "when": { "now": window } });
    let rules: Vec<Value> = (0..).zip(windows).map(rule).collect();
    let engine = compiled(&json!({ "rules": rules }));
    let event = scan(&engine, &json!({ "type": "hang" }));
    let seconds = |time: &str| time.parse::<Timestamp>().unwrap().as_second();
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let days = [
        "0000-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "2026-03-29T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "2028-02-29T03:30:00Z",
        "2011-12-30T10:00:00Z",
    ];
    for second in days.map(seconds).into_iter().chain([first + 90_000, last - 90_000]) {
        for offset in (-90_000..=90_000).step_by(1_799) {
            let facts = Facts {
                now: Timestamp::from_second((second + offset).clamp(first, last)).unwrap(),
                ..Facts::default()
            };
            let decision = engine.decide(&event, Turn::Whole, &facts, Arc::new(Unhurried)).unwrap();
            assert_eq!((decision.trace.0.len(), decision.faults.len()), (windows.len(), 0), "{}", facts.now);
        }
    }
}
