//! The pages as a book: all of them are in it, nothing leads out of it, and the reference says what the program says.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use switchhook::engine::diagnostic::catalogue;
use switchhook::engine::source;
use switchhook::{settings, testing};

use crate::golden;
use crate::support::{Client, Daemon, Folder, switchhook};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// All pages below a folder, by their paths in it.
fn pages(folder: &Path) -> Vec<String> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            pages.extend(self::pages(&path).into_iter().map(|page| format!("{name}/{page}")));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(name);
        }
    }
    pages.sort();
    pages
}

#[test]
fn every_page_is_in_the_book() {
    let summary = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    let missing: Vec<String> = pages(&docs())
        .into_iter()
        .filter(|page| page != "SUMMARY.md" && !summary.contains(&format!("]({page})")))
        .collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md does not list {missing:?}");
}

#[test]
fn no_page_leads_out_of_the_book() {
    for page in pages(&docs()) {
        let path = docs().join(&page);
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let target = path.with_file_name("").join(file);
            let inside = target.canonicalize().is_ok_and(|target| target.starts_with(docs().canonicalize().unwrap()));
            assert!(inside, "docs/{page} links to {link}");
        }
    }
}

/// Holds a page that is made of the program against what is written.
fn assert_made(page: &str, text: &str) {
    golden::assert_none(&golden::difference(&docs().join(page), text).into_iter().collect::<Vec<_>>());
}

#[test]
fn every_finding_is_listed() {
    let mut page = "# Findings\n\nWhat `switchhook check` can find, by the word in brackets behind `error` or `warning`. \
                    `switchhook check --explain WORD` prints the same pages.\n\n| finding | what it means |\n| --- | --- |\n"
        .to_owned();
    for slug in catalogue::ALL {
        let text = catalogue::page(slug).unwrap();
        let paragraph = text.split("\n\n").nth(1).unwrap().replace('\n', " ").replace('|', "\\|");
        let sentence = paragraph.split_once(". ").map_or(paragraph.as_str(), |(first, _)| first);
        writeln!(page, "| [{slug}](../diagnostics/{slug}.md) | {} |", sentence.trim_end_matches('.')).unwrap();
    }
    assert_made("reference/findings.md", &page);
}

#[test]
fn every_metric_is_listed() {
    let rules = "rules: [ { name: a, tool: a, respond: b } ]\n";
    let folder = Folder::with(&[("rules/a.yaml", rules)]);
    let mut command = switchhook(&folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let daemon = Daemon::of(folder, &mut command);
    let metrics = Client::connect(daemon.admin).ask("GET", "/metrics").body;
    let metrics = String::from_utf8(metrics).unwrap();
    let mut page = "# Metrics\n\nWhat `GET /metrics` on the admin address says, as OpenMetrics; \
                    [operations](../operations.md#the-admin-address) says what to look at.\n\n\
                    | metric | kind | labels | what |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for line in metrics.lines() {
        let Some((name, what)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) else { continue };
        let kind = metrics.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} "))).unwrap();
        let total = if kind == "counter" { "_total" } else { "" };
        let sample = metrics.lines().find(|line| line.starts_with(&format!("{name}{total}{{")));
        let labels = sample.and_then(|line| line.split_once('{')).and_then(|(_, rest)| rest.split_once('}'));
        let labels = labels.map_or_else(Vec::new, |(labels, _)| {
            labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| format!("`{name}`")).collect()
        });
        let what = what.trim_end_matches('.');
        writeln!(page, "| `{name}{total}` | {kind} | {} | {what} |", labels.join(", ")).unwrap();
    }
    assert_made("reference/metrics.md", &page);
}

/// Whether a field of `when` is a value of the message, of which there is a page of its own.
fn is_of_message(field: &Value) -> bool {
    field["description"].as_str().is_some_and(|what| what.ends_with(" the message."))
}

/// Those fields of one mapping that are `wanted`, as rows of a table.
fn fields(schema: &Value, wanted: impl Fn(&Value) -> bool) -> String {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().into_iter().flatten().filter(|(_, field)| wanted(field));
    let row = |(name, field): (&String, &Value)| {
        let what = field["description"].as_str().unwrap_or_default().replace('|', "\\|");
        let needed = if required.contains(&json!(name)) { " It is required." } else { "" };
        format!("| `{name}` | {what}{needed} |\n")
    };
    properties.map(row).collect()
}

/// A page of the fields that a schema names: those of the file itself, and of each mapping in it that has a name.
fn page_of_fields(title: &str, about: &str, schema: &Value) -> String {
    let mut page = format!("# {title}\n\n{about}\n");
    let named = schema["$defs"].as_object().unwrap();
    // What stands in Vapi's objects, Vapi's own reference says.
    let ours = named.iter().filter(|(name, _)| !name.starts_with("vapi-") && !name.starts_with("reply-to-"));
    for (name, definition) in [(&"The file".to_owned(), schema)].into_iter().chain(ours) {
        let rows = fields(definition, |field| !is_of_message(field));
        if !rows.is_empty() {
            write!(page, "\n## {name}\n\n| field | what |\n| --- | --- |\n{rows}").unwrap();
        }
    }
    page
}

#[test]
fn every_field_is_listed() {
    let note = |command: &str| format!("`switchhook schema {command}` prints the same for [editors](../editors.md).");
    for (page, title, about, schema) in [
        (
            "reference/rules.md",
            "Fields of rule files",
            format!(
                "Every field that `rules/**/*.yaml` can have; [rules](../rules.md) tells how they work together. {}",
                note("rules")
            ),
            source::schema(),
        ),
        (
            "reference/settings.md",
            "Fields of the settings",
            format!(
                "Every field of `switchhook.yaml`; [settings](../settings.md) says more of each. {}",
                note("settings")
            ),
            settings::schema(),
        ),
        (
            "reference/tests.md",
            "Fields of tests",
            format!("Every field of `*.test.yaml`; [testing](../testing.md) shows them at work. {}", note("tests")),
            testing::schema(),
        ),
    ] {
        let text = page_of_fields(title, &about, &schema);
        assert!(text.lines().filter(|line| line.starts_with("| `")).count() > 10, "{text}");
        assert!(!text.contains("` |  |"), "a field is not described: {text}");
        assert_made(page, &text);
    }
}

/// What the first column of the table behind `heading` names.
fn keys_behind(page: &str, heading: &str) -> Vec<String> {
    let (_, behind) = page.split_once(heading).unwrap();
    let rows = behind.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let first = |row: &str| row.split('|').nth(1).unwrap_or_default().to_owned();
    rows.map(first).flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_keys_of_a_rule_and_of_a_rule_file_are_all_explained() {
    let page = fs::read_to_string(docs().join("rules.md")).unwrap();
    let schema = source::schema();
    for (heading, of) in [
        ("## The keys of a rule\n", &schema["$defs"]["Rule"]["properties"]),
        ("A rule file may hold:\n", &schema["properties"]),
    ] {
        let mut known: Vec<&String> = of.as_object().unwrap().keys().collect();
        let explained = keys_behind(&page, heading);
        let mut explained: Vec<&String> = explained.iter().collect();
        known.sort();
        explained.sort();
        assert_eq!(explained, known, "{heading}");
    }
}

#[test]
fn every_value_of_messages_is_listed() {
    let rows = fields(&source::schema()["$defs"]["when"], is_of_message);
    assert!(rows.lines().count() > 100, "{rows}");
    let text = format!(
        "# Values of messages\n\nWhat rules can look at, by its path: in `when`, and in `${{…}}`. Not every kind has each; \
         `switchhook check` knows which has, and many come and go from one message to the next. Deeper paths may be \
         written, too.\n\n| path | what |\n| --- | --- |\n{rows}"
    );
    assert_made("reference/messages.md", &text);
}
