//! Finds the rows that may fit by what they demand of one column: texts, or how a text begins.

use std::borrow::Cow;

use foldhash::HashMap;
use serde_json::{Number, Value};
use smallvec::SmallVec;

use super::{Demand, Row};
use crate::engine::json::Val;
use crate::engine::matcher::Test;

/// Numbers of rows, ascending.
type Found = SmallVec<[u32; 2]>;

/// Finds rows by the column that tells most of them apart.
#[derive(Debug, Default)]
pub(super) struct Finder {
    column: Option<usize>,
    /// Rows that demand one of these texts.
    texts: HashMap<Box<str>, Found>,
    /// Rows that demand one of these numbers or truth values, as texts.
    others_than_text: HashMap<Box<str>, Found>,
    /// Rows that demand that a text begins so.
    prefixes: HashMap<Box<str>, Found>,
    /// How many bytes these have.
    lengths: Vec<usize>,
    /// Rows that demand something else of the column, or nothing.
    unhandled: Vec<u32>,
}

/// By what a row is found.
enum Handle<'a> {
    Exact(&'a [Value]),
    Prefix(&'a [String]),
}

impl Finder {
    /// Indexes `rows`; `usable` are the columns whose values can be known without asking anybody.
    pub(super) fn new(usable: Vec<bool>, rows: &[Row]) -> Finder {
        let mut handled: Vec<(bool, usize)> = usable.into_iter().map(|usable| (usable, 0)).collect();
        for (column, _) in rows.iter().flat_map(handles) {
            if let Some((_, count)) = handled.get_mut(column) {
                *count += 1;
            }
        }
        let useful = handled.iter().enumerate().filter(|(_, (usable, count))| *usable && *count > 0);
        // Of several that are as good, the first.
        let best = useful.rev().max_by_key(|(_, (_, count))| *count);
        let mut finder = Finder { column: best.map(|(column, _)| column), ..Finder::default() };
        for (number, row) in (0..).zip(rows) {
            match handles(row).find(|(column, _)| Some(*column) == finder.column) {
                Some((_, handle)) => finder.add(number, &handle),
                None => finder.unhandled.push(number),
            }
        }
        finder
    }

    fn add(&mut self, row: u32, handle: &Handle<'_>) {
        let put = |map: &mut HashMap<Box<str>, Found>, key: &str| {
            let found = map.entry(key.into()).or_default();
            // A list may name the same text twice.
            if found.last() != Some(&row) {
                found.push(row);
            }
        };
        match handle {
            Handle::Exact(values) => {
                for value in *values {
                    let map = if value.is_string() { &mut self.texts } else { &mut self.others_than_text };
                    if let Some(key) = key_of(value) {
                        put(map, &key);
                    }
                }
            }
            Handle::Prefix(prefixes) => {
                for prefix in *prefixes {
                    put(&mut self.prefixes, prefix);
                    if !self.lengths.contains(&prefix.len()) {
                        self.lengths.push(prefix.len());
                    }
                }
            }
        }
    }

    /// The column whose value [`candidates`](Finder::candidates) wants.
    pub(super) fn column(&self) -> Option<usize> {
        self.column
    }

    /// The rows that may fit, in order, perhaps some of them twice, each with whether the column's value surely is what it
    /// demands.
    pub(super) fn candidates(&self, value: Option<&Val<'_>>) -> Candidates<'_> {
        let mut lists: SmallVec<[(&[u32], bool); 4]> = SmallVec::new();
        lists.push((&self.unhandled, false));
        if let Some(text) = value.and_then(Val::as_str) {
            lists.extend(self.texts.get(&*text).map(|found| (&**found, true)));
            let beginnings = self.lengths.iter().filter_map(|length| text.get(..*length));
            lists.extend(beginnings.filter_map(|prefix| self.prefixes.get(prefix)).map(|found| (&**found, true)));
        } else if !self.others_than_text.is_empty() {
            let key = value.map(Val::to_value);
            let found = key.as_ref().and_then(key_of).and_then(|key| self.others_than_text.get(&*key));
            lists.extend(found.map(|found| (&**found, false)));
        }
        Candidates(lists)
    }
}

/// Several ascending lists as one.
pub(super) struct Candidates<'a>(SmallVec<[(&'a [u32], bool); 4]>);

impl Iterator for Candidates<'_> {
    type Item = (usize, bool);

    fn next(&mut self) -> Option<(usize, bool)> {
        let lists = self.0.iter_mut().filter(|(list, _)| !list.is_empty());
        let (list, proved) = lists.min_by_key(|(list, _)| list.first().copied())?;
        let (first, rest) = list.split_first()?;
        *list = rest;
        Some((usize::try_from(*first).ok()?, *proved))
    }
}

/// By what a row is found, column by column.
fn handles(row: &Row) -> impl Iterator<Item = (usize, Handle<'_>)> {
    row.demands.iter().filter_map(|(column, demand)| {
        let Demand::Passes(tests) = demand else { return None };
        let handle = match tests.as_slice() {
            [Test::In(values)] if values.iter().all(|value| key_of(value).is_some()) => Handle::Exact(values),
            [Test::StartsWith(prefixes)] => Handle::Prefix(prefixes),
            _ => return None,
        };
        Some((*column, handle))
    })
}

/// Values that are equal have the same key.
fn key_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        Value::Number(number) => key_of_number(number).map(Cow::Owned),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `8` and `8.0` are one number. Those that a double does not keep exactly have no key.
fn key_of_number(number: &Number) -> Option<String> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

    number.as_f64().filter(|number| number.abs() < EXACT_MAX).map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::diagnostic::{FileId, Span};
    use crate::engine::template::{Constant, Template};

    fn row(demands: Vec<(usize, Vec<Test>)>) -> Row {
        Row {
            number: 0,
            span: Span { file: FileId(0), start: 0, end: 0 },
            demands: demands.into_iter().map(|(column, tests)| (column, Demand::Passes(tests))).collect(),
            reply: Template::Constant(Constant::Null),
            needs: Box::default(),
        }
    }

    fn numbers(candidates: Candidates<'_>) -> Vec<usize> {
        candidates.map(|(row, _)| row).collect()
    }

    fn prefix(text: &str) -> Vec<Test> {
        vec![Test::StartsWith(vec![text.to_owned()])]
    }

    fn exactly(values: &Value) -> Vec<Test> {
        vec![Test::In(values.as_array().unwrap().clone())]
    }

    #[test]
    fn rows_are_found_by_the_column_that_tells_most_apart() {
        let rows = [
            row(vec![(1, prefix("+1"))]),
            row(vec![(0, exactly(&json!(["a"]))), (1, exactly(&json!(["+1415", 8, "8"])))]),
            row(vec![(1, vec![Test::Present])]),
            row(vec![]),
            row(vec![(1, prefix("+1415"))]),
            row(vec![(0, exactly(&json!(["a"])))]),
        ];
        let finder = Finder::new(vec![true, true], &rows);
        assert_eq!(finder.column(), Some(1));
        for (value, found) in [
            (json!("+1415"), vec![0, 1, 2, 3, 4, 5]),
            (json!("+1416"), vec![0, 2, 3, 5]),
            (json!("+14159"), vec![0, 2, 3, 4, 5]),
            (json!("+"), vec![2, 3, 5]),
            (json!("ü"), vec![2, 3, 5]),
            (json!(8.0), vec![1, 2, 3, 5]),
            (json!("8"), vec![1, 2, 3, 5]),
            (json!(null), vec![2, 3, 5]),
        ] {
            let value = Val::from(value);
            assert_eq!(numbers(finder.candidates(Some(&value))), found, "{value:?}");
        }
        assert_eq!(Finder::new(vec![true, false], &rows).column(), Some(0));
        let plain = Finder::new(vec![true, false], &rows[3..5]);
        assert_eq!((plain.column(), numbers(plain.candidates(None))), (None, vec![0, 1]));
    }
}
