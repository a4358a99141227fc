//! Fills `${env.NAME}` in a settings file with what the environment holds.
//!
//! A text that looks like a variable and is none is refused: as a credential, it would be a secret that anybody can
//! guess.

use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::source::yaml::{Node, Yaml};

/// Fills every `${env.NAME}` below `node`; what cannot be filled is an error at its place.
pub(super) fn expand(node: &mut Node, found: &mut Vec<Diagnostic>) {
    let span = node.span;
    match &mut node.value {
        Yaml::List(items) => items.iter_mut().for_each(|item| expand(item, found)),
        Yaml::Map(entries) => {
            for (key, entry) in entries {
                if key.text.contains("${") {
                    found.push(
                        Diagnostic::error("not-constant", key.span, "the name before a `:` is taken as it is written")
                            .help("write it out; only values can hold `${env.NAME}`"),
                    );
                }
                expand(entry, found);
            }
        }
        Yaml::Text(text) => match filled(&text.text, &variable) {
            Ok(filled) => text.text = filled,
            Err(unfilled) => found.push(unfilled.at(span)),
        },
        _ => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Why a placeholder cannot be filled.
#[derive(Debug, PartialEq, Eq)]
enum Unfilled {
    Unset(String),
    Unclosed,
    /// It names something else than the environment, or names it in another way.
    Foreign(String),
    /// It is a variable as others write them.
    Elsewhere(String),
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
            Unfilled::Foreign(written) => {
                let name = name_in(written);
                Diagnostic::error("unknown-name", span, format!("settings cannot ask for `{written}`"))
                    .help(format!("they know the environment only: write `${{env.{name}}}`"))
            }
            Unfilled::Elsewhere(written) => {
                let name = name_in(written);
                Diagnostic::error("unknown-name", span, format!("`{written}` would be taken as it is written"))
                    .help(format!("to fill in a variable write `${{env.{name}}}`"))
                    .help("if that is meant, put it into a variable, too: what is filled in is not looked at again")
            }
        }
    }
}

/// The name of the variable that was most likely meant.
fn name_in(written: &str) -> &str {
    let written = written.trim_start_matches(['$', '%', '{', ' ']);
    let written = match written.split_at_checked(4) {
        Some((env, name)) if env.eq_ignore_ascii_case("env.") => name,
        _ => written,
    };
    written.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

/// Whether a text is a variable in the way of shells, templates or ours without its braces, and nothing else.
fn is_variable_elsewhere(text: &str) -> bool {
    let constant = |name: &str| {
        let letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(letter)
    };
    let env = |name: &str| name.strip_prefix("env.").is_some_and(constant);
    let percent = text.strip_prefix('%').and_then(|text| text.strip_suffix('%'));
    let braces = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).map(str::trim);
    let dollar = text.strip_prefix('$');
    env(text) || [percent, braces, dollar].into_iter().flatten().any(|name| constant(name) || env(name))
}

fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, Unfilled> {
    if is_variable_elsewhere(text) {
        return Err(Unfilled::Elsewhere(text.to_owned()));
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            filled.extend([before, "${"]);
            rest = after;
            continue;
        }
        let (inside, after) = after.split_once('}').ok_or(Unfilled::Unclosed)?;
        let name = inside
            .trim()
            .strip_prefix("env.")
            .map(str::trim)
            .ok_or_else(|| Unfilled::Foreign(inside.trim().to_owned()))?;
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
            ("${ env.A }", Ok("1")),
            ("${A}", Err(Unfilled::Foreign("A".to_owned()))),
            ("${ENV.A}", Err(Unfilled::Foreign("ENV.A".to_owned()))),
            ("$A", Err(Unfilled::Elsewhere("$A".to_owned()))),
            ("$a and $A", Ok("$a and $A")),
            ("$5", Ok("$5")),
        ] {
            assert_eq!(filled(text, &variable), outcome.map(ToOwned::to_owned), "{text}");
        }
    }

    #[test]
    fn the_variable_that_was_meant_is_guessed() {
        for (written, name) in [
            ("A_B", "A_B"),
            ("ENV.A_B", "A_B"),
            ("secrets.a", "secrets"),
            ("A:-default", "A"),
            ("$A", "A"),
            ("$env.A", "A"),
            ("%A%", "A"),
            ("{{ env.A }}", "A"),
            ("env.A", "A"),
        ] {
            assert_eq!(name_in(written), name, "{written}");
        }
        for text in ["$A_1", "$env.A", "%A%", "{{A}}", "{{ env.A }}", "env.A"] {
            assert!(is_variable_elsewhere(text), "{text}");
        }
        for text in ["", "A", "$", "$a", "$aB", "env.", "env.a", "{{name}}", "100%", "%a%", "{timestamp}.{body}"] {
            assert!(!is_variable_elsewhere(text), "{text}");
        }
    }
}
