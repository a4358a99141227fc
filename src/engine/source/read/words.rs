//! How what is wrong is put into words, and what may help.

use super::super::super::diagnostic::{Diagnostic, Span};
use super::super::yaml::{Key, Node, Text, Yaml};
use super::fault::Fault;

/// Whether messages may quote the values that are read: secrets they may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Values,
    Names,
}

/// Words a fault of the value `node`, found at `span`; `what` is the struct whose field may be missing.
pub(super) fn fault(fault: Fault, node: &Node, shown: Shown, span: Span, what: &str) -> Diagnostic {
    match fault {
        Fault::Missing(name) => Diagnostic::error("missing-field", span, format!("{what} needs a field `{name}`"))
            .help(format!("add a line `{name}: …`")),
        Fault::Expected(expected) => wrong_type(node, shown, &expected),
        Fault::NotOneOf(word, known) => {
            let message = format!("`{word}` is none of the words that can stand here");
            let found = Diagnostic::error("unknown-value", span, message).suggest(&word, known.iter().copied());
            if found.help.is_empty() { found.help(format!("it can be `{}`", known.join("`, `"))) } else { found }
        }
        Fault::Objection(message) => Diagnostic::error("invalid-value", span, message),
    }
}

/// How the help begins that knows nothing better than to list all fields.
pub(in crate::engine::source) const CAN_HAVE: &str = "it can have";

/// The struct that `what` names has none of its `fields` called `key`.
pub(super) fn unknown_field(what: &str, key: &Key, shown: Shown, fields: &[&str]) -> Diagnostic {
    let unknown = |name| Diagnostic::error("unknown-field", key.span, format!("{what} has no field `{name}`"));
    if let (Shown::Names, Some((name, _))) = (shown, key.text.split_once(':')) {
        return unknown(name).help(format!("a space is missing behind the `:`: write `{name}: …`"));
    }
    let found = unknown(&key.text);
    if let Some(name) = key.text.strip_prefix('-') {
        return found.help(format!("a space is missing behind the `-`: write `- {name}:`"));
    }
    if let Some((name, value)) = key.text.split_once(':').filter(|(name, _)| fields.contains(name)) {
        return found.help(format!("a space is missing behind the `:`: write `{name}: {value}`"));
    }
    let found = found.suggest(&key.text, fields.iter().copied());
    if !found.help.is_empty() || fields.is_empty() {
        return found;
    }
    found.help(format!("{CAN_HAVE} `{}`", fields.join("`, `")))
}

/// The field `key` is there, and has no value.
pub(super) fn empty_field(key: &Key) -> Diagnostic {
    let message = format!("`{}` is there, but nothing stands under it", key.text);
    Diagnostic::error("empty-field", key.span, message)
        .help(format!("write what belongs there, or remove `{}`", key.text))
}

/// A mapping with `fields` was expected, `what`, and not `node`.
pub(super) fn no_struct(node: &Node, shown: Shown, what: &str, fields: &[&str]) -> Diagnostic {
    let message = format!("{what} is a mapping, not {}", described(node, shown));
    let found = Diagnostic::error("wrong-type", node.span, message);
    match (remedy(node, "a mapping").filter(|_| shown == Shown::Values), fields) {
        (Some(help), _) => found.help(help),
        (None, []) => found,
        (None, fields) => found.help(format!("write `name: value` lines; it can have `{}`", fields.join("`, `"))),
    }
}

/// Something else was expected than `node`.
pub(super) fn wrong_type(node: &Node, shown: Shown, expected: &str) -> Diagnostic {
    let message = format!("expected {expected}, found {}", described(node, shown));
    let found = Diagnostic::error("wrong-type", node.span, message);
    let remedy = match (shown, &node.value) {
        (Shown::Values, _) => remedy(node, expected),
        (Shown::Names, _) if expected == "a duration" => Some(DURATION.to_owned()),
        (Shown::Names, Yaml::Bool(_) | Yaml::Int(_) | Yaml::Float(_)) => Some("put it in quotes".to_owned()),
        (Shown::Names, _) => None,
    };
    match remedy {
        Some(help) => found.help(help),
        None => found,
    }
}

fn described(node: &Node, shown: Shown) -> String {
    match shown {
        Shown::Values => node.describe(),
        Shown::Names => node.kind().to_owned(),
    }
}

const DURATION: &str = "write numbers with `ms`, `s`, `m`, `h` or `d`: `4s`, `1500ms`, `1h30m`";

/// What may help somebody who wrote `node` where something else was expected.
fn remedy(node: &Node, expected: &str) -> Option<String> {
    let wants = |word: &str| expected.contains(word);
    match &node.value {
        Yaml::Bool(word) if wants("text") => Some(format!("put it in quotes: `\"{word}\"`")),
        Yaml::Int(int) if wants("text") => Some(format!("put it in quotes: `\"{int}\"`")),
        Yaml::Float(_) if wants("text") => Some("put it in quotes".to_owned()),
        Yaml::Int(int) if wants("a duration") => {
            Some(format!("say of what: `{int}s` for seconds, `{int}ms` for milliseconds"))
        }
        _ if wants("a duration") => Some(DURATION.to_owned()),
        Yaml::Text(text) => remedy_for_text(text, expected),
        Yaml::Map(_) if wants("a list") => Some("begin each item with `- `".to_owned()),
        Yaml::Map(entries) if wants("text") && entries.iter().all(|(_, value)| value.value == Yaml::Null) => {
            Some("a text that begins with `{` needs quotes".to_owned())
        }
        Yaml::List(_) if wants("a mapping") => Some("write `name: value` lines, without `- ` before them".to_owned()),
        _ => None,
    }
}

fn remedy_for_text(text: &Text, expected: &str) -> Option<String> {
    let word = text.text.as_str();
    match expected {
        "true or false" => match word.to_lowercase().as_str() {
            "yes" | "on" | "y" => Some(format!("`{word}` looks like a switch but is text here: write `true`")),
            "no" | "off" | "n" => Some(format!("`{word}` looks like a switch but is text here: write `false`")),
            "true" | "false" => Some("take the quotes away".to_owned()),
            _ => None,
        },
        "a list" if word.starts_with('-') => Some("put a space behind each `-`".to_owned()),
        "a list" => Some("write it as `[one, two]`, or as lines that begin with `- `".to_owned()),
        "a mapping" => word
            .split_once(':')
            .filter(|(name, value)| !name.contains(' ') && !value.is_empty() && !value.starts_with([':', '/', ' ']))
            .map(|(name, value)| format!("a space is missing behind the `:`: write `{name}: {value}`")),
        _ if expected.contains("number") && word.parse::<f64>().is_ok() => {
            Some("write the number without quotes, plus sign and leading zeros".to_owned())
        }
        _ => None,
    }
}

/// What the struct called `name` is called in messages: `RetrySource` is "a retry", and a name with a
/// blank is a phrase already.
pub(super) fn with_article(name: &str) -> String {
    if name.contains(' ') || name == "it" {
        return name.to_owned();
    }
    let mut words = String::new();
    for c in name.strip_suffix("Source").unwrap_or(name).chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_called_what_people_call_them() {
        for (name, words) in [
            ("RuleSource", "a rule"),
            ("ActionSource", "an action"),
            ("RetryPolicy", "a retry policy"),
            ("a fetch", "a fetch"),
        ] {
            assert_eq!(with_article(name), words);
        }
    }
}
