//! What the cells of a column are: numbers, truth values or text.

use std::borrow::Cow;

use serde_json::Value;

/// What the cells of a column are, as far as they are not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Number,
    Bool,
    Text,
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub enum CellValue<'a> {
    /// Nothing.
    Absent,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
}

impl<'a> CellValue<'a> {
    /// What `text` is in a column of this sort.
    #[inline]
    pub(super) fn of(text: Cow<'a, str>, sort: Sort) -> CellValue<'a> {
        match sort {
            _ if text.trim().is_empty() => CellValue::Absent,
            Sort::Text => CellValue::Text(text),
            Sort::Number | Sort::Bool => CellValue::typed(text),
        }
    }

    /// What `text` is by itself.
    #[inline]
    pub(in crate::engine) fn typed(text: Cow<'a, str>) -> CellValue<'a> {
        match (&*text, number(&text)) {
            ("true", _) => CellValue::Bool(true),
            ("false", _) => CellValue::Bool(false),
            (_, Some(number)) => number,
            _ => CellValue::Text(text),
        }
    }

    /// The same as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            CellValue::Absent => Value::Null,
            CellValue::Bool(value) => Value::from(*value),
            CellValue::Integer(value) => Value::from(*value),
            CellValue::Float(value) => Value::from(*value),
            CellValue::Text(text) => Value::from(&**text),
        }
    }
}

/// What all cells of a column can be, the more of them are seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guess {
    number: bool,
    bool: bool,
    seen: bool,
}

impl Guess {
    pub(super) const NOTHING_SEEN: Guess = Guess { number: true, bool: true, seen: false };

    pub(super) fn see(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.seen = true;
        self.number = self.number && number(text).is_some();
        self.bool = self.bool && matches!(text, "true" | "false");
    }

    /// Whether the cells can be nothing but text.
    pub(super) fn is_text(self) -> bool {
        !self.number && !self.bool
    }

    pub(super) fn sort(self) -> Sort {
        match self {
            Guess { seen: true, number: true, .. } => Sort::Number,
            Guess { seen: true, bool: true, .. } => Sort::Bool,
            _ => Sort::Text,
        }
    }
}

/// The number that `text` is, if it is written as JSON writes one and nothing of it gets lost: `007`, `+1` and `1e5` are text,
/// and so is what has more digits than a number keeps.
fn number(text: &str) -> Option<CellValue<'static>> {
    /// So many digits always survive in a fraction.
    const DIGITS_MAX: usize = 15;

    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) || text == "-0" {
        return None;
    }
    match fraction {
        None => text.parse().ok().map(CellValue::Integer),
        Some(fraction) if is_digits(fraction) && whole.len() + fraction.len() <= DIGITS_MAX => {
            text.parse().ok().map(CellValue::Float)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_only_if_nothing_gets_lost() {
        for (text, expected) in [
            ("0", "0"),
            ("-12", "-12"),
            ("1.50", "1.5"),
            ("9007199254740993", "9007199254740993"),
            ("007", "\"007\""),
            ("+1", "\"+1\""),
            ("1e5", "\"1e5\""),
            ("1.", "\"1.\""),
            (".5", "\".5\""),
            ("-", "\"-\""),
            ("-0", "\"-0\""),
            ("12345678901234567890", "\"12345678901234567890\""),
            ("1.2345678901234567", "\"1.2345678901234567\""),
            ("true", "true"),
            ("True", "\"True\""),
        ] {
            assert_eq!(CellValue::typed(text.into()).to_json().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_column_is_of_one_sort() {
        for (cells, sort) in [
            (&["1", "", "2.5"][..], Sort::Number),
            (&["1", "02"], Sort::Text),
            (&["true", "false", ""], Sort::Bool),
            (&["true", "1"], Sort::Text),
            (&["", ""], Sort::Text),
        ] {
            let mut guess = Guess::NOTHING_SEEN;
            for cell in cells {
                guess.see(cell);
            }
            assert_eq!(guess.sort(), sort, "{cells:?}");
        }
    }
}
