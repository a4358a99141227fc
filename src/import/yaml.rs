//! JSON values as the YAML that people write: blocks, and quotes only where they are needed.

use serde_json::Value;

/// Lists of plain values up to this length stand on one line.
const LINE_MAX: usize = 80;

/// A value behind `key:`, whose lines are indented by `indent`; it begins with a space or a line break.
pub(super) fn below(value: &Value, indent: usize) -> String {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let entries = fields.iter().map(|(key, value)| entry(key, value, indent));
            format!("\n{}", entries.collect::<Vec<_>>().join("\n"))
        }
        Value::Array(items) if !items.is_empty() => {
            let item = |item: &Value| format!("{:indent$}-{}", "", below(item, indent + 2));
            let block = || format!("\n{}", items.iter().map(item).collect::<Vec<_>>().join("\n"));
            on_one_line(items).map_or_else(block, |line| format!(" {line}"))
        }
        value => format!(" {}", plain(value)),
    }
}

/// A line, or several, that say `key: value`.
pub(super) fn entry(key: &str, value: &Value, indent: usize) -> String {
    format!("{:indent$}{}:{}", "", text(key), below(value, indent + 2))
}

/// A text, with quotes if it could be taken for something else.
pub(super) fn text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

fn on_one_line(items: &[Value]) -> Option<String> {
    let flat = items.iter().all(|item| !item.is_object() && !item.is_array());
    let line = format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", "));
    (flat && line.len() <= LINE_MAX).then_some(line)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        value => value.to_string(),
    }
}

/// Whether YAML reads the text as itself, also within brackets: it begins with a letter, holds nothing that has a meaning,
/// and is no word for something else.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let harmless = |c: char| c.is_alphanumeric() || " _-./'()!?".contains(c);
    text.starts_with(char::is_alphabetic)
        && text.chars().all(harmless)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_looks_as_people_write_it() {
        let schema = json!({
            "type": "object", "required": ["time", "a: b"], "additionalProperties": false,
            "properties": { "time": { "type": "string", "pattern": "^\\d+$" }, "no": {}, "any": { "oneOf": [{ "type": "null" }, []] } },
        });
        let expected = "parameters:\n  type: object\n  required: [time, \"a: b\"]\n  additionalProperties: false\n  \
                        properties:\n    time:\n      type: string\n      pattern: \"^\\\\d+$\"\n    \"no\": {}\n    any:\n      \
                        oneOf:\n        -\n          type: \"null\"\n        - []";
        assert_eq!(entry("parameters", &schema, 0), expected);
    }

    #[test]
    fn quotes_stand_where_they_are_needed() {
        for (written, expected) in [
            ("Books a table", "Books a table"),
            ("that's it (or not)", "that's it (or not)"),
            ("3f0c6e1a-6c1e", "\"3f0c6e1a-6c1e\""),
            ("+1555", "\"+1555\""),
            ("Yes", "\"Yes\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("two\nlines", "\"two\\nlines\""),
            ("", "\"\""),
        ] {
            assert_eq!(text(written), expected);
        }
    }
}
