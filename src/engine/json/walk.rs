//! Steps through JSON text that is known to be valid.
//!
//! Commas and colons are passed over like white space: the text was checked, so nothing is to be
//! learned from them. On invalid text these functions find less, but never fail.

use std::borrow::Cow;
use std::cmp::Ordering;

use memchr::memchr;

use super::{reader, structure};

/// The items of a list.
#[derive(Debug, Clone)]
pub(super) struct Items<'a> {
    rest: &'a str,
}

/// The fields of an object as they are written, repeated ones too, keys with their quotes.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    items: Items<'a>,
}

impl<'a> Items<'a> {
    /// Goes through the list `text`; there is nothing in any other value.
    pub(super) fn of_list(text: &'a str) -> Items<'a> {
        Items { rest: inside(text, b'[', b']').unwrap_or_default() }
    }

    /// Whether there is another item, without looking where it ends.
    pub(super) fn has_next(&self) -> bool {
        !matches!(skip_marks(self.rest).bytes().next(), None | Some(b']' | b'}'))
    }
}

impl<'a> Fields<'a> {
    /// Goes through the object `text`; there is nothing in any other value.
    pub(super) fn of_object(text: &'a str) -> Fields<'a> {
        Fields { items: Items { rest: inside(text, b'{', b'}').unwrap_or_default() } }
    }
}

/// What lies between the byte that opens `text` and the one that closes it.
#[inline]
fn inside(text: &str, open: u8, close: u8) -> Option<&str> {
    match text.as_bytes() {
        [first, inner @ .., last] if (*first, *last) == (open, close) => text.get(1..=inner.len()),
        _ => None,
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = skip_marks(self.rest);
        let (value, rest) = text.split_at_checked(value_len(text)?)?;
        self.rest = rest;
        Some(value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        Some((self.items.next()?, self.items.next()?))
    }
}

#[inline]
fn skip_marks(text: &str) -> &str {
    let marks = text.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':')).count();
    text.get(marks..).unwrap_or_default()
}

/// The length of the value that `text` begins with.
#[inline]
fn value_len(text: &str) -> Option<usize> {
    match text.bytes().next()? {
        b'"' => reader::string(text.as_bytes(), 0),
        b'{' | b'[' => structure::container_len(text, usize::MAX),
        b']' | b'}' => None,
        _ => Some(text.find([' ', '\t', '\n', '\r', ',', ':', ']', '}']).unwrap_or(text.len())),
    }
}

/// The text that the string `quoted` (with its quotes) stands for; half a surrogate pair is read as U+FFFD.
pub(super) fn unquote(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = inside(quoted, b'"', b'"')?;
    if memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let (character, after) = unescape(escape)?;
        text.push(character);
        rest = after;
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

/// Whether the key `quoted` (with its quotes) is `key`.
pub(super) fn key_is(quoted: &str, key: &str) -> bool {
    let Some(inner) = quoted.get(1..quoted.len().saturating_sub(1)) else { return false };
    // Whatever is escaped is longer than what it stands for.
    let escaped = || memchr(b'\\', inner.as_bytes()).is_some();
    match inner.len().cmp(&key.len()) {
        Ordering::Less => false,
        Ordering::Equal => inner == key && !escaped(),
        Ordering::Greater => escaped() && unquote(quoted).is_some_and(|text| text == key),
    }
}

/// Reads what stands behind a backslash.
fn unescape(escape: &str) -> Option<(char, &str)> {
    let mut characters = escape.chars();
    let character = match characters.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescape_unicode(characters.as_str()),
        itself => itself,
    };
    Some((character, characters.as_str()))
}

fn unescape_unicode(digits: &str) -> Option<(char, &str)> {
    let (first, after) = hex4(digits)?;
    let second = after.strip_prefix("\\u").and_then(hex4);
    if let (0xD800..=0xDBFF, Some((second @ 0xDC00..=0xDFFF, after))) = (first, second) {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((char::from_u32(code)?, after));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), after))
}

fn hex4(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_a_replacement_character() {
        for (quoted, text) in [
            (r#""a\ud800b""#, "a\u{FFFD}b"),
            (r#""\udc00""#, "\u{FFFD}"),
            (r#""\ud800\ud83d\ude00""#, "\u{FFFD}😀"),
            (r#""\ud800\n""#, "\u{FFFD}\n"),
            (r#""\uD83D\uDE00""#, "😀"),
        ] {
            assert_eq!(unquote(quoted).as_deref(), Some(text), "{quoted}");
        }
    }

    #[test]
    fn what_is_no_json_yields_less_and_never_fails() {
        for text in ["", "[", "[1", "[\"", "[\"\\", "[{]", "{\"a\"", "\"\\u12", "[[}", "{:,}", "[\"\\ü"] {
            assert!(Items::of_list(text).count() <= 2, "{text}");
            assert!(Fields::of_object(text).count() <= 1, "{text}");
            assert_eq!(unquote(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn strings_are_read_as_serde_json_reads_them(text in "\\PC{0,20}|[\\x00-\\x7f\"\\\\😀é]{0,20}") {
            let quoted = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unquote(&quoted).unwrap(), text.as_str());
            let escapes: Vec<_> = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            let quoted = format!("\"{}\"", escapes.concat());
            prop_assert_eq!(unquote(&quoted).unwrap(), text.as_str());
        }

        #[test]
        fn any_text_can_be_walked(text in r#"[{}\[\]"\\ax1,: \n]{0,40}"#) {
            let seen = Items::of_list(&text).count() + Fields::of_object(&text).count();
            prop_assert!(seen <= text.len());
        }
    }
}
