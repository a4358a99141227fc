//! From text to the digits of a telephone number.

use std::ops::RangeInclusive;

use super::Number;

/// Not numbers but words, typed on the letters of a keypad: so carriers spell `ANONYMOUS`, `RESTRICTED`,
/// `BLOCKED`, `UNKNOWN`, `UNAVAILABLE` and `PRIVATE` where a caller id must be digits. With a `+` none of them is long enough to be a number of its country;
/// without one they might be, so there they are numbers.
const WORDS: [&str; 6] = ["266696687", "7378742833", "2562533", "8656696", "86282452253", "7748283"];

/// How many digits a number has: from an emergency number's to the most that E.164 allows.
const LENGTHS: RangeInclusive<usize> = 3..=15;

/// See [`Number::parse`].
pub(super) fn number(text: &str) -> Option<Number> {
    let (line, rest) = split_line(without_scheme(text.trim()));
    let extension = Some(extension(rest)?).filter(|digits| !digits.is_empty());
    let (digits, international) = digits(line)?;
    let is_word = international && WORDS.contains(&&*digits);
    (LENGTHS.contains(&digits.len()) && !is_word).then_some(Number { digits, international, extension })
}

/// The digits with which an international number begins: of `+1 (415)` they are `1415`.
/// No text at all is the beginning of every number.
pub(super) fn prefix(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    if text.is_empty() {
        return Some("".into());
    }
    digits(text).filter(|(_, international)| *international).map(|(digits, _)| digits)
}

/// Leaves out `tel:` or `sip:`, and a SIP address's host.
fn without_scheme(text: &str) -> &str {
    let Some((scheme, rest)) = text.split_once(':') else {
        return text;
    };
    match scheme.to_ascii_lowercase().as_str() {
        "tel" => rest,
        "sip" | "sips" => rest.split('@').next().unwrap_or_default(),
        _ => text,
    }
}

/// Splits where the digits of the line end.
fn split_line(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| c.is_alphabetic() || matches!(c, '#' | ';' | ',')).unwrap_or(text.len()))
}

/// The extension that `rest` names, empty if there is no rest; `None` if it names something else.
fn extension(rest: &str) -> Option<Box<str>> {
    if let Some(parameters) = rest.strip_prefix(';') {
        let digits = parameters.split(';').find_map(|parameter| parameter.strip_prefix("ext="));
        return Some(digits.unwrap_or_default().chars().filter(char::is_ascii_digit).collect());
    }
    let rest = rest.trim_start_matches([',', ' ']).to_ascii_lowercase();
    if rest.is_empty() {
        return Some(rest.into());
    }
    let digits = ["extension", "ext", "x", "#"].iter().find_map(|word| rest.strip_prefix(word))?;
    let digits = digits.trim_start_matches(['.', ':', ' ']);
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| digits.into())
}

/// The digits of a line, and whether they begin with a country code. No digits is no line.
fn digits(line: &str) -> Option<(Box<str>, bool)> {
    let (plus, line) = match line.split_once('+') {
        // A parenthesis may stand before it: `(+1) 415`.
        Some((before, after)) if before.chars().all(is_filler) => (true, after),
        Some(_) => return None,
        None => (false, line),
    };
    let line = line.replace("(0)", "");
    if !line.chars().all(|c| c.is_ascii_digit() || is_filler(c)) {
        return None;
    }
    let all: String = line.chars().filter(char::is_ascii_digit).collect();
    let abroad = if plus { Some(all.as_str()) } else { behind_exit_code(&all) };
    let digits = abroad.unwrap_or_else(|| all.strip_prefix('0').unwrap_or(&all));
    // No country code begins with 0.
    let is_wrong = digits.is_empty() || (abroad.is_some() && digits.starts_with('0'));
    (!is_wrong).then(|| (digits.into(), abroad.is_some()))
}

/// What follows the digits that say "abroad" where there is no `+`: `00`, and `011` in North America.
///
/// `0113 496 0123` in Leeds begins with `011` too. Eleven digits are such a number: all that North
/// America could reach with eight digits behind its `011` are too few to matter.
fn behind_exit_code(digits: &str) -> Option<&str> {
    digits.strip_prefix("00").or_else(|| digits.strip_prefix("011").filter(|rest| rest.len() > 8))
}

fn is_filler(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}')
}
