//! Carries decisions out: where they are made, by when, and that nothing is carried out twice.
//!
//! A decision is first tried right here, with a small allowance of script operations. Most need less than
//! that. What needs more leaves no trace and is made again in a [`Lane`](super::lanes), so that it holds up
//! nobody, with all the time that its rule and its event have. What lacks the answer of somebody else is made again once that
//! is there (`making`); an event that nobody waits for is put off until then (`putting_off`). Then what was decided comes
//! true (`truth`), and what the event makes superfluous is called off (`calling_off`).

mod calling_off;
mod decrypting;
mod making;
mod putting_off;
mod truth;

use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::task::TaskTracker;

use self::making::Ask;
use super::asking::Asking;
use super::call_state::CallStates;
use super::dedup::{self, AnswerOnce};
use super::encode::Encoded;
use super::lanes::{Lane, Priority};
use super::novelty::Novelty;
use super::occasion::{Allowance, Occasion};
use super::seen::Seen;
use super::tried::{AllTried, Tried};
use super::world::Chance;
use crate::clock::Clock;
use crate::engine::facts::Facts;
use crate::engine::kind::EventKind;
use crate::engine::reply::Reply;
use crate::engine::{Engine, Turn};
use crate::live::Live;
use crate::outbox::Outbox;
use crate::telemetry;

/// Operations that a decision may use in the first lane: some milliseconds.
const OPERATIONS_MIDDLING: u64 = 50_000;

/// Why a decision did not come true.
enum Undone {
    /// Another decision of the same call was quicker.
    Conflict,
    /// See [`Unkept`].
    Unkept,
    /// Somebody else has to be asked first, or a script finds no thread in time, and nobody is to wait for that.
    NotNow,
    /// Somebody else did not say, for this reason, so that the event stays put off.
    Unfetched(String, Tried),
}

/// Makes decisions and carries them out.
pub struct Answering {
    // For what takes some milliseconds, and for what takes longer.
    lanes: Live<Vec<(Lane, Allowance)>>,
    decrypting: Lane,
    bounds: Live<Bounds>,
    answered: AnswerOnce<Encoded>,
    states: CallStates,
    /// Events that have had consequences.
    seen: Seen,
    /// Events that have called off what waited in case they do not come.
    heard: Seen,
    tried: AllTried,
    chance: Chance,
    unknown_kinds: Novelty,
    asking: Asking,
    outbox: Outbox,
    // What goes on although its event has been acknowledged.
    background: TaskTracker,
}

/// The bounds of what is kept and what is run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Threads for scripts that are not done in an instant. If there are several, one is kept for those that take no more
    /// than some milliseconds.
    pub script_threads: usize,
    /// Decisions that may wait for one of them. One more is answered with its fallback.
    pub scripts_waiting_max: usize,
    /// Bytes of answers kept for repeated tool calls. The longest unused make room.
    pub answers_bytes_max: u64,
    /// Bytes of state kept for calls. The longest unused make room.
    pub states_bytes_max: u64,
}

/// What an event asks for could not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unkept;

impl Default for Bounds {
    fn default() -> Bounds {
        // One core is left to those who are quick, where there is more than one.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Bounds {
            script_threads: cores.saturating_sub(1).max(1),
            scripts_waiting_max: 1024,
            answers_bytes_max: dedup::BYTES_MAX_DEFAULT,
            states_bytes_max: 16 << 20,
        }
    }
}

impl Answering {
    /// Starts the threads for scripts; what others must know first is asked by `asking`, and what is to be done elsewhere goes
    /// into `outbox`.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn start(bounds: Bounds, asking: Asking, outbox: Outbox) -> io::Result<Answering> {
        Ok(Answering {
            lanes: Live::new(lanes(bounds)?),
            decrypting: decrypting::lane()?,
            bounds: Live::new(bounds),
            answered: AnswerOnce::new(bounds.answers_bytes_max, Encoded::size),
            states: CallStates::new(bounds.states_bytes_max),
            seen: Seen::default(),
            heard: Seen::default(),
            tried: AllTried::default(),
            chance: Chance::default(),
            unknown_kinds: Novelty::default(),
            asking,
            outbox,
            background: TaskTracker::new(),
        })
    }

    /// Keeps other bounds from now on. What waits for a thread gets one of those that there were.
    ///
    /// # Errors
    /// When the operating system gives no threads; then all stays as it was.
    pub fn rebound(&self, bounds: Bounds) -> io::Result<()> {
        if bounds == *self.bounds.current() {
            return Ok(());
        }
        self.lanes.replace(lanes(bounds)?);
        self.answered.rebound(bounds.answers_bytes_max);
        self.states.rebound(bounds.states_bytes_max);
        self.bounds.replace(bounds);
        Ok(())
    }

    /// Decides the event and carries the decision out; the reply comes before the event's deadline.
    ///
    /// # Errors
    /// [`Unkept`] if nobody waits for the reply, and what the event asks for could not be kept: it should come again.
    pub async fn answer(self: &Arc<Self>, occasion: Occasion) -> Result<Encoded, Unkept> {
        let occasion = Arc::new(occasion);
        if !occasion.expects_reply() {
            self.note_unknown(&occasion);
            if self.may_call_off(&occasion) {
                self.call_off(&occasion).await?;
            }
            self.acknowledge(occasion).await?;
            return Ok(Encoded::of(&Reply::Nothing));
        }
        if self.may_call_off(&occasion) {
            self.call_off_behind(&occasion);
        }
        let turns = Engine::turns(&occasion.event);
        if let [turn] = turns.as_slice() {
            return Ok(self.turn(&occasion, *turn).await);
        }
        Ok(Encoded::join(&join_all(turns.into_iter().map(|turn| self.turn(&occasion, turn))).await))
    }

    /// Vapi adds kinds before we do; an operator should know, once.
    fn note_unknown(&self, occasion: &Occasion) {
        if let EventKind::Unknown(name) = occasion.event.kind()
            && self.unknown_kinds.is_new(name)
        {
            telemetry::unknown_kind(&occasion.site.path, name);
        }
    }

    /// Nobody waits for the decision, so nobody waits for a slow script or a slow service either, unless rules reach out on such
    /// events: what they want done, or the event itself, must be on disk before Vapi is told that the event has come.
    async fn acknowledge(self: &Arc<Self>, occasion: Arc<Occasion>) -> Result<(), Unkept> {
        if occasion.reaches_out() {
            return match self.decide(&occasion, Turn::Whole, Ask::Later).await {
                Ok(_) => Ok(()),
                Err(Undone::NotNow) => self.put_off(&occasion).await,
                Err(_) => Err(Unkept),
            };
        }
        let facts = self.facts(&occasion);
        if let Ok(decision) = occasion.decide(Turn::Whole, &facts, occasion.host(Clock::instant(), Allowance::Brief)) {
            match self.conclude(&occasion, Turn::Whole, &facts, decision).await {
                Ok(_) => return Ok(()),
                Err(Undone::Conflict) => {}
                Err(_) => return Err(Unkept),
            }
        }
        let answering = Arc::clone(self);
        self.background.spawn(async move { answering.decide(&occasion, Turn::Whole, Ask::Now).await });
        Ok(())
    }

    /// Waits until all that goes on behind the answers has come to its end.
    pub async fn settle(&self) {
        self.background.close();
        self.background.wait().await;
    }

    /// One turn; a tool call that comes again gets the answer that it got before.
    async fn turn(&self, occasion: &Arc<Occasion>, turn: Turn) -> Encoded {
        let key = occasion.identity(turn, &self.answered);
        let make = || async {
            // A caller who waits gets the reply, whatever became of the rest.
            let decision = self.decide(occasion, turn, Ask::Now).await.unwrap_or_default();
            Encoded::of(&decision.reply)
        };
        let (reply, request) = self.answered.answer(key, make).await;
        if request == dedup::Made::Before {
            telemetry::repeated(&occasion.site.path, occasion.event.call_id());
        }
        reply
    }

    fn facts(&self, occasion: &Occasion) -> Facts {
        let state = occasion.call().map(|call| self.states.get(&call)).unwrap_or_default();
        // One that was put off keeps its chance, lest it ask another thing each time.
        let seed = if occasion.is_put_off() { occasion.facts.seed } else { self.chance.number() };
        Facts { seed, state, ..occasion.facts.clone() }
    }
}

/// A lane for what takes some milliseconds, if there are threads enough, and one for all else. Together they have no more
/// threads than they may: a core that scripts do not take is what keeps quick answers quick.
fn lanes(bounds: Bounds) -> io::Result<Vec<(Lane, Allowance)>> {
    let mut lanes = Vec::new();
    let long = bounds.script_threads.saturating_sub(1).max(1);
    if bounds.script_threads > long {
        let middling = Lane::start("script", 1, bounds.scripts_waiting_max, Priority::Low)?;
        lanes.push((middling, Allowance::Operations(OPERATIONS_MIDDLING)));
    }
    let rest = Lane::start("script-long", long, bounds.scripts_waiting_max, Priority::Low)?;
    lanes.push((rest, Allowance::AllThereIs));
    Ok(lanes)
}
