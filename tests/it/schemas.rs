//! The JSON Schemas for editors: they take every file that is right, and refuse those that they can see are wrong.
//!
//! The broken files are the golden cases of `check`. What a schema cannot judge is listed, each with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use regex::Regex;
use serde_json::{Value, json};
use switchhook::engine::diagnostic::Sources;
use switchhook::engine::kind::Kind;
use switchhook::engine::source::{self, is_rule_file, is_test_file, yaml};
use switchhook::{samples, settings, testing};

use crate::docs::{self, What};
use crate::support::{Ended, Folder, here, switchhook};

const GOLDEN: &str = "tests/it/check";

const NAMES: &str = "whether there is anything of this name, other places say";
const EXPRESSIONS: &str = "what stands in expressions and placeholders is another language";
const ELSEWHERE: &str = "it is about several entries or files at once";
const CONTENT: &str = "it looks as it should, and only what it says makes no sense";
const WORLD: &str = "it depends on the environment or on other files";

/// What a schema cannot judge, and why.
const UNJUDGED: &[(&str, &str)] = &[
    ("bad-address", CONTENT),
    ("bad-certificate", WORLD),
    ("bad-date", CONTENT),
    ("bad-filter", CONTENT),
    ("bad-key", CONTENT),
    ("bad-network", CONTENT),
    ("bad-phone", CONTENT),
    ("bad-regex", CONTENT),
    ("bad-schema", CONTENT),
    ("bad-secret", WORLD),
    ("bad-timeout", CONTENT),
    ("bad-tls-key", WORLD),
    ("bad-url", CONTENT),
    ("bad-window", CONTENT),
    ("circular-let", EXPRESSIONS),
    ("deadline", ELSEWHERE),
    ("duplicate-key", ELSEWHERE),
    ("duplicate-name", ELSEWHERE),
    ("empty-placeholder", EXPRESSIONS),
    ("not-constant", EXPRESSIONS),
    ("open-admin", ELSEWHERE),
    ("open-server", ELSEWHERE),
    ("script-syntax", EXPRESSIONS),
    ("unclosed-placeholder", EXPRESSIONS),
    ("unknown-action", NAMES),
    ("unknown-argument", NAMES),
    ("unknown-column", NAMES),
    ("unknown-function", NAMES),
    ("unknown-module", NAMES),
    ("unknown-name", NAMES),
    ("unknown-path", NAMES),
    ("unknown-secret", NAMES),
    ("unknown-table", NAMES),
    ("unknown-variable", NAMES),
    ("unset-variable", WORLD),
    ("unused-setting", ELSEWHERE),
    ("wrong-arity", EXPRESSIONS),
    ("wrong-table", NAMES),
];

/// Broken files that fit all the same though they have a mistake that a schema mostly sees, and why.
const FITTING: &[(&str, &str, &str)] = &[
    ("reply-voice.yaml", "bad-reply", "what is base64 of something, `check` says"),
    ("actions.yaml", "bad-control", "which events come while a call goes on, `check` says"),
    ("mixed-handler/rules.yaml", "mixed-kinds", "what a handler is for its script says"),
    ("reply-of-several-kinds.yaml", "bad-reply", "a reply to several kinds is held against none of their contracts"),
    (
        "reply-tool.yaml",
        "bad-reply",
        "an answer of a tool can be anything, and what looks like parts of one may be meant",
    ),
    ("scripts-options/rules.yaml", "unknown-field", "what stands in a script, `check` says"),
    ("requests.yaml", "invalid-value", "which header fields are the daemon's own, `check` says"),
];

fn validators() -> [Validator; 3] {
    [source::schema(), testing::schema(), settings::schema()].map(|schema| {
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// What an editor makes of a text; nothing if it is no YAML.
fn value(text: &str) -> Option<Value> {
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let node = yaml::parse(sources.add("file.yaml", text), text, &mut found)?;
    Some(node.to_json())
}

/// Why a text does not fit; nothing if it does.
fn misfit(validator: &Validator, text: &str) -> Option<String> {
    let Some(value) = value(text) else { return Some("no YAML".to_owned()) };
    validator.validate(&value).err().map(|error| format!("{}: {error}", error.instance_path()))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn every_file_of_the_project_fits() {
    let [rules, tests, settings] = validators();
    let folders = ["rules", "examples", "packaging", "src/cli/init", "tests/it/decide"];
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| files_below(&here(folder))).collect();
    files.sort();
    let mut seen = [0; 3];
    let mut wrong = Vec::new();
    for path in files {
        let name = path.to_str().unwrap();
        let (validator, what) = match name {
            name if name.ends_with("switchhook.yaml") => (&settings, 2),
            name if is_test_file(name) => (&tests, 1),
            // There are tables of conditions, too.
            name if is_rule_file(name) && (!name.contains("/decide/") || name.ends_with("rules.yaml")) => (&rules, 0),
            _ => continue,
        };
        seen[what] += 1;
        wrong.extend(misfit(validator, &fs::read_to_string(&path).unwrap()).map(|why| format!("{name}: {why}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.iter().all(|seen| 3 <= *seen), "{seen:?}");
}

#[test]
fn every_block_of_the_pages_fits() {
    let [rules, tests, settings] = validators();
    let mut wrong = Vec::new();
    for (place, what, text) in docs::sound() {
        let validator = match what {
            What::Rules => &rules,
            What::Tests => &tests,
            What::Settings => &settings,
        };
        wrong.extend(misfit(validator, &text).map(|why| format!("{place}: {why}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A broken file, and the errors in it: the line, and the slug.
struct Broken {
    path: PathBuf,
    errors: Vec<(u32, String)>,
}

fn broken() -> Vec<Broken> {
    let headline = Regex::new(r"(?m)^(\S+?):(\d+):\d+: error\[([a-z-]+)\]: ").unwrap();
    let mut all = Vec::new();
    for report in files_below(Path::new(GOLDEN)).iter().filter(|path| path.extension().is_some_and(|it| it == "txt")) {
        let case = report.with_extension("");
        let files = if case.is_dir() { files_below(&case) } else { vec![report.with_extension("yaml")] };
        let base = if case.is_dir() { case.as_path() } else { Path::new(GOLDEN) };
        let text = fs::read_to_string(report).unwrap();
        for path in files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "yaml")) {
            let name = path.strip_prefix(base).unwrap().to_str().unwrap();
            let errors = headline.captures_iter(&text).filter(|found| &found[1] == name);
            let errors = errors.map(|found| (found[2].parse().unwrap(), found[3].to_owned())).collect();
            all.push(Broken { path, errors });
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// The rule that stands in this line, as the only one of its file; the whole file where there is none.
fn around(line: u32, text: &str) -> Option<Value> {
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let node = yaml::parse(sources.add("file.yaml", text), text, &mut found)?;
    let holds = |rule: &&yaml::Node| (sources.place(rule.span).line..=sources.end(rule.span).line).contains(&line);
    let rule = node.get("rules").and_then(|rules| rules.items().iter().find(holds));
    Some(rule.map_or_else(|| node.to_json(), |rule| json!({ "rules": [rule.to_json()] })))
}

fn is_unjudged(slug: &str) -> bool {
    slug.starts_with("yaml-") || UNJUDGED.iter().any(|(unjudged, _)| *unjudged == slug)
}

#[test]
fn what_is_wrong_does_not_fit_as_far_as_a_schema_can_see() {
    let [rules, _, settings] = validators();
    let mut wrong = Vec::new();
    let mut excused = BTreeSet::new();
    for Broken { path, errors } in broken() {
        let name = path.strip_prefix(GOLDEN).unwrap().to_str().unwrap().to_owned();
        let validator = if name.starts_with("settings-") { &settings } else { &rules };
        let text = fs::read_to_string(&path).unwrap();
        if let Some(why) = misfit(validator, &text).filter(|_| errors.is_empty()) {
            wrong.push(format!("{name} has no error, but does not fit: {why}"));
        }
        for (line, slug) in errors.iter().filter(|(_, slug)| !is_unjudged(slug)) {
            let fits = around(*line, &text).is_some_and(|value| validator.is_valid(&value));
            let excuse = FITTING.iter().find(|(file, fitting, _)| *file == name && fitting == slug);
            match excuse {
                _ if !fits => {}
                Some(excuse) => drop(excused.insert(*excuse)),
                None => wrong.push(format!("{name}:{line} fits in spite of {slug}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: BTreeSet<_> = FITTING.iter().copied().collect();
    assert_eq!(excused, listed, "mistakes that need no excuse");
}

#[test]
fn what_cannot_be_judged_is_in_use() {
    let slugs: BTreeSet<String> = broken().into_iter().flat_map(|broken| broken.errors).map(|(_, slug)| slug).collect();
    let unused: Vec<_> = UNJUDGED.iter().filter(|(slug, _)| !slugs.contains(*slug)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_field_says_what_it_is_for() {
    for schema in [source::schema(), testing::schema(), settings::schema()] {
        let mut silent = Vec::new();
        let named = schema["$defs"].as_object().unwrap().iter().map(|(name, schema)| (name.as_str(), schema));
        // What Vapi's own objects hold, Vapi's pages tell.
        let ours = named.filter(|(name, _)| !name.starts_with("vapi-") && !name.starts_with("reply-to-"));
        for (name, schema) in ours.chain([("the file", &schema)]) {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let unsaid = fields.filter(|(_, field)| field["description"].as_str().is_none_or(str::is_empty));
            silent.extend(unsaid.map(|(field, _)| format!("{name}: {field}")));
        }
        assert!(schema["properties"].is_object() && silent.is_empty(), "{silent:?}");
    }
}

#[test]
fn words_are_those_of_the_engine() {
    let kinds = source::schema()["$defs"]["kind"]["enum"].clone();
    assert!(Kind::ALL.iter().all(|kind| kinds.as_array().unwrap().iter().any(|it| it == kind.name())), "{kinds}");
    let tests = testing::schema().to_string();
    assert!(samples::names().all(|name| tests.contains(&format!("\"{name}\""))));
    let rules = source::schema();
    for path in ["customer.number", "endedReason", "call.type", "any", "now"] {
        assert!(rules["$defs"]["when"]["properties"][path]["description"].is_string(), "{path}");
    }
    let replies = rules["$defs"].as_object().unwrap().keys().filter(|name| name.starts_with("reply-to-")).count();
    let waiting = Kind::ALL.iter().filter(|kind| kind.expects_reply() && !kind.asks_for_tools()).count();
    assert_eq!(replies, waiting);
}

#[test]
fn the_command_prints_each_and_writes_all() {
    let folder = Folder::with(&[]);
    let printed = |arguments: &[&str]| {
        let ended = Ended::of(switchhook(&folder).arg("schema").args(arguments));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(json(&printed(&[])), source::schema());
    assert_eq!(json(&printed(&["tests"])), testing::schema());
    assert_eq!(json(&printed(&["settings"])), settings::schema());
    let written = printed(&["--out", "a/b"]);
    assert_eq!(written, "a/b/rules.schema.json\na/b/tests.schema.json\na/b/settings.schema.json\n");
    let text = fs::read_to_string(folder.path().join("a/b/settings.schema.json")).unwrap();
    assert_eq!(json(&text), settings::schema());
}

#[test]
fn a_new_project_tells_editors_where_its_schemas_are() {
    let folder = Folder::with(&[]);
    assert_eq!(Ended::of(switchhook(&folder).arg("init")).code, Some(0));
    for (file, schema) in [
        ("switchhook.yaml", settings::schema()),
        ("rules/welcome.yaml", source::schema()),
        ("rules/welcome.test.yaml", testing::schema()),
    ] {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let named = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
        let written = fs::read_to_string(path.parent().unwrap().join(named)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), schema, "{file}");
        assert_eq!(misfit(&jsonschema::validator_for(&schema).unwrap(), &text), None, "{file}");
    }
}
