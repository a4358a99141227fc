//! What came of tests, as people and programs read it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::coverage::{Coverage, Gap, Share};
use super::junit;
use super::run::Outcome;
use crate::engine::Engine;
use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::report::{self, Paint};

/// What came of the tests of one rule set or several.
#[derive(Debug, Default)]
pub struct Report {
    /// Each test.
    pub outcomes: Vec<Outcome>,
    /// Rules that matched.
    pub rules: Share,
    /// Outcomes of conditions that were seen.
    pub conditions: Share,
    /// Rows of decision tables that answered.
    pub rows: Share,
    /// What was not reached.
    pub gaps: Vec<Gap>,
    /// How many tests were not run, since there is a mistake in them.
    pub broken: usize,
    /// How many files hold no test that can be read.
    pub files_unread: usize,
    /// How many rule sets are wrong, so that none of their tests was run.
    pub sets_unread: usize,
    /// What is wrong with the files.
    pub findings: Vec<Findings>,
}

/// What is wrong with some files.
#[derive(Debug)]
pub struct Findings {
    /// Each mistake.
    pub found: Vec<Diagnostic>,
    /// The files.
    pub sources: Sources,
}

/// Who reads the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// A person.
    #[default]
    Human,
    /// A build server: the XML of `JUnit`.
    Junit,
    /// A program.
    Json,
}

impl Report {
    /// Whether all tests passed that were run.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(Outcome::passed)
    }

    /// Adds what the tests of a rule set reached.
    pub fn add_coverage(&mut self, coverage: &Coverage, engine: &Engine) {
        self.rules = self.rules.and(coverage.rules(engine));
        self.conditions = self.conditions.and(coverage.conditions(engine));
        self.rows = self.rows.and(coverage.rows(engine));
        self.gaps.extend(coverage.gaps(engine));
    }

    /// What was reached of all that tests can reach: outcomes of conditions, and rows of decision tables.
    #[must_use]
    pub fn covered(&self) -> Share {
        self.conditions.and(self.rows)
    }

    /// The report as `format` has it; `gaps` says whether people are told what was not reached, `colour` is for a terminal.
    #[must_use]
    pub fn render(&self, format: Format, gaps: bool, colour: bool) -> String {
        match format {
            Format::Human => self.human(gaps, colour),
            Format::Junit => junit::render(self),
            Format::Json => format!("{:#}\n", self.json()),
        }
    }

    fn human(&self, gaps: bool, colour: bool) -> String {
        let paint = Paint(colour);
        let mut text = String::new();
        for outcome in &self.outcomes {
            let Outcome { name, place, failures, took } = outcome;
            let mark = if outcome.passed() { paint.good("ok  ") } else { paint.bad("FAIL") };
            // A text has room for everything.
            let _ = writeln!(text, "{mark} {place}: {name} {}", paint.faint(&format!("({})", milliseconds(*took))));
            for failure in failures {
                let _ = writeln!(text, "     {}", failure.replace('\n', "\n     "));
            }
        }
        for gap in self.gaps.iter().filter(|_| gaps) {
            let _ = writeln!(text, "{}: {}", gap.place, gap.what);
        }
        text + &self.summary() + "\n"
    }

    /// The whole in a sentence or two.
    #[must_use]
    pub fn summary(&self) -> String {
        let (all, failed) = (self.outcomes.len(), self.outcomes.iter().filter(|outcome| !outcome.passed()).count());
        if all == 0 {
            return "no test was run: the mistakes in the files have to be mended first".to_owned();
        }
        let tests = if all == 1 { "1 test".to_owned() } else { format!("{all} tests") };
        let failed = if failed == 0 { "all passed".to_owned() } else { format!("{failed} failed") };
        let broken = match self.broken {
            0 => String::new(),
            1 => ", 1 not run: there is a mistake in it".to_owned(),
            broken => format!(", {broken} not run: there is a mistake in each"),
        };
        let files = match self.files_unread {
            0 => "",
            1 => ", those of 1 file not: it cannot be read",
            _ => ", those of several files not: they cannot be read",
        };
        let sets = match self.sets_unread {
            0 => "",
            1 => ", those of 1 rule set not: its rules have to be mended first",
            _ => ", those of several rule sets not: their rules have to be mended first",
        };
        format!("{tests}, {failed}{broken}{files}{sets}; {}", self.reached())
    }

    fn reached(&self) -> String {
        let rules = format!("{} of {} rules matched", self.rules.reached, self.rules.all);
        let percent = self.covered().percent();
        if self.rows.all == 0 {
            return format!("{rules}, {percent} % of the outcomes of their conditions were seen");
        }
        let rows = format!("{} of {} rows of tables answered", self.rows.reached, self.rows.all);
        format!("{rules}, {rows}, {percent} % of these rows and of the outcomes of conditions were seen")
    }

    fn json(&self) -> Value {
        let tests = self.outcomes.iter().map(|outcome| {
            json!({
                "name": outcome.name, "place": outcome.place.to_string(), "passed": outcome.passed(),
                "failures": outcome.failures, "took_ms": outcome.took.as_secs_f64() * 1000.0,
            })
        });
        let findings = self.findings.iter().map(|it| report::json(&it.found, &it.sources));
        let findings = findings.filter_map(|all| all.as_array().cloned()).flatten();
        let share = |share: Share| json!({ "reached": share.reached, "all": share.all, "percent": share.percent() });
        json!({
            "tests": tests.collect::<Value>(),
            "not_run": self.broken,
            "findings": findings.collect::<Value>(),
            "coverage": (!self.outcomes.is_empty()).then(|| json!({
                "percent": self.covered().percent(),
                "rules": share(self.rules), "conditions": share(self.conditions), "rows": share(self.rows),
                "gaps": self.gaps.iter().map(|gap| json!({ "place": gap.place.to_string(), "what": gap.what })).collect::<Value>(),
            })),
        })
    }
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}
