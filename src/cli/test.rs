//! `switchhook test`: runs the tests that stand beside the rules.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;

use super::project::{self, RuleSet};
use super::{Outcome, could_not_run, show, write};
use crate::engine::diagnostic::{Sources, has_errors};
use crate::engine::source::compile;
use crate::load;
use crate::testing::coverage::Coverage;
use crate::testing::report::{Format, Report};
use crate::testing::{Suite, events_among};

/// How often files are looked at with `--watch`.
const PAUSE: Duration = Duration::from_millis(300);

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "test")]
pub struct Arguments {
    /// A project, a folder of rules, or a folder with several projects [default: .]
    path: Option<PathBuf>,
    /// Run only tests whose names hold this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How the outcome is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Say which rules and conditions no test reached
    #[arg(long)]
    coverage: bool,
    /// Fail if the tests see less of the outcomes of conditions than this many percent
    #[arg(long, value_name = "PERCENT")]
    min_coverage: Option<usize>,
    /// Run the tests again whenever a file changes
    #[arg(long)]
    watch: bool,
}

/// Runs the tests that the arguments name.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let path = arguments.path.clone().unwrap_or_else(|| PathBuf::from("."));
    if !arguments.watch {
        return once(arguments, &path);
    }
    let mut seen = None;
    loop {
        let now = contents(&path);
        if seen.as_ref() != Some(&now) {
            once(arguments, &path);
            seen = Some(now);
        }
        thread::sleep(PAUSE);
    }
}

/// All that the tests depend on, as it is now.
fn contents(path: &Path) -> Vec<String> {
    let sets = project::rule_sets(path).unwrap_or_default();
    let files = sets.iter().filter_map(|set| load::with_tests(&set.root).ok());
    files.flat_map(|files| files.files).map(|file| format!("{}\0{}", file.path, file.text)).collect()
}

fn once(arguments: &Arguments, path: &Path) -> Outcome {
    let sets = match project::rule_sets(path) {
        Ok(sets) => sets,
        Err(trouble) => return project::told(&trouble),
    };
    let (mut report, mut outcome) = (Report::default(), Outcome::Fine);
    for set in &sets {
        match test(set, &arguments.filter, &mut report) {
            Ok(found) => outcome = outcome.max(found),
            Err(error) => return could_not_run(&error),
        }
    }
    write(&report.render(arguments.format, arguments.coverage, std::io::stdout().is_terminal()));
    if !report.passed() {
        outcome = outcome.max(Outcome::Findings);
    }
    if let Some(least) = arguments.min_coverage.filter(|least| report.conditions.percent() < *least) {
        let seen = report.conditions.percent();
        super::complain(&format!(
            "switchhook: {seen} % of the outcomes of conditions were seen, less than {least} %\n"
        ));
        outcome = outcome.max(Outcome::Findings);
    }
    outcome
}

/// Runs the tests of one rule set. What is wrong with its files is shown.
fn test(set: &RuleSet, filter: &str, report: &mut Report) -> Result<Outcome, load::LoadError> {
    let files = load::with_tests(&set.root)?;
    let sources = Sources::of(&files.files);
    let compiled = match compile(&sources, &set.options) {
        Ok(compiled) => compiled,
        Err(found) => return Ok(show(&found, &sources).max(Outcome::Findings)),
    };
    let mut found = Vec::new();
    let suite = Suite::read(&sources, &events_among(&files.files), &compiled.engine, &mut found);
    let outcome = show(&found, &sources);
    if has_errors(&found) {
        return Ok(outcome.max(Outcome::Findings));
    }
    let mut coverage = Coverage::default();
    report.outcomes.extend(suite.run(&compiled.engine, filter, &mut coverage));
    report.rules = report.rules.and(coverage.rules(&compiled.engine));
    report.conditions = report.conditions.and(coverage.conditions(&compiled.engine));
    report.gaps.extend(coverage.gaps(&compiled.engine));
    Ok(outcome)
}
