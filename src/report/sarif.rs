//! Findings as SARIF 2.1.0, the format that code scanning services read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::fmt::Write;

use serde_json::{Value, json};

use crate::engine::diagnostic::{Diagnostic, Severity, Sources, Span, catalogue};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn render(found: &[Diagnostic], sources: &Sources) -> String {
    let mut slugs: Vec<&str> = found.iter().map(|one| one.slug).collect();
    slugs.sort_unstable();
    slugs.dedup();
    let rules: Vec<Value> = slugs.iter().map(|slug| rule(slug)).collect();
    let results: Vec<Value> = found.iter().map(|one| result(one, &slugs, sources)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "switchhook", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// A slug and its page.
fn rule(slug: &str) -> Value {
    let Some(page) = catalogue::page(slug) else {
        return json!({ "id": slug });
    };
    let first = page.split("\n\n").nth(1).unwrap_or_default().replace('\n', " ");
    json!({ "id": slug, "fullDescription": { "text": first }, "help": { "text": page, "markdown": page } })
}

fn result(one: &Diagnostic, slugs: &[&str], sources: &Sources) -> Value {
    let level = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    };
    let remedies = one.help.iter().fold(String::new(), |text, help| text + "\nhelp: " + help);
    let note = |(span, text): &(Span, String)| json!({ "physicalLocation": location(*span, sources), "message": { "text": text } });
    json!({
        "ruleId": one.slug,
        "ruleIndex": slugs.iter().position(|slug| *slug == one.slug),
        "level": level,
        "message": { "text": format!("{}{remedies}", one.message) },
        "locations": [{ "physicalLocation": location(one.span, sources) }],
        "relatedLocations": one.notes.iter().map(note).collect::<Vec<Value>>(),
    })
}

fn location(span: Span, sources: &Sources) -> Value {
    let (start, end) = (sources.place(span), sources.end(span));
    json!({
        "artifactLocation": { "uri": uri(&start.path) },
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    })
}

/// A path as a URI reference: `file:///…` if it is absolute, relative otherwise.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    path.bytes().fold(scheme.to_owned(), |mut uri, b| {
        if plain(b) {
            uri.push(char::from(b));
        } else {
            _ = write!(uri, "%{b:02X}");
        }
        uri
    })
}
