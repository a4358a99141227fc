//! The text of a file, and where in it the parser is.

use super::super::super::super::diagnostic::{FileId, Span};
use super::super::chars::Chars;

/// A file while it is read: what turns the parser's places into spans.
pub(in super::super) struct Source<'a> {
    file: FileId,
    /// The file's text without a byte order mark.
    pub(in super::super) text: &'a str,
    pub(super) chars: Chars<'a>,
    /// How many bytes stand before `text` in the file.
    before: usize,
}

impl<'a> Source<'a> {
    /// The file `whole`, of which `text` is what follows its byte order mark.
    pub(super) fn new(file: FileId, whole: &str, text: &'a str) -> Source<'a> {
        Source { file, text, chars: Chars::new(text), before: whole.len() - text.len() }
    }

    /// The span of the bytes `start..end` of the text.
    pub(in super::super) fn span(&self, start: usize, end: usize) -> Span {
        let offset = |at: usize| u32::try_from(at.min(self.text.len()) + self.before).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(start), end: offset(end.max(start)) }
    }

    /// The text between two bytes.
    pub(in super::super) fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The text from a byte on.
    pub(in super::super) fn from(&self, start: usize) -> &str {
        self.text.get(start..).unwrap_or_default()
    }

    /// Where a place in the file is in the text.
    pub(in super::super) fn byte(&self, at: u32) -> usize {
        (at as usize).saturating_sub(self.before)
    }

    /// The text that a span covers.
    pub(super) fn covered(&self, span: Span) -> &str {
        self.slice(self.byte(span.start), self.byte(span.end))
    }
}
