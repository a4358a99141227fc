//! Replies as the contract sees them, whether they are finished or not.
//!
//! A rule's reply is known only in part while its file is checked: `"${guest.name}"` may become anything,
//! `"Hello ${guest.name}"` certainly becomes a text. One check serves both, because it asks a [`Tree`] for
//! its [`Shape`] and lets pass what is unknown.

use serde_json::Value;

/// A tree that may be known only in part: a rule's reply before its placeholders are filled in, or a
/// finished value.
pub trait Tree: Sized {
    /// What is known of its topmost node.
    fn shape(&self) -> Shape<'_, Self>;
}

/// What is known of one node of a [`Tree`].
#[derive(Debug, Clone)]
pub enum Shape<'a, T> {
    /// A placeholder: any value, or none.
    Unknown,
    /// Certainly a text, of unknown content.
    UnknownText,
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// A list, with its items.
    List(Vec<&'a T>),
    /// An object, with its entries in order.
    Map(Vec<(&'a str, &'a T)>),
}

impl<T> Shape<'_, T> {
    /// The word for such a value in a sentence.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Shape::Unknown => "a placeholder",
            Shape::UnknownText | Shape::Text(_) => "a text",
            Shape::Null => "`null`",
            Shape::Bool(_) => "`true` or `false`",
            Shape::Number(_) => "a number",
            Shape::List(_) => "a list",
            Shape::Map(_) => "an object",
        }
    }

    /// Whether there is certainly a value: a placeholder may turn out to be absent.
    pub(super) fn is_certainly_there(&self) -> bool {
        !matches!(self, Shape::Unknown | Shape::Null)
    }
}

impl Tree for Value {
    fn shape(&self) -> Shape<'_, Value> {
        match self {
            Value::Null => Shape::Null,
            Value::Bool(yes) => Shape::Bool(*yes),
            Value::Number(number) => Shape::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Shape::Text(text),
            Value::Array(items) => Shape::List(items.iter().collect()),
            Value::Object(entries) => Shape::Map(entries.iter().map(|(key, value)| (key.as_str(), value)).collect()),
        }
    }
}
