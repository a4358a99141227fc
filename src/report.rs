//! Findings about the author's files, as people and programs read them.
//!
//! Every format says the same; they differ in who reads it. What comes out of the author's files is
//! cleaned of control characters before a terminal sees it.

use std::collections::HashSet;
use std::fmt::Write;

use crate::engine::diagnostic::{Diagnostic, Severity, Sources};

mod json;
mod sarif;
mod snippet;
pub mod why;

/// Who reads the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// A person: each finding with its line, a caret and a remedy, and a summary.
    #[default]
    Human,
    /// A person in a hurry, or an editor: one line for each finding, and its remedies.
    Short,
    /// A program: one JSON array.
    Json,
    /// A code scanning service: SARIF 2.1.0.
    Sarif,
}

/// Words `found`, in its order; `colour` is for [`Format::Human`] and [`Format::Short`] only.
///
/// What is returned ends with a line break, or is empty.
#[must_use]
pub fn render(found: &[Diagnostic], sources: &Sources, format: Format, colour: bool) -> String {
    let paint = Paint(colour);
    match format {
        Format::Human => {
            let findings: String = found.iter().map(|one| human(one, sources, paint) + "\n").collect();
            findings + &summary(found, sources) + "\n"
        }
        Format::Short => found.iter().map(|one| short(one, sources, paint)).collect(),
        Format::Json => json::render(found, sources),
        Format::Sarif => sarif::render(found, sources),
    }
}

/// What was found, as [`Format::Json`] has it, for a larger JSON text.
#[must_use]
pub fn json(found: &[Diagnostic], sources: &Sources) -> serde_json::Value {
    json::value(found, sources)
}

/// What was found, in one sentence: `2 errors, 1 warning in 3 files`.
#[must_use]
pub fn summary(found: &[Diagnostic], sources: &Sources) -> String {
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Hint]
        .into_iter()
        .map(|severity| (severity, found.iter().filter(|one| one.severity == severity).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(severity, number)| count(number, word(severity)))
        .collect();
    if counts.is_empty() {
        return format!("nothing to mend in {}", count(sources.iter().count(), "file"));
    }
    let files: HashSet<_> = found.iter().map(|one| one.span.file).collect();
    format!("{} in {}", counts.join(", "), count(files.len(), "file"))
}

/// How a severity is called in front of a finding.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}

fn human(one: &Diagnostic, sources: &Sources, paint: Paint) -> String {
    let mut text = headline(one, sources, paint);
    text += &snippet::render(one, sources, paint);
    for (span, note) in &one.notes {
        let place = sources.place(*span);
        _ = writeln!(text, "  {} {}: {}", paint.bold("note:"), clean(&place.to_string()), clean(note));
    }
    text + &remedies(one, paint)
}

fn short(one: &Diagnostic, sources: &Sources, paint: Paint) -> String {
    headline(one, sources, paint) + &remedies(one, paint)
}

fn headline(one: &Diagnostic, sources: &Sources, paint: Paint) -> String {
    let place = sources.place(one.span).to_string();
    let label = paint.severity(one.severity, &format!("{}[{}]", word(one.severity), one.slug));
    format!("{}: {label}: {}\n", clean(&place), clean(&one.message))
}

fn remedies(one: &Diagnostic, paint: Paint) -> String {
    one.help.iter().fold(String::new(), |mut text, help| {
        _ = writeln!(text, "  {} {}", paint.bold("help:"), clean(help));
        text
    })
}

/// `text` on one line, and without what a terminal would obey.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' => ' ',
            c if c.is_control() || is_direction(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// The beginning of `text`, if it has more than so many characters.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Whether `c` changes the direction of the text around it, and so could make a line look like another.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn severity(self, severity: Severity, text: &str) -> String {
        self.with(
            match severity {
                Severity::Error => "1;31",
                Severity::Warning => "1;33",
                Severity::Hint => "1;36",
            },
            text,
        )
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests;
