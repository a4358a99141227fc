//! Makes tests of what stands behind a path: a value, a list, a word or a mapping of operators.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::super::Workshop;
use super::super::names::Names;
use super::super::yaml::{Key, Node, Yaml};
use super::outline::OPERATORS;
use super::pitfalls::{self, nothing_to_compare};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::fields::{self, FieldType};
use crate::engine::matcher::{Bound, PhonePattern, Test};
use crate::engine::path::{Path, Segment};
use crate::engine::schema;

impl Workshop<'_> {
    /// The tests that a value must pass; `None` if what is written makes no sense.
    pub(in crate::engine::source) fn tests(&mut self, node: &Node, names: &Names) -> Option<Vec<Test>> {
        self.spec(node, names, false)
    }

    fn spec(&mut self, node: &Node, names: &Names, ignoring_case: bool) -> Option<Vec<Test>> {
        match &node.value {
            Yaml::Map(entries) => self.operators(node, entries, names, ignoring_case),
            Yaml::Null => {
                self.found.push(nothing_to_compare(node.span));
                None
            }
            Yaml::Text(text) if text.text == "present" => Some(vec![Test::Present]),
            Yaml::Text(text) if text.text == "absent" => Some(vec![Test::Absent]),
            _ => Some(vec![Test::In(self.values(node, names, ignoring_case)?)]),
        }
    }

    fn operators(&mut self, node: &Node, entries: &[(Key, Node)], names: &Names, outer: bool) -> Option<Vec<Test>> {
        let flagged = |(key, node): &(Key, Node)| key.text == "ignoring_case" && matches!(node.value, Yaml::Bool(true));
        let ignoring_case = outer || entries.iter().any(flagged);
        let mut tests = Vec::with_capacity(entries.len());
        let mut sound = true;
        for (key, node) in entries {
            match self.operator(key, node, names, ignoring_case) {
                Some(test) => tests.extend(test),
                None => sound = false,
            }
        }
        if sound && tests.is_empty() {
            // Nothing is written, or only how to compare.
            self.found.push(nothing_to_compare(node.span));
            return None;
        }
        if ignoring_case && !outer {
            tests = vec![Test::IgnoringCase(tests)];
        }
        sound.then_some(tests)
    }

    /// The tests of one operator, none for a word that only modifies others; `None` is a mistake, already noted.
    fn operator(&mut self, key: &Key, node: &Node, names: &Names, ignoring_case: bool) -> Option<Vec<Test>> {
        if let Some(found) = pitfalls::empty_text(key, node) {
            self.found.push(found);
            return None;
        }
        let test = match key.text.as_str() {
            "is" | "in" => Test::In(self.values(node, names, ignoring_case)?),
            "not" => Test::Not(self.spec(node, names, ignoring_case)?),
            "gt" => Test::Ordered(Ordering::Greater, false, self.bound(node, names)?),
            "gte" => Test::Ordered(Ordering::Greater, true, self.bound(node, names)?),
            "lt" => Test::Ordered(Ordering::Less, false, self.bound(node, names)?),
            "lte" => Test::Ordered(Ordering::Less, true, self.bound(node, names)?),
            "contains" => Test::Contains(self.values(node, names, ignoring_case)?),
            "starts_with" => Test::StartsWith(self.texts(key, node, names, ignoring_case)?),
            "ends_with" => Test::EndsWith(self.texts(key, node, names, ignoring_case)?),
            "matches" => Test::Matches(self.patterns(key, node, names, ignoring_case)?),
            "length" => Test::Length(self.lengths(node, names)?),
            "phone" => Test::Phone(self.phones(key, node, names)?),
            "ignoring_case" => match node.value {
                Yaml::Bool(_) => return Some(Vec::new()),
                _ => Test::IgnoringCase(self.spec(node, names, true)?),
            },
            "present" | "absent" => {
                let Yaml::Bool(wanted) = node.value else {
                    self.found.push(wrong_type(key, node, "true or false"));
                    return None;
                };
                if (key.text == "present") == wanted { Test::Present } else { Test::Absent }
            }
            other => {
                let found = Diagnostic::error("unknown-operator", key.span, format!("there is no operator `{other}`"))
                    .suggest(other, schema::names(OPERATORS));
                self.found.push(if found.help.is_empty() {
                    found.help(format!("operators are `{}`", schema::names(OPERATORS).collect::<Vec<_>>().join("`, `")))
                } else {
                    found
                });
                return None;
            }
        };
        Some(vec![test])
    }

    /// What an operator compares to: one value or a list of them, known when the rules are loaded.
    fn values(&mut self, node: &Node, names: &Names, lower: bool) -> Option<Vec<Value>> {
        // A list of `vars` may be empty for the time being.
        if matches!(&node.value, Yaml::List(items) if items.is_empty()) {
            self.found.push(nothing_to_compare(node.span));
            return None;
        }
        let values = match self.constant(node, names)? {
            Value::Array(values) => values,
            value => vec![value],
        };
        if let Some(odd) = values.iter().find(|value| value.is_object() || value.is_array() || value.is_null()) {
            if odd.is_null() {
                self.found.push(nothing_to_compare(node.span));
                return None;
            }
            self.found.push(
                Diagnostic::error("wrong-type", node.span, "a value is compared to a list or mapping here")
                    .help("compare to a text, a number, true or false, or a list of these"),
            );
            return None;
        }
        Some(values.into_iter().map(|value| if lower { lower_case(value) } else { value }).collect())
    }

    /// Tests of a number of characters, items or entries.
    fn lengths(&mut self, node: &Node, names: &Names) -> Option<Vec<Test>> {
        let tests = self.spec(node, names, false)?;
        let is_number = |test: &Test| match test {
            Test::In(values) => values.iter().all(Value::is_number),
            Test::Ordered(_, _, bound) => matches!(bound, Bound::Number(_)),
            _ => true,
        };
        if tests.iter().all(is_number) {
            return Some(tests);
        }
        self.found.push(
            Diagnostic::error("wrong-type", node.span, "a length can only be compared to a number")
                .help("write `length: 4`, or `length: { gte: 4 }`"),
        );
        None
    }

    fn texts(&mut self, key: &Key, node: &Node, names: &Names, lower: bool) -> Option<Vec<String>> {
        let values = self.values(node, names, lower)?;
        let texts: Option<Vec<String>> = values.iter().map(|value| value.as_str().map(ToOwned::to_owned)).collect();
        if texts.is_none() {
            self.found.push(wrong_type(key, node, "text").help("put the value in quotes"));
        }
        texts
    }

    fn bound(&mut self, node: &Node, names: &Names) -> Option<Bound> {
        let value = self.constant(node, names)?;
        match (value.as_f64(), value) {
            (Some(number), _) => Some(Bound::Number(number)),
            // As for the values that are held against it: models, and authors, write `"8"` for 8.
            (None, Value::String(text)) => Some(number(&text).map_or(Bound::Text(text), Bound::Number)),
            _ => {
                self.found.push(Diagnostic::error(
                    "wrong-type",
                    node.span,
                    format!("a value is compared to a number or a text, not to {}", node.describe()),
                ));
                None
            }
        }
    }

    fn patterns(&mut self, key: &Key, node: &Node, names: &Names, ignoring_case: bool) -> Option<Vec<Regex>> {
        let texts = self.texts(key, node, names, false)?;
        let mut patterns = Vec::with_capacity(texts.len());
        for text in texts {
            let limit = self.options.regex_bytes_max;
            match RegexBuilder::new(&text).size_limit(limit).case_insensitive(ignoring_case).build() {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.found.push(bad_regex(item_of(node, &text), &error, limit)),
            }
        }
        Some(patterns)
    }

    fn phones(&mut self, key: &Key, node: &Node, names: &Names) -> Option<Vec<PhonePattern>> {
        let texts = self.texts(key, node, names, false)?;
        let mut patterns = Vec::with_capacity(texts.len());
        for text in texts {
            match PhonePattern::parse(&text) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => {
                    self.found.push(
                        Diagnostic::error("bad-phone", item_of(node, &text).span, error.to_string()).help(error.help),
                    );
                }
            }
        }
        Some(patterns)
    }

    /// A value that must be known when the rules are loaded.
    pub(super) fn constant(&mut self, node: &Node, names: &Names) -> Option<Value> {
        let before = self.found.len();
        let template = self.template(node, names);
        let constant = template.constant();
        if constant.is_none() && self.found.len() == before {
            self.found.push(
                Diagnostic::error("not-constant", node.span, "a condition compares to values that are known at load")
                    .help("of names only `vars` can stand here; to compare two values of an event, write an expression under `if:`"),
            );
        }
        constant.filter(|_| self.found.len() == before)
    }

    /// Warns of a comparison that can never hold, because the field is of another type.
    pub(in crate::engine::source) fn check_types(&mut self, path: &Path, tests: &[Test], node: &Node, names: &Names) {
        if let [Test::In(wanted)] = tests
            && let Some(found) = wanted
                .iter()
                .filter_map(Value::as_str)
                .find_map(|text| pitfalls::compared_as_text(text, item_of(node, text).span))
        {
            self.found.push(found);
            return;
        }
        if names.lets.iter().any(|name| name == path.root()) {
            return;
        }
        let segments = if path.root() == "event" { path.rest() } else { path.segments() };
        let [Test::In(wanted)] = tests else { return };
        let types: Option<Vec<FieldType>> = names.kinds.kinds().map(|kind| fields::type_of(kind, segments)).collect();
        let Some(types) = types.filter(|types| !types.is_empty() && !segments.is_empty()) else { return };
        let possible = |value: &Value| {
            types.iter().any(|of| match of {
                FieldType::Text => value.is_string(),
                FieldType::Number => value.is_number(),
                FieldType::Bool => value.is_boolean(),
                FieldType::List | FieldType::Map => false,
                FieldType::Any => true,
            })
        };
        if !wanted.is_empty() && !wanted.iter().any(possible) {
            let what = types.first().map_or("something else", |of| name_of(*of));
            let help = match segments.last() {
                Some(Segment::Key(_)) if what == "text" => "put the value in quotes",
                _ => "compare to a value of that type, or use another operator",
            };
            self.found.push(
                Diagnostic::warning("never-equal", node.span, format!("`{path}` is {what}, so it never equals this"))
                    .help(help),
            );
        }
    }
}

/// The number that a text reads as; words such as `inf` are none.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.trim_start_matches(['-', '+', '.']).starts_with(|c: char| c.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// The item of a list that is `text`, or the node itself.
fn item_of<'a>(node: &'a Node, text: &str) -> &'a Node {
    node.items().iter().find(|item| item.as_str() == Some(text)).unwrap_or(node)
}

fn name_of(field: FieldType) -> &'static str {
    match field {
        FieldType::Text => "text",
        FieldType::Number => "a number",
        FieldType::Bool => "true or false",
        FieldType::List => "a list",
        FieldType::Map => "a mapping",
        FieldType::Any => "something else",
    }
}

fn lower_case(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        other => other,
    }
}

fn wrong_type(key: &Key, node: &Node, wanted: &str) -> Diagnostic {
    Diagnostic::error("wrong-type", node.span, format!("`{}` wants {wanted}, not {}", key.text, node.describe()))
}

fn bad_regex(node: &Node, error: &regex::Error, limit: usize) -> Diagnostic {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return Diagnostic::error("bad-regex", node.span, format!("this pattern needs more than {limit} bytes"))
            .help("make it shorter, or use smaller counts than `{1000}`");
    }
    // The library draws the pattern with a caret below it and says what is wrong in the last line.
    let text = error.to_string();
    let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let found = Diagnostic::error("bad-regex", node.span, format!("this pattern is not well formed: {why}"));
    let found = match why {
        "unclosed group" => found.help("put the `)` where it belongs; for a bracket itself write `[(]`"),
        "unopened group" => found.help("put the `(` where it belongs; for a bracket itself write `[)]`"),
        "repetition operator missing expression" => {
            found.help("`.*` stands for any text; for the sign itself write `[*]`")
        }
        _ => found,
    };
    found.help("to look for words just as they are written, use `contains` instead of `matches`")
}
