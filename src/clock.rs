//! The only place that asks what time it is.
//!
//! Everywhere else time is an argument: a [`Timestamp`] where it is told to people or compared with what others wrote
//! down, an [`Instant`] or a [`Deadline`] where it is waited for. The two clocks are never mixed: the wall clock can
//! jump, so nothing waits by it.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// How far away "never" is: about thirty years, which no timer overflows on.
const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// Tells the time.
#[derive(Debug, Clone, Copy)]
pub struct Clock;

impl Clock {
    /// Says what the wall clock shows.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks the time")]
    pub fn now() -> Timestamp {
        Timestamp::now()
    }

    /// Says where the monotonic clock stands.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks the time")]
    pub fn instant() -> Instant {
        Instant::now()
    }
}

/// The moment by which something must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The moment that lies `wait` after `start`; a `wait` beyond all reason is cut to thirty years.
    #[must_use]
    pub fn of(start: Instant, wait: Duration) -> Self {
        Self(start.checked_add(wait.min(NEVER)).unwrap_or(start))
    }

    /// The moment that lies `wait` from now.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        Self::of(Clock::instant(), wait)
    }

    /// The moment itself, for a timer.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// How long there is still to go; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Clock::instant())
    }

    /// Whether it is too late.
    #[must_use]
    pub fn passed(self) -> bool {
        self.0 <= Clock::instant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_and_never_comes_too_early() {
        assert!(Deadline::after(Duration::ZERO).passed());
        assert_eq!(Deadline::after(Duration::ZERO).remaining(), Duration::ZERO);
        assert!(!Deadline::after(Duration::from_secs(3600)).passed());
        assert!(Deadline::after(Duration::from_secs(3600)).remaining() <= Duration::from_secs(3600));
    }

    #[test]
    fn waiting_for_ever_does_not_overflow() {
        assert!(!Deadline::after(Duration::MAX).passed());
    }

    #[test]
    fn the_earlier_of_two_deadlines_is_the_smaller() {
        let start = Clock::instant();
        let (soon, late) = (Deadline::of(start, Duration::from_secs(1)), Deadline::of(start, Duration::from_secs(2)));
        assert_eq!(soon.min(late), soon);
    }
}
