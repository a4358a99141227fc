//! What looks like a condition and says nothing, or something else than it seems to.

use super::super::yaml::{Key, Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::path::Path;

/// What to write instead of a text, or whatever stands where conditions belong.
pub(super) fn no_mapping(node: &Node) -> Vec<String> {
    let usual = || vec!["write each condition on a line of its own: `customer.number: present`".to_owned()];
    let Some(text) = node.as_str() else { return usual() };
    let Some((path, operator, value)) = comparison(text) else {
        let is_expression = text.contains(['=', '<', '>', '(', '&', '|', '+']);
        return if is_expression { vec![IF.to_owned()] } else { usual() };
    };
    let condition = match operator {
        "==" | "=" => format!("{path}: {value}"),
        _ => format!("{path}: {{ {}: {value} }}", word_for(operator)),
    };
    vec![format!("write `{{ {condition} }}`"), IF.to_owned()]
}

/// Where expressions go.
const IF: &str = "an expression goes under `if:`, beside `when:`";

/// A text such as `args.size > 5` as its path, the operator, and the value.
fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let (start, operator) = ["==", "!=", ">=", "<=", ">", "<", "="]
        .iter()
        .filter_map(|it| Some((text.find(it)?, *it)))
        .min_by_key(|(at, _)| *at)?;
    let (path, value) = (text.get(..start)?.trim(), text.get(start + operator.len()..)?.trim());
    let is_plain = |c: char| c.is_alphanumeric() || " +-_.\"'".contains(c);
    let is_one = !value.is_empty() && value.chars().all(is_plain);
    (is_one && Path::parse(path).is_some()).then_some((path, operator, value))
}

/// The word for an operator of expressions.
fn word_for(operator: &str) -> &'static str {
    match operator {
        ">" => "gt",
        ">=" => "gte",
        "<" => "lt",
        "<=" => "lte",
        _ => "not",
    }
}

/// A text such as `> 5`, which is compared letter by letter.
pub(super) fn compared_as_text(text: &str, span: Span) -> Option<Diagnostic> {
    let operator = [">=", "<=", ">", "<"].into_iter().find(|operator| text.trim_start().starts_with(operator))?;
    let number = text.trim_start().strip_prefix(operator)?.trim();
    number.parse::<f64>().ok()?;
    let message = format!("`{}` would be compared as a text here", text.trim());
    let help = format!("to compare numbers write `{{ {}: {number} }}`", word_for(operator));
    Some(Diagnostic::warning("never-equal", span, message).help(help))
}

/// Nothing stands where a value to compare to belongs.
pub(super) fn nothing_to_compare(span: Span) -> Diagnostic {
    Diagnostic::error("empty-condition", span, "there is nothing to compare to")
        .help("write a value, `present` or `absent`")
}

/// What `what` names holds no condition: it would hold for every event, or for none.
pub(super) fn no_condition(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("empty-condition", span, format!("{what} holds no condition"))
        .help("write one, such as `customer.number: present`, or remove it")
}

/// An empty text behind an operator that looks for a part of a text.
pub(super) fn empty_text(key: &Key, node: &Node) -> Option<Diagnostic> {
    let looks_for_part = matches!(key.text.as_str(), "contains" | "starts_with" | "ends_with" | "matches");
    let items = if let Yaml::List(items) = &node.value { items } else { std::slice::from_ref(node) };
    let empty = items.iter().find(|item| item.as_str() == Some("")).filter(|_| looks_for_part)?;
    let message = format!("every text passes `{}` with nothing behind it", key.text);
    Some(Diagnostic::error("empty-condition", empty.span, message).help("write what to look for, or `present`"))
}

/// The words `present` and `absent` where they would be compared as texts: in a list, or behind `is` or `in`.
pub(super) fn misplaced_word(path: &str, node: &Node) -> Option<Diagnostic> {
    let (word, node, listed) = compared_word(node, false, false)?;
    let message = format!("`{word}` would be compared as a text here");
    let help = if listed {
        format!("for this or something else write `any: [ {{ {path}: {word} }}, {{ {path}: … }} ]`")
    } else {
        format!("the word stands alone: `{path}: {word}`")
    };
    let letters = format!("for the letters themselves write `{path}: {{ matches: ^{word}$ }}`");
    Some(Diagnostic::error("misplaced-word", node.span, message).help(help).help(letters))
}

fn compared_word(node: &Node, compared: bool, listed: bool) -> Option<(&str, &Node, bool)> {
    match &node.value {
        Yaml::Text(text) if compared && matches!(text.text.as_str(), "present" | "absent") => {
            Some((&text.text, node, listed))
        }
        Yaml::List(items) => items.iter().find_map(|item| compared_word(item, true, true)),
        Yaml::Map(entries) => entries.iter().find_map(|(key, node)| match key.text.as_str() {
            "is" | "in" => compared_word(node, true, listed),
            "not" | "ignoring_case" => compared_word(node, false, listed),
            _ => None,
        }),
        _ => None,
    }
}
