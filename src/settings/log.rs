//! How the log looks and what is in it.

use serde_json::Value;

use super::source::{unknown_word, word_outline};
use crate::engine::diagnostic::{Diagnostic, closest};
use crate::engine::schema::{Definitions, Outline};
use crate::engine::source::read::{Field, Spanned, written};
use crate::telemetry::{self, Format};

/// How much is logged, least first.
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

written! {
    #[derive(Debug, Default)]
    #[serde(rename = "the log")]
    pub(super) struct LogSource {
        format: Field<Option<Spanned<String>>> as FormatOutline = "`auto`: for people on a terminal, as JSON elsewhere.",
        filter: Field<Option<Spanned<String>>> = "What is logged: `info`, or `info,switchhook::outbox=debug`.",
    }
}

enum FormatOutline {}

impl Outline for FormatOutline {
    fn outline(_: &mut Definitions) -> Value {
        word_outline(FORMATS.iter().map(|(word, _)| *word))
    }
}

/// How a line may look.
const FORMATS: &[(&str, Format)] = &[("auto", Format::Auto), ("pretty", Format::Pretty), ("json", Format::Json)];

impl LogSource {
    pub(super) fn format(&self, found: &mut Vec<Diagnostic>) -> Format {
        let Some(written) = self.format.get().and_then(Option::as_ref) else { return Format::Auto };
        if let Some((_, format)) = FORMATS.iter().find(|(word, _)| *word == written.value) {
            return *format;
        }
        let words: Vec<&str> = FORMATS.iter().map(|(word, _)| *word).collect();
        found.push(unknown_word(&written.value, written.span, "a log format", &words));
        Format::Auto
    }

    pub(super) fn filter(&self, found: &mut Vec<Diagnostic>) -> Option<String> {
        let written = self.filter.get().and_then(Option::as_ref)?;
        match filter(&written.value) {
            Ok(filter) => Some(filter),
            Err(bad) => {
                let message = format!("`{}` does not say what to log", bad.part);
                found.push(Diagnostic::error("bad-filter", written.span, message).help(bad.help));
                None
            }
        }
    }
}

/// A part of a log filter that says nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{part}` does not say what to log: {help}")]
pub struct BadFilter {
    part: String,
    help: String,
}

/// Reads `level` and `target=level`, separated by commas. What logs take elsewhere besides these, a target alone, is
/// refused: a misspelt level would be one, and nothing would be logged at all.
pub(super) fn filter(text: &str) -> Result<String, BadFilter> {
    let parts: Result<Vec<&str>, BadFilter> = text.split(',').map(|part| part_of_filter(part.trim())).collect();
    let filter = parts?.join(",");
    if telemetry::is_filter(&filter) {
        return Ok(filter);
    }
    let help = "write a level, or `target=level` such as `switchhook::events=debug`".to_owned();
    Err(BadFilter { part: text.to_owned(), help })
}

fn part_of_filter(part: &str) -> Result<&str, BadFilter> {
    let bad = |help: String| Err(BadFilter { part: part.to_owned(), help });
    let (target, level) = part.split_once('=').map_or((None, part), |(target, level)| (Some(target), level));
    if !LEVELS.contains(&level) {
        let levels = LEVELS.join("`, `");
        let meant = closest(level, LEVELS.iter().copied().chain(["warning"]));
        return bad(match meant.map(|meant| if meant == "warning" { "warn" } else { meant }) {
            Some(meant) => format!("did you mean `{}{meant}`?", part.strip_suffix(level).unwrap_or_default()),
            None if telemetry::TARGETS.contains(&part) => format!("write `{part}=debug`"),
            None => format!("write one of `{levels}`, or `target=level` such as `switchhook::events=debug`"),
        });
    }
    match target {
        Some("") => bad(format!("write `{level}`, or name a target such as `switchhook::events={level}`")),
        Some(target) if !telemetry::TARGETS.contains(&target) => match closest(target, telemetry::TARGETS) {
            Some(meant) => bad(format!("did you mean `{meant}={level}`?")),
            // Libraries have targets of their own.
            None => Ok(part),
        },
        _ => Ok(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_levels_and_targets_with_levels() {
        for (text, read) in [
            ("info", "info"),
            ("off", "off"),
            ("warn, switchhook::events=debug", "warn,switchhook::events=debug"),
            ("switchhook=trace,hyper=off", "switchhook=trace,hyper=off"),
        ] {
            assert_eq!(filter(text).as_deref(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_meant_is_said() {
        for (text, message) in [
            ("inof", "`inof` does not say what to log: did you mean `info`?"),
            ("INFO", "`INFO` does not say what to log: did you mean `info`?"),
            ("info,switchhook=waring", "`switchhook=waring` does not say what to log: did you mean `switchhook=warn`?"),
            ("switchook=debug", "`switchook=debug` does not say what to log: did you mean `switchhook=debug`?"),
            (
                "switchhook::event=debug",
                "`switchhook::event=debug` does not say what to log: did you mean `switchhook::events=debug`?",
            ),
            ("switchhook::auth", "`switchhook::auth` does not say what to log: write `switchhook::auth=debug`"),
        ] {
            assert_eq!(filter(text).unwrap_err().to_string(), message);
        }
        for text in ["", "loud", "3", "info,", "=debug", "all=loud", "hyper"] {
            assert!(filter(text).is_err(), "{text}");
        }
    }
}
