//! How somebody who repeats a text may write it: each program that writes a URL puts other signs in percent signs, and
//! each that writes JSON escapes others.

use std::str::Chars;

use smallvec::{SmallVec, smallvec};

/// What may begin the spelling of another sign.
pub(super) const MAY_STAND_FOR_ANOTHER: [u8; 3] = *b"%\\+";

/// How much of `text` is `sought`, if it begins with that: each of its signs as it is, in percent signs, or as in JSON.
pub(super) fn length(sought: &str, text: &[u8]) -> Option<usize> {
    let (mut signs, mut end) = (sought.chars(), 0);
    while let Some(sign) = signs.next() {
        let mut lengths = lengths(sign, text.get(end..)?);
        let (one, other) = (end + lengths.next()?, lengths.next());
        if let Some(other) = other {
            return longest(signs, text, smallvec![one, end + other]);
        }
        end = one;
    }
    Some(end)
}

/// Where what consists of these signs ends, having begun at one of `ends`. A percent sign or a backslash can be read as
/// itself or as the begin of something else, and only later signs tell which.
fn longest(signs: Chars<'_>, text: &[u8], mut ends: SmallVec<[usize; 4]>) -> Option<usize> {
    for sign in signs {
        let mut further = SmallVec::new();
        for end in ends {
            for end in lengths(sign, text.get(end..)?).map(|length| end + length) {
                if !further.contains(&end) {
                    further.push(end);
                }
            }
        }
        ends = further;
    }
    ends.into_iter().max()
}

/// With which bytes a text may begin of which a spelling stands at the begin of `text`: its own, and the one that it
/// stands for.
pub(super) fn first_bytes(text: &[u8]) -> impl Iterator<Item = u8> {
    let meant = match text.first() {
        Some(b'%') => percent_byte(text),
        Some(b'\\') => letter(text).or_else(|| unit(text).and_then(begun)).map(first_byte),
        Some(b'+') => Some(b' '),
        _ => None,
    };
    text.first().copied().into_iter().chain(meant)
}

/// The byte that stands in percent signs at the begin of `text`.
pub(super) fn percent_byte(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    u8::try_from(hexadecimal(&[*high, *low])?).ok()
}

/// How long a spelling of `sign` at the begin of `text` is: none, one, or two of them.
fn lengths(sign: char, text: &[u8]) -> impl Iterator<Item = usize> {
    let mut bytes = [0; 4];
    let bytes = sign.encode_utf8(&mut bytes).as_bytes();
    let itself = match bytes {
        // Nearly all are, and this is quicker.
        [byte] => (text.first() == Some(byte)).then_some(1),
        _ => text.starts_with(bytes).then_some(bytes.len()),
    };
    let other = match text.first() {
        Some(b'%') => in_percent_signs(bytes, text),
        Some(b'\\') => escaped(sign, text),
        Some(b'+') if sign == ' ' => Some(1),
        _ => None,
    };
    itself.into_iter().chain(other)
}

fn in_percent_signs(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.iter().try_fold(0, |at, byte| (percent_byte(text.get(at..)?)? == *byte).then_some(at + 3))
}

fn escaped(sign: char, text: &[u8]) -> Option<usize> {
    if letter(text) == Some(sign) {
        return Some(2);
    }
    let mut units = [0; 2];
    let mut units = sign.encode_utf16(&mut units).iter();
    units.try_fold(0, |at, expected| (unit(text.get(at..)?)? == *expected).then_some(at + 6))
}

/// The sign that JSON escapes with one letter.
fn letter(text: &[u8]) -> Option<char> {
    let [b'\\', letter, ..] = text else { return None };
    Some(match letter {
        b'"' | b'\\' | b'/' => char::from(*letter),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// The unit of UTF-16 that JSON escapes with digits: a sign has one or two of them.
fn unit(text: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = text else { return None };
    u16::try_from(hexadecimal(digits.get(..4)?)?).ok()
}

/// A sign that begins with this unit. All that do begin with the same byte, too.
fn begun(unit: u16) -> Option<char> {
    char::decode_utf16([unit, 0xdc00]).next()?.ok()
}

fn first_byte(sign: char) -> u8 {
    let mut bytes = [0; 4];
    sign.encode_utf8(&mut bytes).bytes().next().unwrap_or_default()
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::request::Written;

    #[test]
    fn a_text_is_known_in_every_spelling() {
        let sought = "a/b \"&é😀";
        for text in [
            "a/b \"&é😀",
            "a%2Fb%20%22%26%C3%A9%F0%9F%98%80",
            "%61%2fb+%22&%c3%a9😀",
            r#"a\/b \"\u0026é😀"#,
            r"\u0061\u002Fb\u0020\u0022\u0026\u00e9\ud83d\uDE00",
            r#"a%2Fb+\"&\u00E9😀"#,
        ] {
            assert_eq!(length(sought, text.as_bytes()), Some(text.len()), "{text}");
            assert_eq!(length(sought, format!("{text}!").as_bytes()), Some(text.len()), "{text}");
            assert_eq!(length(sought, text.as_bytes().split_last().unwrap().1), None, "{text}");
            let text = text.as_bytes();
            assert!(first_bytes(text).any(|byte| byte == b'a'));
        }
    }

    #[test]
    fn a_spelling_says_how_its_text_begins() {
        for sign in ["a", " ", "%", "/", "\"", "\\", "\n", "é", "€", "😀", "\u{10ffff}"] {
            let percent: String = sign.bytes().flat_map(|byte| [format!("%{byte:02x}")]).collect();
            let units: String = sign.encode_utf16().flat_map(|unit| [format!("\\u{unit:04X}")]).collect();
            for text in [sign, &percent, &units, &Written::Json.write(sign)] {
                assert!(first_bytes(text.as_bytes()).any(|byte| Some(byte) == sign.bytes().next()), "{text}");
            }
        }
        assert!(first_bytes(b"+").eq(*b"+ "));
        assert_eq!(first_bytes(b"").next(), None);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_tried_in_both() {
        for (sought, texts) in [
            ("x/%2541", &["x/%2541", r"x\/%2541", "x%2F%252541"][..]),
            (r"\\server\n", &[r"\\server\n", r"\\\\server\\n", r"%5C%5cserver%5Cn"]),
            (r"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\x", &[r"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\x"]),
        ] {
            for text in texts {
                assert_eq!(length(sought, text.as_bytes()), Some(text.len()), "{text}");
            }
        }
        assert_eq!(length(&r"\".repeat(40), r"\".repeat(39).as_bytes()), None);
        assert_eq!(length(&r"\".repeat(40), r"\".repeat(41).as_bytes()), Some(41), "the longest is taken");
    }

    #[test]
    fn what_is_no_spelling_is_none() {
        for text in ["", "a", "a%2", "a%2g", r"a\", r"a\u002", r"a\u002g", r"a\n", "a+", "A/"] {
            assert_eq!(length("a/", text.as_bytes()), None, "{text}");
        }
    }
}
