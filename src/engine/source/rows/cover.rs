//! Finds the rows that are never reached, because an earlier one fits whenever they do.
//!
//! A row covers a later one if each of its cells takes anything, or says what the later one's says. Rows that demand
//! something of the same columns are kept together, by what they demand; so each row is looked up once for every such
//! set of columns, of which few tables have more than a handful.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt as _};

use super::column::{Columns, Condition};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::table::{FAULTS_MAX, Grid};

/// So many sets of columns are kept; beyond them rows are not compared any more.
const SETS_MAX: usize = 64;

/// The rows that demand something of the same columns, by what that is.
type Shelf<'a> = HashMap<Vec<Cow<'a, str>>, usize>;

/// Warnings of rows that are never reached.
pub(super) fn covered(grid: &Grid, columns: &Columns) -> Vec<Diagnostic> {
    let mut shelves: Vec<(Vec<usize>, Shelf<'_>)> = Vec::new();
    let mut found = Vec::new();
    for row in 0..grid.rows() {
        let demanding = columns.conditions.iter().map(|condition| condition.column);
        let demanding: Vec<usize> = demanding.filter(|column| Condition::demands(grid, row, *column)).collect();
        let earlier = shelves.iter().filter(|(set, _)| set.iter().all(|column| demanding.contains(column)));
        match earlier.filter_map(|(set, shelf)| shelf.get(&cells(grid, row, set))).min() {
            Some(earlier) => found.push(unreachable(grid, row, *earlier)),
            None => keep(&mut shelves, cells(grid, row, &demanding), demanding, row),
        }
        if found.len() == FAULTS_MAX {
            break;
        }
    }
    found
}

fn keep<'a>(shelves: &mut Vec<(Vec<usize>, Shelf<'a>)>, cells: Vec<Cow<'a, str>>, set: Vec<usize>, row: usize) {
    if let Some((_, shelf)) = shelves.iter_mut().find(|(known, _)| *known == set) {
        shelf.insert(cells, row);
    } else if shelves.len() < SETS_MAX {
        let mut shelf = Shelf::new();
        shelf.insert(cells, row);
        shelves.push((set, shelf));
    }
}

/// What a row demands of these columns.
fn cells<'a>(grid: &'a Grid, row: usize, columns: &[usize]) -> Vec<Cow<'a, str>> {
    columns.iter().map(|column| grid.text(row, *column)).collect()
}

fn unreachable(grid: &Grid, row: usize, earlier: usize) -> Diagnostic {
    let (number, first) = (grid.number(row), grid.number(earlier));
    let message = format!("row {number} never answers: row {first} fits whenever it does");
    Diagnostic::warning("unreachable-row", grid.span(row, 0), message)
        .note(grid.span(earlier, 0), format!("row {first} is here"))
        .help("move it above that row, or remove it: the first row that fits answers")
}
