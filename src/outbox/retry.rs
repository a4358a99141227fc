//! What the outcome of an attempt means for its delivery. Pure: time and chance are arguments.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use crate::engine::request::may_fare_better;

/// A moment: milliseconds since 1970.
pub type Millis = i64;

/// How long a delivery rests between two attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long at most after the first attempt; twice as long after each one more.
    pub delay_min: Duration,
    /// How long at most in any case.
    pub delay_max: Duration,
    /// How far `Retry-After` is obeyed; who asks for more is asked again by then.
    pub retry_after_max: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            delay_min: Duration::from_secs(1),
            delay_max: Duration::from_secs(60 * 60),
            retry_after_max: Duration::from_secs(60 * 60),
        }
    }
}

/// How an attempt ended, as far as it matters for what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Delivered,
    /// It was refused for good: the same request would be refused again.
    Refused,
    /// It may fare better another time.
    Failed {
        /// When the destination wants to be asked again.
        retry_after: Option<Duration>,
    },
}

/// How long a delivery may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How many attempts there are at most.
    pub attempts_max: u32,
    /// After this moment there is no attempt any more.
    pub expires_at: Millis,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is over.
    Done,
    /// It is tried again.
    Again {
        /// When.
        at: Millis,
    },
    /// It is given up.
    Bury(Cause),
}

/// Why a delivery is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The destination refuses it, or it cannot be sent at all.
    Refused,
    /// All attempts were made.
    Attempts,
    /// It is too old.
    Age,
    /// It was found in a damaged file, and nobody knows what became of it.
    Salvaged,
}

impl Cause {
    /// The cause in a word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::Refused => "refused",
            Cause::Attempts => "attempts",
            Cause::Age => "age",
            Cause::Salvaged => "salvaged",
        }
    }
}

impl Policy {
    /// Says what becomes of a delivery whose `attempt`-th try (from 1) ended in `outcome` at `now`. `jitter` is a number
    /// from 0 to 1: the whole delay is left to chance, so that many deliveries that failed together do not come again
    /// together.
    #[must_use]
    pub fn after(&self, attempt: u32, outcome: Outcome, patience: Patience, now: Millis, jitter: f64) -> Next {
        let retry_after = match outcome {
            Outcome::Delivered => return Next::Done,
            Outcome::Refused => return Next::Bury(Cause::Refused),
            Outcome::Failed { retry_after } => retry_after,
        };
        if patience.attempts_max <= attempt {
            return Next::Bury(Cause::Attempts);
        }
        let delay = self.backoff(attempt).mul_f64(jitter.clamp(0.0, 1.0));
        let wanted = retry_after.unwrap_or_default().min(self.retry_after_max);
        let at = later(now, delay.max(wanted));
        if patience.expires_at < at { Next::Bury(Cause::Age) } else { Next::Again { at } }
    }

    /// The longest delay after the `attempt`-th try.
    fn backoff(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.delay_min.saturating_mul(doubled).min(self.delay_max)
    }
}

/// What the status of a response means. A redirect is refused, too: to follow it would send what is meant for one
/// address to another one.
#[must_use]
pub fn outcome_of(status: u16, retry_after: Option<Duration>) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        status if may_fare_better(status) => Outcome::Failed { retry_after },
        _ => Outcome::Refused,
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
#[must_use]
pub fn retry_after(written: &str, now: Millis) -> Option<Duration> {
    let written = written.trim();
    if written.bytes().all(|byte| byte.is_ascii_digit()) && !written.is_empty() {
        // More than fits is more than anybody waits.
        return Some(Duration::from_secs(written.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let date = DateTimeParser::new().parse_timestamp(written).ok()?;
    let wait = date.as_millisecond().saturating_sub(now);
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

/// The moment that lies `wait` after `at`.
#[must_use]
pub fn later(at: Millis, wait: Duration) -> Millis {
    at.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREVER: Patience = Patience { attempts_max: u32::MAX, expires_at: i64::MAX };
    const FAILED: Outcome = Outcome::Failed { retry_after: None };

    fn at(attempt: u32, outcome: Outcome, jitter: f64) -> Next {
        Policy::default().after(attempt, outcome, FOREVER, 1_000_000, jitter)
    }

    #[test]
    fn delays_double_and_chance_takes_from_all_of_them() {
        for (attempt, delay_ms) in
            [(1, 1_000), (2, 2_000), (9, 256_000), (12, 2_048_000), (13, 3_600_000), (200, 3_600_000)]
        {
            assert_eq!(at(attempt, FAILED, 1.0), Next::Again { at: 1_000_000 + delay_ms });
            assert_eq!(at(attempt, FAILED, 0.5), Next::Again { at: 1_000_000 + delay_ms / 2 });
            assert_eq!(at(attempt, FAILED, 0.0), Next::Again { at: 1_000_000 });
        }
    }

    #[test]
    fn who_says_when_is_obeyed_within_bounds() {
        let said = |secs| Outcome::Failed { retry_after: Some(Duration::from_secs(secs)) };
        assert_eq!(at(1, said(120), 0.0), Next::Again { at: 1_120_000 });
        assert_eq!(at(9, said(1), 1.0), Next::Again { at: 1_256_000 }, "the longer one counts");
        assert_eq!(at(1, said(u64::MAX / 2), 0.0), Next::Again { at: 4_600_000 });
    }

    #[test]
    fn patience_ends() {
        let after = |attempt, patience| Policy::default().after(attempt, FAILED, patience, 0, 1.0);
        assert_eq!(after(3, Patience { attempts_max: 3, ..FOREVER }), Next::Bury(Cause::Attempts));
        assert_eq!(after(1, Patience { expires_at: 999, ..FOREVER }), Next::Bury(Cause::Age));
        assert_eq!(after(1, Patience { expires_at: 1000, ..FOREVER }), Next::Again { at: 1000 });
    }

    #[test]
    fn a_status_says_what_it_means() {
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (301, Outcome::Refused),
            (400, Outcome::Refused),
            (401, Outcome::Refused),
            (408, FAILED),
            (409, Outcome::Refused),
            (425, FAILED),
            (429, FAILED),
            (500, FAILED),
            (599, FAILED),
            (999, FAILED),
        ] {
            assert_eq!(outcome_of(status, None), outcome, "{status}");
        }
        assert_eq!(at(1, Outcome::Delivered, 0.0), Next::Done);
        assert_eq!(at(1, Outcome::Refused, 0.0), Next::Bury(Cause::Refused));
    }

    #[test]
    fn a_time_to_come_again_is_read() {
        // 1994-11-06T08:49:37Z
        let now = 784_111_777_000;
        for (written, secs) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::from(u32::MAX))),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(written, now), secs.map(Duration::from_secs), "{written}");
        }
    }
}
