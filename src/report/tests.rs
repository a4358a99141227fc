use super::*;
use crate::engine::diagnostic::{Span, catalogue};

/// Two files and four findings in them.
fn example() -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let bistro = sources.add("rules/bistro.yaml", "rules:\n  - name: a\n    respnd: { ü: 1 }\n    name: b\n");
    let clinic = sources.add("rules/the clinic.yaml", format!("x: {}# end\t\u{1b}[31m\n", "y".repeat(300)));
    sources.add("rules/fine.yaml", "");
    let at = |file, start, end| Span { file, start, end };
    let found = vec![
        Diagnostic::error("unknown-field", at(bistro, 23, 29), "a rule has no field `respnd`")
            .help("did you mean `respond`?"),
        Diagnostic::error("duplicate-key", at(bistro, 45, 49), "the key `name` comes twice")
            .note(at(bistro, 11, 15), "first used here")
            .help("keep one of the two"),
        Diagnostic::warning("yaml-comment", at(clinic, 303, 304), "`#` begins a comment"),
        Diagnostic::hint("no-page", at(bistro, 9, 60), "\u{1b}[2Jwhole\nrule"),
    ];
    (found, sources)
}

fn rendered(format: Format) -> String {
    let (found, sources) = example();
    render(&found, &sources, format, false)
}

#[test]
fn a_person_sees_the_line_the_caret_and_the_remedy() {
    let y40 = "y".repeat(39);
    let expected = format!(
        "\
rules/bistro.yaml:3:5: error[unknown-field]: a rule has no field `respnd`
  3 |     respnd: {{ ü: 1 }}
    |     ^^^^^^
  help: did you mean `respond`?

rules/bistro.yaml:4:5: error[duplicate-key]: the key `name` comes twice
  4 |     name: b
    |     ^^^^
  note: rules/bistro.yaml:2:5: first used here
  help: keep one of the two

rules/the clinic.yaml:1:304: warning[yaml-comment]: `#` begins a comment
  1 | …y{y40}# end \u{fffd}[31m
    |  {}^

rules/bistro.yaml:2:3: hint[no-page]: \u{fffd}[2Jwhole rule
  2 |   - name: a
    |   ^^^^^^^^^

2 errors, 1 warning, 1 hint in 2 files
",
        " ".repeat(40)
    );
    assert_eq!(rendered(Format::Human), expected);
}

#[test]
fn short_is_one_line_and_its_remedies() {
    assert!(rendered(Format::Short).starts_with(
        "\
rules/bistro.yaml:3:5: error[unknown-field]: a rule has no field `respnd`
  help: did you mean `respond`?
rules/bistro.yaml:4:5: error[duplicate-key]: the key `name` comes twice
"
    ));
}

#[test]
fn colour_comes_only_when_asked_for() {
    let (found, sources) = example();
    let short = |colour| render(&found, &sources, Format::Short, colour);
    assert!(!short(false).contains('\u{1b}'));
    assert!(short(true).contains("\u{1b}[1;31merror[unknown-field]\u{1b}[0m: a rule"));
}

#[test]
fn nothing_found_is_said_so() {
    let (_, sources) = example();
    let report = |format| render(&[], &sources, format, true);
    assert_eq!(report(Format::Human), "nothing to mend in 3 files\n");
    assert_eq!(report(Format::Short), "");
    assert_eq!(report(Format::Json), "[]\n");
}

#[test]
fn json_is_an_array_of_objects() {
    let findings: serde_json::Value = serde_json::from_str(&rendered(Format::Json)).unwrap();
    assert_eq!(
        findings[1],
        serde_json::json!({
            "severity": "error", "slug": "duplicate-key", "message": "the key `name` comes twice",
            "path": "rules/bistro.yaml", "line": 4, "column": 5, "end_line": 4, "end_column": 9,
            "help": ["keep one of the two"],
            "notes": [{
                "message": "first used here",
                "path": "rules/bistro.yaml", "line": 2, "column": 5, "end_line": 2, "end_column": 9,
            }],
        })
    );
    assert_eq!(findings.as_array().unwrap().len(), 4);
}

#[test]
fn sarif_names_the_rules_and_the_places() {
    let log: serde_json::Value = serde_json::from_str(&rendered(Format::Sarif)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "switchhook");
    let rules: Vec<_> = run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    assert_eq!(rules, ["duplicate-key", "no-page", "unknown-field", "yaml-comment"]);
    let levels: Vec<_> = run["results"].as_array().unwrap().iter().map(|result| &result["level"]).collect();
    assert_eq!(levels, ["error", "error", "warning", "note"]);
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index], &result["ruleId"]);
    }
    assert_eq!(
        run["results"][1]["locations"][0]["physicalLocation"],
        serde_json::json!({
            "artifactLocation": { "uri": "rules/bistro.yaml" },
            "region": { "startLine": 4, "startColumn": 5, "endLine": 4, "endColumn": 9 },
        })
    );
    let clinic = &run["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(clinic, "rules/the%20clinic.yaml");
    assert_eq!(run["results"][1]["relatedLocations"][0]["message"]["text"], "first used here");
}

#[test]
fn every_page_on_disk_is_in_the_catalogue() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/diagnostics");
    let mut pages: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".md").map(str::to_owned))
        .collect();
    pages.sort();
    assert_eq!(pages, catalogue::ALL);
}
