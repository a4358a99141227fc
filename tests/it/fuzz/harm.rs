//! What can happen to a text file between two saves.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Signs and words that mean something in YAML, in placeholders, in conditions or in scripts: here where none expects
/// them.
#[rustfmt::skip]
const TOKENS: &[&str] = &[
    "\"", "'", "`", ":", ": ", "-", "- ", "#", "# ", "&a ", "*a", "!t ", "|", ">", "{", "}", "[", "]", ",", "?", "? ", "<<: ", "\\", "\\u",
    " ", "  ", "\t", "\r", "\r\n", "\n", "\n\n", "\0", "\u{7f}", "é", "😀", "\u{2028}", "\u{301}", "---\n", "...\n", "%YAML 1.2\n",
    "99999999999999999999", "1e999", "-0", ".nan", "0x1f", "null", "~", "true", "yes", "+1555", "0s", "99999999999999999999s",
    "${", "$${", "#{", "()", ";", "::", "..", ".", "?.", "==", "!", "|x| ", "fn f(x) { ", "loop {", "throw ", "import \"desk\" as d;",
    "[-9223372036854775808]", "[9223372036854775807]", "secrets.x", "event", "args", "state", "call.id", "message",
    "on: ", "when: ", "respond: ", "let: ", "run: ", "script: |\n", "name: ", "any:\n", "not: ", "now: ", "rules:\n", "tools:\n",
    "2026-11-23", "9999-12-31", "mon-fri 09:00-25:00", "24:00-24:00", "Europe/Berlin", "matches: \"(a+)+$\"", "x{9999}", "\\p{L}{500}",
];

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Harm {
    /// So many characters from a place on become others.
    Overwrite(Index, usize, &'static str),
    /// The text ends at a place.
    Cut(Index),
    /// So many lines from one on are taken away, or stay, and stand before another.
    Lines { from: Index, count: usize, to: Index, stay: bool },
    /// A line is lost.
    Lose(Index),
    /// A line moves to the right.
    Indent(Index, usize),
    /// A line moves to the left.
    Outdent(Index, usize),
    /// What stands behind the colon of a line becomes something else.
    Value(Index, &'static str),
}

/// Any harm.
pub(super) fn harm() -> impl Strategy<Value = Harm> {
    let (at, token) = (any::<Index>, || select(TOKENS));
    prop_oneof![
        4 => (at(), 0..12_usize, prop_oneof![token(), Just("")]).prop_map(|(at, count, put)| Harm::Overwrite(at, count, put)),
        1 => at().prop_map(Harm::Cut),
        2 => (at(), 1..6_usize, at(), any::<bool>()).prop_map(|(from, count, to, stay)| Harm::Lines { from, count, to, stay }),
        1 => at().prop_map(Harm::Lose),
        1 => (at(), 1..5_usize).prop_map(|(at, by)| Harm::Indent(at, by)),
        1 => (at(), 1..5_usize).prop_map(|(at, by)| Harm::Outdent(at, by)),
        1 => (at(), token()).prop_map(|(at, put)| Harm::Value(at, put)),
    ]
}

impl Harm {
    /// Does it to `text`.
    pub(super) fn befall(&self, text: &str) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let line = |at: &Index| at.index(lines.len().max(1)).min(lines.len().saturating_sub(1));
        match self {
            _ if lines.is_empty() => {}
            Harm::Overwrite(at, count, put) => {
                let first = at.index(places.len());
                let (start, end) = (places[first], places[(first + count).min(places.len() - 1)]);
                return [text.split_at(start).0, *put, text.split_at(end).1].concat();
            }
            Harm::Cut(at) => return text.split_at(*at.get(&places)).0.to_owned(),
            Harm::Lines { from, count, to, stay } => {
                let from = line(from);
                let end = (from + count).min(lines.len());
                let moved = if *stay { lines[from..end].to_vec() } else { lines.drain(from..end).collect() };
                let to = to.index(lines.len() + 1);
                lines.splice(to..to, moved);
            }
            Harm::Lose(at) => drop(lines.remove(line(at))),
            Harm::Indent(at, by) => {
                let at = line(at);
                lines[at].insert_str(0, &" ".repeat(*by));
            }
            Harm::Outdent(at, by) => {
                let at = line(at);
                let indented = lines[at].len() - lines[at].trim_start_matches(' ').len();
                lines[at].replace_range(..indented.min(*by), "");
            }
            Harm::Value(at, put) => {
                let at = line(at);
                if let Some((key, _)) = lines[at].split_once(": ") {
                    lines[at] = format!("{key}: {put}\n");
                }
            }
        }
        lines.concat()
    }
}
