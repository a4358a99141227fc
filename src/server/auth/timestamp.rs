//! The time at which a request was signed, as text in a header.
//!
//! Vapi documents no unit. Seconds and milliseconds are told apart by size: as seconds, the bound below is in the
//! year 5138; as milliseconds, in 1973.

use std::time::Duration;

use jiff::Timestamp;

use super::Reason;

const SECONDS_MAX: i64 = 100_000_000_000;

/// The milliseconds since 1970 that `text` gives; a fraction is allowed and dropped. No sign, exponent or space.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    if number < SECONDS_MAX { number.checked_mul(1000) } else { Some(number) }
}

/// Refuses what was signed more than `tolerance` before or after `now`; `signed_at` is in milliseconds.
pub(super) fn check_fresh(signed_at: i64, now: Timestamp, tolerance: Duration) -> Result<(), Reason> {
    let age = now.as_millisecond().saturating_sub(signed_at);
    if u128::from(age.unsigned_abs()) <= tolerance.as_millis() {
        return Ok(());
    }
    // Rounded up, so that nobody reads "300 s old, tolerance is 300 s".
    let seconds = age.unsigned_abs().div_ceil(1000);
    let tolerance = tolerance.as_secs();
    Err(if age > 0 { Reason::TooOld { seconds, tolerance } } else { Reason::TooNew { seconds, tolerance } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_milliseconds_are_told_apart_by_size() {
        assert_eq!(parse(b"1756461600"), Some(1_756_461_600_000));
        assert_eq!(parse(b"1756461600120"), Some(1_756_461_600_120));
        assert_eq!(parse(b"1756461600.987654"), Some(1_756_461_600_000));
        assert_eq!(parse(b"1756461600120.5"), Some(1_756_461_600_120));
    }

    #[test]
    fn anything_but_digits_is_no_time() {
        let wrong = ["", ".", "5.", ".5", "-5", "+5", " 5", "5 ", "1e9", "0x5", "inf", "NaN", "5.5.5", "\u{663}"];
        for text in wrong {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"99999999999999999999999"), None);
        assert_eq!(parse(&[0xff]), None);
    }

    #[test]
    fn both_directions_have_a_bound() {
        let now = Timestamp::from_second(1_756_461_600).unwrap();
        let check = |offset_ms| check_fresh(now.as_millisecond() + offset_ms, now, Duration::from_secs(300));
        assert_eq!(check(-300_000), Ok(()));
        assert_eq!(check(300_000), Ok(()));
        assert_eq!(check(-300_001), Err(Reason::TooOld { seconds: 301, tolerance: 300 }));
        assert_eq!(check(300_001), Err(Reason::TooNew { seconds: 301, tolerance: 300 }));
        assert!(check_fresh(i64::MAX, now, Duration::MAX).is_ok());
        assert!(check_fresh(i64::MAX, Timestamp::MIN, Duration::ZERO).is_err());
    }
}
