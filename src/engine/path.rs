//! Paths: where in a message a value lies, as authors write it: `call.id`, `artifact.messages[-1].role`.

use std::fmt;
use std::sync::Arc;

use foldhash::HashSet;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A field of an object.
    Key(Box<str>),
    /// An item of a list, from 0; negative ones count from the end, `-1` being the last.
    Index(i64),
}

/// A path, never empty; its first segment is a name in scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Box<[Segment]>);

impl Path {
    /// Makes a path of a root name and what follows it.
    #[must_use]
    pub fn new(root: &str, rest: impl IntoIterator<Item = Segment>) -> Path {
        Path(std::iter::once(Segment::Key(root.into())).chain(rest).collect())
    }

    /// Reads a path; `None` if `text` is not one.
    ///
    /// A name starts with a letter, `_` or `$` and goes on with letters, digits, `_` and `$`. Below
    /// `headers` a name may also hold `-`, since header names do. Any other key can be written as
    /// `["…"]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Path> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let hyphens = segments.first() == Some(&Segment::Key("headers".into()));
            let end = rest.find(|c: char| !in_name(c, hyphens)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
                return None;
            }
            segments.push(Segment::Key(name.into()));
            rest = after;
            while let Some(after) = rest.strip_prefix('[') {
                let (segment, after) = bracketed(after)?;
                segments.push(segment);
                rest = after;
            }
            if rest.is_empty() {
                return Some(Path(segments.into()));
            }
            rest = rest.strip_prefix('.')?;
        }
    }

    /// The name in scope that the path starts from.
    #[must_use]
    pub fn root(&self) -> &str {
        match self.0.first() {
            Some(Segment::Key(name)) => name,
            _ => "",
        }
    }

    /// What follows the root.
    #[must_use]
    pub fn rest(&self) -> &[Segment] {
        self.0.get(1..).unwrap_or_default()
    }

    /// All segments, the root first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

fn is_name(key: &str, hyphens: bool) -> bool {
    let starts = key.chars().next().is_some_and(|c| in_name(c, false) && !c.is_ascii_digit());
    starts && key.chars().all(|c| in_name(c, hyphens))
}

fn in_name(c: char, hyphens: bool) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || (hyphens && c == '-')
}

/// Reads what stands behind a `[`, up to and with its `]`.
fn bracketed(text: &str) -> Option<(Segment, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (key, after) = quoted.split_once('"')?;
        return Some((Segment::Key(key.into()), after.strip_prefix(']')?));
    }
    let (number, after) = text.split_once(']')?;
    Some((Segment::Index(number.trim().parse().ok()?), after))
}

/// The way from a value to one inside of it.
pub type Steps = Arc<[Segment]>;

/// Equal steps, kept once: ten thousand rules go few ways, and what all of them share stays in the processor's cache.
#[derive(Debug, Default)]
pub struct KnownSteps(HashSet<Steps>);

impl KnownSteps {
    /// Puts those that are known in place of equal `steps`.
    pub fn share(&mut self, steps: &mut Steps) {
        match self.0.get(steps) {
            Some(known) => *steps = Arc::clone(known),
            None => drop(self.0.insert(Arc::clone(steps))),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_name(key, self.root() == "headers") => {
                    write!(f, "{}{key}", if at == 0 { "" } else { "." })?;
                }
                Segment::Key(key) => write!(f, "[\"{key}\"]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_they_were_written() {
        for text in [
            "call",
            "call.id",
            "artifact.messages[-1].role",
            "a[0][1].b",
            "call.metadata[\"a.b\"]",
            "headers.x-foo",
            "a[\"x-foo\"]",
            "a[\"1\"]",
        ] {
            assert_eq!(Path::parse(text).map(|path| path.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn equal_steps_are_kept_once() {
        let steps = |path: &str| Steps::from(Path::parse(path).unwrap().rest());
        let (mut first, mut equal, mut other) = (steps("args.day"), steps("args.day"), steps("args.name"));
        let mut known = KnownSteps::default();
        for steps in [&mut first, &mut equal, &mut other] {
            known.share(steps);
        }
        assert!(Arc::ptr_eq(&first, &equal));
        assert_eq!(*other, [Segment::Key("name".into())]);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a-b", "1a", "a[", "a[x]", "a b", "a.b()", "a[\"b]", "a + b"] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }
}
