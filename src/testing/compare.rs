//! What differs between what is expected and what is.

use serde_json::Value;

use crate::report::cut;

/// A difference, by its path: `respond.assistantOverrides.variableValues.name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) path: String,
    /// What was expected, in words.
    pub(super) expected: String,
    /// What there is, in words.
    pub(super) actual: String,
    /// How it came, where that is known.
    pub(super) since: Option<String>,
}

impl Difference {
    pub(super) fn new(path: &str, expected: String, actual: String) -> Difference {
        Difference { path: path.to_owned(), expected, actual, since: None }
    }
}

/// How much of a value is shown.
const SHOWN_MAX: usize = 300;

/// What of `expected` is not in `actual`. Of an object only the fields that are expected are looked at, unless `exactly` those
/// must be there; a list is compared item by item.
pub(super) fn compare(path: &str, expected: &Value, actual: &Value, exactly: bool) -> Vec<Difference> {
    let mut differences = Vec::new();
    Compare { exactly, into: &mut differences }.values(path, expected, Some(actual));
    differences
}

struct Compare<'a> {
    exactly: bool,
    into: &'a mut Vec<Difference>,
}

impl Compare<'_> {
    fn values(&mut self, path: &str, expected: &Value, actual: Option<&Value>) {
        match (expected, actual) {
            (Value::Object(expected), Some(Value::Object(actual))) => {
                for (key, value) in expected {
                    self.values(&format!("{path}.{key}"), value, actual.get(key));
                }
                let exactly = self.exactly;
                for (key, value) in actual.iter().filter(|(key, _)| exactly && !expected.contains_key(*key)) {
                    self.differ(&format!("{path}.{key}"), "nothing".to_owned(), shown(value));
                }
            }
            (Value::Array(expected), Some(Value::Array(actual))) if expected.len() == actual.len() => {
                for (number, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                    self.values(&format!("{path}[{number}]"), expected, Some(actual));
                }
            }
            (Value::Null, None) => {}
            (expected, Some(actual)) if same(expected, actual) => {}
            (expected, actual) => {
                self.differ(path, shown(expected), actual.map_or_else(|| "nothing".to_owned(), shown));
            }
        }
    }

    fn differ(&mut self, path: &str, expected: String, actual: String) {
        self.into.push(Difference::new(path, expected, actual));
    }
}

/// Numbers are compared as numbers: `1` is `1.0`.
fn same(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && a.as_f64() == b.as_f64())
}

/// A value in words, not too long.
pub(super) fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { cut(&value.to_string(), SHOWN_MAX) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_expected_must_be_there_and_more_may_be() {
        let actual = json!({ "a": { "b": 1, "c": [1, { "d": "x" }] }, "e": true });
        let paths = |expected: Value, exactly| {
            compare("respond", &expected, &actual, exactly).into_iter().map(|it| it.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(json!({ "a": { "b": 1.0 } }), false), [""; 0]);
        assert_eq!(paths(json!({ "a": { "c": [1, {}] }, "f": null }), false), [""; 0]);
        assert_eq!(paths(json!({ "a": { "b": 2, "c": [1] } }), false), ["respond.a.b", "respond.a.c"]);
        assert_eq!(paths(json!({ "a": { "c": [1, { "d": "y" }] } }), false), ["respond.a.c[1].d"]);
        assert_eq!(paths(json!({ "a": { "b": 1, "c": [1, { "d": "x" }] } }), true), ["respond.e"]);
    }
}
