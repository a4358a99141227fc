//! What is wrong in the author's files, and where.
//!
//! A [`Diagnostic`] is made where the mistake is found and carries byte offsets only; [`Sources`] turns
//! them into `file:line:col` when somebody looks.

use std::sync::Arc;

pub mod catalogue;
mod lines;
mod nearest;

use lines::Lines;
pub use nearest::closest;

/// A file among the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A stretch of one file, in bytes, `start <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file it lies in.
    pub file: FileId,
    /// Its first byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as the author would type it, with `/` between its parts.
    pub path: Arc<str>,
    /// What it holds.
    pub text: Arc<str>,
}

/// The files of one rule set, as they were read.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<(SourceFile, Lines)>);

/// A place in a file, as people and editors count: lines and columns (in characters) from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path as the author would type it.
    pub path: Arc<str>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

impl Sources {
    /// Adds a file and returns its id.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        let text = text.into();
        let lines = Lines::of(&text);
        self.0.push((SourceFile { path: path.into(), text }, lines));
        id
    }

    /// The files, in this order.
    #[must_use]
    pub fn of(files: &[SourceFile]) -> Sources {
        Sources(files.iter().map(|file| (file.clone(), Lines::of(&file.text))).collect())
    }

    /// The file that `id` names; `None` if it was made by other sources.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.0.get(id.0 as usize).map(|(file, _)| file)
    }

    /// Adds all files of `other` and returns the id that its first one has here.
    pub fn append(&mut self, other: &Sources) -> FileId {
        let first = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.extend(other.0.iter().cloned());
        first
    }

    /// Every file with its id, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(self.0.iter().map(|(file, _)| file))
    }

    /// Where `span` begins.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        self.place_at(span.file, span.start)
    }

    /// Where `span` ends: the place behind its last character.
    #[must_use]
    pub fn end(&self, span: Span) -> Place {
        self.place_at(span.file, span.end)
    }

    /// The line in which `span` begins, without its line break; empty if there is no such file.
    #[must_use]
    pub fn line(&self, span: Span) -> &str {
        self.0.get(span.file.0 as usize).map_or("", |(file, lines)| lines.line(&file.text, span.start))
    }

    fn place_at(&self, file: FileId, byte: u32) -> Place {
        let Some((file, lines)) = self.0.get(file.0 as usize) else {
            return Place { path: "?".into(), line: 1, column: 1 };
        };
        let (line, column) = lines.place(&file.text, byte);
        Place { path: Arc::clone(&file.path), line, column }
    }
}

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The rule set is refused.
    Error,
    /// The rule set works, but hardly as its author meant it.
    Warning,
    /// Worth knowing.
    Hint,
}

/// One finding about the author's files.
///
/// Messages are lower case, without full stop, with the author's words in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// Its stable name, such as `unknown-field`; each has a page.
    pub slug: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Other places that have to do with it.
    pub notes: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Vec<String>,
    /// Whether its line may hold a secret, so that no report shows the line.
    pub sensitive: bool,
}

impl Diagnostic {
    /// An error: the rule set is refused.
    #[must_use]
    pub fn error(slug: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            slug,
            message: message.into(),
            span,
            notes: Vec::new(),
            help: Vec::new(),
            sensitive: false,
        }
    }

    /// A warning.
    #[must_use]
    pub fn warning(slug: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(slug, span, message) }
    }

    /// A hint.
    #[must_use]
    pub fn hint(slug: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Hint, ..Diagnostic::error(slug, span, message) }
    }

    /// The same finding once its sources have been appended to others, in which their first file is `first`.
    #[must_use]
    pub fn shifted(mut self, first: FileId) -> Diagnostic {
        self.span.file.0 += first.0;
        self.notes.iter_mut().for_each(|(span, _)| span.file.0 += first.0);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Adds another place that has to do with it.
    #[must_use]
    pub fn note(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.notes.push((span, text.into()));
        self
    }

    /// Adds `did you mean …?` if one of `known` is close to `written`.
    #[must_use]
    pub fn suggest<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        match closest(written, known) {
            Some(known) => self.help(format!("did you mean `{known}`?")),
            None => self,
        }
    }

    /// The same, and what else to do if none is close.
    #[must_use]
    pub fn suggest_or<'a>(
        self,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
        otherwise: impl Into<String>,
    ) -> Diagnostic {
        let plain = self.help.len();
        let found = self.suggest(written, known);
        if plain < found.help.len() { found } else { found.help(otherwise) }
    }
}

/// Whether any of it is an error.
#[must_use]
pub fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|one| one.severity == Severity::Error)
}

/// Puts findings in the order in which people read them: by file, place and gravity. The same finding
/// made twice is kept once, whichever way led there.
pub fn sort(found: &mut Vec<Diagnostic>) {
    let key = |one: &Diagnostic| (one.span.file, one.span.start, one.severity, one.span.end, one.slug);
    found.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message)));
    found.dedup_by(|b, a| key(a) == key(b) && a.message == b.message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "x: 1\nü: ä b\n");
        let at = |start| sources.place(Span { file, start, end: start }).to_string();
        assert_eq!(at(0), "a.yaml:1:1");
        assert_eq!(at(12), "a.yaml:2:6");
    }

    #[test]
    fn an_end_is_a_place_too() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "x: 1\r\ny: 22\r\n");
        let span = Span { file, start: 9, end: 11 };
        assert_eq!(sources.end(span).to_string(), "a.yaml:2:6");
        assert_eq!(sources.line(span), "y: 22");
        let nowhere = Span { file: FileId(7), ..span };
        assert_eq!((sources.place(nowhere).to_string().as_str(), sources.line(nowhere)), ("?:1:1", ""));
    }

    #[test]
    fn findings_are_read_in_the_order_of_the_files() {
        let at = |file, start| Span { file: FileId(file), start, end: start + 1 };
        let mut found = vec![
            Diagnostic::error("d", at(1, 0), ""),
            Diagnostic::warning("c", at(0, 5), ""),
            Diagnostic::error("b", at(0, 5), ""),
            Diagnostic::hint("a", at(0, 1), ""),
            Diagnostic::error("b", at(0, 5), ""),
        ];
        sort(&mut found);
        assert_eq!(found.iter().map(|one| one.slug).collect::<String>(), "abcd");
    }
}
