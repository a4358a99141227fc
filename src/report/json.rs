//! Findings as one JSON array, an object each.

use serde::Serialize;
use serde_json::Value;

use super::word;
use crate::engine::diagnostic::{Diagnostic, Sources, Span};

#[derive(Serialize)]
struct Finding<'a> {
    severity: &'static str,
    slug: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Stretch,
    help: &'a [String],
    notes: Vec<Note<'a>>,
}

#[derive(Serialize)]
struct Note<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Stretch,
}

/// From the first character to behind the last, lines and columns from 1.
#[derive(Serialize)]
struct Stretch {
    path: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

impl Stretch {
    fn of(span: Span, sources: &Sources) -> Stretch {
        let (start, end) = (sources.place(span), sources.end(span));
        Stretch {
            path: start.path.to_string(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

pub(super) fn render(found: &[Diagnostic], sources: &Sources) -> String {
    format!("{:#}\n", value(found, sources))
}

pub(super) fn value(found: &[Diagnostic], sources: &Sources) -> Value {
    let note = |(span, message)| Note { message, place: Stretch::of(span, sources) };
    let findings: Vec<Finding<'_>> = found
        .iter()
        .map(|one| Finding {
            severity: word(one.severity),
            slug: one.slug,
            message: &one.message,
            place: Stretch::of(one.span, sources),
            help: &one.help,
            notes: one.notes.iter().map(|(span, text)| note((*span, text.as_str()))).collect(),
        })
        .collect();
    // Texts and numbers alone: there is nothing here that could not be JSON.
    serde_json::to_value(&findings).unwrap_or_default()
}
