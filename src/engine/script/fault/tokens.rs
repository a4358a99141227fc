//! A script that cannot be read, as words, texts and signs: enough to see what its author meant.

use crate::engine::script::lines;

/// Signs that belong together.
const SIGNS: &[&str] = &[
    "===", "!==", "==", "!=", "<=", ">=", "=>", "->", "<-", ":=", "&&", "||", "??", "?.", "?[", "::", "#{", "++", "--",
];

/// A word, a text in its quotes, or a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    /// Where it begins, in bytes.
    pub(super) at: usize,
}

impl Token<'_> {
    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(in_word) && !self.text.starts_with(|c: char| c.is_ascii_digit())
    }

    pub(super) fn is_text(&self) -> bool {
        self.text.starts_with(['"', '`', '\''])
    }

    pub(super) fn range(&self) -> (usize, usize) {
        (self.at, self.at + self.text.len())
    }
}

/// What `text` is made of; white space and comments are left out.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(comment) = lines::comment(rest) {
            at += comment;
            continue;
        }
        let length = length(rest);
        if !rest.starts_with(char::is_whitespace) {
            tokens.push(Token { text: rest.get(..length).unwrap_or(rest), at });
        }
        at += length;
    }
    tokens
}

/// The length of what `rest` begins with.
fn length(rest: &str) -> usize {
    if rest.starts_with(in_word) {
        return rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    sign.map_or_else(|| lines::text_or_character(rest), |sign| sign.len())
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_texts_and_signs_are_told_apart() {
        let text = "let ä = `}` // {\n/* ( */ if a===\"}\\\"\" { x.y ?? #{ b: 1 } }";
        let all: Vec<&str> = tokens(text).iter().map(|token| token.text).collect();
        let expected = "let ä = `}` if a === \"}\\\"\" { x . y ?? #{ b : 1 } }";
        assert_eq!(all.join(" "), expected);
        assert!(tokens(text).iter().all(|token| text.get(token.at..).unwrap().starts_with(token.text)));
    }
}
