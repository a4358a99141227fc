//! Where in a text a line and column of Rhai's lie.

use rhai::Position;

use crate::engine::diagnostic::{FileId, Span};

/// The lines of one text.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    text: Box<str>,
    starts: Box<[usize]>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Lines {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text: text.into(), starts }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where `position` lies, in bytes; no position is the beginning of the text.
    pub(super) fn offset(&self, position: Position) -> usize {
        let line = position.line().unwrap_or(1);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..).unwrap_or("");
        let before = position.position().unwrap_or(1).saturating_sub(1);
        start + line.char_indices().nth(before).map_or(line.len(), |(at, _)| at)
    }

    /// The word at `position`, or the one character that stands there, from and to, in bytes.
    pub(super) fn word(&self, position: Position) -> (usize, usize) {
        let start = self.offset(position);
        let rest = self.text.get(start..).unwrap_or("");
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = if word == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { word };
        (start, start + length)
    }

    /// The word, or the one character, that stands last before `position`; comments are passed over.
    pub(super) fn before(&self, position: Position) -> (usize, usize) {
        let code = self.text.get(..self.offset(position)).map_or("", written);
        let front = code.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
        let last = code.chars().next_back().map_or(0, char::len_utf8);
        (front.len().min(code.len() - last), code.len())
    }

    /// The first `]` at or behind `from`, and past it.
    pub(super) fn past_bracket(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or("");
        rest.find(']').map_or(self.text.len(), |at| from + at + 1)
    }
}

/// `code` without the white space and comments at its end.
fn written(code: &str) -> &str {
    let (mut at, mut end) = (0, 0);
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let comment = comment(rest);
        at += comment.unwrap_or_else(|| text_or_character(rest));
        if comment.is_none() && !rest.starts_with(char::is_whitespace) {
            end = at;
        }
    }
    code.get(..end).unwrap_or(code)
}

/// The length of the comment that `code` begins with, if it does.
pub(super) fn comment(code: &str) -> Option<usize> {
    match code.as_bytes() {
        [b'/', b'/', ..] => Some(code.find('\n').unwrap_or(code.len())),
        [b'/', b'*', ..] => Some(code.find("*/").map_or(code.len(), |at| at + 2)),
        _ => None,
    }
}

/// The length of the text in quotes that `code` begins with, or of its first character.
pub(super) fn text_or_character(code: &str) -> usize {
    let mut characters = code.char_indices();
    let Some((_, first)) = characters.next() else { return 0 };
    if !matches!(first, '"' | '\'' | '`') {
        return first.len_utf8();
    }
    let mut escaped = false;
    let end = characters.find(|(_, c)| {
        let is_end = *c == first && !escaped;
        escaped = *c == '\\' && !escaped && first != '`';
        is_end
    });
    end.map_or(code.len(), |(at, _)| at + first.len_utf8())
}

/// A text of the author's, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) lines: Lines,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    /// It is a whole file.
    File(FileId),
    /// It stands in a file of another language, each of its lines somewhere.
    Lines(Box<[Span]>),
}

impl Origin {
    pub(super) fn file(file: FileId, text: &str) -> Origin {
        Origin { lines: Lines::new(text), place: Place::File(file) }
    }

    /// A text whose bytes `locate` finds in the file around it.
    pub(super) fn inside(text: &str, locate: &dyn Fn(usize, usize) -> Span) -> Origin {
        let lines = Lines::new(text);
        let ends = lines.starts.iter().skip(1).map(|start| start - 1).chain([text.len()]);
        let spans = lines.starts.iter().zip(ends).map(|(start, end)| locate(*start, end)).collect();
        Origin { lines, place: Place::Lines(spans) }
    }

    /// Where the bytes from `start` to `end` stand.
    pub(super) fn span(&self, (start, end): (usize, usize)) -> Span {
        match &self.place {
            Place::File(file) => span(*file, start, end),
            Place::Lines(spans) => {
                let line = self.lines.starts.partition_point(|line| *line <= start).saturating_sub(1);
                let line_start = self.lines.starts.get(line).copied().unwrap_or(0);
                let Some(outer) = spans.get(line).or(spans.last()) else { return span(FileId(0), 0, 0) };
                let base = outer.start as usize;
                span(outer.file, base + (start - line_start.min(start)), base + (end - line_start.min(end)))
            }
        }
    }

    /// The span of the word at `position`.
    pub(super) fn word(&self, position: Position) -> Span {
        self.span(self.lines.word(position))
    }
}

fn span(file: FileId, start: usize, end: usize) -> Span {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: byte(start), end: byte(end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_offsets_bytes() {
        let lines = Lines::new("let ä = 1;\nfoo(ü)");
        assert_eq!(lines.offset(Position::new(1, 7)), 7);
        assert_eq!(lines.offset(Position::new(2, 5)), 16);
        assert_eq!(lines.word(Position::new(2, 1)), (12, 15));
        assert_eq!(lines.offset(Position::new(9, 9)), lines.text.len());
    }

    #[test]
    fn what_stands_before_is_no_comment() {
        for (text, expected) in [
            ("let a = args.day\n^", "day"),
            ("let a = f(1) // why; \"so\"\n\n  /* and\n so */ ^", ")"),
            ("let a = \"// no \\\" comment\" // but this\n^", "\""),
            ("let a = `\\` // one\n^", "`"),
            ("let a = 'ü' ^", "'"),
            ("^", ""),
        ] {
            let lines = Lines::new(text);
            let before = text.split('^').next().unwrap();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let (start, end) =
                lines.before(Position::new(u16::try_from(line).unwrap(), u16::try_from(column).unwrap()));
            assert_eq!(text.get(start..end), Some(expected), "{text}");
        }
    }
}
