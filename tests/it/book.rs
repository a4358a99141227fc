//! The pages as a book: all of them are in it, nothing leads out of it, and the reference says what the program says.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use switchhook::engine::diagnostic::catalogue;

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
