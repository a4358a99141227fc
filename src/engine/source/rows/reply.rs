//! The reply of one row, made of its cells.

use super::super::Workshop;
use super::super::yaml::{Key, Node, Style, Text, Yaml};
use super::Asked;
use super::column::{Columns, Filling};
use crate::engine::diagnostic::Span;
use crate::engine::table::{CellValue, Grid};
use crate::engine::template::Template;

impl Workshop<'_> {
    /// What a row answers, as its author could have written it in YAML, and compiled.
    pub(super) fn row_reply(
        &mut self,
        grid: &Grid,
        row: usize,
        columns: &Columns,
        asked: Asked<'_>,
    ) -> (Node, Template) {
        let first = columns.fillings.first().map_or(0, |filling| filling.column);
        let mut node = Node { span: grid.span(row, first), value: Yaml::Map(Vec::new()) };
        for filling in &columns.fillings {
            if let Some(cell) = cell(grid, row, filling) {
                put(&mut node, &filling.path, grid.header(filling.column), cell);
            }
        }
        let reply = self.template(&node, asked.names);
        (node, reply)
    }
}

/// What a cell puts into the reply; an empty one leaves its place out.
fn cell(grid: &Grid, row: usize, filling: &Filling) -> Option<Node> {
    let (text, span) = (grid.text(row, filling.column), grid.span(row, filling.column));
    if text.trim().is_empty() {
        return None;
    }
    let value = match CellValue::typed(text.clone()) {
        CellValue::Bool(value) if !filling.is_text => Yaml::Bool(value),
        CellValue::Integer(value) if !filling.is_text => Yaml::Int(value),
        CellValue::Float(value) if !filling.is_text => Yaml::Float(value),
        _ => Yaml::Text(Text { text: text.into_owned(), style: Style::Cell, span }),
    };
    Some(Node { span, value })
}

/// Puts `cell` where `path` leads, below what stands in the header at `named`.
fn put(node: &mut Node, path: &[String], named: Span, cell: Node) {
    let (Some((key, rest)), Yaml::Map(entries)) = (path.split_first(), &mut node.value) else {
        *node = cell;
        return;
    };
    let place = entries.iter().position(|(name, _)| name.text == *key).unwrap_or_else(|| {
        let empty = Node { span: cell.span, value: Yaml::Map(Vec::new()) };
        entries.push((Key { text: key.clone(), span: named }, empty));
        entries.len() - 1
    });
    if let Some((_, inner)) = entries.get_mut(place) {
        put(inner, rest, named, cell);
    }
}
