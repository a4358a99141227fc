//! What a cell of a condition says: `*`, a value, `+49*`, `>= 5`, `a | b`, `present`, or a time window.

use super::super::Workshop;
use super::super::names::Names;
use super::super::yaml::{Key, Node, Style, Text, Yaml};
use super::column::{Condition, On};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::matcher::{Ask, Test};
use crate::engine::rows::Demand;
use crate::engine::table::{CellValue, Grid};

/// What comparisons look like, the longer ones first, and the operators of `when` that they are.
const COMPARISONS: &[(&str, &str)] = &[(">=", "gte"), ("<=", "lte"), ("!=", "not"), (">", "gt"), ("<", "lt")];

/// A part of a cell.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    span: Span,
}

impl Workshop<'_> {
    /// What a cell demands; `None` if it makes no sense, which is noted.
    pub(super) fn demand(&mut self, grid: &Grid, row: usize, condition: &Condition, names: &Names) -> Option<Demand> {
        let (text, span) = (grid.text(row, condition.column), grid.span(row, condition.column));
        let parts = parts(&text, span);
        let On::Value(path, _) = &condition.on else {
            let windows = Node { span, value: Yaml::List(parts.into_iter().map(Part::node).collect()) };
            return match self.windows(&windows, names) {
                Some(Ask::Within(windows, except)) => Some(Demand::Within(windows, except)),
                _ => None,
            };
        };
        let alone = parts.len() == 1;
        let tests: Vec<Option<Vec<Test>>> = parts.iter().map(|part| self.part(*part, alone, names)).collect();
        let tests = any_of(tests.into_iter().collect::<Option<_>>()?);
        self.check_types(path, &tests, &Part { text: &text, span }.node(), names);
        Some(Demand::Passes(tests))
    }

    fn part(&mut self, part: Part<'_>, alone: bool, names: &Names) -> Option<Vec<Test>> {
        if let Some(comparison) = COMPARISONS.iter().find(|(sign, _)| part.text.starts_with(sign)) {
            return self.comparison(part, comparison, alone, names);
        }
        match part.text.split_once('*') {
            None if !part.text.is_empty() => self.tests(&part.either(), names),
            Some((prefix, "")) if !prefix.is_empty() => {
                let prefix = Part { text: prefix, ..part };
                self.tests(&part.mapping("starts_with", prefix.node()), names)
            }
            _ => {
                self.found.push(nonsense(part, alone));
                None
            }
        }
    }

    fn comparison(
        &mut self,
        part: Part<'_>,
        (sign, operator): &(&str, &str),
        alone: bool,
        names: &Names,
    ) -> Option<Vec<Test>> {
        let value = part.behind(sign.len());
        if *operator == "not" && !alone {
            // It would be read as "neither", and would fit nearly anything.
            let found = Diagnostic::error("table-cell", part.span, "`!=` stands alone in its cell");
            self.found.push(found.help("to leave out several values, write a row for them above this one"));
            return None;
        }
        if value.text.is_empty() {
            let found = Diagnostic::error("table-cell", part.span, format!("nothing stands behind `{sign}`"));
            self.found.push(found.help(format!("write what to compare to: `{sign} 5`")));
            return None;
        }
        self.tests(&part.mapping(operator, value.typed()), names)
    }
}

/// What is wrong with a part that is neither a comparison nor a value nor how a text begins.
fn nonsense(part: Part<'_>, alone: bool) -> Diagnostic {
    let error = |message: &str| Diagnostic::error("table-cell", part.span, message);
    match part.text {
        "" => error("nothing stands between the signs `|`")
            .help("write one value between each two of them: `gold | silver`"),
        "*" => error("`*` takes anything, so it stands alone").help("remove what stands beside it"),
        _ => {
            let each = if alone { "" } else { ", each between its signs `|`" };
            error("a `*` stands at the end of how a text begins, or alone")
                .help(format!("write `+49*` for all that begin with `+49`{each}"))
                .help("what is more than that goes into the rule's `when`: `{ matches: … }`, `{ contains: … }`")
        }
    }
}

/// The parts of a cell between its signs `|`.
fn parts(text: &str, span: Span) -> Vec<Part<'_>> {
    let whole = [Part { text, span }.trimmed()];
    // A sign inside of a placeholder is none of ours.
    if text.contains("${") || !text.contains('|') {
        return whole.into();
    }
    // Where quotes are doubled, nobody counts what stands before a part.
    let exact = text.len() == (span.end - span.start) as usize;
    let mut start = 0;
    let part = |text| {
        let from = start;
        start += text_len(text) + 1;
        let place = if exact { inner(span, from, text_len(text)) } else { span };
        Part { text, span: place }.trimmed()
    };
    text.split('|').map(part).collect()
}

fn text_len(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn inner(span: Span, from: u32, len: u32) -> Span {
    Span { start: span.start + from, end: span.start + from + len, ..span }
}

impl<'a> Part<'a> {
    fn trimmed(self) -> Part<'a> {
        let start = self.text.len() - self.text.trim_start().len();
        self.behind(start)
    }

    /// What stands behind its first bytes, without white space around it.
    fn behind(self, bytes: usize) -> Part<'a> {
        let rest = self.text.get(bytes..).unwrap_or_default();
        let text = rest.trim();
        let from = self.text.len() - rest.trim_start().len();
        let exact = self.text.len() == (self.span.end - self.span.start) as usize;
        let from = u32::try_from(from).unwrap_or_default();
        Part { text, span: if exact { inner(self.span, from, text_len(text)) } else { self.span } }
    }

    /// The part as text.
    fn node(self) -> Node {
        let text = Text { text: self.text.to_owned(), style: Style::Cell, span: self.span };
        Node { span: self.span, value: Yaml::Text(text) }
    }

    /// The number or truth value that it is, if it is one.
    fn value(self) -> Option<Node> {
        let value = match CellValue::typed(self.text.into()) {
            CellValue::Bool(value) => Yaml::Bool(value),
            CellValue::Integer(value) => Yaml::Int(value),
            CellValue::Float(value) => Yaml::Float(value),
            CellValue::Absent | CellValue::Text(_) => return None,
        };
        Some(Node { span: self.span, value })
    }

    fn typed(self) -> Node {
        self.value().unwrap_or_else(|| self.node())
    }

    /// Nobody can see whether a cell is the number 8 or the text: it is both.
    fn either(self) -> Node {
        match self.value() {
            Some(value) => Node { span: self.span, value: Yaml::List(vec![value, self.node()]) },
            None => self.node(),
        }
    }

    fn mapping(self, operator: &str, value: Node) -> Node {
        let key = Key { text: operator.to_owned(), span: self.span };
        Node { span: self.span, value: Yaml::Map(vec![(key, value)]) }
    }
}

/// Tests that pass what one of `parts` passes.
fn any_of(mut parts: Vec<Vec<Test>>) -> Vec<Test> {
    if parts.len() == 1 {
        return parts.pop().unwrap_or_default();
    }
    let (mut values, mut prefixes, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match <[Test; 1]>::try_from(part) {
            Ok([Test::In(more)]) => values.extend(more),
            Ok([Test::StartsWith(more)]) => prefixes.extend(more),
            Ok(other) => others.push(Vec::from(other)),
            Err(other) => others.push(other),
        }
    }
    let values = (!values.is_empty()).then(|| vec![Test::In(values)]);
    let prefixes = (!prefixes.is_empty()).then(|| vec![Test::StartsWith(prefixes)]);
    let mut all: Vec<Vec<Test>> = values.into_iter().chain(prefixes).chain(others).collect();
    if all.len() == 1 {
        return all.pop().unwrap_or_default();
    }
    // Not one of them passes unless not all of them fail.
    vec![Test::Not(all.into_iter().map(Test::Not).collect())]
}
