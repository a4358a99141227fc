//! The cells of a CSV file, one after the other, each with its place.
//!
//! Written here and not taken from a library: those that there are read on where quotes make no sense, and none says
//! where a cell stands. A second reading for the places could disagree with the first.

use std::borrow::Cow;

/// A cell, as bytes of the file: without the quotes around it and the white space around these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    start: u32,
    // The highest bit says whether quotes in it are doubled.
    end: u32,
}

const DOUBLED: u32 = 1 << 31;

/// The most bytes that cells can be counted in.
pub(super) const BYTES_MOST: usize = DOUBLED as usize - 1;

impl Cell {
    fn new(start: usize, end: usize, doubled: bool) -> Cell {
        let byte = |at: usize| u32::try_from(at).unwrap_or(DOUBLED - 1);
        Cell { start: byte(start), end: byte(end) | if doubled { DOUBLED } else { 0 } }
    }

    /// Its first byte, and the byte behind its last.
    #[inline]
    pub(super) fn range(self) -> (u32, u32) {
        (self.start, self.end & !DOUBLED)
    }

    /// What it holds.
    #[inline]
    pub(super) fn text(self, file: &str) -> Cow<'_, str> {
        let (start, end) = self.range();
        let written = file.get(start as usize..end as usize).unwrap_or_default();
        if self.end & DOUBLED != 0 { Cow::Owned(written.replace("\"\"", "\"")) } else { Cow::Borrowed(written) }
    }
}

/// Quotes that make no sense, at this byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadQuote {
    /// A quote that nothing closes.
    Unclosed(usize),
    /// Something stands behind the quote that closes a cell.
    Behind(usize),
    /// A quote in a cell that does not begin with one.
    Inside(usize),
}

/// Reads the cells of a file.
pub(super) struct Cells<'a> {
    text: &'a str,
    separator: u8,
    at: usize,
    // Whether a cell is still to come in this row, be it empty.
    open: bool,
}

/// A cell, and whether it is the last of its row.
pub(super) type Next = Result<(Cell, bool), BadQuote>;

impl<'a> Cells<'a> {
    pub(super) fn of(text: &'a str) -> Cells<'a> {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Cells { text, separator: separator(text), at, open: false }
    }

    /// The next cell; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Option<Next> {
        if self.at >= self.text.len() && !self.open {
            return None;
        }
        let start = self.skip_blanks(self.at);
        let read = if self.byte(start) == Some(b'"') { self.quoted(start) } else { self.plain(start) };
        Some(read.map(|(cell, end)| {
            self.open = self.byte(end) == Some(self.separator);
            self.at = (end + 1).min(self.text.len());
            (cell, !self.open)
        }))
    }

    /// A cell without quotes, and where it ends: at a separator, at a line break or with the file.
    fn plain(&self, start: usize) -> Result<(Cell, usize), BadQuote> {
        let rest = self.rest(start);
        let found = memchr::memchr3(self.separator, b'\n', b'"', rest.as_bytes()).unwrap_or(rest.len());
        if self.byte(start + found) == Some(b'"') {
            return Err(BadQuote::Inside(start + found));
        }
        let written = rest.get(..found).unwrap_or_default();
        Ok((Cell::new(start, start + written.trim_end().len(), false), start + found))
    }

    /// A cell in quotes, the first of which stands at `quote`.
    fn quoted(&self, quote: usize) -> Result<(Cell, usize), BadQuote> {
        let (mut at, mut doubled) = (quote + 1, false);
        loop {
            let Some(found) = memchr::memchr(b'"', self.rest(at).as_bytes()) else {
                return Err(BadQuote::Unclosed(quote));
            };
            at += found + 1;
            if self.byte(at) != Some(b'"') {
                break;
            }
            (at, doubled) = (at + 1, true);
        }
        let end = self.skip_blanks(at);
        let end = if self.rest(end).starts_with("\r\n") { end + 1 } else { end };
        match self.byte(end) {
            Some(byte) if byte != self.separator && byte != b'\n' => Err(BadQuote::Behind(end)),
            _ => Ok((Cell::new(quote + 1, at - 1, doubled), end)),
        }
    }

    fn skip_blanks(&self, at: usize) -> usize {
        let blanks = self.rest(at).bytes();
        at + blanks.take_while(|byte| matches!(byte, b' ' | b'\t') && *byte != self.separator).count()
    }

    fn rest(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }
}

/// What separates the cells: a comma. Where spreadsheets take that for the sign before a fraction they write semicolons, and
/// some copy tabs; then the first line has no comma outside of quotes.
fn separator(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim_start_matches('\u{feff}').trim().is_empty()).unwrap_or_default();
    let outside: Vec<&str> = line.split('"').step_by(2).collect();
    let has = |separator: u8| outside.iter().any(|part| part.as_bytes().contains(&separator));
    [b',', b';', b'\t'].into_iter().find(|separator| has(*separator)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells, rows in brackets, and what is wrong at last.
    fn shown(text: &str) -> String {
        let (mut cells, mut shown, mut begun) = (Cells::of(text), String::new(), false);
        while let Some(next) = cells.next() {
            let (cell, last) = match next {
                Ok(next) => next,
                Err(bad) => return format!("{shown}{bad:?}"),
            };
            shown += if begun { "|" } else { "[" };
            shown += &cell.text(text);
            shown += if last { "]" } else { "" };
            begun = !last;
        }
        shown
    }

    #[test]
    fn cells_are_what_stands_between_separators() {
        for (text, cells) in [
            ("", ""),
            ("a", "[a]"),
            ("a,b\n1,2\n", "[a|b][1|2]"),
            ("a,b\r\n1,2", "[a|b][1|2]"),
            ("\u{feff}a , b\n 1\t,ü ,\n", "[a|b][1|ü|]"),
            ("a,", "[a|]"),
            (",", "[|]"),
            ("a\n\nb\n", "[a][][b]"),
            ("\"a, b\", \"c\"\"d\" ,\"\"\r\ne", "[a, b|c\"d|][e]"),
            ("\"two\nlines\",b", "[two\nlines|b]"),
            ("\"\"\"\"\n", "[\"]"),
            ("a;b,c\n1;2,3", "[a;b|c][1;2|3]"),
            ("a;\"b,c\"\n1;2,3", "[a|b,c][1|2,3]"),
            ("a\tb\n1\t\"2\"", "[a|b][1|2]"),
        ] {
            assert_eq!(shown(text), cells, "{text:?}");
        }
    }

    #[test]
    fn quotes_that_make_no_sense_are_not_read_over() {
        for (text, cells) in [
            ("a,\"b\n", "[aUnclosed(2)"),
            ("\"a\"b,c", "Behind(3)"),
            ("\"a\"\rb", "Behind(3)"),
            ("a\n5\" pipe", "[a]Inside(3)"),
        ] {
            assert_eq!(shown(text), cells, "{text:?}");
        }
    }
}
