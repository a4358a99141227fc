//! How fast a connection must move, and the one timer that watches it.
//!
//! hyper has a single timer, which cannot tell a connection that rests between two requests from one that dribbles a
//! header, and which it arms anew for every request. So it is switched off. The [`Wire`](super::wire::Wire) reports that
//! bytes came, the service that a request began and ended, and the connection looks after each poll when it would be too
//! late. The timer is armed lazily: it runs for the deadline of long ago, finds on waking that the deadline has moved, and
//! goes on. A connection that keeps busy touches it once a minute, not once a request.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use super::limits::Limits;
use crate::clock::{Clock, Deadline};

/// How long a connection that is to end may still take to end politely.
pub(super) const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Where a connection stands in time. Shared between what reads from it, what answers on it and what ends it.
pub(super) struct Pace {
    header_read: Duration,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    /// How long the connection may rest from now on.
    idle: Duration,
    /// Requests being read or answered; HTTP/2 can have several.
    running: u32,
    /// Whether any bytes but a header's come between requests, as in HTTP/2.
    multiplexed: bool,
}

#[derive(Clone, Copy)]
enum Stage {
    /// Nothing of the next request has come.
    Waiting { until: Deadline },
    /// Some of the next request's header has come.
    Header { begun_at: Instant },
    /// A request is being read or answered; that has deadlines of its own.
    Running,
    /// The connection is being closed.
    Closing { until: Deadline },
}

/// What a connection is too late with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// It said nothing for too long.
    Idle,
    /// It began a header and did not end it.
    Header,
    /// It did not let itself be closed.
    Closing,
}

impl Pace {
    /// The pace of a connection accepted just now.
    pub(super) fn new(limits: &Limits) -> Self {
        let first_by = Deadline::after(limits.header_read);
        let state =
            State { stage: Stage::Waiting { until: first_by }, idle: limits.idle, running: 0, multiplexed: false };
        Self { header_read: limits.header_read, state: Mutex::new(state) }
    }

    /// A timer for a connection that has just been accepted.
    pub(super) fn timer(&self) -> Sleep {
        let due = self.due().map_or_else(Clock::instant, |(deadline, _)| deadline.instant());
        tokio::time::sleep_until(due.into())
    }

    /// Bytes have come.
    pub(super) fn received(&self) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Waiting { .. }) && !state.multiplexed {
            state.stage = Stage::Header { begun_at: Clock::instant() };
        }
    }

    /// The connection speaks HTTP/2: what comes between requests need not be a header.
    pub(super) fn multiplex(&self) {
        self.state().multiplexed = true;
    }

    /// A header is complete, and its request runs until what this returns is dropped.
    pub(super) fn begin(&self) -> Running<'_> {
        let mut state = self.state();
        let begun_at = match state.stage {
            Stage::Header { begun_at } => begun_at,
            Stage::Waiting { .. } | Stage::Running | Stage::Closing { .. } => Clock::instant(),
        };
        state.stage = Stage::Running;
        state.running += 1;
        Running { begun_at, pace: self }
    }

    /// The connection is to end soon: it may not rest any more.
    pub(super) fn hurry(&self) {
        let mut state = self.state();
        state.idle = CLOSE_MAX;
        if let Stage::Waiting { until } = &mut state.stage {
            *until = Deadline::after(CLOSE_MAX);
        }
    }

    /// The connection is being closed.
    pub(super) fn close(&self) {
        self.state().stage = Stage::Closing { until: Deadline::after(CLOSE_MAX) };
    }

    /// Says when the connection will be too late, and with what.
    fn due(&self) -> Option<(Deadline, Late)> {
        match self.state().stage {
            Stage::Waiting { until } => Some((until, Late::Idle)),
            Stage::Header { begun_at } => Some((Deadline::of(begun_at, self.header_read), Late::Header)),
            Stage::Running => None,
            Stage::Closing { until } => Some((until, Late::Closing)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being read or answered.
pub(super) struct Running<'a> {
    /// When its first byte came.
    pub(super) begun_at: Instant,
    pace: &'a Pace,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.running -= 1;
        if state.running == 0 && matches!(state.stage, Stage::Running) {
            state.stage = Stage::Waiting { until: Deadline::after(state.idle) };
        }
    }
}

/// The timer of one connection.
pub(super) struct Watch<'a> {
    pace: &'a Pace,
    timer: Pin<&'a mut Sleep>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(pace: &'a Pace, timer: Pin<&'a mut Sleep>) -> Self {
        Self { pace, timer }
    }

    /// Waits until the connection is too late. To be polled after whatever can change the pace.
    pub(super) async fn late(&mut self) -> Late {
        poll_fn(|context| self.poll_late(context)).await
    }

    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<Late> {
        loop {
            let Some((deadline, late)) = self.pace.due() else { return Poll::Pending };
            let due = deadline.instant().into();
            if due < self.timer.deadline() {
                self.timer.as_mut().reset(due);
            }
            ready!(self.timer.as_mut().poll(context));
            if due <= self.timer.deadline() {
                return Poll::Ready(late);
            }
            self.timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late_with(pace: &Pace) -> Option<Late> {
        pace.due().map(|(_, late)| late)
    }

    #[test]
    fn a_connection_is_late_with_what_it_owes() {
        let pace = Pace::new(&Limits::default());
        assert_eq!(late_with(&pace), Some(Late::Idle));
        pace.received();
        assert_eq!(late_with(&pace), Some(Late::Header));
        let first = pace.begin();
        let second = pace.begin();
        assert_eq!(late_with(&pace), None);
        pace.received();
        drop(first);
        assert_eq!(late_with(&pace), None);
        drop(second);
        assert_eq!(late_with(&pace), Some(Late::Idle));
        pace.close();
        pace.received();
        assert_eq!(late_with(&pace), Some(Late::Closing));
    }

    #[test]
    fn a_request_begins_with_its_first_byte() {
        let pace = Pace::new(&Limits::default());
        pace.received();
        let Some((due, Late::Header)) = pace.due() else { panic!("no header is awaited") };
        assert_eq!(Deadline::of(pace.begin().begun_at, Limits::default().header_read), due);
    }

    #[test]
    fn a_connection_may_rest_longer_than_a_header_may_take() {
        let (header_read, idle) = (Duration::from_secs(1), Duration::from_secs(60));
        let pace = Pace::new(&Limits { header_read, idle, ..Limits::default() });
        pace.received();
        drop(pace.begin());
        let (rest_until, _) = pace.due().unwrap();
        assert!(Duration::from_secs(30) < rest_until.remaining());
    }

    #[test]
    fn frames_between_requests_are_not_headers() {
        let pace = Pace::new(&Limits::default());
        pace.multiplex();
        pace.received();
        assert_eq!(late_with(&pace), Some(Late::Idle));
    }

    #[test]
    fn a_connection_in_a_hurry_does_not_rest() {
        let pace = Pace::new(&Limits::default());
        let before = pace.due().unwrap().0;
        pace.hurry();
        assert!(pace.due().unwrap().0 < before);
    }
}
