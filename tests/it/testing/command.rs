//! The command: what it runs, what keeps it from running, how much it says was reached.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Ended, Folder, PATIENCE, switchhook};

const RULES: &str = "
rules:
  - name: web
    on: assistant-request
    when: { any: [ { call.type: webCall }, { customer.name: Ada, customer.number: present } ] }
    respond: { assistantId: asst-web }
  - name: everyone
    on: assistant-request
    respond: { assistantId: asst-plain }
";
const TESTS: &str = "
tests:
  - { name: a call from the web, event: assistant-request, set: { call.type: webCall }, expect: { rule: web } }
  - { name: another call, event: assistant-request, unset: [ customer.name ], expect: { rule: everyone } }
";
const BROKEN: &str = "rules:\n  - { name: web, on: assistant-request, respnd: { assistantId: a } }\n";
/// One test that can be run, and one that cannot.
const MISTAKEN: &str = "
tests:
  - { name: misspelt, event: assistant-request, expcet: { rule: web } }
  - { name: well spelt, event: assistant-request, expect: { rule: everyone } }
";

fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    Ended::of(switchhook(folder).arg("test").args(arguments))
}

fn project() -> Folder {
    Folder::with(&[("rules/a.yaml", RULES), ("rules/a.test.yaml", TESTS)])
}

#[test]
fn nothing_to_run_is_no_success() {
    let (with, without) = (project(), Folder::with(&[("rules/a.yaml", RULES)]));
    for (folder, arguments, why) in [
        (&with, &["--filter", "nobody"][..], "none of the 2 tests has `nobody` in its name: leave out `--filter`"),
        (&without, &[], "there are no tests in `.`: write some into a file beside the rules"),
        (&without, &["rules", "--format", "junit"], "there are no tests in `rules`"),
        (&with, &["rules/a.yaml"], "there are no tests in `rules/a.yaml`: name its folder"),
        (&with, &["nowhere"], "there is no `nowhere`: name a project, a folder of rules or a test file"),
        (&with, &["nowhere.test.yaml"], "there is no `nowhere.test.yaml`"),
    ] {
        let ended = run(folder, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn programs_are_told_what_is_wrong_with_the_rules() {
    let folder = Folder::with(&[("rules/a.yaml", BROKEN), ("rules/a.test.yaml", TESTS)]);
    let human = run(&folder, &[]);
    assert_eq!(human.stdout, "no test was run: the mistakes in the files have to be mended first\n");
    assert!(human.stderr.contains("rules/a.yaml:2:41: error[unknown-field]"), "{}", human.stderr);

    let told = run(&folder, &["--format", "json", "--min-coverage", "50"]);
    assert_eq!((told.code, human.code, told.stderr.as_str()), (Some(1), Some(1), ""));
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told.pointer("/findings/0/slug"), Some(&json!("unknown-field")), "{told:#}");
    assert_eq!((&told["tests"], &told["coverage"]), (&json!([]), &Value::Null));

    let junit = run(&folder, &["--format", "junit"]).stdout;
    for part in [
        "<testsuite name=\"switchhook\" tests=\"1\" failures=\"0\" errors=\"1\">",
        "<testcase name=\"rules/a.yaml:2:41\" classname=\"rules/a.yaml\">",
        "<error message=\"unknown-field: a rule has no field `respnd`\">did you mean `respond`?</error>",
    ] {
        assert!(junit.contains(part), "{part} is missing in\n{junit}");
    }
}

#[test]
fn programs_are_told_what_is_wrong_with_the_settings() {
    let folder = Folder::with(&[("rules/a.yaml", RULES), ("switchhook.yaml", "listne: 127.0.0.1:0\n")]);
    let told = run(&folder, &["--format", "json"]);
    let json: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((told.code, json.pointer("/findings/0/path")), (Some(1), Some(&json!("switchhook.yaml"))), "{json:#}");
}

#[test]
fn a_mistake_keeps_no_other_test_from_running() {
    let files = [("rules/a.yaml", RULES), ("rules/a.test.yaml", MISTAKEN), ("rules/b.test.yaml", TESTS)];
    let folder = Folder::with(&[files[0], files[1], files[2], ("rules/c.test.yaml", "tests: [ {")]);
    let ended = run(&folder, &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("ok   rules/a.test.yaml:4:13: well spelt"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains(
            "3 tests, all passed, 1 not run: there is a mistake in it, those of 1 file not: it cannot be read; "
        ),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains("rules/a.test.yaml:3:49: error[unknown-field]"), "{}", ended.stderr);
    assert!(ended.stderr.contains("rules/c.test.yaml:1:11: error[yaml-syntax]"), "{}", ended.stderr);
    let json: Value = serde_json::from_str(&run(&folder, &["--format", "json"]).stdout).unwrap();
    assert_eq!((&json["not_run"], json["findings"].as_array().map(Vec::len)), (&json!(1), Some(2)), "{json:#}");
}

#[test]
fn one_rule_set_with_mistakes_keeps_no_other_from_being_tested() {
    let files = [("one/rules/a.yaml", BROKEN), ("two/rules/a.yaml", RULES), ("two/rules/a.test.yaml", TESTS)];
    let ended = run(&Folder::with(&files), &[]);
    let told = "2 tests, all passed, those of 1 rule set not: its rules have to be mended first; ";
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

#[test]
fn a_test_file_can_be_run_by_itself() {
    let settings = "servers:\n  /one: { rules: all/one }\n  /two: { rules: all/two }\n";
    let other = RULES.replace("everyone", "others");
    let folder = Folder::with(&[
        ("rules/a.yaml", RULES),
        ("rules/a.test.yaml", TESTS),
        ("rules/deep/b.test.yaml", "tests: [ { name: deep, event: assistant-request, expect: { rule: everyone } } ]"),
        ("agency/switchhook.yaml", settings),
        ("agency/all/one/a.yaml", RULES),
        ("agency/all/one/a.test.yaml", "tests: [ { name: one, event: hang, expect: { rule: everyone } } ]"),
        ("agency/all/two/a.yaml", &other),
        ("agency/all/two/a.test.yaml", "tests: [ { name: two, event: assistant-request, expect: { rule: others } } ]"),
        ("alone/a.yaml", RULES),
        ("alone/a.test.yaml", TESTS),
    ]);
    for (file, tests) in [
        ("rules/a.test.yaml", "2 tests, all passed"),
        ("./rules/deep/b.test.yaml", "1 test, all passed"),
        ("agency/all/two/a.test.yaml", "1 test, all passed"),
        ("alone/a.test.yaml", "2 tests, all passed"),
    ] {
        let ended = run(&folder, &[file]);
        assert_eq!(ended.code, Some(0), "{file}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.starts_with(&format!("ok   {}:", file.trim_start_matches("./"))), "{}", ended.stdout);
        assert!(ended.stdout.lines().last().unwrap().starts_with(tests), "{file}: {}", ended.stdout);
    }
    let inside =
        Ended::of(switchhook(&folder).current_dir(folder.path().join("rules/deep")).args(["test", "b.test.yaml"]));
    assert_eq!(inside.code, Some(0), "{}{}", inside.stdout, inside.stderr);
}

#[test]
fn a_share_may_be_broken() {
    let folder = project();
    // Three conditions and the two alternatives together, each to hold and not to: five outcomes of eight were seen.
    for (least, code) in [("62", 0), ("62.5", 0), ("62.5%", 0), ("62.6", 1), ("63%", 1), ("many", 2), ("101", 2)] {
        let ended = run(&folder, &["--min-coverage", least]);
        assert_eq!(ended.code, Some(code), "{least}: {}{}", ended.stdout, ended.stderr);
    }
    assert!(run(&folder, &["--min-coverage", "63"]).stderr.contains("62.5 % of the outcomes of conditions were seen"));
}

#[test]
fn what_stands_in_any_counts_once() {
    let said = run(&project(), &["--coverage", "--format", "json"]).stdout;
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["coverage"]["conditions"], json!({ "reached": 5, "all": 8, "percent": 62.5 }), "{told:#}");
    let gaps: Vec<&str> =
        told["coverage"]["gaps"].as_array().unwrap().iter().map(|gap| gap["what"].as_str().unwrap()).collect();
    assert_eq!(gaps, ["`customer.name: Ada` never held", "`customer.number: present` was never tried"]);
}

#[test]
fn conditions_of_actions_count_too() {
    let rules = "rules:
  - name: first
    on: hang
    when: { call.id: present }
    do: [ { log: a, when: { call.type: webCall } }, { log: b, when: { call.type: absent } } ]
  - { name: last, on: hang, when: { customer.number: absent }, do: [ { log: c } ] }
";
    let tests = "tests: [ { name: web, event: hang, set: { call.type: webCall }, expect: { do: [ { log: a } ] } } ]";
    let folder = Folder::with(&[("rules/a.yaml", rules), ("rules/a.test.yaml", tests)]);
    let ended = run(&folder, &["--coverage"]);
    let gaps: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("rules/a.yaml")).collect();
    let expected = [
        "rules/a.yaml:4:13: `call.id: present` never missed",
        "rules/a.yaml:5:29: `call.type: webCall` never missed",
        "rules/a.yaml:5:71: `call.type: absent` never held",
        "rules/a.yaml:6:13: rule `last` never matched",
    ];
    assert_eq!(gaps, expected, "{}", ended.stdout);
}

const TABLE: &str =
    "customer.number,=> assistantId\n+49*,asst-berlin\n+1*,asst-plain\n+33*,asst-paris\n+34*,asst-madrid\n";

#[test]
fn rows_that_no_test_reached_are_told() {
    let rules = "rules: [ { name: routing, on: assistant-request, table: routing } ]";
    let tests = "tests:
  - { name: plain, event: assistant-request, set: { customer.number: \"+1555\" }, expect: { rule: routing } }
  - { name: nobody, event: assistant-request, set: { customer.number: \"+86\" }, expect: { rule: none } }
";
    let files = [("rules/a.yaml", rules), ("rules/a.test.yaml", tests), ("rules/tables/routing.csv", TABLE)];
    let folder = Folder::with(&files);
    let ended = run(&folder, &["--coverage", "--min-coverage", "50.1"]);
    let told = "rules/tables/routing.csv:2:6: row 2 of `routing` never answered\n\
                rules/tables/routing.csv:4:6: rows 4 to 5 of `routing` never answered\n\
                2 tests, all passed; 1 of 1 rules matched, 1 of 4 rows of tables answered, 50 % of these rows and of the \
                outcomes of conditions were seen\n";
    assert!(ended.stdout.ends_with(told), "{}", ended.stdout);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let always = TABLE.to_owned() + "*,asst-other\n";
    fs::write(folder.path().join("rules/tables/routing.csv"), &always).unwrap();
    let other = tests.replace("{ rule: none }", "{ respond: { assistantId: asst-other } }");
    fs::write(folder.path().join("rules/a.test.yaml"), other).unwrap();
    let json: Value = serde_json::from_str(&run(&folder, &["--format", "json"]).stdout).unwrap();
    assert_eq!(json["coverage"]["rows"], json!({ "reached": 2, "all": 5, "percent": 40.0 }), "{json:#}");
    // A table with a row for everybody cannot miss.
    assert_eq!(json["coverage"]["conditions"], json!({ "reached": 1, "all": 1, "percent": 100.0 }), "{json:#}");
}

/// A command that runs until the test is over.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Watching {
    fn start(folder: &Folder) -> (Watching, Receiver<String>) {
        let mut child = switchhook(folder).args(["test", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
        let (said, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        (Watching(child), lines)
    }
}

#[test]
fn with_watch_tests_are_run_again_when_a_file_changes() {
    let folder = project();
    let (_watching, lines) = Watching::start(&folder);
    let summary = |begins: &str| loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("there is no line `{begins}…`"));
        if line.starts_with(begins) {
            return;
        }
    };
    let write = |file: &str, text: &str| fs::write(Path::join(folder.path(), file), text).unwrap();
    summary("2 tests, all passed; ");
    write("rules/a.yaml", &RULES.replace("webCall", "phoneCall"));
    summary("2 tests, 1 failed; ");
    write("rules/a.yaml", BROKEN);
    summary("no test was run");
    write("rules/a.yaml", RULES);
    write("rules/b.test.yaml", "tests: [ { name: more, event: hang } ]");
    summary("3 tests, all passed; ");
    write("switchhook.yaml", "listne: x\n");
    summary("no test was run");
}
