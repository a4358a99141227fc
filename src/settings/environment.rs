//! Fills `${env.NAME}` in a settings file with what the environment holds.

use crate::engine::diagnostic::Diagnostic;
use crate::engine::source::yaml::{Node, Yaml};

/// What begins a placeholder.
const OPEN: &str = "${env.";

/// Fills every `${env.NAME}` below `node`; a variable that is not set is an error at its place.
pub(super) fn expand(node: &mut Node, found: &mut Vec<Diagnostic>) {
    let span = node.span;
    match &mut node.value {
        Yaml::List(items) => items.iter_mut().for_each(|item| expand(item, found)),
        Yaml::Map(entries) => entries.iter_mut().for_each(|(_, entry)| expand(entry, found)),
        Yaml::Text(text) if text.text.contains(OPEN) => match filled(&text.text, &variable) {
            Ok(filled) => text.text = filled,
            Err(why) => found.push(
                Diagnostic::error("unset-variable", span, why)
                    .help("set the environment variable before the daemon starts"),
            ),
        },
        _ => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("`{OPEN}` has no `}}`"))?;
        filled.push_str(before);
        filled.push_str(&variable(name).ok_or_else(|| format!("the environment variable `{name}` is not set"))?);
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
            ("${env.B}", Err("the environment variable `B` is not set")),
            ("${env.A", Err("`${env.` has no `}`")),
        ] {
            assert_eq!(filled(text, &variable), outcome.map(ToOwned::to_owned).map_err(ToOwned::to_owned), "{text}");
        }
    }
}
