//! Durations as authors write them: `4s`, `1500ms`, `1h30m`.

use std::time::Duration;

/// Reads a duration: numbers with the units `ms`, `s`, `m`, `h` and `d`, the larger ones first.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut last = u64::MAX;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let millis = millis(unit).filter(|millis| *millis < last)?;
        total = total.checked_add(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(millis)?))?;
        last = millis;
        rest = after;
    }
    (last != u64::MAX).then_some(total)
}

/// How many milliseconds a unit has.
fn millis(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, millis) in [
            ("4s", 4_000),
            ("1500ms", 1_500),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            ("0s", 0),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "4",
            "s",
            "4 s",
            "-4s",
            "4sec",
            "1.5s",
            "30m1h",
            "1h1h",
            "99999999999999999999s",
            "18446744073709551615d",
            "ü",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
