//! What a daemon said to one event, held against the contract of its kind.

use std::time::Duration;

use hyper::StatusCode;

use super::events::Event;
use crate::cli::line::Said;
use crate::engine::kind::EventKind;
use crate::engine::reply::{Fault, check_body};

/// What came of one event.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) kind: EventKind,
    /// What was said, or why nothing was.
    pub(super) said: Result<Said, String>,
    /// In what the reply breaks the contract.
    pub(super) faults: Vec<Fault>,
    /// How long it took.
    pub(super) took: Duration,
    /// How long it may take; `None` if nobody waits.
    pub(super) within: Option<Duration>,
}

impl Answer {
    /// Judges what was said to `event` after `took`.
    pub(super) fn of(event: Event, said: Result<Said, String>, took: Duration, within: Option<Duration>) -> Answer {
        let calls: Vec<&str> = event.calls.iter().map(String::as_str).collect();
        let faults = match (&said, event.kind.known()) {
            // Of nothing else the body is read.
            (Ok(Said { status: StatusCode::OK, body }), Some(kind)) => check_body(kind, &calls, body),
            _ => Vec::new(),
        };
        Answer { kind: event.kind, said, faults, took, within }
    }

    /// Whether somebody on the line waits for the reply.
    pub(super) fn is_waited_for(&self) -> bool {
        self.within.is_some()
    }

    /// Whether the status is one with which Vapi is content.
    pub(super) fn is_accepted(&self) -> bool {
        let is_accepted =
            |said: &Said| said.status == StatusCode::OK || (!self.is_waited_for() && said.status.is_success());
        self.said.as_ref().is_ok_and(is_accepted)
    }

    /// Whether it came after its time.
    pub(super) fn is_late(&self) -> bool {
        self.within.is_some_and(|within| within < self.took)
    }

    /// Whether there is nothing to complain of.
    pub(super) fn is_fine(&self) -> bool {
        self.is_accepted() && self.faults.is_empty() && !self.is_late()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(kind: &str, status: u16, body: &'static str, took: u64) -> Answer {
        let event = Event { kind: EventKind::from_name(kind), calls: Vec::new(), body: Bytes::new() };
        let within = event.kind.known().filter(|kind| kind.expects_reply()).map(|_| Duration::from_secs(6));
        let said = Said { status: StatusCode::from_u16(status).unwrap(), body: Bytes::from_static(body.as_bytes()) };
        Answer::of(event, Ok(said), Duration::from_secs(took), within)
    }

    #[test]
    fn what_is_fine_depends_on_who_waits() {
        for (kind, status, body, took, fine) in [
            ("assistant-request", 200, r#"{"assistantId":"a"}"#, 1, true),
            ("assistant-request", 200, r#"{"assistantId":"a"}"#, 7, false),
            ("assistant-request", 201, r#"{"assistantId":"a"}"#, 1, false),
            ("assistant-request", 200, "{}", 1, false),
            ("status-update", 204, "", 7, true),
            ("status-update", 503, "", 1, false),
            ("brand-new", 200, "", 1, true),
        ] {
            assert_eq!(answer(kind, status, body, took).is_fine(), fine, "{kind} {status} {body}");
        }
    }
}
