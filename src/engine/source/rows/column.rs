//! What the header of a decision table says: which columns are conditions, and where the others go in the reply.

use super::super::tables::ARROW;
use super::super::{Workshop, fetch};
use super::Asked;
use crate::engine::binding::Binding;
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::path::{Path, Segment};
use crate::engine::table::Grid;
use crate::engine::term::Lookup;
use crate::engine::{reply, rows};

/// A column of conditions.
pub(super) struct Condition {
    /// Its number in the table.
    pub(super) column: usize,
    pub(super) on: On,
}

/// What a condition is about.
pub(super) enum On {
    /// When the event arrived.
    Now,
    /// The value at this path; none where that is wrong, which is reported.
    Value(Path, Option<Lookup>),
}

/// A column that fills the reply.
pub(super) struct Filling {
    /// Its number in the table.
    pub(super) column: usize,
    /// Where it goes, key by key; nowhere if it is the reply itself.
    pub(super) path: Vec<String>,
    /// Whether the contract has a text there.
    pub(super) is_text: bool,
}

/// The columns of a decision table.
pub(super) struct Columns {
    pub(super) conditions: Vec<Condition>,
    pub(super) fillings: Vec<Filling>,
}

impl Columns {
    /// The columns of conditions, of a rule with these `bindings`.
    pub(super) fn compiled(self, bindings: &[Binding]) -> Vec<rows::Column> {
        let column = |condition: Condition| {
            let lookup = match condition.on {
                On::Now => None,
                On::Value(_, lookup) => lookup,
            };
            rows::Column { asks: lookup.as_ref().is_some_and(|lookup| fetch::asks(lookup, bindings)), lookup }
        };
        self.conditions.into_iter().map(column).collect()
    }
}

impl Workshop<'_> {
    /// Reads the header; `None` if it cannot be told where the reply goes.
    pub(super) fn columns(&mut self, grid: &Grid, asked: Asked<'_>) -> Option<Columns> {
        let mut columns = Columns { conditions: Vec::new(), fillings: Vec::new() };
        let mut sound = true;
        for (column, name) in grid.columns().iter().enumerate() {
            let span = grid.header(column);
            match name.strip_prefix(ARROW) {
                Some(path) => match self.filling(path.trim(), span) {
                    Some(path) => columns.fillings.push(filling(column, path, asked)),
                    None => sound = false,
                },
                // A column for people: why a row is there, who wants it.
                None if name.starts_with('#') => {}
                None => columns.conditions.push(Condition { column, on: self.on_column(name, span, asked) }),
            }
        }
        sound &= self.places_differ(grid, &columns.fillings);
        sound.then_some(columns)
    }

    fn on_column(&mut self, name: &str, span: Span, asked: Asked<'_>) -> On {
        if name == "now" {
            return On::Now;
        }
        let Some(path) = Path::parse(name) else {
            let found = Diagnostic::error("bad-path", span, format!("the column `{name}` is not the name of a value"));
            self.found.push(
                found
                    .help("conditions are about values, such as `customer.number`; an expression goes into the rule's `let`")
                    .help(format!("a column that fills the reply begins with `{ARROW}`, one that is for people with `#`")),
            );
            return On::Value(Path::new(name, []), None);
        };
        let lookup = self.lookup(&path, span, asked.names);
        On::Value(path, lookup)
    }

    /// Where a column goes in the reply.
    fn filling(&mut self, path: &str, span: Span) -> Option<Vec<String>> {
        if path.is_empty() {
            return Some(Vec::new());
        }
        let keys = Path::parse(path).and_then(|path| {
            let keys = path.segments().iter().map(|segment| match segment {
                Segment::Key(key) => Some(key.to_string()),
                Segment::Index(_) => None,
            });
            keys.collect::<Option<Vec<String>>>()
        });
        if keys.is_none() {
            let message = format!("`{path}` is no place in a reply");
            self.found.push(Diagnostic::error("bad-path", span, message).help(
                "write the names of its fields, joined by dots: `=> assistantOverrides.variableValues.name`; a list stands \
                 in a rule's `respond` or `script`",
            ));
        }
        keys
    }

    /// No two columns may fill the same place, or a part of what another one fills.
    fn places_differ(&mut self, grid: &Grid, fillings: &[Filling]) -> bool {
        let before = self.found.len();
        for (index, filling) in fillings.iter().enumerate() {
            let overlaps =
                |other: &&Filling| filling.path.starts_with(&other.path) || other.path.starts_with(&filling.path);
            let Some(other) = fillings.iter().take(index).find(overlaps) else { continue };
            let name = |filling: &Filling| grid.columns().get(filling.column).map_or("", |name| name);
            let message = format!("`{}` fills what `{}` fills, too", name(filling), name(other));
            self.found.push(
                Diagnostic::error("table-header", grid.header(filling.column), message)
                    .note(grid.header(other.column), "the other one is here")
                    .help("let each column fill another place in the reply"),
            );
        }
        self.found.len() == before
    }
}

fn filling(column: usize, path: Vec<String>, asked: Asked<'_>) -> Filling {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let is_text = asked.kinds.iter().any(|(kind, _)| reply::takes_text_at(*kind, &keys));
    Filling { column, path, is_text }
}
