//! The line of a finding, with a caret under what it is about.

use std::ops::Range;

use super::{Paint, clean};
use crate::engine::diagnostic::{Diagnostic, Sources};

/// How much of a long line is shown, in characters.
const WIDTH_MAX: usize = 100;
/// How much of that stands before the caret.
const BEFORE_MAX: usize = 40;

/// The line and the line of carets below it; empty if there is no line to show.
pub(super) fn render(one: &Diagnostic, sources: &Sources, paint: Paint) -> String {
    if one.sensitive {
        return String::new();
    }
    let line = sources.line(one.span);
    let (start, end) = (sources.place(one.span), sources.end(one.span));
    let chars: Vec<char> = line.trim_start_matches('\u{feff}').trim_end().chars().collect();
    if chars.is_empty() {
        return String::new();
    }
    let from = (start.column as usize - 1).min(chars.len());
    let to = if end.line == start.line { end.column as usize - 1 } else { chars.len() };
    let window = window(from, chars.len());
    let marked = to.min(window.end).saturating_sub(from).max(1);

    let cut = |yes: bool| if yes { "…" } else { "" };
    let shown: String = chars.get(window.clone()).unwrap_or_default().iter().collect();
    let shown = format!("{}{}{}", cut(window.start > 0), clean(&shown), cut(window.end < chars.len()));
    let before = " ".repeat(from - window.start + usize::from(window.start > 0));

    let number = start.line.to_string();
    let margin = " ".repeat(number.len());
    let carets = paint.severity(one.severity, &"^".repeat(marked));
    let bar = paint.faint("|");
    format!("  {} {bar} {shown}\n  {margin} {bar} {before}{carets}\n", paint.faint(&number))
}

/// The part of a line of `len` characters to show, so that the one at `from` is in sight.
fn window(from: usize, len: usize) -> Range<usize> {
    if len <= WIDTH_MAX {
        return 0..len;
    }
    let start = from.saturating_sub(BEFORE_MAX);
    start..(start + WIDTH_MAX).min(len)
}
