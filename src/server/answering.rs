//! Carries decisions out: where they are made, by when, and that nothing is carried out twice.
//!
//! A decision is first tried right here, with a small allowance of script operations. Most need less than
//! that. What needs more leaves no trace and is made again on a thread of the [`Pool`], so that it holds up
//! nobody, with all the time that its event has.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout_at;

use super::call_state::CallStates;
use super::decrypt::ArgumentKey;
use super::dedup::{self, AnswerOnce};
use super::novelty::Novelty;
use super::occasion::Occasion;
use super::pool::Pool;
use super::world::Chance;
use crate::clock::Clock;
use crate::engine::decision::{Decision, Unfinished};
use crate::engine::event::Event;
use crate::engine::facts::Facts;
use crate::engine::kind::EventKind;
use crate::engine::reply::Reply;
use crate::engine::{Engine, Turn};
use crate::telemetry;

/// How long after its deadline a decision is still waited for: a script notices its deadline only now and then.
const PATIENCE: Duration = Duration::from_millis(250);
/// How often a decision is made again because another one of the same call was quicker to change its state.
const CONFLICTS_MAX: usize = 8;

/// Makes decisions and carries them out.
pub struct Answering {
    pool: Pool,
    answered: AnswerOnce<Reply>,
    states: CallStates,
    chance: Chance,
    unknown_kinds: Novelty,
}

/// The bounds of what is kept and what is run at once.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Threads for scripts that take long.
    pub script_threads: usize,
    /// Decisions that may wait for one of them. One more is answered with its fallback.
    pub scripts_waiting_max: usize,
    /// Bytes of answers kept for repeated tool calls. The longest unused make room.
    pub answers_bytes_max: u64,
    /// Bytes of state kept for calls. The longest unused make room.
    pub states_bytes_max: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        // One core is left to those who wait, where there is more than one.
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
    /// Starts the threads for scripts.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn start(bounds: Bounds) -> io::Result<Answering> {
        Ok(Answering {
            pool: Pool::start(bounds.script_threads, bounds.scripts_waiting_max)?,
            answered: AnswerOnce::new(bounds.answers_bytes_max, Reply::size),
            states: CallStates::new(bounds.states_bytes_max),
            chance: Chance::default(),
            unknown_kinds: Novelty::default(),
        })
    }

    /// Decrypts what Vapi has encrypted in the arguments of the event's tool calls.
    pub async fn decrypt(&self, event: Event, key: &Arc<ArgumentKey>) -> Event {
        if event.tool_calls().is_empty() {
            return event;
        }
        let (key, event) = (Arc::clone(key), Arc::new(event));
        let encrypted = Arc::clone(&event);
        // About a millisecond for each encrypted text.
        let plain = tokio::task::spawn_blocking(move || {
            let calls = encrypted.tool_calls().iter().enumerate();
            let plain = calls.map(|(index, call)| {
                let arguments = call.arguments().ok()?;
                Some((index, key.decrypt_arguments(arguments.raw())?))
            });
            plain.flatten().collect::<Vec<_>>()
        });
        let plain = plain.await.unwrap_or_default();
        // The blocking task is over, so nobody else holds the event.
        let mut event = Arc::unwrap_or_clone(event);
        for (index, arguments) in plain {
            event.replace_arguments(index, &arguments);
        }
        event
    }

    /// Decides the event and carries the decision out; the reply comes before the event's deadline.
    pub async fn answer(self: &Arc<Self>, occasion: Occasion) -> Reply {
        let occasion = Arc::new(occasion);
        if !occasion.expects_reply() {
            self.note_unknown(&occasion);
            self.acknowledge(occasion);
            return Reply::Nothing;
        }
        let turns = Engine::turns(&occasion.event);
        let replies = join_all(turns.into_iter().map(|turn| self.turn(&occasion, turn))).await;
        let mut replies = replies.into_iter();
        let mut reply = replies.next().map(Arc::unwrap_or_clone).unwrap_or_default();
        for next in replies {
            reply.append(Arc::unwrap_or_clone(next));
        }
        reply
    }

    /// Vapi adds kinds before we do; an operator should know, once.
    fn note_unknown(&self, occasion: &Occasion) {
        if let EventKind::Unknown(name) = occasion.event.kind()
            && self.unknown_kinds.is_new(name)
        {
            telemetry::unknown_kind(&occasion.site.path, name);
        }
    }

    /// Nobody waits for the decision, so nobody waits for a slow script either.
    fn acknowledge(self: &Arc<Self>, occasion: Arc<Occasion>) {
        let facts = self.facts(&occasion);
        if let Ok(decision) = occasion.decide(Turn::Whole, &facts, occasion.briefly()) {
            // A conflict about the call's state is left to the long way.
            if self.conclude(&occasion, &facts, decision).is_some() {
                return;
            }
        }
        let answering = Arc::clone(self);
        tokio::spawn(async move { answering.decide(&occasion, Turn::Whole).await });
    }

    /// One turn; a tool call that comes again gets the answer that it got before.
    async fn turn(&self, occasion: &Arc<Occasion>, turn: Turn) -> Arc<Reply> {
        let key = occasion.identity(turn);
        let (reply, repeated) = self.answered.answer(key, async { Arc::new(self.decide(occasion, turn).await) }).await;
        if repeated == dedup::Turn::Repeated {
            telemetry::repeated(&occasion.site.path, occasion.event.call_id().as_deref());
        }
        reply
    }

    async fn decide(&self, occasion: &Arc<Occasion>, turn: Turn) -> Reply {
        for _ in 0..CONFLICTS_MAX {
            let facts = self.facts(occasion);
            let decision = match occasion.decide(turn, &facts, occasion.briefly()) {
                Ok(decision) => decision,
                Err(Unfinished) => self.decide_elsewhere(occasion, turn, facts.clone()).await,
            };
            if let Some(reply) = self.conclude(occasion, &facts, decision) {
                return reply;
            }
        }
        telemetry::state_contended(&occasion.site.path, occasion.event.call_id().as_deref());
        occasion.decide_late(turn, &self.facts(occasion)).reply
    }

    /// Makes the decision on a thread for scripts, or without its scripts if that takes too long.
    async fn decide_elsewhere(&self, occasion: &Arc<Occasion>, turn: Turn, facts: Facts) -> Decision {
        let (there, known) = (Arc::clone(occasion), facts.clone());
        let job = move || there.decide(turn, &known, there.patiently());
        if let Ok(outcome) = self.pool.run(job) {
            let decided = timeout_at((occasion.deadline().instant() + PATIENCE).into(), outcome).await;
            if let Ok(Ok(Ok(decision))) = decided {
                return decision;
            }
        }
        occasion.decide_late(turn, &facts)
    }

    /// Makes what was decided true: the call's state, the log. `None` if it must be decided again.
    fn conclude(&self, occasion: &Occasion, facts: &Facts, decision: Decision) -> Option<Reply> {
        if !decision.state_changes.is_empty()
            && let Some(call) = occasion.call()
            && self.states.apply(&call, &facts.state, &decision.state_changes).is_err()
        {
            return None;
        }
        let rules = occasion.site.engine.rules();
        let name = |id| rules.rule(id).map_or("", |rule| rule.name.as_str());
        for line in &decision.logs {
            telemetry::script_said(&occasion.site.path, line);
        }
        for fault in &decision.faults {
            telemetry::rule_failed(&occasion.site.path, name(fault.rule), fault);
        }
        if decision.answered_by.is_none() && occasion.expects_reply() {
            telemetry::unanswered(&occasion.site.path, &occasion.event);
        }
        telemetry::decided(
            &occasion.site.path,
            &occasion.event,
            decision.answered_by.map(name),
            Clock::instant() - occasion.begun_at,
        );
        Some(decision.reply)
    }

    fn facts(&self, occasion: &Occasion) -> Facts {
        let state = occasion.call().map(|call| self.states.get(&call)).unwrap_or_default();
        Facts { seed: self.chance.number(), state, ..occasion.facts.clone() }
    }
}
