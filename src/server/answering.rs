//! Carries decisions out: where they are made, by when, and that nothing is carried out twice.
//!
//! A decision is first tried right here, with a small allowance of script operations. Most need less than
//! that. What needs more leaves no trace and is made again in a [`Lane`](super::lanes), so that it holds up
//! nobody, with all the time that its rule and its event have.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::timeout_at;
use tokio_util::task::TaskTracker;

use super::asking::Asking;
use super::call_state::{CallStates, Conflict};
use super::decrypt::ArgumentKey;
use super::dedup::{self, AnswerOnce};
use super::encode::Encoded;
use super::errands;
use super::lanes::Lane;
use super::novelty::Novelty;
use super::occasion::{Allowance, Occasion};
use super::seen::Seen;
use super::world::Chance;
use crate::clock::{Clock, Deadline};
use crate::engine::decision::{Considered, Decision, Needs, Unfinished};
use crate::engine::event::Event;
use crate::engine::facts::Facts;
use crate::engine::kind::EventKind;
use crate::engine::reply::Reply;
use crate::engine::{Engine, Turn};
use crate::live::Live;
use crate::outbox::Outbox;
use crate::telemetry;

/// Operations that a decision may use in the first lane: some milliseconds.
const OPERATIONS_MIDDLING: u64 = 50_000;
/// How long after its own time a rule is still waited for: a script notices only now and then that its time is over.
const PATIENCE: Duration = Duration::from_millis(50);

/// Makes decisions and carries them out.
pub struct Answering {
    // For what takes some milliseconds, and for what takes longer.
    lanes: Live<Vec<(Lane, Allowance)>>,
    bounds: Live<Bounds>,
    answered: AnswerOnce<Encoded>,
    states: CallStates,
    seen: Seen,
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

/// Why a decision did not come true.
enum Undone {
    /// Another decision of the same call was quicker.
    Conflict,
    /// See [`Unkept`].
    Unkept,
}

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
            bounds: Live::new(bounds),
            answered: AnswerOnce::new(bounds.answers_bytes_max, Encoded::size),
            states: CallStates::new(bounds.states_bytes_max),
            seen: Seen::default(),
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
    ///
    /// # Errors
    /// [`Unkept`] if nobody waits for the reply, and what the event asks for could not be kept: it should come again.
    pub async fn answer(self: &Arc<Self>, occasion: Occasion) -> Result<Encoded, Unkept> {
        let occasion = Arc::new(occasion);
        if !occasion.expects_reply() {
            self.note_unknown(&occasion);
            self.call_off(&occasion).await?;
            self.acknowledge(occasion).await?;
            return Ok(Encoded::of(&Reply::Nothing));
        }
        // A caller who waits does not wait for that.
        if self.awaited(&occasion) {
            let (answering, occasion) = (Arc::clone(self), Arc::clone(&occasion));
            self.background.spawn(async move { answering.call_off(&occasion).await });
        }
        let turns = Engine::turns(&occasion.event);
        if let [turn] = turns.as_slice() {
            return Ok(self.turn(&occasion, *turn).await);
        }
        Ok(Encoded::join(&join_all(turns.into_iter().map(|turn| self.turn(&occasion, turn))).await))
    }

    /// Whether anything waits in case this event does not come.
    fn awaited(&self, occasion: &Occasion) -> bool {
        let kind = occasion.event.kind().name();
        occasion.event.call_id().is_some_and(|call| self.outbox.awaits(&occasion.site.path, call, kind))
    }

    /// Calls off what waits in case this event does not come. One that comes again has done so before, and must not call
    /// off what it wanted itself.
    async fn call_off(&self, occasion: &Occasion) -> Result<(), Unkept> {
        let Some(call) = occasion.event.call_id().filter(|_| self.awaited(occasion)) else { return Ok(()) };
        if occasion.event_identity(Turn::Whole, &self.seen).is_some_and(|identity| self.seen.knows(&identity)) {
            return Ok(());
        }
        let kind = occasion.event.kind().name();
        let done = self.outbox.happened(&occasion.site.path, call, kind, occasion.facts.now);
        match occasion.in_time(done).await {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => Err(Unkept),
        }
    }

    /// Vapi adds kinds before we do; an operator should know, once.
    fn note_unknown(&self, occasion: &Occasion) {
        if let EventKind::Unknown(name) = occasion.event.kind()
            && self.unknown_kinds.is_new(name)
        {
            telemetry::unknown_kind(&occasion.site.path, name);
        }
    }

    /// Nobody waits for the decision, so nobody waits for a slow script either, unless rules act on such events: what they
    /// want done must be on disk before Vapi is told that the event has come.
    async fn acknowledge(self: &Arc<Self>, occasion: Arc<Occasion>) -> Result<(), Unkept> {
        let facts = self.facts(&occasion);
        let first = occasion.decide(Turn::Whole, &facts, occasion.host(Clock::instant(), Allowance::Brief));
        if let Ok(decision) = first {
            match self.conclude(&occasion, Turn::Whole, &facts, decision).await {
                Ok(_) => return Ok(()),
                Err(Undone::Unkept) => return Err(Unkept),
                Err(Undone::Conflict) => {}
            }
        }
        if occasion.site.engine().reaches_out(occasion.event.kind()) {
            return self.decide(&occasion, Turn::Whole).await.map(drop);
        }
        let answering = Arc::clone(self);
        self.background.spawn(async move { answering.decide(&occasion, Turn::Whole).await });
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
        // A caller who waits gets the reply, whatever became of the rest.
        let make = async { Encoded::of(&self.decide(occasion, turn).await.unwrap_or_default()) };
        let (reply, repeated) = self.answered.answer(key, make).await;
        if repeated == dedup::Turn::Repeated {
            telemetry::repeated(&occasion.site.path, occasion.event.call_id());
        }
        reply
    }

    /// Makes the decision and carries it out. If another decision of the same call changed the state meanwhile, it is
    /// made again, now in turn with others that met the same.
    async fn decide(&self, occasion: &Arc<Occasion>, turn: Turn) -> Result<Reply, Unkept> {
        let mut my_turn = None;
        let mut facts = self.facts(occasion);
        loop {
            let decision = self.make(occasion, turn, &mut facts).await;
            match self.conclude(occasion, turn, &facts, decision).await {
                Ok(reply) => return Ok(reply),
                Err(Undone::Unkept) => return Err(Unkept),
                Err(Undone::Conflict) => {}
            }
            match occasion.call() {
                Some(call) if !occasion.deadline().passed() => {
                    if my_turn.is_none() {
                        my_turn = occasion.in_time(self.states.turn(&call)).await;
                    }
                    // What was said before stands, and by the same chance the same is asked: nobody is asked twice.
                    facts.state = self.states.get(&call);
                }
                _ => {
                    telemetry::state_contended(&occasion.site.path, occasion.event.call_id());
                    let late = Decision { state: None, ..occasion.decide_late(turn, &facts) };
                    return self.conclude(occasion, turn, &facts, late).await.map_err(|_| Unkept);
                }
            }
        }
    }

    /// Makes the decision, and asks others what it lacks.
    async fn make(&self, occasion: &Arc<Occasion>, turn: Turn, facts: &mut Facts) -> Decision {
        let began = Clock::instant();
        loop {
            let Unfinished { needs, time_max } = match self.try_to_make(occasion, turn, facts, began).await {
                Ok(decision) => return decision,
                Err(unfinished) => unfinished,
            };
            // Each round answers one question at least, and there is a bound on these.
            let Needs::Answers(questions) = needs else { return occasion.decide_late(turn, facts) };
            let rule = time_max.map(|time| Deadline::of(began, time));
            let until = rule.into_iter().chain([occasion.made_by()]).min().unwrap_or(occasion.made_by());
            facts.answers = facts.answers.with(self.asking.ask(questions, until).await);
        }
    }

    /// Makes the decision with what is known: here if that is quick, else in a lane for scripts.
    async fn try_to_make(
        &self,
        occasion: &Arc<Occasion>,
        turn: Turn,
        facts: &Facts,
        began: Instant,
    ) -> Result<Decision, Unfinished> {
        let mut tried = occasion.decide(turn, facts, occasion.host(began, Allowance::Brief));
        for (lane, allowance) in self.lanes.current().iter() {
            let time_max = match &tried {
                Err(Unfinished { needs: Needs::Operations, time_max }) => *time_max,
                _ => return tried,
            };
            let (there, known, allowance) = (Arc::clone(occasion), facts.clone(), *allowance);
            let job = move || there.decide(turn, &known, there.host(began, allowance));
            let rule = time_max.map(|time| Deadline::of(began, time.saturating_add(PATIENCE)));
            let until = rule.into_iter().chain([occasion.deadline()]).min().unwrap_or(occasion.deadline());
            let Ok(outcome) = lane.run(job) else { break };
            let Ok(Ok(outcome)) = timeout_at(until.instant().into(), outcome).await else { break };
            tried = outcome;
        }
        tried
    }

    /// Makes what was decided true: the call's state, what is to be done elsewhere, the log.
    async fn conclude(
        &self,
        occasion: &Occasion,
        turn: Turn,
        facts: &Facts,
        mut decision: Decision,
    ) -> Result<Reply, Undone> {
        let has_effects = decision.state.is_some() || !decision.logs.is_empty() || !decision.actions.is_empty();
        let identity = has_effects.then(|| occasion.event_identity(turn, &self.seen)).flatten();
        let first = match &identity {
            None => None,
            Some(identity) => match occasion.in_time(self.seen.first(identity)).await {
                Some(Some(first)) => Some(first),
                Some(None) => {
                    telemetry::repeated(&occasion.site.path, occasion.event.call_id());
                    return Ok(decision.reply);
                }
                // The same event is still at it; nobody knows how that will end.
                None if occasion.expects_reply() => return Ok(decision.reply),
                None => return Err(Undone::Unkept),
            },
        };
        self.carry_out(occasion, turn, facts, &mut decision).await?;
        if let Some(first) = first {
            first.done();
        }
        for (rule, _) in decision.trace.0.iter().filter(|(_, considered)| *considered == Considered::Matched) {
            occasion.site.snapshot.hits.note(*rule, facts.now);
        }
        tell(occasion, &decision);
        Ok(decision.reply)
    }

    /// Changes the call's state and keeps what is to be done elsewhere. If that cannot be kept, a caller who waits gets his
    /// answer all the same, and the outbox has raised the alarm; an event that nobody waits for is left undone.
    async fn carry_out(
        &self,
        occasion: &Occasion,
        turn: Turn,
        facts: &Facts,
        decision: &mut Decision,
    ) -> Result<(), Undone> {
        let change = decision.state.as_ref().zip(occasion.call());
        if let Some((state, call)) = &change {
            self.states.replace(call, &facts.state, Arc::clone(state)).map_err(|Conflict| Undone::Conflict)?;
        }
        let errands = errands::of(occasion, turn, std::mem::take(&mut decision.actions), facts);
        if errands.is_empty() {
            return Ok(());
        }
        let kept = occasion.in_time(self.outbox.enqueue(errands)).await;
        if occasion.expects_reply() || matches!(kept, Some(Ok(()))) {
            return Ok(());
        }
        if let Some((state, call)) = &change {
            // If another event has changed it meanwhile, it stays: that one has been acknowledged.
            let _ = self.states.replace(call, state, Arc::clone(&facts.state));
        }
        Err(Undone::Unkept)
    }

    fn facts(&self, occasion: &Occasion) -> Facts {
        let state = occasion.call().map(|call| self.states.get(&call)).unwrap_or_default();
        Facts { seed: self.chance.number(), state, ..occasion.facts.clone() }
    }
}

/// A lane for what takes some milliseconds, if there are threads enough, and one for all else. Together they have no more
/// threads than they may: a core that scripts do not take is what keeps quick answers quick.
fn lanes(bounds: Bounds) -> io::Result<Vec<(Lane, Allowance)>> {
    let mut lanes = Vec::new();
    let long = bounds.script_threads.saturating_sub(1).max(1);
    if bounds.script_threads > long {
        let middling = Lane::start("script", 1, bounds.scripts_waiting_max)?;
        lanes.push((middling, Allowance::Operations(OPERATIONS_MIDDLING)));
    }
    lanes.push((Lane::start("script-long", long, bounds.scripts_waiting_max)?, Allowance::AllThereIs));
    Ok(lanes)
}

/// Tells the log what was decided.
fn tell(occasion: &Occasion, decision: &Decision) {
    let (server, event) = (&*occasion.site.path, &occasion.event);
    let version = &occasion.site.snapshot.version;
    let rules = occasion.site.engine().rules();
    let name = |id| rules.rule(id).map_or("", |rule| rule.name.as_str());
    let rule = decision.answered_by.map(name);
    for line in &decision.logs {
        telemetry::script_said(server, event, rule, line);
    }
    for fault in &decision.faults {
        telemetry::rule_failed(server, name(fault.rule), fault);
    }
    if decision.refused_arguments {
        telemetry::arguments_refused(server, event);
    } else if rule.is_none() && occasion.expects_reply() {
        telemetry::unanswered(server, event);
    }
    telemetry::decided(server, event, rule, version, Clock::instant() - occasion.begun_at);
}
