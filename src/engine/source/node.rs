//! Values of a YAML tree as plain ones.

use serde_json::{Number, Value};

use super::yaml::{Node, Yaml};

impl Node {
    /// The text, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(|text| text.text.as_str())
    }

    /// The same as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(value) => Value::Bool(*value),
            Yaml::Int(value) => Value::from(*value),
            // JSON has no words for infinity.
            Yaml::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
            Yaml::Text(text) => Value::String(text.text.clone()),
            Yaml::List(items) => items.iter().map(Node::to_json).collect(),
            Yaml::Map(entries) => {
                Value::Object(entries.iter().map(|(key, entry)| (key.text.clone(), entry.to_json())).collect())
            }
        }
    }
}
