//! What looks like a condition and says nothing, or something else than it seems to.

use super::super::yaml::{Key, Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span};

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
