//! Names with hyphens in expressions, where a hyphen is a minus: `headers.x-api-key == "…"`.

use crate::engine::diagnostic::{Diagnostic, Span};

/// A name with hyphens behind a dot.
struct Hyphenated<'a> {
    /// What stands before the dot.
    of: &'a str,
    name: &'a str,
    /// Where the whole begins, in bytes.
    at: usize,
}

/// Says how a name with hyphens is written, where one in the expression `written` led to what was `found`; of headers,
/// which nobody subtracts, also where it led to nothing.
pub(super) fn explain(written: &str, locate: &dyn Fn(usize, usize) -> Span, found: &mut Vec<Diagnostic>) {
    for Hyphenated { of, name, at } in hyphenated(written) {
        let help = format!("`-` is a minus in an expression: write `{of}[\"{name}\"]`");
        let mut told = false;
        // Each word behind a hyphen is an unknown name of its own; one of them is enough.
        found.retain_mut(|one| {
            let is_word = |word: &str| one.message.contains(&format!("`{word}`"));
            if one.slug != "unknown-name" || !name.split('-').any(is_word) {
                return true;
            }
            one.help = vec![help.clone()];
            !std::mem::replace(&mut told, true)
        });
        if of == "headers" && !told {
            let span = locate(at, at + of.len() + 1 + name.len());
            let message = format!("`{of}.{name}` is not what it seems");
            found.push(Diagnostic::warning("misleading-field", span, message).help(help));
        }
    }
}

fn hyphenated(written: &str) -> Vec<Hyphenated<'_>> {
    let in_chain = |c: char| c.is_alphanumeric() || "_$.-".contains(c);
    let mut all = Vec::new();
    let mut end = 0;
    for token in written.split_inclusive(|c| !in_chain(c)) {
        let at = end;
        end += token.len();
        let chain = token.trim_end_matches(|c| !in_chain(c));
        let dot = chain.split_once('-').and_then(|(before, _)| before.rfind('.'));
        let Some((of, name)) = dot.and_then(|dot| Some((chain.get(..dot)?, chain.get(dot + 1..)?))) else { continue };
        let name = name.split('.').next().unwrap_or(name);
        // Where a number follows, as in `args.size-1`, a minus is meant.
        if !of.is_empty() && name.split('-').all(|word| word.starts_with(char::is_alphabetic)) {
            all.push(Hyphenated { of, name, at });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_hyphens_are_told_from_subtractions() {
        for (written, expected) in [
            ("headers.x-api-key == \"a\"", "0 headers x-api-key"),
            ("1 + event.headers.x-a", "4 event.headers x-a"),
            ("len(headers.user-agent.trim())", "4 headers user-agent"),
            ("ü + args.é-a", "5 args é-a"),
            ("args.size-1", ""),
            ("args.size - args.other", ""),
            ("args.size-", ""),
            ("a-b", ""),
            (".a-b", ""),
            ("2.5-x", ""),
        ] {
            let all = hyphenated(written);
            let shown: Vec<String> = all.iter().map(|one| format!("{} {} {}", one.at, one.of, one.name)).collect();
            assert_eq!(shown.join(", "), expected, "{written}");
        }
    }
}
