//! What came of tests, as people and programs read it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::coverage::{Gap, Share};
use super::run::Outcome;
use crate::report::Paint;

/// What came of the tests of one rule set or several.
#[derive(Debug, Default)]
pub struct Report {
    /// Each test.
    pub outcomes: Vec<Outcome>,
    /// Rules that matched.
    pub rules: Share,
    /// Outcomes of conditions that were seen.
    pub conditions: Share,
    /// What was not reached.
    pub gaps: Vec<Gap>,
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
    /// Whether all tests passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(Outcome::passed)
    }

    /// The report as `format` has it; `gaps` says whether people are told what was not reached, `colour` is for a terminal.
    #[must_use]
    pub fn render(&self, format: Format, gaps: bool, colour: bool) -> String {
        match format {
            Format::Human => self.human(gaps, colour),
            Format::Junit => self.junit(),
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
        let tests = if all == 1 { "1 test".to_owned() } else { format!("{all} tests") };
        let failed = if failed == 0 { "all passed".to_owned() } else { format!("{failed} failed") };
        format!(
            "{tests}, {failed}; {} of {} rules matched, {} % of the outcomes of their conditions were seen",
            self.rules.reached,
            self.rules.all,
            self.conditions.percent()
        )
    }

    fn json(&self) -> Value {
        let tests = self.outcomes.iter().map(|outcome| {
            json!({
                "name": outcome.name, "place": outcome.place.to_string(), "passed": outcome.passed(),
                "failures": outcome.failures, "took_ms": outcome.took.as_secs_f64() * 1000.0,
            })
        });
        let share = |share: Share| json!({ "reached": share.reached, "all": share.all, "percent": share.percent() });
        json!({
            "tests": tests.collect::<Value>(),
            "coverage": {
                "rules": share(self.rules), "conditions": share(self.conditions),
                "gaps": self.gaps.iter().map(|gap| json!({ "place": gap.place.to_string(), "what": gap.what })).collect::<Value>(),
            },
        })
    }

    fn junit(&self) -> String {
        let failed = self.outcomes.iter().filter(|outcome| !outcome.passed()).count();
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ =
            writeln!(text, "<testsuite name=\"switchhook\" tests=\"{}\" failures=\"{failed}\">", self.outcomes.len());
        for Outcome { name, place, failures, took } in &self.outcomes {
            let (name, file, seconds) = (escaped(name), escaped(&place.path), took.as_secs_f64());
            let _ = write!(text, "  <testcase name=\"{name}\" classname=\"{file}\" time=\"{seconds:.6}\"");
            if failures.is_empty() {
                text += "/>\n";
                continue;
            }
            let why = escaped(&failures.join("\n"));
            let _ = writeln!(text, ">\n    <failure message=\"it is not as expected\">{why}</failure>\n  </testcase>");
        }
        text + "</testsuite>\n"
    }
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

/// A text in XML, in which most control characters have no place at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' => escaped += "&#10;",
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}
