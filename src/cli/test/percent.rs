//! A share as it is typed: `90`, `92.5` or `92.5%`.

use std::fmt;
use std::str::FromStr;

use crate::testing::coverage::Share;

/// From 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Percent(f64);

impl Percent {
    /// Whether `share` is as much.
    pub(super) fn is_reached(self, share: Share) -> bool {
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        self.0 * count(share.all) <= 100.0 * count(share.reached)
    }
}

impl FromStr for Percent {
    type Err = &'static str;

    fn from_str(written: &str) -> Result<Percent, &'static str> {
        let number = written.trim().trim_end_matches('%').trim_end();
        let percent = number.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
        percent.map(Percent).ok_or("write a number from 0 to 100, such as `90` or `92.5`")
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_with_or_without_its_sign() {
        for (written, percent) in [("90", 90.0), ("92.5", 92.5), ("92.5%", 92.5), ("100 %", 100.0), ("0", 0.0)] {
            assert_eq!(written.parse(), Ok(Percent(percent)), "{written}");
        }
        for written in ["", "%", "many", "-1", "100.1", "NaN", "9,5"] {
            assert!(written.parse::<Percent>().is_err(), "{written}");
        }
    }

    #[test]
    fn a_share_is_reached_exactly_or_not() {
        let reached = |percent, reached, all| Percent(percent).is_reached(Share { reached, all });
        assert!(reached(92.5, 37, 40) && !reached(92.6, 37, 40));
        assert!(reached(100.0, 0, 0) && reached(0.0, 0, 9) && !reached(0.1, 0, 9));
    }
}
