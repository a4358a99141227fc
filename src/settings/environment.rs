//! Fills `${env.NAME}` in a settings file with what the environment holds.

use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::source::yaml::{Node, Yaml};

/// Fills every `${env.NAME}` below `node`; what cannot be filled is an error at its place.
pub(super) fn expand(node: &mut Node, found: &mut Vec<Diagnostic>) {
    let span = node.span;
    match &mut node.value {
        Yaml::List(items) => items.iter_mut().for_each(|item| expand(item, found)),
        Yaml::Map(entries) => entries.iter_mut().for_each(|(_, entry)| expand(entry, found)),
        Yaml::Text(text) if text.text.contains("${") => match filled(&text.text, &variable) {
            Ok(filled) => text.text = filled,
            Err(unfilled) => found.push(unfilled.at(span)),
        },
        _ => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Why a placeholder cannot be filled.
#[derive(Debug, PartialEq, Eq)]
enum Unfilled {
    Unset(String),
    Unclosed,
    /// It names something else than the environment.
    Foreign(String),
}

impl Unfilled {
    fn at(&self, span: Span) -> Diagnostic {
        match self {
            Unfilled::Unset(name) => {
                Diagnostic::error("unset-variable", span, format!("the environment variable `{name}` is not set"))
                    .help("set it before the daemon starts; names are case-sensitive")
            }
            Unfilled::Unclosed => Diagnostic::error("unclosed-placeholder", span, "this `${` has no `}`")
                .help("close it, or write `$${` for the letters `${` themselves"),
            Unfilled::Foreign(name) => {
                Diagnostic::error("unknown-name", span, format!("settings cannot ask for `{name}`"))
                    .help(format!("they know the environment only: write `${{env.{name}}}`"))
            }
        }
    }
}

fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, Unfilled> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            filled.extend([before, "${"]);
            rest = after;
            continue;
        }
        let (inside, after) = after.split_once('}').ok_or(Unfilled::Unclosed)?;
        let name = inside.trim().strip_prefix("env.").ok_or_else(|| Unfilled::Foreign(inside.trim().to_owned()))?;
        filled.push_str(before);
        filled.push_str(&variable(name).ok_or_else(|| Unfilled::Unset(name.to_owned()))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let variable = |name: &str| (name == "A").then(|| "1".to_owned());
        for (text, outcome) in [
            ("x", Ok("x")),
            ("${env.A}", Ok("1")),
            ("<${env.A}${env.A}>", Ok("<11>")),
            ("$5 and $${env.A}", Ok("$5 and ${env.A}")),
            ("${env.B}", Err(Unfilled::Unset("B".to_owned()))),
            ("${env.A", Err(Unfilled::Unclosed)),
            ("${A}", Err(Unfilled::Foreign("A".to_owned()))),
        ] {
            assert_eq!(filled(text, &variable), outcome.map(ToOwned::to_owned), "{text}");
        }
    }
}
