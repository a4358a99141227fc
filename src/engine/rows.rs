//! Decision tables as they run: rows of demands, each with a reply, of which the first that fits answers.
//!
//! A column's value is found once for a decision, however many rows ask for it, and `finder` leaves out the rows that
//! cannot fit, so that ten thousand rows cost about what ten do.

mod finder;

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::diagnostic::Span;
use super::json::Val;
use super::matcher::Test;
use super::scope::Scope;
use super::script::ScriptFault;
use super::template::Template;
use super::term::Lookup;
use super::window::{Holidays, Window};
use finder::Finder;

/// Most tables have no more conditions.
const COLUMNS_USUAL: usize = 8;

/// A decision table, compiled.
#[derive(Debug)]
pub struct Rows {
    columns: Box<[Column]>,
    all: Box<[Row]>,
    finder: Finder,
}

/// What a column of conditions is about.
#[derive(Debug)]
pub struct Column {
    /// Where its value is found; nothing is looked up where the time is what counts.
    pub lookup: Option<Lookup>,
    /// Whether others have to be asked for it.
    pub asks: bool,
}

/// A row: what must be true of the columns, and what is answered then.
#[derive(Debug)]
pub struct Row {
    /// Its number, as spreadsheets count.
    pub number: usize,
    /// Where it stands.
    pub span: Span,
    /// What is demanded of columns, by their numbers, in any order; of the others, nothing.
    pub demands: Box<[(usize, Demand)]>,
    /// The reply.
    pub reply: Template,
    /// The bindings that the reply surely looks at, as far as they ask others.
    pub needs: Box<[usize]>,
}

/// What one cell demands.
#[derive(Debug)]
pub enum Demand {
    /// The column's value passes all of these.
    Passes(Vec<Test>),
    /// The event arrived within one of these windows, and not on an excepted day.
    Within(Vec<Window>, Option<Holidays>),
}

impl Rows {
    /// A table of `rows`, in the order in which they are considered.
    #[must_use]
    pub fn new(columns: Vec<Column>, mut rows: Vec<Row>) -> Rows {
        let asks = |column: usize| columns.get(column).is_some_and(|column| column.asks);
        for row in &mut rows {
            // Nobody is asked before all that can be known without asking is known to fit.
            row.demands.sort_by_key(|(column, _)| asks(*column));
        }
        let finder = Finder::new(columns.iter().map(|column| !column.asks).collect(), &rows);
        Rows { columns: columns.into(), all: rows.into(), finder }
    }

    /// The rows, in order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.all
    }

    /// Where the values of the columns are found.
    pub fn lookups(&self) -> impl Iterator<Item = &Lookup> {
        self.columns.iter().filter_map(|column| column.lookup.as_ref())
    }

    /// Whether some row fits whatever comes.
    #[must_use]
    pub fn always_fits(&self) -> bool {
        self.all.iter().any(|row| row.demands.is_empty())
    }

    /// The place of the first row that fits.
    ///
    /// # Errors
    /// When an author's script fails on the way to a value.
    pub fn first(&self, scope: &Scope<'_>) -> Result<Option<usize>, ScriptFault> {
        let values: SmallVec<[OnceCell<Val<'_>>; COLUMNS_USUAL]> =
            self.columns.iter().map(|_| OnceCell::new()).collect();
        let value = |column: usize| -> Result<Option<&Val<'_>>, ScriptFault> {
            let lookup = self.columns.get(column).and_then(|column| column.lookup.as_ref());
            let (Some(cell), Some(lookup)) = (values.get(column), lookup) else { return Ok(None) };
            if let Some(known) = cell.get() {
                return Ok(Some(known));
            }
            let found = scope.value(lookup)?;
            Ok(Some(cell.get_or_init(|| found)))
        };
        let found = self.finder.column().map_or(Ok(None), &value)?;
        for (index, proved) in self.finder.candidates(found) {
            let Some(row) = self.all.get(index) else { continue };
            if row.fits(&value, self.finder.column().filter(|_| proved), scope)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

impl Row {
    /// Whether all that the row demands is so; of the column that is `proved` it is known.
    fn fits<'v>(
        &self,
        value: &impl Fn(usize) -> Result<Option<&'v Val<'v>>, ScriptFault>,
        proved: Option<usize>,
        scope: &Scope<'_>,
    ) -> Result<bool, ScriptFault> {
        // Most rows demand nothing else, and where there are many rows each look aside costs.
        if proved.is_some() && self.demands.len() == 1 {
            return Ok(true);
        }
        let mut unknown = None;
        for (column, demand) in self.demands.iter().filter(|(column, _)| Some(*column) != proved) {
            let holds = match demand {
                Demand::Passes(tests) => {
                    value(*column).map(|value| value.is_some_and(|value| tests.iter().all(|test| test.passes(value))))
                }
                Demand::Within(windows, except) => {
                    Ok(windows.iter().any(|window| window.holds(scope.facts().now, except.as_ref())))
                }
            };
            match holds {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                // The others are looked at, too, so that what they have to ask is asked at once.
                Err(fault) => unknown = unknown.or(Some(fault)),
            }
        }
        unknown.map_or(Ok(true), Err)
    }
}
