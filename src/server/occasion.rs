//! An event that waits to be decided, and how long its decision may take.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::call_state::Call;
use super::dedup::AnswerOnce;
use super::identity::{self, Key, Mark};
use super::seen::Seen;
use super::site::Site;
use crate::client::Asker;
use crate::clock::{Clock, Deadline};
use crate::engine::Turn;
use crate::engine::decision::{Decision, Unfinished};
use crate::engine::event::Event;
use crate::engine::facts::{Facts, Host, TRY_MAX};

/// See [`Allowance::Brief`].
const OPERATIONS_BRIEF: u64 = 500;
/// What scripts leave of the time before the deadline, for a fallback and the way out.
const SPARE: Duration = Duration::from_millis(200);
/// How long what is to be kept on disk is waited for at least, where nobody waits for the reply: what gets there a moment too
/// late would count as lost, and be there all the same.
const KEEPING_MIN: Duration = Duration::from_secs(5);

/// An event, whose it is, and what is known of the world.
pub struct Occasion {
    /// Whose event it is.
    pub site: Arc<Site>,
    /// The event.
    pub event: Event,
    /// What rules may know; the state of the call is added when it is decided.
    pub facts: Facts,
    /// When the first byte of it came, or its decision began that was put off.
    pub begun_at: Instant,
    /// Whether arguments of its tool calls are still encrypted: then rules neither say nor do anything with them, but
    /// answer with their fallbacks.
    pub is_encrypted: bool,
}

impl Occasion {
    /// Whether it has been acknowledged, and is kept until it can be decided.
    #[must_use]
    pub fn is_put_off(&self) -> bool {
        self.facts.tries.is_some()
    }

    /// Whether Vapi waits for the reply.
    #[must_use]
    pub fn expects_reply(&self) -> bool {
        self.event.kind().expects_reply()
    }

    /// For whom it is decided.
    #[must_use]
    pub fn asker(&self) -> Asker {
        if self.expects_reply() { Asker::Caller } else { Asker::Nobody }
    }

    /// Whether rules for its kind ask others something, or tell them.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        self.site.engine().reaches_out(self.event.kind())
    }

    /// The call that the event belongs to.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        Some((self.site.index, self.event.shared_call_id()?))
    }

    /// What makes a tool call the same when it comes again; `None` if it cannot be told from others.
    #[must_use]
    pub fn identity<T: Clone>(&self, turn: Turn, answered: &AnswerOnce<T>) -> Option<Key> {
        let Turn::ToolCall(index) = turn else { return None };
        let asked = identity::asked(self.event.tool_calls().get(index)?)?;
        Some(answered.key(self.site.index, self.event.call_id()?, asked))
    }

    /// What makes an event the same when it comes again (contract, section 7); tool calls have identities of their own.
    #[must_use]
    pub fn event_identity(&self, turn: Turn, seen: &Seen) -> Option<Key> {
        // One that was put off was the first of its kind then.
        if turn != Turn::Whole || self.is_put_off() {
            return None;
        }
        let call = self.event.call_id()?;
        Some(seen.key(self.site.index, call, self.event.kind().name(), &Mark::of(&self.event)))
    }

    /// Until when it must be answered.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        Deadline::of(self.begun_at, self.time())
    }

    /// Until when its decision is made, so that there is time for a fallback and the way out.
    #[must_use]
    pub fn made_by(&self) -> Deadline {
        let time = self.time();
        Deadline::of(self.begun_at, time.saturating_sub(SPARE.min(time / 10)))
    }

    /// What `work` comes to; nothing if it is not over by the deadline.
    pub async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.deadline().instant().into(), work).await.ok()
    }

    /// What `work` comes to, which keeps something on disk.
    pub async fn kept<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let by = if self.expects_reply() { self.deadline() } else { self.deadline().max(Deadline::after(KEEPING_MIN)) };
        timeout_at(by.instant().into(), work).await.ok()
    }

    /// How long a script of it waits for a thread at most, be there more time or not.
    #[must_use]
    pub fn thread_by(&self) -> Deadline {
        if self.is_put_off() { Deadline::after(self.site.options.timeout) } else { self.deadline() }
    }

    fn time(&self) -> Duration {
        if self.is_put_off() {
            return TRY_MAX;
        }
        let time = self.event.kind().known().and_then(|kind| self.site.options.time_for(kind));
        // Nobody waits for the others, but they must come to an end too.
        time.unwrap_or(self.site.options.timeout)
    }

    /// Decides one turn within the bounds of `host`.
    ///
    /// # Errors
    /// When scripts need more operations than the host allows, or answers of others that the facts do not hold.
    pub fn decide(&self, turn: Turn, facts: &Facts, host: Arc<dyn Host>) -> Result<Decision, Unfinished> {
        if !self.site.snapshot.is_sound() {
            return Ok(self.given_up(turn));
        }
        let decide = || self.site.engine().decide(&self.event, turn, facts, host);
        // No panic is known; should there be one, it costs this answer alone. The panic hook has logged it.
        catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| Ok(self.given_up(turn)))
    }

    /// Decides one turn as if its time were over: rules answer with their fallbacks.
    #[must_use]
    pub fn decide_late(&self, turn: Turn, facts: &Facts) -> Decision {
        self.decide(turn, facts, self.late()).unwrap_or_else(|Unfinished { .. }| self.given_up(turn))
    }

    fn given_up(&self, turn: Turn) -> Decision {
        Decision { reply: self.site.engine().give_up(&self.event, turn), ..Decision::default() }
    }

    /// A host for a decision that began at `began`.
    #[must_use]
    pub fn host(&self, began: Instant, allowance: Allowance) -> Arc<dyn Host> {
        if self.is_encrypted {
            return self.late();
        }
        Arc::new(Timed { began, deadline: self.made_by(), allowance })
    }

    /// A host for a decision that has no time left.
    fn late(&self) -> Arc<dyn Host> {
        Arc::new(TooLate { is_encrypted: self.is_encrypted })
    }
}

/// How many operations the scripts of a decision may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// What may be used where requests are read: some hundredths of a millisecond, enough for most handlers.
    Brief,
    /// So many.
    Operations(u64),
    /// As many as the rule set's own limits allow.
    AllThereIs,
}

struct Timed {
    began: Instant,
    deadline: Deadline,
    allowance: Allowance,
}

impl Host for Timed {
    fn out_of_time(&self) -> bool {
        self.deadline.passed()
    }

    fn passed(&self, time: Duration) -> bool {
        Clock::instant().saturating_duration_since(self.began) > time
    }

    fn operations_max(&self) -> Option<u64> {
        match self.allowance {
            Allowance::Brief => Some(OPERATIONS_BRIEF),
            Allowance::Operations(operations) => Some(operations),
            Allowance::AllThereIs => None,
        }
    }
}

struct TooLate {
    is_encrypted: bool,
}

impl Host for TooLate {
    fn out_of_time(&self) -> bool {
        true
    }

    fn passed(&self, _: Duration) -> bool {
        true
    }

    fn may_answer(&self) -> bool {
        !self.is_encrypted
    }
}
