//! Templates: trees whose texts may hold `${…}`, compiled once and rendered for each event.
//!
//! A text that is one `${…}` keeps the type of its value; otherwise values are joined into text, in
//! which what is absent is empty.

use std::borrow::Cow;

use compact_str::CompactString;
use serde_json::{Map, Number, Value};

use super::json::Val;
use super::reply::{Shape, Tree};
use super::scope::Scope;
use super::script::ScriptFault;
use super::term::Term;

/// How long what is filled into a text is expected to be.
const HOLE_BYTES_USUAL: usize = 24;

/// A tree with placeholders. Small, and with its short texts inside of it: among many rules each look aside misses the
/// processor's cache.
#[derive(Debug)]
pub enum Template {
    /// Null, a truth value, a number or a text, just as it was written.
    Constant(Constant),
    /// A text that is one `${…}`: the value itself.
    Hole(Term),
    /// A text with placeholders in it.
    Text(Vec<Part>),
    /// A list.
    List(Vec<Template>),
    /// A mapping.
    Map(Vec<(CompactString, Template)>),
}

/// What was written without placeholders and holds nothing else.
#[derive(Debug)]
pub enum Constant {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(CompactString),
}

/// A stretch of a text with placeholders.
#[derive(Debug)]
pub enum Part {
    /// Itself.
    Text(CompactString),
    /// A placeholder.
    Hole(Term),
}

impl Template {
    /// Fills in the placeholders.
    ///
    /// # Errors
    /// When a script in one of them fails.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Value, ScriptFault> {
        match self {
            Template::Constant(value) => Ok(value.to_value()),
            Template::Hole(term) => Ok(scope.term(term)?.to_value()),
            Template::Text(parts) => Ok(Value::String(join(parts, scope)?)),
            Template::List(items) => items.iter().map(|item| item.render(scope)).collect(),
            Template::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, entry) in entries {
                    map.insert(key.to_string(), entry.render(scope)?);
                }
                Ok(Value::Object(map))
            }
        }
    }

    /// The same as it reads inside a text.
    ///
    /// # Errors
    /// When a script in one of the placeholders fails.
    pub fn render_text(&self, scope: &Scope<'_>) -> Result<String, ScriptFault> {
        let mut text = String::new();
        match self {
            Template::Text(parts) => return join(parts, scope),
            Template::Hole(term) => text.push_str(&read(&scope.term(term)?)),
            tree => text.push_str(&read(&Val::Value(Cow::Owned(tree.render(scope)?)))),
        }
        Ok(text)
    }

    /// The value, if it holds no placeholder at all.
    #[must_use]
    pub fn constant(&self) -> Option<Value> {
        match self {
            Template::Constant(value) => Some(value.to_value()),
            Template::Hole(_) | Template::Text(_) => None,
            Template::List(items) => items.iter().map(Template::constant).collect(),
            Template::Map(entries) => {
                let entries = entries.iter().map(|(key, entry)| Some((key.to_string(), entry.constant()?)));
                entries.collect::<Option<Map<_, _>>>().map(Value::Object)
            }
        }
    }
}

impl Constant {
    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Constant::Text(text) = self { Some(text) } else { None }
    }

    /// The same as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Constant::Null => Value::Null,
            Constant::Bool(value) => Value::Bool(*value),
            Constant::Number(value) => Value::Number(value.clone()),
            Constant::Text(text) => Value::String(text.to_string()),
        }
    }
}

fn join(parts: &[Part], scope: &Scope<'_>) -> Result<String, ScriptFault> {
    let expected = parts.iter().map(|part| if let Part::Text(part) = part { part.len() } else { HOLE_BYTES_USUAL });
    let mut text = String::with_capacity(expected.sum());
    for part in parts {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Hole(term) => text.push_str(&read(&scope.term(term)?)),
        }
    }
    Ok(text)
}

/// A value as it reads inside a text: absence is empty, lists and objects are compact JSON.
pub(super) fn read<'v>(value: &'v Val<'_>) -> Cow<'v, str> {
    if value.is_absent() {
        return Cow::Borrowed("");
    }
    value.as_str().unwrap_or_else(|| Cow::Owned(value.to_value().to_string()))
}

impl Tree for Template {
    fn shape(&self) -> Shape<'_, Template> {
        match self {
            Template::Constant(Constant::Bool(value)) => Shape::Bool(*value),
            Template::Constant(Constant::Number(value)) => value.as_f64().map_or(Shape::Unknown, Shape::Number),
            Template::Constant(Constant::Text(value)) => Shape::Text(value),
            Template::Constant(Constant::Null) => Shape::Null,
            Template::Hole(_) => Shape::Unknown,
            Template::Text(_) => Shape::UnknownText,
            Template::List(items) => Shape::List(items.iter().collect()),
            Template::Map(entries) => Shape::Map(entries.iter().map(|(key, entry)| (key.as_str(), entry)).collect()),
        }
    }
}
