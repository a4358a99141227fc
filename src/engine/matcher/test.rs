//! Tests of one value: the operators of `when`.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use super::PhonePattern;
use crate::engine::json::Val;

/// One operator with what it compares to.
#[derive(Debug)]
pub enum Test {
    /// There is a value.
    Present,
    /// There is none.
    Absent,
    /// It is one of these.
    In(Vec<Value>),
    /// It lies on this side of a bound.
    Ordered(Ordering, /** or equal */ bool, Bound),
    /// A text holds one of these texts, or a list has one of these items.
    Contains(Vec<Value>),
    /// A text begins with one of these.
    StartsWith(Vec<String>),
    /// A text ends with one of these.
    EndsWith(Vec<String>),
    /// A text matches one of these patterns somewhere.
    Matches(Vec<Regex>),
    /// Its length (characters, items, fields) passes these.
    Length(Vec<Test>),
    /// It is one of these telephone numbers, however it is written.
    Phone(Vec<PhonePattern>),
    /// It does not pass all of these.
    Not(Vec<Test>),
    /// Its text, or the texts in its list, pass these in lower case; what they compare to is kept in lower case.
    IgnoringCase(Vec<Test>),
}

/// What `gt`, `gte`, `lt` and `lte` compare to.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// A number; texts that read as numbers are compared too, since models often write `"8"` for 8.
    Number(f64),
    /// A text, compared letter by letter: right for ISO dates and times.
    Text(String),
}

impl Test {
    /// Whether `value` passes.
    #[must_use]
    pub fn passes(&self, value: &Val<'_>) -> bool {
        match self {
            Test::Present => !value.is_absent(),
            Test::Absent => value.is_absent(),
            Test::In(wanted) => wanted.iter().any(|wanted| value.equals(wanted)),
            Test::Ordered(side, or_equal, bound) => match bound.compare(value) {
                Some(Ordering::Equal) => *or_equal,
                Some(ordering) => ordering == *side,
                None => false,
            },
            Test::Contains(wanted) => wanted.iter().any(|wanted| contains(value, wanted)),
            Test::StartsWith(wanted) => text(value, |text| wanted.iter().any(|wanted| text.starts_with(&**wanted))),
            Test::EndsWith(wanted) => text(value, |text| wanted.iter().any(|wanted| text.ends_with(&**wanted))),
            Test::Matches(patterns) => text(value, |text| patterns.iter().any(|pattern| pattern.is_match(text))),
            Test::Length(tests) => value.len().is_some_and(|length| {
                let length = Val::from(Value::from(length));
                tests.iter().all(|test| test.passes(&length))
            }),
            Test::Phone(patterns) => text(value, |text| patterns.iter().any(|pattern| pattern.holds(text))),
            Test::Not(tests) => !tests.iter().all(|test| test.passes(value)),
            Test::IgnoringCase(tests) => {
                let lower = lower_case(value);
                tests.iter().all(|test| test.passes(&lower))
            }
        }
    }
}

/// The value with its text, or the texts of its items, in lower case.
fn lower_case<'a>(value: &Val<'a>) -> Val<'a> {
    if let Some(text) = value.as_str() {
        return Val::from(Value::String(text.to_lowercase()));
    }
    match value.to_value() {
        Value::Array(items) => items.into_iter().map(lower_item).collect::<Value>().into(),
        _ => value.clone(),
    }
}

fn lower_item(item: Value) -> Value {
    match item {
        Value::String(text) => Value::String(text.to_lowercase()),
        other => other,
    }
}

impl Bound {
    fn compare(&self, value: &Val<'_>) -> Option<Ordering> {
        match self {
            Bound::Number(bound) => number(value)?.partial_cmp(bound),
            Bound::Text(bound) => value.as_str().map(|text| (*text).cmp(bound.as_str())),
        }
    }
}

fn number(value: &Val<'_>) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn text(value: &Val<'_>, test: impl Fn(&str) -> bool) -> bool {
    value.as_str().is_some_and(|text| test(&text))
}

fn contains(value: &Val<'_>, wanted: &Value) -> bool {
    match (value.as_str(), wanted) {
        (Some(text), Value::String(wanted)) => text.contains(wanted.as_str()),
        (Some(text), wanted) => text.contains(&wanted.to_string()),
        (None, wanted) => value.has_item(wanted),
    }
}
