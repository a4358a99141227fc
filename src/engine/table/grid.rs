//! A CSV file as rows of cells.
//!
//! The cells stay where they are, in the text of the file; a grid knows only where each begins and ends. So a table takes
//! eight bytes for each of its cells besides, and every cell can be pointed at.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};

use super::cells::{BYTES_MOST, BadQuote, Cell, Cells};
use super::{COLUMNS_MAX, FAULTS_MAX, TableLimits};
use crate::engine::diagnostic::{Diagnostic, FileId, Span};

/// The rows of a file, as long as its header is.
#[derive(Debug)]
pub(in crate::engine) struct Grid {
    file: FileId,
    text: Arc<str>,
    header: Box<[Cell]>,
    columns: Box<[Box<str>]>,
    cells: Vec<Cell>,
    /// Rows that hold nothing and are left out, by the number of rows that are kept before each.
    empty: Vec<u32>,
    /// The number of the first row, as people count.
    first: usize,
}

impl Grid {
    /// Reads a file; what is wrong is noted, and what can be read all the same comes back, so that the checking can go on.
    pub(in crate::engine) fn read(
        file: FileId,
        text: &Arc<str>,
        limits: &TableLimits,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Grid> {
        if let Err(fault) = fits(file, text, limits) {
            found.push(fault);
            return None;
        }
        let mut reading = Reading { file, cells: Cells::of(text), record: Vec::new(), number: 0, faults: 0, found };
        let header = reading.header()?;
        let mut grid = Grid {
            file,
            text: Arc::clone(text),
            columns: header.iter().map(|cell| cell.text(text).trim().into()).collect(),
            header: header.into(),
            cells: Vec::new(),
            empty: Vec::new(),
            first: reading.number + 1,
        };
        grid.check_header(reading.found);
        reading.rows(&mut grid, limits);
        grid.cells.shrink_to_fit();
        Some(grid)
    }

    /// What the columns are called.
    pub(in crate::engine) fn columns(&self) -> &[Box<str>] {
        &self.columns
    }

    /// The number of the column that is called so.
    pub(in crate::engine) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| **column == *name)
    }

    /// How many rows there are below the header.
    pub(in crate::engine) fn rows(&self) -> usize {
        self.cells.len() / self.columns.len().max(1)
    }

    /// What a cell holds.
    #[inline]
    pub(in crate::engine) fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        self.cell(row, column).map(|cell| cell.text(&self.text)).unwrap_or_default()
    }

    /// Where a cell stands.
    pub(in crate::engine) fn span(&self, row: usize, column: usize) -> Span {
        span(self.file, self.cell(row, column).copied())
    }

    /// Where the name of a column stands.
    pub(in crate::engine) fn header(&self, column: usize) -> Span {
        span(self.file, self.header.get(column).copied())
    }

    /// The number of a row as spreadsheets count: the header's is 1, and rows that hold nothing count too.
    pub(in crate::engine) fn number(&self, row: usize) -> usize {
        let empty = self.empty.partition_point(|before| *before as usize <= row);
        self.first + row + empty
    }

    #[inline]
    fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        self.cells.get(row * self.columns.len() + column)
    }

    fn check_header(&self, found: &mut Vec<Diagnostic>) {
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (column, name) in self.columns.iter().enumerate() {
            if name.is_empty() {
                let message = format!("column {} has no name", column + 1);
                let help = "write one in the first row, or remove the column";
                found.push(Diagnostic::error("table-header", self.header(column), message).help(help));
            } else if let Some(first) = known.insert(name, column) {
                let message = format!("two columns are called `{name}`");
                let found_twice = Diagnostic::error("table-header", self.header(column), message);
                found.push(found_twice.note(self.header(first), "the first one is here").help("rename one of them"));
            }
        }
    }
}

/// Whether there is room for a file.
fn fits(file: FileId, text: &str, limits: &TableLimits) -> Result<(), Diagnostic> {
    let most = limits.bytes_max.min(BYTES_MOST);
    if text.len() <= most {
        return Ok(());
    }
    let start = Span { file, start: 0, end: 0 };
    let message = format!("the table has {} bytes, and may have {most}", text.len());
    Err(Diagnostic::error("table-size", start, message)
        .help("divide it, leave out columns that no rule needs, or raise `table_bytes_max` in the settings"))
}

fn span(file: FileId, cell: Option<Cell>) -> Span {
    let (start, end) = cell.map(Cell::range).unwrap_or_default();
    Span { file, start, end }
}

/// A file while it is read, row by row.
struct Reading<'a> {
    file: FileId,
    cells: Cells<'a>,
    /// The cells of the row at hand.
    record: Vec<Cell>,
    /// Its number, as people count.
    number: usize,
    /// How many rows did not fit.
    faults: usize,
    found: &'a mut Vec<Diagnostic>,
}

impl Reading<'_> {
    /// The first row that holds something.
    fn header(&mut self) -> Option<Vec<Cell>> {
        while self.next_row()? {
            if !self.is_empty() {
                return self.few_enough().then(|| std::mem::take(&mut self.record));
            }
        }
        let start = Span { file: self.file, start: 0, end: 0 };
        let found = Diagnostic::error("table-header", start, "the table is empty");
        self.found.push(found.help("write the names of its columns into the first row: `number,name,visits`"));
        None
    }

    fn few_enough(&mut self) -> bool {
        let Some(beyond) = self.record.get(COLUMNS_MAX).copied() else { return true };
        let message = format!("the table has {} columns, and may have {COLUMNS_MAX}", self.record.len());
        let found = Diagnostic::error("table-size", span(self.file, Some(beyond)), message);
        self.found.push(found.help("leave out columns that no rule needs"));
        false
    }

    fn rows(&mut self, grid: &mut Grid, limits: &TableLimits) {
        while self.next_row() == Some(true) && self.faults < FAULTS_MAX {
            if self.is_empty() {
                grid.empty.push(u32::try_from(grid.rows()).unwrap_or(u32::MAX));
            } else if grid.rows() == limits.rows_max {
                let message = format!("the table has more than {} rows", limits.rows_max);
                let here = span(self.file, self.record.first().copied());
                self.found.push(
                    Diagnostic::error("table-size", here, message)
                        .help("leave out rows that no call needs, or raise `table_rows_max` in the settings"),
                );
                return;
            } else if self.record.len() == grid.columns.len() {
                grid.cells.extend_from_slice(&self.record);
            } else {
                self.faults += 1;
                self.misfit(grid);
            }
        }
    }

    /// Reads a row; `Some(false)` at the end of the file, `None` if quotes make no sense.
    fn next_row(&mut self) -> Option<bool> {
        self.record.clear();
        while let Some(next) = self.cells.next() {
            match next {
                Ok((cell, last)) => {
                    self.record.push(cell);
                    if last {
                        self.number += 1;
                        return Some(true);
                    }
                }
                Err(bad) => {
                    self.bad_quote(bad);
                    return None;
                }
            }
        }
        Some(false)
    }

    /// Whether the row holds nothing: spreadsheets leave such rows behind.
    fn is_empty(&self) -> bool {
        self.record.iter().all(|cell| {
            let (start, end) = cell.range();
            start == end
        })
    }

    fn misfit(&mut self, grid: &Grid) {
        let (has, wanted) = (self.record.len(), grid.columns.len());
        let cells = if has == 1 { "1 cell".to_owned() } else { format!("{has} cells") };
        let message = format!("row {} has {cells}, but there are {wanted} columns", self.number);
        let (at, help) = if wanted < has {
            (self.record.get(wanted), "put a cell that holds a comma in double quotes: `\"Berlin, Mitte\"`")
        } else {
            (self.record.last(), "write a comma for each cell that is empty, too")
        };
        self.found.push(Diagnostic::error("table-cells", span(self.file, at.copied()), message).help(help));
    }

    fn bad_quote(&mut self, bad: BadQuote) {
        let row = self.number + 1;
        let (at, message, help) = match bad {
            BadQuote::Unclosed(at) => {
                let help = "close the cell with another `\"`; a quote inside of it is written twice: `\"\"`";
                (at, format!("in row {row} nothing closes this quote"), help)
            }
            BadQuote::Behind(at) => {
                let help = "a quote inside of a cell is written twice: `\"the \"\"Green\"\" room\"`";
                (at, format!("in row {row} something stands behind the quote that closes the cell"), help)
            }
            BadQuote::Inside(at) => {
                let help =
                    "put the whole cell in quotes, and write those inside of it twice: `\"the \"\"Green\"\" room\"`";
                (at, format!("in row {row} a quote stands inside of a cell that does not begin with one"), help)
            }
        };
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let here = Span { file: self.file, start: at, end: at.saturating_add(1) };
        self.found.push(Diagnostic::error("table-quotes", here, message).help(help));
    }
}
