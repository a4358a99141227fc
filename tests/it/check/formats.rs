//! What `switchhook check` prints, through the program itself, of a folder with ten mistakes in three files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::GOLDEN;
use crate::golden;

const SAMPLE: &str = "ten-mistakes";

/// A mistake: its file, line and slug.
type Mistake = (String, u64, String);

fn check(format: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchhook"));
    command.args(["check", SAMPLE, "--format", format]).current_dir(GOLDEN).output().unwrap()
}

fn printed(format: &str) -> String {
    let output = check(format);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
    String::from_utf8(output.stdout).unwrap()
}

/// The mistakes that the files of the sample confess to.
fn confessed() -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for file in ["calls.yaml", "scripts/reservations.rhai", "tools.yaml"] {
        let path = format!("{SAMPLE}/{file}");
        let text = fs::read_to_string(Path::new(GOLDEN).join(&path)).unwrap();
        for (line, text) in (1..).zip(text.lines()) {
            if let Some((_, slug)) = text.split_once(" mistake: ") {
                mistakes.push((path.clone(), line, slug.to_owned()));
            }
        }
    }
    mistakes
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn ten_mistakes_in_three_files_are_found_at_once() {
    let findings: Vec<Value> = serde_json::from_str(&printed("json")).unwrap();
    let found: Vec<Mistake> =
        findings.iter().map(|one| (text(&one["path"]), one["line"].as_u64().unwrap(), text(&one["slug"]))).collect();
    assert_eq!((confessed().len(), found), (10, confessed()));
}

#[test]
fn json_says_everything() {
    let findings: Vec<Value> = serde_json::from_str(&printed("json")).unwrap();
    let wanted = json!({
        "severity": "error",
        "slug": "unknown-name",
        "message": "nothing is called `customr` here",
        "path": "ten-mistakes/calls.yaml",
        "line": 9, "column": 7, "end_line": 9, "end_column": 21,
        "help": ["did you mean `customer`?"],
        "notes": [],
    });
    assert_eq!(findings[0], wanted);
}

#[test]
fn people_see_the_line_and_the_remedy() {
    let file = Path::new(GOLDEN).join("ten-mistakes.human");
    golden::assert_none(golden::difference(&file, &printed("human")).as_slice());
}

#[test]
fn the_short_format_is_a_line_a_finding_and_its_remedies() {
    let printed = printed("short");
    let (remedies, findings): (Vec<&str>, Vec<&str>) = printed.lines().partition(|line| line.starts_with("  help: "));
    assert_eq!((findings.len(), remedies.is_empty()), (10, false), "{printed}");
    for ((path, line, slug), finding) in confessed().iter().zip(findings) {
        assert!(finding.starts_with(&format!("{path}:{line}:")), "{finding}");
        assert!(finding.contains(&format!(": error[{slug}]: ")), "{finding}");
    }
}

/// The fields that SARIF 2.1.0 requires, and those without which nobody could follow a result to its place.
#[test]
fn sarif_has_what_the_standard_asks_for() {
    let log: Value = serde_json::from_str(&printed("sarif")).unwrap();
    assert_eq!((&log["version"], log["runs"].as_array().unwrap().len()), (&json!("2.1.0"), 1));
    assert!(text(&log["$schema"]).ends_with("sarif-schema-2.1.0.json"));
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!((&driver["name"], &driver["version"]), (&json!("switchhook"), &json!(env!("CARGO_PKG_VERSION"))));

    let mut found = Vec::new();
    for result in run["results"].as_array().unwrap() {
        let rule = &driver["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!((&rule["id"], &result["level"]), (&result["ruleId"], &json!("error")));
        assert!(!text(&result["message"]["text"]).is_empty() && !text(&rule["help"]["text"]).is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let line = place["region"]["startLine"].as_u64().unwrap();
        found.push((text(&place["artifactLocation"]["uri"]), line, text(&result["ruleId"])));
    }
    assert_eq!(found, confessed());
}

#[test]
fn a_page_is_printed_and_an_unknown_slug_is_guessed() {
    let explain = |slug: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchhook"));
        command.args(["check", "--explain", slug]).output().unwrap()
    };
    let page = explain("unknown-name");
    assert_eq!(page.status.code(), Some(0));
    assert_eq!(page.stdout, fs::read("docs/diagnostics/unknown-name.md").unwrap());
    let misspelt = explain("unknown-nam");
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&misspelt.stderr).contains("did you mean `unknown-name`?"));
}
