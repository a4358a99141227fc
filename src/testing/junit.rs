//! What came of tests as build servers read it: the XML of `JUnit`.

use std::fmt::Write as _;

use super::report::{Findings, Report};
use super::run::Outcome;
use crate::engine::diagnostic::{Diagnostic, Severity};

/// Each test is a test case, and each mistake in the files is one that could not be run.
pub(super) fn render(report: &Report) -> String {
    let failed = report.outcomes.iter().filter(|outcome| !outcome.passed()).count();
    let errors: Vec<(&Diagnostic, &Findings)> = report.findings.iter().flat_map(Findings::errors).collect();
    let tests = report.outcomes.len() + errors.len();
    let broken = if errors.is_empty() { String::new() } else { format!(" errors=\"{}\"", errors.len()) };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // A text has room for everything.
    let _ = writeln!(text, "<testsuite name=\"switchhook\" tests=\"{tests}\" failures=\"{failed}\"{broken}>");
    for outcome in &report.outcomes {
        test_case(outcome, &mut text);
    }
    for (one, findings) in errors {
        mistake(one, findings, &mut text);
    }
    text + "</testsuite>\n"
}

fn test_case(outcome: &Outcome, text: &mut String) {
    let Outcome { name, place, failures, took } = outcome;
    let (name, file, seconds) = (escaped(name), escaped(&place.path), took.as_secs_f64());
    let _ = write!(text, "  <testcase name=\"{name}\" classname=\"{file}\" time=\"{seconds:.6}\"");
    if failures.is_empty() {
        *text += "/>\n";
        return;
    }
    let why = escaped(&failures.join("\n"));
    let _ = writeln!(text, ">\n    <failure message=\"it is not as expected\">{why}</failure>\n  </testcase>");
}

fn mistake(one: &Diagnostic, findings: &Findings, text: &mut String) {
    let place = findings.sources.place(one.span);
    let (file, message) = (escaped(&place.path), escaped(&format!("{}: {}", one.slug, one.message)));
    let why = escaped(&one.help.join("\n"));
    let _ = writeln!(text, "  <testcase name=\"{}\" classname=\"{file}\">", escaped(&place.to_string()));
    let _ = writeln!(text, "    <error message=\"{message}\">{why}</error>\n  </testcase>");
}

impl Findings {
    fn errors(&self) -> impl Iterator<Item = (&Diagnostic, &Findings)> {
        self.found.iter().filter(|one| one.severity == Severity::Error).map(move |one| (one, self))
    }
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
