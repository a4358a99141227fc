//! Makes the answer of a rule of a decision table: columns of conditions, and columns that fill the reply.
//!
//! A cell becomes what its author could have written in YAML, and is compiled as that would be. So what it may say, and
//! what is said of its mistakes, is the same; the row and the column are added.

mod cell;
mod column;
mod cover;
mod reply;

use std::sync::Arc;

use super::Workshop;
use super::fetch;
use super::names::Names;
use super::read::Spanned;
use super::when::Conditions;
use crate::engine::binding::Binding;
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::kind::Kind;
use crate::engine::matcher::Ask;
use crate::engine::rows::{Demand, Row, Rows};
use crate::engine::table::{FAULTS_MAX, Grid, Purpose};
use column::{Columns, Condition};

/// The most rows that a decision table may have: each of them is compiled as a rule is.
const ROWS_MAX: usize = 100_000;

/// What a rule gives the table that it uses.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) names: &'a Names,
    pub(super) kinds: &'a [(Kind, Span)],
    pub(super) bindings: &'a [Binding],
}

impl Workshop<'_> {
    /// The rows of the table that `name` names; that one of them fits becomes a condition of the rule.
    pub(super) fn rows(
        &mut self,
        name: &Spanned<String>,
        asked: Asked<'_>,
        conditions: &mut Conditions,
    ) -> Option<Arc<Rows>> {
        self.tables_used.note(&name.value);
        let sheets = self.sheets;
        let Some(grid) = sheets.decisions.get(&name.value) else {
            self.no_decision(name);
            return None;
        };
        if ROWS_MAX < grid.rows() {
            let message = format!("the table has {} rows, and a decision table may have {ROWS_MAX}", grid.rows());
            let found = Diagnostic::error("table-size", grid.span(ROWS_MAX, 0), message);
            self.found.push(found.help("look rows up by their key instead: a rule with `lookup` takes any number"));
            return None;
        }
        self.reply_is_read(name.span, "table", asked.kinds);
        let columns = self.columns(grid, asked)?;
        let mut rows = Vec::with_capacity(grid.rows());
        let before = self.found.len();
        for number in 0..grid.rows() {
            rows.extend(self.row(grid, number, &columns, asked));
            if self.found.len() - before >= FAULTS_MAX {
                break;
            }
        }
        self.found.extend(cover::covered(grid, &columns));
        let rows = Arc::new(Rows::new(columns.compiled(asked.bindings), rows));
        conditions.push(Ask::Row(Arc::clone(&rows)), name.span);
        Some(rows)
    }

    /// Says why there is no decision table of this name.
    fn no_decision(&mut self, name: &Spanned<String>) {
        let (name, span) = (&name.value, name.span);
        let tables = &self.sheets.tables;
        self.found.extend(match tables.purpose(name) {
            Some(Purpose::Lookup) => Some(
                Diagnostic::error("wrong-table", span, format!("`{name}` has no column that fills the reply"))
                    .help("such a column begins with `=>` and the place in the reply: `=> assistantId`")
                    .help(format!("to look up a row of it, write `${{lookup(\"{name}\", …)}}` instead of `table`")),
            ),
            // That is said of the file.
            Some(Purpose::Decision | Purpose::Broken) => None,
            None => Some(tables.unknown(name, span, Purpose::Decision)),
        });
    }

    fn row(&mut self, grid: &Grid, row: usize, columns: &Columns, asked: Asked<'_>) -> Option<Row> {
        let before = self.found.len();
        let demanding = columns.conditions.iter().enumerate();
        let demanding = demanding.filter(|(_, condition)| Condition::demands(grid, row, condition.column));
        let demands: Vec<Option<(usize, Demand)>> = demanding
            .map(|(index, condition)| Some((index, self.demand(grid, row, condition, asked.names)?)))
            .collect();
        let (node, reply) = self.row_reply(grid, row, columns, asked);
        self.hold_to_contract(&node, &reply, asked.kinds);
        self.say_where(before, grid, row);
        Some(Row {
            number: grid.number(row),
            span: node.span,
            demands: demands.into_iter().collect::<Option<_>>()?,
            needs: fetch::needs(&reply, asked.bindings),
            reply,
        })
    }

    /// Adds row and column to what was found in the cells of a row since there were `before` findings.
    fn say_where(&mut self, before: usize, grid: &Grid, row: usize) {
        for found in self.found.iter_mut().skip(before) {
            let holds = |column: &usize| {
                let span = grid.span(row, *column);
                span.file == found.span.file && span.start <= found.span.start && found.span.end <= span.end
            };
            if let Some(column) = (0..grid.columns().len()).find(holds) {
                let name = grid.columns().get(column).map_or("", |name| name);
                found.message = format!("{} (row {}, column `{name}`)", found.message, grid.number(row));
            }
        }
    }
}

impl Condition {
    /// Whether a cell demands anything.
    fn demands(grid: &Grid, row: usize, column: usize) -> bool {
        let text = grid.text(row, column);
        !matches!(text.trim(), "" | "*")
    }
}
