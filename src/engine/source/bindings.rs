//! Reads the names of a rule's own: those of `let` for values, computed when first needed, and what all names obey.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Workshop;
use super::names::Names;
use super::placeholder::{Piece, split};
use super::uses::Uses;
use super::yaml::{Key, Node, Yaml};
use crate::engine::binding::Binding;
use crate::engine::diagnostic::Diagnostic;
use crate::engine::path::{Path, Segment};

/// Names that mean something else already.
const TAKEN: &[&str] = &["event", "vars", "headers", "now", "state", "args", "tool", "secrets", "this"];

/// How such a name looks.
pub(super) fn name_outline() -> Value {
    // Letters, digits and `_` of any script.
    json!({ "pattern": r"^[\p{Alphabetic}_$][\p{Alphabetic}\p{N}_$]*$", "not": { "enum": TAKEN } })
}

impl Workshop<'_> {
    /// The names that the field `what` gives, `let`, `fetch` or `with`, in order.
    pub(super) fn binding_names(&mut self, what: &str, node: Option<&Node>) -> Vec<String> {
        let Some(node) = node else { return Vec::new() };
        let (values, example) = match what {
            "fetch" => ("requests", "crm: { get: https://crm.example.com/people }"),
            _ => ("values", "caller: ${customer.number}"),
        };
        let Yaml::Map(entries) = &node.value else {
            self.found.push(
                Diagnostic::error(
                    "wrong-type",
                    node.span,
                    format!("`{what}` is a mapping of names to {values}, not {}", node.describe()),
                )
                .help(format!("write each on a line of its own: `{example}`")),
            );
            return Vec::new();
        };
        let mut names = Vec::with_capacity(entries.len());
        for (key, _) in entries {
            let plain =
                Path::parse(&key.text).is_some_and(|path| path.segments() == [Segment::Key(key.text.as_str().into())]);
            if TAKEN.contains(&key.text.as_str()) {
                self.found.push(
                    Diagnostic::error("taken-name", key.span, format!("`{}` means something else already", key.text))
                        .help("choose another name"),
                );
            } else if !plain {
                self.found.push(
                    Diagnostic::error("bad-name", key.span, format!("`{}` cannot be a name", key.text))
                        .help("a name is made of letters, digits and `_`, and does not begin with a digit"),
                );
            }
            names.push(key.text.clone());
        }
        names
    }

    /// The values of `let`, in the order of their names.
    pub(super) fn lets(&mut self, node: Option<&Node>, names: &Names) -> Vec<Binding> {
        let entries = node.map(Node::entries).unwrap_or_default();
        entries.iter().map(|(_, node)| Binding::Value(self.template(node, names))).collect()
    }

    /// Two of a rule's names must differ, and none must be computed from itself.
    pub(super) fn check_bindings(&mut self, entries: &[&Key], bindings: &[Binding]) {
        for (index, key) in entries.iter().enumerate() {
            if let Some(first) =
                entries.iter().take(index).find(|other| other.text == key.text && other.span != key.span)
            {
                let found = Diagnostic::error("taken-name", key.span, format!("`let` has a `{}`, too", key.text));
                self.found.push(found.note(first.span, "the other one is here").help("choose another name"));
            }
        }
        let uses = |from: usize, target: usize| reaches(bindings, from, target);
        for (index, key) in entries.iter().enumerate().filter(|(index, _)| uses(*index, *index)) {
            // A circle is reported once, at the first of its names.
            if (0..index).any(|earlier| uses(earlier, index) && uses(index, earlier)) {
                continue;
            }
            let circle = entries
                .iter()
                .enumerate()
                .skip(index + 1)
                .filter(|(other, _)| uses(*other, index) && uses(index, *other));
            let through: Vec<String> = circle.map(|(_, key)| format!("`{}`", key.text)).collect();
            let through =
                if through.is_empty() { String::new() } else { format!(", through {}", through.join(" and ")) };
            self.found.push(
                Diagnostic::error("circular-let", key.span, format!("`{}` is computed from itself{through}", key.text))
                    .help("a name may use others, but not in a circle: write one of them in another way"),
            );
        }
    }
}

/// Which of the names of `let` are rows of tables, by their numbers: those that are `${lookup("guests", …)}` and no more. So
/// what stands behind such a name can be held against the columns.
pub(super) fn rows_of_tables(node: Option<&Node>) -> BTreeMap<usize, String> {
    let entries = node.map(Node::entries).unwrap_or_default().iter().enumerate();
    entries.filter_map(|(number, (_, node))| Some((number, row_of(node.as_str()?)?.to_owned()))).collect()
}

/// The table of which `text` is a row.
fn row_of(text: &str) -> Option<&str> {
    let pieces = split(text).ok()?;
    let [Piece::Hole(range)] = pieces.as_slice() else { return None };
    let call = text.get(range.clone())?.trim().strip_prefix("lookup(")?.trim_start();
    let (table, rest) = call.strip_prefix('"')?.split_once('"')?;
    let key = rest.trim_start().strip_prefix(',')?;
    // The call ends with the text, and nothing is made of what it gives.
    (end_of_call(key)? == key.len()).then_some(table)
}

/// How many bytes there are to the `)` that closes the call in which `text` begins, itself included.
fn end_of_call(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted: Option<char> = None;
    for (at, c) in text.char_indices() {
        match (c, quoted) {
            (c, Some(quote)) => quoted = quoted.filter(|_| c != quote),
            ('"' | '`', None) => quoted = Some(c),
            ('(', None) => depth += 1,
            (')', None) if depth == 0 => return Some(at + 1),
            (')', None) => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether binding `from` looks, directly or through others, at binding `target`.
fn reaches(bindings: &[Binding], from: usize, target: usize) -> bool {
    let direct = bindings.get(from).map(|binding| Uses::of(|uses| uses.binding(binding)));
    direct.is_some_and(|uses| uses.followed(bindings).contains(&target))
}

#[cfg(test)]
mod tests {
    use super::row_of;

    #[test]
    fn a_row_is_a_lookup_and_no_more() {
        for (text, table) in [
            ("${lookup(\"guests\", customer.number)}", Some("guests")),
            ("${ lookup( \"a/b\" , f(\")\", (x)) ) }", Some("a/b")),
            ("${lookup(\"guests\", x).name}", None),
            ("${lookup(\"guests\", x) ?? (y)}", None),
            ("${lookup(name, x)}", None),
            ("${lookup(\"guests\")}", None),
            ("Dear ${lookup(\"guests\", x)}", None),
            ("lookup(\"guests\", x)", None),
        ] {
            assert_eq!(row_of(text), table, "{text}");
        }
    }
}
