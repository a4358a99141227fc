//! Files with a mistake, and the findings that they earn.
//!
//! `check/<name>.yaml` is broken, or a folder `check/<name>/` where it takes several files; what a settings file gets
//! wrong is in `check/settings-….yaml`. `check/<name>.txt` is what `switchhook check --format short` says of it, and
//! `switchhook test` of the test files in a folder.
//! `UPDATE_EXPECT=1 cargo test` writes the latter anew, to be read in review as the tired operator will read it.

mod formats;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use switchhook::engine::diagnostic::{Diagnostic, Sources, catalogue};
use switchhook::engine::source::{Compiled, Options, compile};
use switchhook::report::{self, Format};
use switchhook::testing::{Suite, events_among};
use switchhook::{load, settings};

use crate::golden;

/// Slugs that no golden case earns: what they are about does not fit into a file that anybody would read.
const NOT_SHOWN: &[&str] = &["table-size", "yaml-size"];

/// The secrets that the cases can count on.
const SECRETS: &[&str] = &["crm"];

const GOLDEN: &str = "tests/it/check";

#[test]
fn every_mistake_is_reported_at_its_place() {
    let cases = cases().into_iter();
    let differences: Vec<String> =
        cases.filter_map(|case| golden::difference(&case.with_extension("txt"), &findings(&case))).collect();
    golden::assert_none(&differences);
}

#[test]
fn every_slug_in_use_has_a_page_and_a_golden_case() {
    let used = slugs_in_use();
    let pages: BTreeSet<String> = catalogue::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(used.difference(&pages).collect::<Vec<_>>(), Vec::<&String>::new(), "slugs without a page");
    assert_eq!(pages.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "pages that nothing leads to");

    let on_disk: BTreeSet<String> = files("docs/diagnostics", "md").iter().map(|path| stem(path)).collect();
    assert_eq!(on_disk, pages, "the pages on disk and those of the catalogue");

    let shown: BTreeSet<String> = files(GOLDEN, "txt").iter().flat_map(|path| slugs_of(path)).collect();
    let missing: Vec<_> = used.difference(&shown).filter(|slug| !NOT_SHOWN.contains(&slug.as_str())).collect();
    assert_eq!(missing, Vec::<&String>::new(), "slugs without a golden case");
}

#[test]
fn no_golden_file_is_orphaned() {
    let cases: BTreeSet<String> = cases().iter().map(|path| stem(path)).collect();
    let golden: BTreeSet<String> = files(GOLDEN, "txt").iter().map(|path| stem(path)).collect();
    assert_eq!(cases, golden);
}

/// Secrets in the cases are called so.
#[test]
fn no_report_shows_a_secret() {
    for case in cases()
        .iter()
        .filter(|case| fs::read_to_string(case).is_ok_and(|text| text.contains("hidden-") || text.contains("9090909")))
    {
        let (found, sources) = found_in(case);
        assert!(!found.is_empty(), "{}", case.display());
        for format in [Format::Human, Format::Short, Format::Json, Format::Sarif] {
            let report = report::render(&found, &sources, format, false);
            assert!(!report.contains("hidden-") && !report.contains("9090909"), "{}: {report}", case.display());
        }
    }
}

/// What a page shows above "How to mend it" is a rule set (or, if it says so in its first line, a settings file)
/// that earns the slug.
#[test]
fn the_example_on_each_page_earns_its_slug() {
    let mut wrong = Vec::new();
    for slug in catalogue::ALL.iter().filter(|slug| !NOT_SHOWN.contains(slug)) {
        let page = catalogue::page(slug).unwrap();
        let (shown, _) = page.split_once("## How to mend it").unwrap();
        let earned = earned_by(shown);
        if !earned.contains(*slug) {
            wrong.push(format!("{slug}: its example earns {earned:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The slugs that the code blocks of a page earn together.
fn earned_by(page: &str) -> BTreeSet<String> {
    let mut sources = Sources::default();
    let mut earned = BTreeSet::new();
    for block in page.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        let first = text.lines().next().unwrap_or_default();
        match language {
            "yaml" if first == "# switchhook.yaml" => earned.extend(of_settings(text)),
            // Some pages show a rule by itself.
            "yaml" if first.starts_with("- ") => drop(sources.add("rules.yaml", format!("rules:\n{text}"))),
            "yaml" => drop(sources.add("rules.yaml", text)),
            "rhai" => drop(sources.add(first.trim_start_matches("// "), text)),
            csv if csv.starts_with("csv ") => drop(sources.add(csv.replace("csv ", "tables/") + ".csv", text)),
            other => panic!("a block of {other}"),
        }
    }
    earned.extend(compiled(&sources).iter().map(|one| one.slug.to_owned()));
    earned
}

fn of_settings(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switchhook.yaml");
    fs::write(&file, text).unwrap();
    slugs_in(&settings_findings(&file))
}

/// The cases: rule files, and folders of them.
fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = files(GOLDEN, "yaml");
    cases.extend(fs::read_dir(GOLDEN).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
    cases.sort();
    cases
}

/// What there is to say of one case, in the short format, paths as seen from its folder.
fn findings(case: &Path) -> String {
    let (found, sources) = found_in(case);
    report::render(&found, &sources, Format::Short, false).replace(&format!("{GOLDEN}/"), "")
}

fn found_in(case: &Path) -> (Vec<Diagnostic>, Sources) {
    if stem(case).starts_with("settings-") {
        return findings_in_settings(case);
    }
    let read = load::with_tests(case).unwrap_or_else(|error| panic!("{error}"));
    let files = read.moved_to(String::new()).files;
    let sources = Sources::of(&files);
    let found = match made_of(&sources) {
        Ok(mut compiled) => {
            let events = events_among(&files);
            // What is wrong is all that counts here.
            drop(Suite::read(&sources, &events, &compiled.engine, &mut compiled.found));
            compiled.found
        }
        Err(found) => found,
    };
    (found, sources)
}

fn compiled(sources: &Sources) -> Vec<Diagnostic> {
    made_of(sources).map_or_else(|found| found, |compiled| compiled.found)
}

fn made_of(sources: &Sources) -> Result<Compiled, Vec<Diagnostic>> {
    let secrets = Some(SECRETS.iter().map(ToString::to_string).collect());
    compile(sources, &Options { secrets, outbound_allow: Some(Vec::new()), ..Options::default() })
}

fn settings_findings(file: &Path) -> String {
    let (found, sources) = findings_in_settings(file);
    report::render(&found, &sources, Format::Short, false)
}

fn findings_in_settings(file: &Path) -> (Vec<Diagnostic>, Sources) {
    match settings::load(Some(file)) {
        Ok(settings::Loaded { found, sources, .. }) | Err(settings::Trouble::Found(found, sources)) => (found, sources),
        Err(settings::Trouble::Unreadable(error)) => panic!("{error}"),
    }
}

/// The slugs that the sources hand to a diagnostic, tests left out.
fn slugs_in_use() -> BTreeSet<String> {
    let made = Regex::new(r#"(?:Diagnostic::(?:error|warning|hint)|Trouble::new)\(\s*"([a-z-]+)""#).unwrap();
    let mut slugs = BTreeSet::new();
    for path in sources_below(Path::new("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        slugs.extend(made.captures_iter(code).map(|made| made[1].to_owned()));
    }
    slugs
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = entries.flat_map(|path| if path.is_dir() { sources_below(&path) } else { vec![path] });
    inside.filter(|path| path.extension().is_some_and(|is| is == "rs") && stem(path) != "tests").collect()
}

/// The slugs in a golden file.
fn slugs_of(path: &Path) -> Vec<String> {
    slugs_in(&fs::read_to_string(path).unwrap())
}

fn slugs_in(report: &str) -> Vec<String> {
    let headline = Regex::new(r"(?m)^\S+:\d+:\d+: (?:error|warning|hint)\[([a-z-]+)\]: ").unwrap();
    headline.captures_iter(report).map(|line| line[1].to_owned()).collect()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|is| is == extension)).collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}
