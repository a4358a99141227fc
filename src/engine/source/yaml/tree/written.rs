//! One value as it stands in the text: where it begins and ends, and what its tag makes of it.

use saphyr_parser::Tag;

use super::super::super::super::diagnostic::{Diagnostic, Span};
use super::super::scalar::{self, Plain};
use super::super::{Style, Text, Yaml, locate, traps};
use super::Source;

/// How a value stands in the text: its bytes, anchor and tag included, and those two.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) anchor: usize,
    pub(super) tag: Option<&'a Tag>,
}

impl Written<'_> {
    /// What a scalar means.
    pub(super) fn value(
        &self,
        source: &Source<'_>,
        text: &str,
        style: Style,
        span: Span,
        found: &mut Vec<Diagnostic>,
    ) -> Yaml {
        let as_text = || Yaml::Text(Text { text: text.to_owned(), style, span });
        let meaning = match self.tag {
            None if style != Style::Plain => return as_text(),
            None => scalar::resolve(text),
            Some(tag) => return self.tagged(source, text, tag, span, found).unwrap_or_else(as_text),
        };
        match meaning {
            Plain::Value(value) => value,
            Plain::Text => as_text(),
            Plain::TooLarge => {
                found.push(traps::number_too_large(text, span));
                as_text()
            }
        }
    }

    /// The value that a tag makes of `text`; `None` for text itself.
    fn tagged(
        &self,
        source: &Source<'_>,
        text: &str,
        tag: &Tag,
        span: Span,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Yaml> {
        let value = match scalar::resolve(text) {
            Plain::Value(value) => Some(value),
            _ => None,
        };
        let core = tag.is_yaml_core_schema().then_some(tag.suffix.as_str());
        match (core, value) {
            (Some("str"), _) => None,
            #[expect(clippy::cast_precision_loss, reason = "the author asked for a float")]
            (Some("float"), Some(Yaml::Int(int))) => Some(Yaml::Float(int as f64)),
            (Some("int"), Some(value @ Yaml::Int(_)))
            | (Some("float"), Some(value @ Yaml::Float(_)))
            | (Some("bool"), Some(value @ Yaml::Bool(_)))
            | (Some("null"), Some(value @ Yaml::Null)) => Some(value),
            (Some("int" | "float" | "bool" | "null"), _) => {
                found.push(traps::misfit_tag(tag, text, span));
                None
            }
            _ => {
                found.push(traps::no_tag(tag, text, self.property(source, '!')));
                None
            }
        }
    }

    /// Where a scalar stands: without its properties, and without what the parser counts in behind it.
    pub(super) fn scalar_span(&self, source: &Source<'_>, text: &str, style: Style) -> Span {
        if text.is_empty() && style == Style::Plain && self.tag.is_none() && self.anchor == 0 {
            return source.span(self.start, self.start);
        }
        let mut start = self.value_start(source);
        if start > self.start && matches!(style, Style::Literal | Style::Folded) {
            let header = source.slice(start, self.end);
            start += header.find('\n').map_or(header.len(), |at| at + 1);
        }
        let raw = source.slice(start, self.end);
        let len = match style {
            Style::Single | Style::Double => locate::quoted_end(raw, style),
            Style::Plain | Style::Literal | Style::Folded | Style::Cell => raw.trim_end().len(),
        };
        source.span(start, start + len)
    }

    /// The byte where the value itself begins, behind anchor, tag and what separates them from it.
    pub(super) fn value_start(&self, source: &Source<'_>) -> usize {
        let raw = source.slice(self.start, self.end);
        let mut left = usize::from(self.anchor != 0) + usize::from(self.tag.is_some());
        let mut rest = raw;
        while left > 0 && rest.starts_with(['&', '!']) {
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest = rest.get(word..).unwrap_or_default().trim_start();
            while rest.starts_with('#') {
                rest = rest.find('\n').and_then(|at| rest.get(at..)).unwrap_or_default().trim_start();
            }
            left -= 1;
        }
        self.start + raw.len() - rest.len()
    }

    /// Where the property stands that begins with `sign`.
    pub(super) fn property(&self, source: &Source<'_>, sign: char) -> Span {
        let raw = source.slice(self.start, self.end);
        let at = raw.find(sign).unwrap_or(0);
        let word = raw.get(at..).unwrap_or_default();
        let len = word.find(char::is_whitespace).unwrap_or(word.len());
        source.span(self.start + at, self.start + at + len)
    }
}
