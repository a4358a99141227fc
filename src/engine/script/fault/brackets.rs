//! Brackets that are left open, or close nothing. Rhai notices far below, where something else seems to be missing.
//!
//! Which one it is cannot be known for certain. Authors indent, though: a `}` ends what stands in the same column, and
//! a function is never inside of another.

use super::tokens::Token;

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unbalanced {
    pub(super) at: (usize, usize),
    pub(super) message: String,
    pub(super) help: String,
    /// Another place that has to do with it.
    pub(super) note: Option<Note>,
}

/// A place, and what is to be said of it.
type Note = ((usize, usize), &'static str);

/// What is wrong with the brackets of `text`, which is made of `tokens`.
pub(super) fn unbalanced(text: &str, tokens: &[Token<'_>]) -> Option<Unbalanced> {
    let mut brackets = Brackets { text, ..Brackets::default() };
    for (index, token) in tokens.iter().enumerate() {
        if begins_function(tokens.get(index..).unwrap_or_default()) && !brackets.open.is_empty() {
            return brackets.left_open(Some((token.range(), "this function begins outside of others")));
        }
        if closing(token.text).is_some() {
            brackets.open.push(*token);
        } else if matches!(token.text, "}" | ")" | "]")
            && let Some(found) = brackets.close(*token)
        {
            return Some(found);
        }
    }
    brackets.left_open(None)
}

/// Brackets on the way through a text.
#[derive(Default)]
struct Brackets<'t> {
    text: &'t str,
    open: Vec<Token<'t>>,
    /// The first one that was closed further left than it began: it may have been meant to stay open no longer.
    outdented: Option<Token<'t>>,
    /// The first one that closes something further left, with that.
    indented: Option<(Token<'t>, Token<'t>)>,
}

impl<'t> Brackets<'t> {
    /// Closes the innermost bracket, or says why that cannot be.
    fn close(&mut self, token: Token<'t>) -> Option<Unbalanced> {
        let Some(opening) = self.open.pop() else {
            return Some(match self.indented {
                Some((extra, opening)) => one_too_many(extra, opening, token),
                None => closes_nothing(token),
            });
        };
        if closing(opening.text) != Some(token.text) {
            let is_closed_outside = self.open.iter().any(|outer| closing(outer.text) == Some(token.text));
            let note = (token.range(), "this closes what is around it");
            return Some(if is_closed_outside { never_closed(opening, Some(note)) } else { closes_nothing(token) });
        }
        let (begun, ended) = (self.indent(opening), self.indent(token));
        if self.is_first(token) && ended < begun {
            self.outdented.get_or_insert(opening);
        } else if self.is_first(token) && ended > begun {
            self.indented.get_or_insert((token, opening));
        }
        None
    }

    /// The bracket that is most likely left open, if any is.
    fn left_open(&self, note: Option<Note>) -> Option<Unbalanced> {
        let innermost = self.open.last()?;
        Some(never_closed(self.outdented.unwrap_or(*innermost), note))
    }

    /// The line of `token` as far as that.
    fn before(&self, token: Token<'_>) -> &'t str {
        let before = self.text.get(..token.at).unwrap_or_default();
        before.get(before.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default()
    }

    fn indent(&self, token: Token<'_>) -> usize {
        let line = self.before(token);
        line.len() - line.trim_start().len()
    }

    fn is_first(&self, token: Token<'_>) -> bool {
        self.before(token).trim().is_empty()
    }
}

/// What closes a bracket.
fn closing(bracket: &str) -> Option<&'static str> {
    match bracket {
        "{" | "#{" => Some("}"),
        "(" => Some(")"),
        "[" | "?[" => Some("]"),
        _ => None,
    }
}

/// Whether a function with a name begins here.
fn begins_function(tokens: &[Token<'_>]) -> bool {
    matches!(tokens, [word, name, bracket, ..] if word.text == "fn" && name.is_word() && bracket.text == "(")
}

fn never_closed(opening: Token<'_>, note: Option<Note>) -> Unbalanced {
    let close = closing(opening.text).unwrap_or("}");
    let message = format!("this `{}` is never closed", opening.text);
    Unbalanced { at: opening.range(), message, help: format!("put a `{close}` behind what belongs to it"), note }
}

fn closes_nothing(token: Token<'_>) -> Unbalanced {
    let help = "take it away, or look above for what it should close".to_owned();
    Unbalanced { at: token.range(), message: format!("this `{}` closes nothing", token.text), help, note: None }
}

fn one_too_many(extra: Token<'_>, opening: Token<'_>, last: Token<'_>) -> Unbalanced {
    Unbalanced {
        at: extra.range(),
        message: format!("this `{}` is one too many", extra.text),
        help: format!("take it away: it closes the `{}` that stands further left", opening.text),
        note: Some((last.range(), "so this closes nothing")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    /// What is said of `text`, in front of the place that it is said of.
    fn told(text: &str) -> Option<String> {
        let found = unbalanced(text, &tokens(text))?;
        let before = text.get(..found.at.0).unwrap();
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        Some(format!("{}:{column} {}", before.matches('\n').count() + 1, found.message))
    }

    #[test]
    fn the_bracket_that_is_wrong_is_pointed_at() {
        for (text, expected) in [
            ("fn f(a) {\n  if a { 1 }\n", "1:9 this `{` is never closed"),
            ("fn f(a) {\n  if a { 1\n  2\n}\n", "2:8 this `{` is never closed"),
            ("fn f(a) {\n  if a {\n    1\n  2\n}\nfn g(a) {\n  1\n}\n", "2:8 this `{` is never closed"),
            ("fn f(a) {\n  1\n\nfn g(a) {\n  1\n}\n", "1:9 this `{` is never closed"),
            ("fn f(a) {\n  if a { 1 }\n  }\n  2\n}\n", "3:3 this `}` is one too many"),
            ("fn f(a) {\n  1\n}\n}\n", "4:1 this `}` closes nothing"),
            ("fn f(a) {\n  g(1, 2;\n}\n", "2:4 this `(` is never closed"),
            ("[1, 2)", "1:6 this `)` closes nothing"),
            ("g(#{ a: [1 })", "1:9 this `[` is never closed"),
        ] {
            assert_eq!(told(text).as_deref(), Some(expected), "{text}");
        }
        for balanced in ["", "a + 1", "g(#{ a: [1] }, \"}\")", "// }\nfn f(a) { x?[1] }\nprivate fn g() { `{` }"] {
            assert_eq!(told(balanced), None, "{balanced}");
        }
    }
}
