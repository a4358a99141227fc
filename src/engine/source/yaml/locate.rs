//! From a place in a text back to its place in the file.
//!
//! Quoting, folding and indentation add, drop and change white space, escapes apart nothing else. So the
//! n-th visible character of the text is the n-th visible character of what was written, whatever the
//! style, and no rule of folding has to be known here.

use super::super::super::diagnostic::Span;
use super::{Style, Text};

/// See [`Text::locate`].
pub(super) fn locate(text: &Text, source: &str, start: usize, end: usize) -> Span {
    let raw = source.get(text.span.start as usize..text.span.end as usize).unwrap_or_default();
    let start_unit = unit_at(text, raw, start);
    let stop = if start < end {
        let last = before(&text.text, end).max(start);
        unit_at(text, raw, last).end.max(start_unit.start)
    } else {
        start_unit.start
    };
    let offset = |at: usize| text.span.start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)).min(text.span.end);
    Span { file: text.span.file, start: offset(start_unit.start), end: offset(stop) }
}

/// The byte where the raw form of a scalar that begins with a quote ends, its closing quote included.
pub(super) fn quoted_end(raw: &str, style: Style) -> usize {
    let mut units = Units { raw, style, at: 1, closed: false };
    while units.next().is_some() {}
    units.at
}

/// One character of a text as it was written: an escape, a doubled quote, or itself.
#[derive(Clone, Copy)]
struct Unit {
    start: usize,
    end: usize,
    /// Whether it stands for something other than white space.
    visible: bool,
}

/// What the byte `offset` of the text is made of in `raw`.
fn unit_at(text: &Text, raw: &str, offset: usize) -> Unit {
    let (before, from) = split(&text.text, offset);
    let visible = before.chars().filter(|c| !is_blank(*c)).count();
    let blanks = before.chars().rev().take_while(|c| is_blank(*c)).count();
    let wants_visible = from.starts_with(|c| !is_blank(c));

    let skip = usize::from(matches!(text.style, Style::Single | Style::Double));
    let mut units = Units { raw, style: text.style, at: skip, closed: false };
    let mut end = skip.min(raw.len());
    for unit in units.by_ref().filter(|unit| unit.visible).take(visible) {
        end = unit.end;
    }
    let mut rest = Units { raw, style: text.style, at: end, closed: false };
    let found = if wants_visible {
        rest.find(|unit| unit.visible)
    } else {
        let mut gap = rest.take_while(|unit| !unit.visible);
        gap.nth(blanks)
    };
    found.unwrap_or(Unit { start: end, end, visible: false })
}

/// The units of a scalar, from the byte `at` on and up to its closing quote.
struct Units<'a> {
    raw: &'a str,
    style: Style,
    at: usize,
    closed: bool,
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let rest = self.raw.get(self.at..).filter(|_| !self.closed)?;
        let first = rest.chars().next()?;
        let (len, visible) = match (self.style, first) {
            (Style::Single, '\'') if rest.starts_with("''") => (2, true),
            (Style::Cell, '"') if rest.starts_with("\"\"") => (2, true),
            (Style::Single, '\'') | (Style::Double, '"') => {
                self.closed = true;
                self.at += 1;
                return None;
            }
            (Style::Double, '\\') => escape(rest),
            _ => (first.len_utf8(), !is_blank(first)),
        };
        let start = self.at;
        self.at = (start + len).min(self.raw.len());
        Some(Unit { start, end: self.at, visible })
    }
}

/// How long the escape is that `rest` begins with, and whether it stands for something visible.
fn escape(rest: &str) -> (usize, bool) {
    let code = rest.chars().nth(1);
    let digits = match code {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some(c) => return (1 + c.len_utf8(), !matches!(c, 't' | '\t' | 'n' | 'r' | ' ' | '\n' | '\r')),
        None => return (1, true),
    };
    let value = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
    (2 + digits, value.is_none_or(|c| !is_blank(c)))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// `text` cut at `offset`, or before it if that is inside of a character.
fn split(text: &str, offset: usize) -> (&str, &str) {
    let at = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.split_at(at)
}

/// Where the character before `offset` begins.
fn before(text: &str, offset: usize) -> usize {
    let (head, _) = split(text, offset);
    head.char_indices().next_back().map_or(0, |(at, _)| at)
}
