//! Whether a destination is asked at all, and how many requests it gets at a time. Pure: time is an argument.
//!
//! A destination that fails again and again is left alone for a while, and then gets one request to show that it is
//! well. One of which nothing is known, or that has just failed, gets few at a time: so that many destinations that
//! never answer cannot take all places.

use super::retry::Millis;

/// So many failures in a row, and the destination is left alone.
const FAILURES_MAX: u32 = 5;
/// How long at first, in milliseconds; twice as long each time that it fails again.
const REST_MIN: i64 = 1_000;
/// How long at most, in milliseconds.
const REST_MAX: i64 = 60_000;
/// How many requests one of which nothing is known gets at a time.
const UNPROVEN: usize = 2;

/// What is known of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// How many requests it gets at a time.
    allowance: usize,
    rest: Option<Rest>,
}

/// The time for which it is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rest {
    until: Millis,
    length: i64,
}

/// How a destination is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It gets what is due.
    Closed,
    /// It is left alone until that moment.
    Open(Millis),
    /// It gets one request, to see whether it is well again.
    HalfOpen,
}

impl State {
    /// The state in a word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open(_) => "open",
            State::HalfOpen => "half-open",
        }
    }
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker { failures: 0, allowance: UNPROVEN, rest: None }
    }
}

impl Breaker {
    /// How the destination is dealt with at `now`.
    #[must_use]
    pub fn state(&self, now: Millis) -> State {
        match self.rest {
            None => State::Closed,
            Some(rest) if now < rest.until => State::Open(rest.until),
            Some(_) => State::HalfOpen,
        }
    }

    /// How many requests it may have at a time.
    #[must_use]
    pub fn allowance(&self, now: Millis, most: usize) -> usize {
        match self.state(now) {
            State::Closed => self.allowance.min(most),
            State::HalfOpen => 1,
            State::Open(_) => 0,
        }
    }

    /// It has answered, be it with a refusal.
    pub fn answered(&mut self) {
        let allowance = self.allowance.saturating_mul(2);
        *self = Breaker { failures: 0, allowance, rest: None };
    }

    /// It has failed.
    pub fn failed(&mut self, now: Millis) {
        self.allowance = UNPROVEN;
        self.failures = self.failures.saturating_add(1);
        match (self.state(now), self.rest) {
            (State::HalfOpen, Some(Rest { length, .. })) => self.open(now, length.saturating_mul(2).min(REST_MAX)),
            (State::Closed, _) if FAILURES_MAX <= self.failures => self.open(now, REST_MIN),
            // What was on its way when it opened says nothing new.
            _ => {}
        }
    }

    fn open(&mut self, now: Millis, length: i64) {
        self.rest = Some(Rest { until: now.saturating_add(length), length });
    }

    /// Whether nothing is known that would have to be remembered.
    #[must_use]
    pub fn is_unremarkable(&self) -> bool {
        self.failures == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_at(times: &[Millis]) -> Breaker {
        let mut breaker = Breaker::default();
        for now in times {
            breaker.failed(*now);
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        assert_eq!(failed_at(&[0, 0, 0, 0]).state(0), State::Closed);
        let mut open = failed_at(&[0, 0, 0, 0, 10]);
        assert_eq!((open.state(10), open.allowance(10, 8)), (State::Open(1010), 0));
        open.failed(20);
        assert_eq!(open.state(20), State::Open(1010), "what was on its way says nothing new");
        assert_eq!((open.state(1010), open.allowance(1010, 8)), (State::HalfOpen, 1));
        let mut between = failed_at(&[0, 0, 0, 0]);
        between.answered();
        between.failed(0);
        assert_eq!(between.state(0), State::Closed, "they were not in a row");
    }

    #[test]
    fn each_failed_probe_doubles_the_rest() {
        let mut breaker = failed_at(&[0, 0, 0, 0, 0]);
        for rest in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            let State::Open(until) = breaker.state(0) else { panic!("it should be open") };
            breaker.failed(until);
            assert_eq!(breaker.state(until), State::Open(until + rest));
        }
        breaker.answered();
        assert_eq!(breaker.state(0), State::Closed);
    }

    #[test]
    fn who_answers_gets_more_at_a_time() {
        let mut breaker = Breaker::default();
        let mut seen = vec![breaker.allowance(0, 8)];
        for _ in 0..3 {
            breaker.answered();
            seen.push(breaker.allowance(0, 8));
        }
        breaker.failed(0);
        seen.push(breaker.allowance(0, 8));
        assert_eq!(seen, [2, 4, 8, 8, 2]);
        assert_eq!(Breaker::default().allowance(0, 1), 1);
    }
}
