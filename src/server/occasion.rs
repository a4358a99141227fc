//! An event that waits to be decided, and how long its decision may take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call_state::Call;
use super::dedup::Key;
use super::site::Site;
use crate::clock::{Clock, Deadline};
use crate::engine::Turn;
use crate::engine::decision::{Decision, Unfinished};
use crate::engine::event::Event;
use crate::engine::facts::{Facts, Host};
use crate::engine::kind::Kind;

/// Script operations that a decision may use where requests are read: a fifth of a millisecond or so.
const OPERATIONS_BRIEF: u64 = 2_000;

/// An event, whose it is, and what is known of the world.
pub struct Occasion {
    /// Whose event it is.
    pub site: Arc<Site>,
    /// The event.
    pub event: Event,
    /// What rules may know; the state of the call is added when it is decided.
    pub facts: Facts,
    /// When the first byte of it came.
    pub begun_at: Instant,
}

impl Occasion {
    /// Whether Vapi waits for the reply.
    #[must_use]
    pub fn expects_reply(&self) -> bool {
        self.event.kind().known().is_some_and(Kind::expects_reply)
    }

    /// The call that the event belongs to.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        Some((self.site.index, self.event.call_id()?.into_owned().into()))
    }

    /// What makes a tool call the same when it comes again; `None` if it cannot be told from others.
    #[must_use]
    pub fn identity(&self, turn: Turn) -> Option<Key> {
        let Turn::ToolCall(index) = turn else { return None };
        let tool_call = self.event.tool_calls().get(index)?;
        Key::new(self.site.index, self.event.call_id().as_deref(), Some(&tool_call.id))
    }

    /// Until when it must be decided.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        let time = self.event.kind().known().and_then(|kind| self.site.options.time_for(kind));
        // Nobody waits for the others, but they must come to an end too.
        Deadline::of(self.begun_at, time.unwrap_or(self.site.options.timeout))
    }

    /// Decides one turn within the bounds of `host`.
    ///
    /// # Errors
    /// When scripts need more operations than the host allows.
    pub fn decide(&self, turn: Turn, facts: &Facts, host: Arc<dyn Host>) -> Result<Decision, Unfinished> {
        self.site.engine.decide(&self.event, turn, facts, host)
    }

    /// Decides one turn as if its time were over: rules answer with their fallbacks.
    #[must_use]
    pub fn decide_late(&self, turn: Turn, facts: &Facts) -> Decision {
        // Only `operations_max` leaves a decision unfinished, and this host has none.
        self.decide(turn, facts, Arc::new(TooLate)).unwrap_or_default()
    }

    /// A host for a first try: few operations.
    #[must_use]
    pub fn briefly(&self) -> Arc<dyn Host> {
        Arc::new(Timed { begun_at: self.begun_at, deadline: self.deadline(), operations_max: Some(OPERATIONS_BRIEF) })
    }

    /// A host for a decision that may take all the time that its event has.
    #[must_use]
    pub fn patiently(&self) -> Arc<dyn Host> {
        Arc::new(Timed { begun_at: self.begun_at, deadline: self.deadline(), operations_max: None })
    }
}

struct Timed {
    begun_at: Instant,
    deadline: Deadline,
    operations_max: Option<u64>,
}

impl Host for Timed {
    fn out_of_time(&self) -> bool {
        self.deadline.passed()
    }

    fn passed(&self, time: Duration) -> bool {
        Clock::instant().saturating_duration_since(self.begun_at) > time
    }

    fn operations_max(&self) -> Option<u64> {
        self.operations_max
    }
}

struct TooLate;

impl Host for TooLate {
    fn out_of_time(&self) -> bool {
        true
    }

    fn passed(&self, _: Duration) -> bool {
        true
    }
}
