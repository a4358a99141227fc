//! Splits a text at its placeholders: `Hello ${customer.name}, …`.

use std::ops::Range;

/// A stretch of a text, in bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Itself, with `$${` already turned into `${`.
    Text(String),
    /// What stands between `${` and `}`.
    Hole(Range<usize>),
}

/// A `${` without its `}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// Where the `$` stands.
    pub(super) at: usize,
}

/// Splits `text` at its placeholders.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, Unclosed> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("$${") {
            plain.push_str("${");
            at += 3;
        } else if let Some(inside) = rest.strip_prefix("${") {
            let length = end_of_expression(inside).ok_or(Unclosed { at })?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Hole(at + 2..at + 2 + length));
            at += 2 + length + 1;
        } else {
            let next = rest.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(rest.len(), |(next, _)| next);
            plain.push_str(rest.get(..next).unwrap_or(rest));
            at += next;
        }
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Where the `}` stands that closes the expression at the start of `text`: braces and texts inside it are
/// stepped over.
fn end_of_expression(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            '"' | '\'' | '`' => {
                while let Some((_, inside)) = chars.next() {
                    match inside {
                        '\\' if c != '`' => drop(chars.next()),
                        _ if inside == c => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match split(text) {
            Err(unclosed) => format!("unclosed at {}", unclosed.at),
            Ok(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => format!("[{text}]"),
                    Piece::Hole(range) => format!("<{}>", text.get(range.clone()).unwrap()),
                })
                .collect(),
        }
    }

    #[test]
    fn texts_are_split_at_placeholders() {
        for (text, pieces) in [
            ("", "[]"),
            ("plain", "[plain]"),
            ("${a.b}", "<a.b>"),
            ("Hi ${name}, bye", "[Hi ]<name>[, bye]"),
            ("${a}${b}", "<a><b>"),
            ("costs $5 and ${a}$", "[costs $5 and ]<a>[$]"),
            ("literal $${a}", "[literal ${a}]"),
            ("{{vapi}} ${a}", "[{{vapi}} ]<a>"),
            ("${#{a: 1}.a}", "<#{a: 1}.a>"),
            ("${f(\"}\")} x", "<f(\"}\")>[ x]"),
            ("${\"\\\"}\"}", "<\"\\\"}\">"),
            ("ü${ä}ö", "[ü]<ä>[ö]"),
            ("a ${b", "unclosed at 2"),
            ("${\"}", "unclosed at 0"),
        ] {
            assert_eq!(shown(text), pieces, "{text}");
        }
    }
}
