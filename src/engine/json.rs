//! JSON text in which values are found when asked for.
//!
//! A [`Json`] is made only of text that was checked whole, so every question has an answer and nothing
//! here fails. Three rules hold wherever JSON is read:
//! - of fields with the same key the last one counts;
//! - half a surrogate pair in a string is read as U+FFFD, as JavaScript lets people write it;
//! - a number is an integer if it is written as one and fits 64 bits, else the nearest `f64`; what is
//!   beyond all of them (`1e999`) is the largest.

use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

use super::path::Segment;

mod field_index;
pub(crate) mod reader;
mod structure;
mod val;
mod walk;

pub use field_index::FieldIndex;
pub use structure::DEPTH_MAX;
pub use val::Val;

/// A value of a JSON document, as its text: nothing is made of it before somebody asks.
///
/// The text is one whole, valid JSON value without white space around it, nested at most
/// [`DEPTH_MAX`] deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

/// Why text is no JSON document.
///
/// Neither variant quotes the text, which may hold what must not be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It breaks off or breaks a rule of JSON; lines and columns (in bytes) count from 1.
    #[error("{why} at line {line}, column {column}")]
    Invalid {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// Lists and objects lie in each other deeper than anybody reads.
    #[error("lists and objects are nested more than {DEPTH_MAX} deep")]
    TooDeep,
}

impl<'a> Json<'a> {
    /// Checks a whole document.
    ///
    /// # Errors
    /// If it is not one, or nested more than [`DEPTH_MAX`] deep.
    pub fn parse(text: &'a str) -> Result<Json<'a>, JsonError> {
        if let Some(value) = reader::value(text) {
            return Ok(Json(value));
        }
        if structure::too_deep(text) {
            return Err(JsonError::TooDeep);
        }
        // Only for the reason. `RawValue` leaves out the white space around the value, as we do.
        serde_json::from_str::<&RawValue>(text).map(|raw| Json(raw.get())).map_err(|error| invalid(&error))
    }

    /// Whether `text` is a whole document, for those who need no reason if it is none.
    pub(crate) fn passes(text: &str) -> bool {
        reader::value(text).is_some()
    }

    /// Takes text that is known to be one whole, valid value: a stretch of a document that was checked.
    pub(crate) fn of_checked(text: &'a str) -> Json<'a> {
        Json(text)
    }

    /// The text itself.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.0
    }

    /// What the value is.
    #[must_use]
    pub fn kind(self) -> JsonType {
        match self.0.bytes().next() {
            Some(b'"') => JsonType::Text,
            Some(b'{') => JsonType::Object,
            Some(b'[') => JsonType::List,
            Some(b't' | b'f') => JsonType::Bool,
            Some(b'-' | b'0'..=b'9') => JsonType::Number,
            _ => JsonType::Null,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == JsonType::Null
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        self.0.parse().ok()
    }

    /// The integer, if it is written as one (`1`, not `1.0`) and fits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(self) -> Option<Number> {
        if self.kind() != JsonType::Number {
            return None;
        }
        let largest = if self.0.starts_with('-') { f64::MIN } else { f64::MAX };
        serde_json::from_str(self.0).ok().or_else(|| Number::from_f64(largest))
    }

    /// The text that a string stands for, borrowed if nothing in it is escaped.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        walk::unquote(self.0)
    }

    /// The field of an object; the last one, if `key` is repeated.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Json<'a>> {
        let fields = walk::Fields::of_object(self.0);
        fields.filter(|(name, _)| walk::key_is(name, key)).last().map(|(_, value)| Json(value))
    }

    /// The item of a list, from 0; negative ones count from the end, `-1` being the last.
    #[must_use]
    pub fn index(self, index: i64) -> Option<Json<'a>> {
        let mut items = walk::Items::of_list(self.0);
        if index == -1 {
            return items.last().map(Json);
        }
        let at = match usize::try_from(index) {
            Ok(at) => at,
            Err(_) => items.clone().count().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
        };
        items.nth(at).map(Json)
    }

    /// The value at the end of `path`.
    #[must_use]
    pub fn walk(self, path: &[Segment]) -> Option<Json<'a>> {
        path.iter().try_fold(self, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Index(index) => value.index(*index),
        })
    }

    /// How many characters a text has, items a list, fields an object; other values have no length.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a value that has no length is not empty either")]
    pub fn len(self) -> Option<usize> {
        match self.kind() {
            JsonType::Text => self.as_str().map(|text| text.chars().count()),
            JsonType::List => Some(walk::Items::of_list(self.0).count()),
            JsonType::Object => Some(self.fields().len()),
            JsonType::Null | JsonType::Bool | JsonType::Number => None,
        }
    }

    /// Whether this is a list with anything in it.
    #[must_use]
    pub fn has_items(self) -> bool {
        walk::Items::of_list(self.0).has_next()
    }

    /// The items of a list; a value that is none has no items.
    pub fn items(self) -> impl Iterator<Item = Json<'a>> {
        walk::Items::of_list(self.0).map(Json)
    }

    /// The fields of an object, each key once; a value that is none has no fields.
    pub fn entries(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        self.fields().into_iter()
    }

    /// The fields as they are written: repeated keys are not sorted out.
    pub(crate) fn entries_as_written(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        walk::Fields::of_object(self.0).map(|(key, value)| (walk::unquote(key).unwrap_or_default(), Json(value)))
    }

    fn fields(self) -> IndexMap<Cow<'a, str>, Json<'a>> {
        self.entries_as_written().collect()
    }

    /// Makes a tree of it.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self.kind() {
            JsonType::Null => Value::Null,
            JsonType::Bool => Value::Bool(self.as_bool() == Some(true)),
            JsonType::Number => self.as_number().map_or(Value::Null, Value::Number),
            JsonType::Text => Value::String(self.as_str().unwrap_or_default().into_owned()),
            JsonType::List => self.items().map(Json::to_value).collect(),
            JsonType::Object => {
                let fields = self.entries_as_written().map(|(key, value)| (key.into_owned(), value.to_value()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }

    /// Whether it is the same as `value`: numbers are compared as numbers, text only with text.
    #[must_use]
    pub fn equals(self, value: &Value) -> bool {
        match value {
            Value::Null => self.is_null(),
            Value::Bool(value) => self.as_bool() == Some(*value),
            Value::Number(value) => self.as_number().is_some_and(|number| val::same_number(&number, value)),
            Value::String(value) => self.as_str().is_some_and(|text| text == value.as_str()),
            Value::Array(values) => {
                self.kind() == JsonType::List
                    && self.len() == Some(values.len())
                    && self.items().zip(values).all(|(item, value)| item.equals(value))
            }
            Value::Object(values) => {
                let fields = self.fields();
                self.kind() == JsonType::Object
                    && fields.len() == values.len()
                    && fields.iter().all(|(key, field)| values.get(&**key).is_some_and(|value| field.equals(value)))
            }
        }
    }
}

fn invalid(error: &serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    let why = error.to_string();
    let why = why.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&why).to_owned();
    JsonError::Invalid { line, column, why }
}

#[cfg(test)]
mod tests;
