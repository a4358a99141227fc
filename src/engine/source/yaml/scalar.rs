//! What a value without quotes means.

use super::Yaml;

/// A value without quotes, before it is known to be text.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    /// It is no text.
    Value(Yaml),
    /// It is text.
    Text,
    /// It is a number, but not one that could be kept as it is written.
    TooLarge,
}

/// Reads a value without quotes by YAML 1.2's core schema.
///
/// Unlike there, a number with a leading zero or plus sign is text: it is a telephone number, a postcode
/// or a time, and would lose that sign.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Value(Yaml::Null),
        "true" | "True" | "TRUE" => Plain::Value(Yaml::Bool(true)),
        "false" | "False" | "FALSE" => Plain::Value(Yaml::Bool(false)),
        ".inf" | ".Inf" | ".INF" => Plain::Value(Yaml::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Plain::Value(Yaml::Float(f64::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => Plain::Value(Yaml::Float(f64::NAN)),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') => number(text),
        _ => Plain::Text,
    }
}

fn number(text: &str) -> Plain {
    if let Some(whole) = whole(text) {
        return whole;
    }
    match text.parse::<f64>() {
        Ok(float) if is_decimal(text) && float.is_finite() => Plain::Value(Yaml::Float(float)),
        Ok(_) if is_decimal(text) => Plain::TooLarge,
        _ => Plain::Text,
    }
}

/// What `text` means if it is a whole number.
fn whole(text: &str) -> Option<Plain> {
    let kept = |int: Result<i64, _>| int.map_or(Plain::TooLarge, |int| Plain::Value(Yaml::Int(int)));
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let whole = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return whole.then(|| kept(i64::from_str_radix(digits, radix)));
        }
    }
    is_whole(text.strip_prefix('-').unwrap_or(text)).then(|| kept(text.parse()))
}

/// Digits, without a leading zero.
fn is_whole(digits: &str) -> bool {
    are_digits(digits) && (digits == "0" || !digits.starts_with('0'))
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether `text` is written as `-1.5e-3`, each part but one side of the point being optional.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let either = !whole.is_empty() || !fraction.is_empty();
    either
        && (whole.is_empty() || is_whole(whole))
        && (fraction.is_empty() || are_digits(fraction))
        && exponent.is_none_or(are_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_of_the_core_schema() {
        for (text, value) in [
            ("", Yaml::Null),
            ("~", Yaml::Null),
            ("null", Yaml::Null),
            ("true", Yaml::Bool(true)),
            ("FALSE", Yaml::Bool(false)),
            ("0", Yaml::Int(0)),
            ("-17", Yaml::Int(-17)),
            ("0x1F", Yaml::Int(31)),
            ("0o17", Yaml::Int(15)),
            ("1.5", Yaml::Float(1.5)),
            ("-.5e1", Yaml::Float(-5.0)),
            ("1.", Yaml::Float(1.0)),
            ("1e3", Yaml::Float(1000.0)),
            (".inf", Yaml::Float(f64::INFINITY)),
        ] {
            assert_eq!(resolve(text), Plain::Value(value), "{text}");
        }
    }

    #[test]
    fn what_would_lose_something_stays_text() {
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "012",
            "12:30",
            "12:30:45",
            "1_000",
            "2026-11-23",
            "+15550100",
            "+1.5",
            "1.2.3",
            "-",
            ".",
            "1e",
            "e3",
            "0x",
            "0xg",
            "--1",
            "1-2",
            "infinity",
            "nan",
            "-012",
            "tRue",
            "00.5",
        ] {
            assert_eq!(resolve(text), Plain::Text, "{text}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_kept_are_refused() {
        for text in ["9223372036854775808", "-99999999999999999999", "0xFFFFFFFFFFFFFFFFF", "1e999"] {
            assert_eq!(resolve(text), Plain::TooLarge, "{text}");
        }
    }
}
