//! `switchhook test`: real test files, as people write them, and what they are told.

mod command;
mod words;

use std::fs;
use std::process::Command;

use crate::support::{Ended, Folder, here, switchhook};

const RULES: &str = r#"
rules:
  - name: regulars
    on: assistant-request
    fetch: { person: { get: "https://crm.example.com/people?phone=${customer.number}", optional: true } }
    when: { person.json.tier: gold }
    respond: { assistantId: asst-gold, assistantOverrides: { variableValues: { name: "${person.json.name}" } } }
    do:
      - post: https://hooks.example.com/greeted
        json: { who: "${person.json.name}" }
      - log: "greeted ${person.json.name}"
  - name: everyone
    on: assistant-request
    respond: { assistantId: asst-plain }
  - name: count
    tool: count
    script: state::incr("count", args.by)
    fallback: I cannot count.
  - name: nudge
    on: hang
    do: [ { say: Still here. } ]
"#;

fn test(tests: &str, arguments: &[&str]) -> Ended {
    let folder = Folder::with(&[("rules/a.yaml", RULES), ("rules/a.test.yaml", tests)]);
    fs::write(folder.path().join("rules/hang.json"), r#"{"type":"hang","call":{"id":"c1"}}"#).unwrap();
    Ended::of(switchhook(&folder).arg("test").args(arguments))
}

/// What was said, with times taken out.
fn said(ended: &Ended) -> String {
    let line = |line: &str| match line.rsplit_once(" (") {
        Some((before, time)) if time.ends_with(" ms)") => before.to_owned(),
        _ => line.to_owned(),
    };
    ended.stdout.lines().map(line).collect::<Vec<_>>().join("\n")
}

const PASSING: &str = r#"
tests:
  - name: a regular is greeted by name
    event: assistant-request
    set: { customer.number: "+15550123" }
    answers: { "GET https://crm.example.com/*": { json: { tier: gold, name: Ada } } }
    expect:
      rule: regulars
      respond: { assistantOverrides: { variableValues: { name: Ada } } }
      do: [ { post: https://hooks.example.com/greeted, json: { who: Ada } } ]
      logs: [ greeted Ada ]
  - name: others are not
    event: assistant-request
    steps:
      - answers: { "GET *": { json: { tier: silver } } }
        expect: { rule: everyone, exactly: { assistantId: asst-plain }, do: [] }
      - answers: { "GET *": { error: nobody listens there } }
        expect: { rule: everyone }
  - name: state goes from step to step
    event: tool-calls
    set: { tool: count, args: { by: 2 } }
    state: { count: 1 }
    steps:
      - { state: { count: 1 }, expect: { respond: { result: "3" } } }
  - name: a mistake can be expected
    event: tool-calls
    set: { tool: count, args: { by: many } }
    expect: { respond: { result: I cannot count. }, error: does not work on text }
  - name: a file says what it says
    event: hang.json
    expect: { do: [ { say: Still here. } ], error: has no URL }
"#;

#[test]
fn what_is_as_expected_passes() {
    let ended = test(&PASSING.replace("do: [ { say: Still here. } ], ", ""), &["--min-coverage", "60"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let summary = said(&ended).lines().last().unwrap().to_owned();
    assert!(summary.starts_with("5 tests, all passed; 4 of 4 rules matched"), "{summary}");
}

const FAILING: &str = r#"
tests:
  - name: wrong rule
    event: assistant-request
    answers: { "GET *": { json: { tier: silver } } }
    expect: { rule: regulars, respond: { assistantId: asst-gold }, do: [ {} ], logs: [ x ] }
  - name: no answer
    event: assistant-request
    set: { customer.number: "1" }
"#;

#[test]
fn what_is_not_is_told_with_its_path() {
    let ended = test(FAILING, &[]);
    assert_eq!(ended.code, Some(1));
    let expected = r#"FAIL rules/a.test.yaml:3:11: wrong rule
     rule
       expected `regulars`
       but was  `everyone`
       since    `regulars` wants `person.json.tier: gold` (rules/a.yaml:6:13), but it is "silver"
     respond.assistantId
       expected "asst-gold"
       but was  "asst-plain"
     do
       expected 1: {}
       but was  none
     logs
       expected ["x"]
       but was  none
FAIL rules/a.test.yaml:7:11: no answer
     `GET https://crm.example.com/people?phone=1` is asked, and the test has no answer to it
       write it below `answers`: `"GET https://crm.example.com/people?phone=1": { json: { … } }`
2 tests, 2 failed; 1 of 4 rules matched, "#;
    assert!(said(&ended).starts_with(expected), "{}", said(&ended));
}

#[test]
fn what_no_test_reached_is_told() {
    let ended = test("tests: [ { name: one, event: hang } ]", &["--coverage", "--min-coverage", "50"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("rules/a.yaml:3:11: rule `regulars` never matched"), "{}", ended.stdout);
    assert!(ended.stderr.contains("less than 50 %"), "{}", ended.stderr);
}

#[test]
fn a_mistake_in_a_test_file_is_found_with_its_place() {
    let tests = "
tests:
  - name: odd
    event: assistant-requst
    expcet: {}
  - name: worse
    event: hang
    at: yesterday
    expect: { rule: nugde }
more: 1
";
    let ended = test(tests, &[]);
    assert_eq!(ended.code, Some(1));
    for part in [
        "a.test.yaml:4:12: error[unknown-event-kind]: there is no sample of `assistant-requst`",
        "did you mean `assistant-request`?",
        "a.test.yaml:5:5: error[unknown-field]: a test has no field `expcet`",
        "a.test.yaml:8:9: error[bad-date]: `yesterday` is not a moment",
        "a.test.yaml:9:21: error[invalid-value]: no rule is called `nugde`",
        "a.test.yaml:10:1: error[unknown-field]: a test file has no field `more`",
    ] {
        assert!(ended.stderr.contains(part), "{part} is missing in\n{}", ended.stderr);
    }
}

#[test]
fn programs_read_it_too() {
    let junit = test(FAILING, &["--format", "junit"]).stdout;
    assert!(junit.contains("<testsuite name=\"switchhook\" tests=\"2\" failures=\"2\">"), "{junit}");
    assert!(junit.contains("<testcase name=\"wrong rule\" classname=\"rules/a.test.yaml\""), "{junit}");
    let json: serde_json::Value =
        serde_json::from_str(&test(FAILING, &["--format", "json", "--filter", "wrong"]).stdout).unwrap();
    assert_eq!(json["tests"].as_array().map(Vec::len), Some(1), "{json:#}");
    assert_eq!(json["tests"][0]["passed"], false);
}

/// What the program says of the tests at a path of the project.
fn of_project(path: &str) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchhook"));
    let arguments = ["test", path, "--format", "json", "--min-coverage", "90"];
    let ended = Ended::of(command.current_dir(here("")).args(arguments));
    assert_eq!(ended.code, Some(0), "{path}: {}{}", ended.stdout, ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn the_tests_of_the_examples_pass_and_reach_nearly_all_conditions() {
    let mut tests = 0;
    for example in ["examples/bistro", "examples/clinic", "examples/leads"] {
        let told = of_project(example);
        tests += told["tests"].as_array().map_or(0, Vec::len);
        assert_eq!(told["coverage"]["rules"]["percent"], 100.0, "{example}: {told:#}");
    }
    let together = of_project("examples");
    assert!(tests > 0 && together["tests"].as_array().map(Vec::len) == Some(tests), "{together:#}");
    assert_eq!(together["coverage"]["rules"]["percent"], 100.0, "{together:#}");
}

#[test]
fn the_tests_of_the_first_rules_pass() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchhook"));
    let ended = Ended::of(command.current_dir(here("")).args(["test", "rules"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn check_reads_tests_too_and_runs_none() {
    let tests = "tests:\n  - { name: mistyped, event: hang, expct: {} }\n  - { name: fails, event: hang, expect: { rule: everyone } }\n";
    let folder = Folder::with(&[("rules/a.yaml", RULES), ("rules/a.test.yaml", tests)]);
    let ended = Ended::of(switchhook(&folder).args(["check", "--format", "short"]));
    assert_eq!(ended.code, Some(1));
    let found = "rules/a.test.yaml:2:36: error[unknown-field]: a test has no field `expct`";
    assert!(ended.stdout.contains(found) && !ended.stdout.contains("fails"), "{}", ended.stdout);
}
