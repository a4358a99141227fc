//! YAML as a tree that knows where everything stands.
//!
//! [`parse`] makes one pass over the parser's events; every value keeps its [`Span`], and every text the
//! style it was written in, so that [`Text::locate`] can point at a word inside a quoted or a block text.
//! Scalars follow YAML 1.2's core schema, with one exception: what an author would lose by it stays text.
//! So `yes`, `on`, `012` and `+15550100` are text, and a number too large to be kept exactly is an error.

use super::super::diagnostic::{Diagnostic, FileId, Span};

mod chars;
mod locate;
mod scalar;
mod traps;
mod tree;

/// How deep a document may nest.
pub const DEPTH_MAX: usize = 64;
/// How many values a document may hold.
pub const NODES_MAX: usize = 2_000_000;
/// How many values the aliases of a document may stand for.
pub const ALIASED_MAX: usize = 200_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands, without anchor and tag. An alias stands where its anchor does.
    pub span: Span,
    /// What it is.
    pub value: Yaml,
}

/// What a [`Node`] can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// Nothing: `null`, `~`, or no value at all.
    Null,
    /// `true` or `false`, and no other word.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text, quoted or not.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order in which it was written; no key comes twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping. Numbers and words such as `true` are keys by their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key as its author means it, unquoted.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Text, and enough of how it was written to find each of its characters again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text, its quotes and escapes undone.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Where it stands.
    pub span: Span,
}

/// How a text can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'…'`.
    Single,
    /// In `"…"`.
    Double,
    /// Below a `|`.
    Literal,
    /// Below a `>`.
    Folded,
    /// In a cell of a table; its span is without the quotes around it.
    Cell,
}

/// Reads `text`, the whole of `file`, and adds what is wrong with it to `found`.
///
/// An empty file is an empty mapping. `None` says that the file could not be read to its end.
pub fn parse(file: FileId, text: &str, found: &mut Vec<Diagnostic>) -> Option<Node> {
    tree::build(file, text, found)
}

impl Node {
    /// The value of `key`, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(at, _)| at.text == key).map(|(_, value)| value)
    }

    /// What a mapping holds; nothing for any other value.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Yaml::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What a list holds; nothing for any other value.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Yaml::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        match &self.value {
            Yaml::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, in a message's words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "true or false",
            Yaml::Int(_) | Yaml::Float(_) => "a number",
            Yaml::Text(_) => "text",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// What this value is and, if that is short, which: ``text `abc` ``, ``the number `4` ``, `a list`.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.value {
            Yaml::Bool(word) => format!("`{word}`"),
            Yaml::Int(number) => format!("the number `{number}`"),
            Yaml::Float(number) => format!("the number `{number}`"),
            Yaml::Text(text) => format!("text `{}`", shortened(&text.text)),
            _ => self.kind().to_owned(),
        }
    }

    /// Where the bytes `start..end` of this text stand in `source`, the whole file; for any other value,
    /// where that stands.
    #[must_use]
    pub fn locate(&self, source: &str, start: usize, end: usize) -> Span {
        self.as_text().map_or(self.span, |text| text.locate(source, start, end))
    }
}

impl Text {
    /// Where the bytes `start..end` of the text stand in `source`, the whole file.
    ///
    /// Exact for every visible character, however the text was written; line breaks and indentation
    /// belong to the character before them.
    #[must_use]
    pub fn locate(&self, source: &str, start: usize, end: usize) -> Span {
        locate::locate(self, source, start, end)
    }
}

/// The first line of `text`, cut to what a message can hold.
pub(super) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(CHARS_MAX).collect();
    if short.len() < text.trim_end().len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
