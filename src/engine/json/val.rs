//! A value as a rule sees it, wherever it came from.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Json, JsonType};
use crate::engine::path::Segment;

/// A value as a rule sees it: found in the body, or made by the rule set.
///
/// JSON's `null` is [`Val::Absent`] too: half of Vapi's fields come as nulls. Every question answers
/// so, whichever way a null got in.
#[derive(Debug, Clone)]
pub enum Val<'a> {
    /// There is nothing there.
    Absent,
    /// Text of the body.
    Json(Json<'a>),
    /// A text, as it reads.
    Text(&'a str),
    /// A value made by the rule set, a script or the settings.
    Value(Cow<'a, Value>),
}

impl<'a> Val<'a> {
    /// Whether there is nothing there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.kind() == JsonType::Null
    }

    /// What the value is; [`JsonType::Null`] if it is absent.
    #[must_use]
    pub fn kind(&self) -> JsonType {
        match self {
            Val::Absent => JsonType::Null,
            Val::Json(json) => json.kind(),
            Val::Text(_) => JsonType::Text,
            Val::Value(value) => match value.as_ref() {
                Value::Null => JsonType::Null,
                Value::Bool(_) => JsonType::Bool,
                Value::Number(_) => JsonType::Number,
                Value::String(_) => JsonType::Text,
                Value::Array(_) => JsonType::List,
                Value::Object(_) => JsonType::Object,
            },
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Val::Absent | Val::Text(_) => None,
            Val::Json(json) => json.as_bool(),
            Val::Value(value) => value.as_bool(),
        }
    }

    /// The integer, if it is one and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Val::Absent | Val::Text(_) => None,
            Val::Json(json) => json.as_i64(),
            Val::Value(value) => value.as_i64(),
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Val::Absent | Val::Text(_) => None,
            Val::Json(json) => json.as_f64(),
            Val::Value(value) => value.as_f64(),
        }
    }

    /// The text, if it is one; borrowed unless something in it is escaped.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        match self {
            Val::Absent => None,
            Val::Json(json) => json.as_str(),
            Val::Text(text) => Some(Cow::Borrowed(text)),
            Val::Value(value) => value.as_str().map(Cow::Borrowed),
        }
    }

    /// The field or item that `segment` names. A field of something absent is absent.
    #[must_use]
    pub fn get(&self, segment: &Segment) -> Val<'a> {
        self.walk(std::slice::from_ref(segment))
    }

    /// The value at the end of `path`, absent if any step of it leads nowhere.
    #[must_use]
    pub fn walk(&self, path: &[Segment]) -> Val<'a> {
        match self {
            Val::Text(text) if path.is_empty() => Val::Text(text),
            Val::Absent | Val::Text(_) => Val::Absent,
            Val::Json(json) => json.walk(path).into(),
            Val::Value(Cow::Borrowed(value)) => walk(value, path).into(),
            Val::Value(Cow::Owned(value)) => walk(value, path).cloned().into(),
        }
    }

    /// Whether this is a list that holds `item`.
    #[must_use]
    pub fn has_item(&self, item: &Value) -> bool {
        match self {
            Val::Absent | Val::Text(_) => false,
            Val::Json(json) => json.items().any(|found| found.equals(item)),
            Val::Value(value) => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                items.iter().any(|found| Val::Value(Cow::Borrowed(found)).equals(item))
            }
        }
    }

    /// How many characters a text has, items a list, fields an object; other values have no length.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a value that has no length is not empty either")]
    pub fn len(&self) -> Option<usize> {
        match self {
            Val::Absent => None,
            Val::Json(json) => json.len(),
            Val::Text(text) => Some(text.chars().count()),
            Val::Value(value) => match value.as_ref() {
                Value::String(text) => Some(text.chars().count()),
                Value::Array(items) => Some(items.len()),
                Value::Object(fields) => Some(fields.len()),
                Value::Null | Value::Bool(_) | Value::Number(_) => None,
            },
        }
    }

    /// Makes a tree of it; null if it is absent.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Val::Absent => Value::Null,
            Val::Json(json) => json.to_value(),
            Val::Text(text) => Value::from(*text),
            Val::Value(value) => value.as_ref().clone(),
        }
    }

    /// Whether it is the same as `other`: numbers are compared as numbers (`1` is `1.0`), text only
    /// with text, lists and objects part by part. What is absent equals null.
    #[must_use]
    pub fn equals(&self, other: &Value) -> bool {
        match self {
            Val::Absent => other.is_null(),
            Val::Json(json) => json.equals(other),
            Val::Text(text) => *other == **text,
            Val::Value(value) => same(value, other),
        }
    }
}

impl<'a> From<Option<Json<'a>>> for Val<'a> {
    fn from(json: Option<Json<'a>>) -> Val<'a> {
        json.filter(|json| !json.is_null()).map_or(Val::Absent, Val::Json)
    }
}

impl<'a> From<Option<&'a Value>> for Val<'a> {
    fn from(value: Option<&'a Value>) -> Val<'a> {
        value.filter(|value| !value.is_null()).map_or(Val::Absent, |value| Val::Value(Cow::Borrowed(value)))
    }
}

impl From<Value> for Val<'_> {
    fn from(value: Value) -> Self {
        Val::Value(Cow::Owned(value))
    }
}

impl From<Option<Value>> for Val<'_> {
    fn from(value: Option<Value>) -> Self {
        value.filter(|value| !value.is_null()).map_or(Val::Absent, |value| Val::Value(Cow::Owned(value)))
    }
}

fn walk<'a>(value: &'a Value, path: &[Segment]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get(&**key),
        Segment::Index(index) => {
            let items = value.as_array()?;
            let at = usize::try_from(index.unsigned_abs()).ok()?;
            items.get(if *index < 0 { items.len().checked_sub(at)? } else { at })
        }
    })
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Integers are compared exactly, anything else as `f64`.
pub(super) fn same_number(a: &Number, b: &Number) -> bool {
    if let (Some(a), Some(b)) = (a.as_i128(), b.as_i128()) {
        return a == b;
    }
    let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return false };
    a.partial_cmp(&b) == Some(Ordering::Equal)
}
