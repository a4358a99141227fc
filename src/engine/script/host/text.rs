//! `text::…`: what telephone calls do to text: numbers to dial, digits to read out, names to hide.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use rhai::plugin::{Dynamic, EvalAltResult, NativeCallContext, export_module};

use super::{at, fail};
use crate::engine::script::value::{self, Budget};

/// How much one item of a sentence may say.
const ITEM: Budget = Budget { values: 100, bytes: 4 * 1024 };

#[export_module]
pub(super) mod functions {
    /// A telephone number as `+` and digits, however it is written; absent if it is none. Without a country
    /// in the number, it must begin with `+` or `00`.
    ///
    /// ```rhai
    /// text::e164("+49 (30) 1234-567") // "+49301234567"
    /// ```
    pub fn e164(number: &str) -> Dynamic {
        international(number, "").map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// A telephone number as `+` and digits; one without a country is of the country with this code.
    ///
    /// ```rhai
    /// text::e164("(415) 555-0100", "1") // "+14155550100"
    /// ```
    #[rhai_fn(name = "e164")]
    pub fn e164_of(number: &str, country_code: &str) -> Dynamic {
        international(number, country_code).map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The letters and digits of `text` apart, so that a voice reads them one by one.
    ///
    /// ```rhai
    /// text::digits("AB-1204") // "A B 1 2 0 4"
    /// ```
    pub fn digits(text: &str) -> String {
        let characters = text.chars().filter(|c| c.is_alphanumeric() || *c == '+');
        characters.map(String::from).collect::<Vec<_>>().join(" ")
    }

    /// The digits of a number apart, so that a voice reads them one by one.
    ///
    /// ```rhai
    /// text::digits(1204) // "1 2 0 4"
    /// ```
    #[rhai_fn(name = "digits")]
    pub fn digits_of(number: i64) -> String {
        digits(&number.to_string())
    }

    /// `text` with all but its last four characters hidden.
    ///
    /// ```rhai
    /// text::mask("+14155550100") // "********0100"
    /// ```
    pub fn mask(text: &str) -> String {
        hidden(text, 4)
    }

    /// `text` with all but its last `shown` characters hidden.
    ///
    /// ```rhai
    /// text::mask("4111111111111111", 2) // "**************11"
    /// ```
    #[rhai_fn(name = "mask")]
    pub fn mask_but(text: &str, shown: i64) -> String {
        hidden(text, usize::try_from(shown).unwrap_or(0))
    }

    /// `text` without white space at its ends, each white space inside being one space.
    ///
    /// ```rhai
    /// text::trim("  two \n words ") // "two words"
    /// ```
    pub fn trim(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// `text` in capital letters.
    ///
    /// ```rhai
    /// text::upper("grüße") // "GRÜSSE"
    /// ```
    pub fn upper(text: &str) -> String {
        text.to_uppercase()
    }

    /// `text` in small letters.
    ///
    /// ```rhai
    /// text::lower("ADA") // "ada"
    /// ```
    pub fn lower(text: &str) -> String {
        text.to_lowercase()
    }

    /// Each word of `text` with a capital first letter.
    ///
    /// ```rhai
    /// text::title("ada LOVELACE") // "Ada Lovelace"
    /// ```
    pub fn title(text: &str) -> String {
        text.split_whitespace().map(capital).collect::<Vec<_>>().join(" ")
    }

    /// The first `characters` of `text`; if there are more, the last of them becomes `…`.
    ///
    /// ```rhai
    /// text::shorten("a long story", 6) // "a lon…"
    /// ```
    pub fn shorten(text: &str, characters: i64) -> String {
        let most = usize::try_from(characters).unwrap_or(0);
        if text.chars().nth(most).is_none() {
            return text.to_owned();
        }
        text.chars().take(most.saturating_sub(1)).chain("…".chars().take(most)).collect()
    }

    /// The items as one sentence says them.
    ///
    /// ```rhai
    /// text::list([ "six", "half past seven", "nine" ], "or") // "six, half past seven or nine"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn list(context: NativeCallContext, items: rhai::Array, last: &str) -> Result<String, Box<EvalAltResult>> {
        at(&context, || sentence(&items, last))
    }
}

fn sentence(items: &[Dynamic], last: &str) -> Result<String, Box<EvalAltResult>> {
    let items = items.iter().map(|item| value::to_text(item, ITEM).map_err(fail));
    let mut items = items.collect::<Result<Vec<String>, _>>()?;
    Ok(match items.pop() {
        Some(end) if !items.is_empty() => format!("{} {last} {end}", items.join(", ")),
        end => end.unwrap_or_default(),
    })
}

/// A number as E.164 has it: `+` and 7 to 15 digits, of which the first is not 0.
fn international(number: &str, country_code: &str) -> Option<String> {
    let number = number.trim();
    let plausible = number.chars().all(|c| c.is_ascii_digit() || " -./()+\u{a0}".contains(c));
    // In `+44 (0)20 …` the 0 is for those who dial inside the country.
    let national = number.replace("(0)", "");
    let digits: String = national.chars().filter(char::is_ascii_digit).collect();
    let digits = if number.starts_with('+') {
        digits
    } else if let Some(digits) = digits.strip_prefix("00") {
        digits.to_owned()
    } else {
        in_country(&digits, country_code)?
    };
    let valid = plausible && (7..=15).contains(&digits.len()) && !digits.starts_with('0');
    valid.then(|| format!("+{digits}"))
}

/// A national number with its country's code. In North America (code 1) the code itself is dialled in front;
/// elsewhere a 0 is, but for Italy, San Marino and the Vatican, where the 0 belongs to the number.
fn in_country(digits: &str, country_code: &str) -> Option<String> {
    let code = country_code.trim().trim_start_matches('+');
    let national = match code {
        "" => return None,
        "1" => digits.strip_prefix('1').filter(|rest| rest.len() == 10).unwrap_or(digits),
        "39" | "378" | "379" => digits,
        _ => digits.strip_prefix('0').unwrap_or(digits),
    };
    code.bytes().all(|b| b.is_ascii_digit()).then(|| format!("{code}{national}"))
}

fn hidden(text: &str, shown: usize) -> String {
    let hidden = text.chars().count().saturating_sub(shown);
    text.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }).collect()
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters.flat_map(char::to_lowercase)).collect()
}

#[cfg(test)]
mod tests {
    use super::international;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (number, country, expected) in [
            ("+1 415-555-0100", "", Some("+14155550100")),
            ("0049 30 1234567", "", Some("+49301234567")),
            ("030 1234567", "49", Some("+49301234567")),
            ("1 (415) 555.0100", "+1", Some("+14155550100")),
            ("06 1234 5678", "39", Some("+390612345678")),
            ("+44 (0)20 7946 0000", "", Some("+442079460000")),
            ("4155550100", "", None),
            ("+1 415 CALL NOW", "", None),
            ("+0123456789", "", None),
            ("anonymous", "1", None),
            ("", "1", None),
            ("030 1234567", "x", None),
        ] {
            assert_eq!(international(number, country).as_deref(), expected, "{number} in {country}");
        }
    }
}
