//! Tables: rows of data beside the rules, such as `tables/guests.csv`, found by their keys.
//!
//! A [`Table`] keeps the text of its file as it is, where each cell stands in it, and the number of each row under its key.
//! What a cell is (a number, true or false, text) is said by its column as a whole, so that one odd cell cannot change the
//! type of another row's.

mod cells;
mod grid;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, Span};
pub(super) use grid::Grid;
pub use value::CellValue;
use value::{Guess, Sort};

/// The most columns that a table may have.
pub const COLUMNS_MAX: usize = 1_000;
/// After so many faults of one sort in one table there is no point in naming more.
pub(super) const FAULTS_MAX: usize = 20;

/// How large one table may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLimits {
    /// Its rows.
    pub rows_max: usize,
    /// The bytes of its file.
    pub bytes_max: usize,
}

impl Default for TableLimits {
    fn default() -> TableLimits {
        TableLimits { rows_max: 1_000_000, bytes_max: 32 << 20 }
    }
}

/// What a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Its rows are looked up by their keys.
    Lookup,
    /// Its rows are conditions and replies.
    Decision,
    /// Nobody knows: it cannot be read, which is reported.
    Broken,
}

/// The tables of a rule set.
#[derive(Debug, Default)]
pub struct Tables {
    lookups: BTreeMap<String, Table>,
    purposes: BTreeMap<String, Purpose>,
}

impl Tables {
    /// Adds a table that can be looked up.
    pub(super) fn insert(&mut self, name: &str, table: Table) {
        self.lookups.insert(name.to_owned(), table);
    }

    /// Notes that there is a table of this name.
    pub(super) fn note(&mut self, name: &str, purpose: Purpose) {
        self.purposes.insert(name.to_owned(), purpose);
    }

    /// The table of this name, if there is one that can be looked up.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.lookups.get(name)
    }

    /// What the table of this name is for, if there is one.
    #[must_use]
    pub fn purpose(&self, name: &str) -> Option<Purpose> {
        self.purposes.get(name).copied()
    }

    /// Says that there is no table of this name, where one for this purpose is wanted.
    pub(super) fn unknown(&self, name: &str, span: Span, purpose: Purpose) -> Diagnostic {
        unknown(name, span, self.names(purpose))
    }

    /// The names of the tables that serve this purpose.
    pub fn names(&self, purpose: Purpose) -> impl Iterator<Item = &str> {
        self.purposes.iter().filter(move |(_, is)| **is == purpose).map(|(name, _)| name.as_str())
    }
}

/// A table whose rows are found by their keys.
#[derive(Debug)]
pub struct Table {
    grid: Grid,
    sorts: Box<[Sort]>,
    key: usize,
    // Numbers of rows alone: the keys stand in the grid.
    by_key: HashTable<u32>,
}

impl Table {
    /// Indexes the rows of `grid` by column `key`; the columns of `text` are text, whatever they look like.
    pub(super) fn new(grid: Grid, key: usize, text: &[usize], found: &mut Vec<Diagnostic>) -> Table {
        let sort = |column| if text.contains(&column) { Sort::Text } else { sort_of(&grid, column) };
        let sorts = (0..grid.columns().len()).map(sort).collect();
        let by_key = HashTable::with_capacity(grid.rows());
        let mut table = Table { grid, sorts, key, by_key };
        table.index(found);
        table
    }

    /// The row of this key; white space around it counts for nothing.
    #[must_use]
    pub fn row(&self, key: &str) -> Option<Row<'_>> {
        self.find(key.trim()).map(|row| Row { table: self, row })
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.grid.rows()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What its columns are called.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.grid.columns().iter().map(|name| &**name)
    }

    fn index(&mut self, found: &mut Vec<Diagnostic>) {
        let before = found.len();
        for row in 0..self.grid.rows() {
            let key = self.key_of(row);
            match self.find(&key) {
                _ if key.is_empty() => found.push(self.no_key(row)),
                Some(first) => found.push(self.same_key(row, first)),
                None => {
                    let hashed = hash(&key);
                    drop(key);
                    self.insert(row, hashed);
                }
            }
            if found.len() - before == FAULTS_MAX {
                return;
            }
        }
    }

    fn insert(&mut self, row: usize, hashed: u64) {
        let Table { grid, key, by_key, .. } = self;
        let again = |row: &u32| hash(grid.text(*row as usize, *key).trim());
        by_key.insert_unique(hashed, u32::try_from(row).unwrap_or(u32::MAX), again);
    }

    #[inline]
    fn find(&self, key: &str) -> Option<usize> {
        let row = self.by_key.find(hash(key), |row| self.key_of(*row as usize) == key);
        row.map(|row| *row as usize)
    }

    #[inline]
    fn key_of(&self, row: usize) -> Cow<'_, str> {
        match self.grid.text(row, self.key) {
            Cow::Borrowed(key) => Cow::Borrowed(key.trim()),
            Cow::Owned(key) => Cow::Owned(key.trim().to_owned()),
        }
    }

    fn no_key(&self, row: usize) -> Diagnostic {
        let column = self.grid.columns().get(self.key).map_or("", |name| name);
        let message = format!("row {} has no key in column `{column}`", self.grid.number(row));
        Diagnostic::error("table-key", self.grid.span(row, self.key), message)
            .help("write one, or remove the row: rows are looked up by this column")
    }

    fn same_key(&self, row: usize, first: usize) -> Diagnostic {
        let (number, first_number) = (self.grid.number(row), self.grid.number(first));
        let column = self.grid.columns().get(self.key).map_or("", |name| name);
        let message = format!("row {number} has the same `{column}` as row {first_number}");
        Diagnostic::error("table-key", self.grid.span(row, self.key), message)
            .note(self.grid.span(first, self.key), format!("row {first_number} is here"))
            .help("keep one of the two: rows are looked up by this column")
    }
}

/// Says that there is no table of this name among the `known` ones.
pub(super) fn unknown<'n>(name: &str, span: Span, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    let add = format!("add the file `tables/{name}.csv` below the rules folder");
    Diagnostic::error("unknown-table", span, format!("there is no table `{name}`")).suggest_or(name, known, add)
}

#[inline]
fn hash(key: &str) -> u64 {
    // What an author writes is no attack, so the same seed does for all.
    FixedState::with_seed(0).hash_one(key)
}

fn sort_of(grid: &Grid, column: usize) -> Sort {
    let mut guess = Guess::NOTHING_SEEN;
    for row in 0..grid.rows() {
        guess.see(&grid.text(row, column));
        if guess.is_text() {
            break;
        }
    }
    guess.sort()
}

/// A row that was found.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    row: usize,
}

impl<'a> Row<'a> {
    /// Its cells, each with the name of its column.
    pub fn cells(self) -> impl Iterator<Item = (&'a str, CellValue<'a>)> {
        let Table { grid, sorts, .. } = self.table;
        let columns = grid.columns().iter().zip(sorts).enumerate();
        columns.map(move |(column, (name, sort))| (&**name, CellValue::of(grid.text(self.row, column), *sort)))
    }

    /// The row as an object; cells that hold nothing are left out.
    #[must_use]
    pub fn to_json(self) -> Value {
        let there = self.cells().filter(|(_, cell)| *cell != CellValue::Absent);
        Value::Object(there.map(|(name, cell)| (name.to_owned(), cell.to_json())).collect::<Map<_, _>>())
    }
}

#[cfg(test)]
pub(super) mod tests;
