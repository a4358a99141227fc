//! `switchhook test`: runs the tests that stand beside the rules.

mod percent;
mod target;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;

use super::project::{self, RuleSet};
use super::{Outcome, complain, could_not_run, show, write};
use crate::engine::diagnostic::{Sources, has_errors};
use crate::engine::source::compile;
use crate::load::LoadError;
use crate::settings::Trouble;
use crate::testing::coverage::Coverage;
use crate::testing::report::{Findings, Format, Report};
use crate::testing::{Suite, events_among};
use percent::Percent;
use target::Target;

/// How often files are looked at with `--watch`.
const PAUSE: Duration = Duration::from_millis(300);

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "test")]
pub struct Arguments {
    /// A project, a folder of rules, a folder with several projects, or one test file [default: .]
    path: Option<PathBuf>,
    /// Run only tests whose names hold this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How the outcome is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Say which rules, conditions and rows of decision tables no test reached
    #[arg(long)]
    coverage: bool,
    /// Fail if the tests see less of the outcomes of conditions and rows of decision tables than this many percent
    #[arg(long, value_name = "PERCENT")]
    min_coverage: Option<Percent>,
    /// Run the tests again whenever a file changes
    #[arg(long)]
    watch: bool,
}

/// Runs the tests that the arguments name.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let path = arguments.path.as_deref();
    if !arguments.watch {
        return once(arguments, &Target::of(path));
    }
    let mut seen = None;
    loop {
        let target = Target::of(path);
        let now = target.contents();
        if seen.as_ref() != Some(&now) {
            if seen.is_some() {
                write("\n");
            }
            once(arguments, &target);
            seen = Some(now);
        }
        thread::sleep(PAUSE);
    }
}

fn once(arguments: &Arguments, target: &Target) -> Outcome {
    let (mut report, mut tests) = (Report::default(), 0);
    match &target.sets {
        Ok(sets) => {
            for set in sets {
                match test(set, target, &arguments.filter, &mut report) {
                    Ok(more) => tests += more,
                    Err(error) => return could_not_run(&target.explained(&error, set)),
                }
            }
        }
        Err(Trouble::Found(found, sources)) => {
            report.sets_unread += 1;
            report.findings.push(Findings { found: found.clone(), sources: sources.clone() });
        }
        Err(trouble @ Trouble::Unreadable(_)) => return project::told(trouble, project::MISSING),
    }
    if report.outcomes.is_empty() && report.findings.is_empty() {
        return could_not_run(&target.nothing_to_run(&arguments.filter, tests));
    }
    tell(arguments, &report)
}

fn tell(arguments: &Arguments, report: &Report) -> Outcome {
    let mut outcome = Outcome::Fine;
    for Findings { found, sources } in &report.findings {
        // Programs are told in the report itself.
        if arguments.format == Format::Human {
            show(found, sources);
        }
        outcome = outcome.max(if has_errors(found) { Outcome::Findings } else { Outcome::Fine });
    }
    write(&report.render(arguments.format, arguments.coverage, std::io::stdout().is_terminal()));
    if !report.passed() {
        outcome = outcome.max(Outcome::Findings);
    }
    let least = arguments.min_coverage.filter(|_| !report.outcomes.is_empty());
    if let Some(least) = least.filter(|least| !least.is_reached(report.covered())) {
        let what =
            if report.rows.all == 0 { "outcomes of conditions" } else { "outcomes of conditions and of the rows" };
        let seen = report.covered().percent();
        complain(&format!("switchhook: {seen} % of the {what} were seen, less than {least} %\n"));
        outcome = outcome.max(Outcome::Findings);
    }
    outcome
}

/// Runs those tests of one rule set whose names hold `filter`; returns how many there are.
fn test(set: &RuleSet, target: &Target, filter: &str, report: &mut Report) -> Result<usize, LoadError> {
    let files = target.files(set)?;
    let sources = Sources::of(&files.files);
    let compiled = match compile(&sources, &set.options) {
        Ok(compiled) => compiled,
        Err(found) => {
            report.sets_unread += 1;
            report.findings.push(Findings { found, sources });
            return Ok(0);
        }
    };
    let (mut found, events) = (Vec::new(), events_among(&files.files));
    let suite = Suite::read(&sources, &events, &compiled.engine, &mut found);
    let mut coverage = Coverage::default();
    report.outcomes.extend(suite.run(&compiled.engine, filter, &mut coverage));
    report.broken += suite.broken;
    report.files_unread += suite.unread;
    report.add_coverage(&coverage, &compiled.engine);
    if !found.is_empty() {
        report.findings.push(Findings { found, sources });
    }
    Ok(suite.cases.len())
}
