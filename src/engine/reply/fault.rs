//! Ways in which a reply breaks its contract, worded for the person who has to mend it.

use std::fmt;

/// One step into a reply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the entry of an object.
    Key(String),
    /// To the item of a list, from 0.
    Item(usize),
}

/// A way in which a reply breaks the contract of its kind.
///
/// The message names the place, so that it can stand alone in a log; `path` is for those who can point at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: a key that should not be there itself, but for a missing one the object that lacks it.
    pub path: Vec<Step>,
    /// Whether the key at the end of `path` is wrong, rather than its value.
    pub at_key: bool,
    /// What is wrong: lower case, without full stop, the reply's own words in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Fault {
    /// A fault at the place to which `path` leads.
    pub(super) fn new(path: &[Step], message: impl Into<String>) -> Fault {
        Fault { path: path.to_vec(), at_key: false, message: message.into(), help: None }
    }

    /// The same, about the key at the end of the path.
    pub(super) fn at_key(self) -> Fault {
        Fault { at_key: true, ..self }
    }

    /// Says what to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// The place to which `path` leads, for a sentence: `` `destination.number` `` or `the reply`.
pub(super) fn place(path: &[Step]) -> String {
    if path.is_empty() {
        return "the reply".to_owned();
    }
    let mut text = String::from("`");
    for step in path {
        match step {
            Step::Key(key) if text.len() == 1 => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Item(at) => text.extend(["[", at.to_string().as_str(), "]"]),
        }
    }
    text.push('`');
    text
}

/// `one`, `one or two`, `one, two or three`, each in backticks.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_authors_write_paths() {
        let path = [Step::Key("documents".into()), Step::Item(2), Step::Key("uuid".into())];
        assert_eq!(place(&path), "`documents[2].uuid`");
        assert_eq!(place(&[]), "the reply");
    }

    #[test]
    fn words_are_listed_as_in_a_sentence() {
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
