//! Telephone numbers, compared however they are written: `+1 (415) 555-0100` is `0014155550100`.
//!
//! A number is international when it says its country (`+`, `00`, `011`), else national. Equality is a
//! question between two numbers ([`Number::same_as`]) and not an equivalence: `555-0100` may be the end
//! of many international numbers, which are not each other's equal. Hence there is no `PartialEq`.

mod parse;

use std::fmt;

/// The fewest digits of a national number that may be the end of a longer one.
const TAIL_MIN: usize = 7;

/// A telephone number, reduced to its digits.
#[derive(Debug, Clone)]
pub struct Number {
    /// With the country code and without `+` when international; without trunk 0 when national.
    digits: Box<str>,
    international: bool,
    extension: Option<Box<str>>,
}

/// Whether two texts are the same telephone number. A text that is none is nobody's equal.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    Number::parse(a).zip(Number::parse(b)).is_some_and(|(a, b)| a.same_as(&b))
}

impl Number {
    /// Reads a number; `None` if `text` is not one, as a withheld caller id (`anonymous`) is not.
    ///
    /// Spaces, dashes, dots, slashes and parentheses mean nothing, nor do `tel:` and `sip:`, a SIP
    /// address's host, and `(0)` behind a country code. `x12`, `ext. 12`, `#12` and `;ext=12` are
    /// extensions. `00`, and `011` where enough digits follow, are `+`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Number> {
        parse::number(text)
    }

    /// Whether the number says its country.
    #[must_use]
    pub fn is_international(&self) -> bool {
        self.international
    }

    /// Whether both are the same number: two international ones when all their digits agree, otherwise
    /// when a national one of at least seven digits is the end of the other. Extensions count only
    /// where both have one.
    #[must_use]
    pub fn same_as(&self, other: &Number) -> bool {
        let ends = |long: &Number, short: &Number| {
            !short.international && short.digits.len() >= TAIL_MIN && long.digits.ends_with(&*short.digits)
        };
        let same_line = if self.digits == other.digits {
            // Short numbers such as 112 mean something else in every country.
            self.international == other.international || self.digits.len() >= TAIL_MIN
        } else {
            ends(self, other) || ends(other, self)
        };
        let same_extension = match (&self.extension, &other.extension) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        same_line && same_extension
    }
}

impl fmt::Display for Number {
    /// Writes the digits, `+` before an international number, `x` before an extension.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.international { "+" } else { "" }, self.digits)?;
        self.extension.as_ref().map_or(Ok(()), |extension| write!(f, "x{extension}"))
    }
}

/// What a rule's `phone:` asks for: one number, or all that begin alike.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// `*`: any telephone number, so that withheld ones are left out.
    Any,
    /// `+1415*`: every international number whose digits begin with these.
    Prefix(Box<str>),
    /// That number.
    Number(Number),
}

/// Why a text is no [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: &'static str,
}

impl Pattern {
    /// Reads a number, a prefix ending in `*`, or `*` alone.
    ///
    /// # Errors
    /// If the text is none of these, or a prefix in national form, which no international number has.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        let text = text.trim();
        let Some(prefix) = text.strip_suffix('*') else {
            return Number::parse(text).map(Pattern::Number).ok_or_else(|| PatternError {
                message: format!("`{text}` is not a telephone number"),
                help: "write a number such as `+1 415 555 0100`, or the beginning of one such as `+1415*`",
            });
        };
        match parse::prefix(prefix) {
            Some(digits) if digits.is_empty() => Ok(Pattern::Any),
            Some(digits) => Ok(Pattern::Prefix(digits)),
            None if prefix.contains('*') => Err(PatternError {
                message: format!("`{text}` has a `*` before its end"),
                help: "a `*` may stand at the end only, for what follows; use `matches` for anything else",
            }),
            None => Err(PatternError {
                message: format!("`{text}` is not the beginning of an international number"),
                help: "begin with `+` and the country code: `+1415*`, `+49 30*`",
            }),
        }
    }

    /// Whether `text` is a number that the pattern asks for.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        Number::parse(text).is_some_and(|number| match self {
            Pattern::Any => true,
            Pattern::Prefix(digits) => number.international && number.digits.starts_with(&**digits),
            Pattern::Number(wanted) => wanted.same_as(&number),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Any => f.write_str("*"),
            Pattern::Prefix(digits) => write!(f, "+{digits}*"),
            Pattern::Number(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_written_in_many_ways() {
        for written in [
            "+14155550100",
            "+1 (415) 555-0100",
            "+1.415.555.0100",
            "+1 415/555 01 00",
            "001 415 555 0100",
            "011 1 415 555 0100",
            "(+1) 415 555 0100",
            "1-415-555-0100",
            "(415) 555-0100",
            "415 555 0100",
            "5550100",
            "tel:+1-415-555-0100",
            "TEL:+1-415-555-0100;phone-context=example.com",
            "sip:+14155550100@pbx.example.com",
            "sips:+14155550100@pbx.example.com:5061;transport=tls",
            "sip:14155550100@10.0.0.1",
            "+1 415 555 0100 x12",
            "\u{a0}+1 415\u{2011}555\u{2013}0100 ",
        ] {
            assert!(same(written, "+14155550100") && same("+14155550100", written), "{written}");
        }
    }

    #[test]
    fn national_forms_lose_their_trunk_prefix() {
        for (a, b) in [
            ("+49 (0)30 1234567", "+49301234567"),
            ("0049 (0) 30 1234567", "+49301234567"),
            ("030 1234567", "+49 30 1234567"),
            ("(030) 123-4567", "030/1234567"),
            ("(0)30 1234567", "+49301234567"),
            ("020 7946 0018", "+44 (0)20 7946 0018"),
            ("0113 496 0123", "+44 113 496 0123"),
            ("06 1234 5678", "+39 06 1234 5678"),
        ] {
            assert!(same(a, b) && same(b, a), "{a}, {b}");
        }
    }

    #[test]
    fn different_numbers_stay_different() {
        for (a, b) in [
            ("+14155550100", "+14155550101"),
            ("+14155550100", "+494155550100"),
            ("+14155550100", "14155550101"),
            ("550100", "+14155550100"),
            ("112", "+112"),
            ("911", "112"),
            ("0301234567", "+49311234567"),
            ("+5550100", "+14155550100"),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a}, {b}");
        }
        assert!(same("112", "112") && same("1001", "sip:1001@pbx.example.com"));
    }

    #[test]
    fn extensions_count_only_where_both_have_one() {
        for written in ["x12", "X 12", "ext. 12", "ext12", "extension 12", " #12", ";ext=12", ", ext: 12"] {
            let written = format!("+14155550100{written}");
            assert!(same(&written, "+1 415 555 0100") && same(&written, "+14155550100x12"), "{written}");
            assert!(!same(&written, "+14155550100 ext. 13"), "{written}");
        }
    }

    #[test]
    fn withheld_numbers_are_nobodys_equal() {
        for text in [
            "anonymous",
            "Anonymous",
            "Restricted",
            "unavailable",
            "",
            " ",
            "+",
            "()",
            "x12",
            "sip:alice@example.com",
            "sip:anonymous@anonymous.invalid",
            "+266696687",
            "+7378742833",
            "+1-800-FLOWERS",
            "++1415",
            "1+4155550100",
            "12",
            "+1234567890123456",
            "12345678901234567890",
            "+0415555",
            "tel:",
            "1234567 and more",
        ] {
            assert!(Number::parse(text).is_none(), "{text}");
            assert!(!same(text, text), "{text}");
        }
    }

    #[test]
    fn a_prefix_holds_for_international_numbers_however_written() {
        let west = Pattern::parse("+1 (415)*").unwrap();
        assert!(west.holds("+14155550100") && west.holds("001 415 555 0100") && west.holds("+1-415-555-0100 x3"));
        assert!(!west.holds("+14165550100") && !west.holds("+41555501000") && !west.holds("anonymous"));
        assert!(!west.holds("4155550100"), "a national number may be anywhere");
        assert!(Pattern::parse("0049*").unwrap().holds("+49301234567"));
        assert!(Pattern::parse("+49 (0)30*").unwrap().holds("+49301234567"));
        let number = Pattern::parse("(415) 555-0100").unwrap();
        assert!(number.holds("+14155550100") && !number.holds("+14155550101"));
    }

    #[test]
    fn a_star_alone_holds_for_every_number_that_is_shown() {
        let any = Pattern::parse("*").unwrap();
        assert!(any.holds("+14155550100") && any.holds("030 1234567"));
        assert!(!any.holds("anonymous") && !any.holds("+266696687") && !any.holds(""));
    }

    #[test]
    fn wrong_patterns_are_explained() {
        let message = |text| Pattern::parse(text).unwrap_err().to_string();
        assert_eq!(message("anonymous"), "`anonymous` is not a telephone number");
        assert_eq!(message("415*"), "`415*` is not the beginning of an international number");
        assert_eq!(message("+x*"), "`+x*` is not the beginning of an international number");
        assert_eq!(message("+1*415*"), "`+1*415*` has a `*` before its end");
        assert_eq!(message("+1415**"), "`+1415**` has a `*` before its end");
        assert_eq!(message("+1*415"), "`+1*415` is not a telephone number");
    }

    #[test]
    fn patterns_and_numbers_are_shown_in_their_plainest_form() {
        for (written, shown) in [
            ("00 1 415*", "+1415*"),
            ("*", "*"),
            ("+1 (415) 555-0100 ext. 3", "+14155550100x3"),
            ("030/1234567", "301234567"),
        ] {
            assert_eq!(Pattern::parse(written).unwrap().to_string(), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_number_that_is_shown_is_read_again(text in "(tel:|sip:)?[+0-9 ().x-]{0,20}|\\PC{0,12}") {
            if let Some(number) = Number::parse(&text) {
                assert!(number.same_as(&number) && same(&number.to_string(), &text), "{text}");
            }
        }
    }
}
