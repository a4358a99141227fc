//! Makes decisions: here if that is quick, else in a lane for scripts, and with what others have to say first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::{Answering, Undone};
use crate::client::Asker;
use crate::clock::{Clock, Deadline};
use crate::engine::Turn;
use crate::engine::decision::{Decision, Needs, Unfinished};
use crate::engine::facts::Facts;
use crate::server::call_state::MyTurn;
use crate::server::occasion::{Allowance, Occasion};
use crate::telemetry;

/// How long after its own time a rule is still waited for: a script notices only now and then that its time is over.
const PATIENCE: Duration = Duration::from_millis(50);

/// Answers that are longer than this together, in bytes, are looked at in a lane: to read a megabyte takes some milliseconds.
const ANSWERS_BRIEF: usize = 64 << 10;

/// How long an event that can be put off waits for a thread. Before it is put off it is on no disk, its sender waits, and
/// whatever comes meanwhile does not know of it.
const PROMPT: Duration = Duration::from_millis(300);

/// Whether somebody else may be asked while the event waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Now,
    Later,
}

impl Answering {
    /// Makes the decision and carries it out. If another decision of the same call changed the state meanwhile, it is
    /// made again, now in turn with others that met the same; but nobody keeps his turn while he waits for somebody else.
    pub(super) async fn decide(&self, occasion: &Arc<Occasion>, turn: Turn, ask: Ask) -> Result<Decision, Undone> {
        let mut my_turn = None;
        let mut facts = self.facts(occasion);
        loop {
            let decision = self.make(occasion, turn, &mut facts, ask, &mut my_turn).await?;
            match self.conclude(occasion, turn, &facts, decision).await {
                Err(Undone::Conflict) => {}
                done => return done,
            }
            match occasion.call() {
                Some(call) if !occasion.deadline().passed() => {
                    // Who lets nobody wait has time to try again, and might wait long for a thread.
                    if my_turn.is_none() && occasion.asker() == Asker::Caller {
                        my_turn = occasion.in_time(self.states.turn(&call)).await;
                    }
                    // What was said before stands, and by the same chance the same is asked: nobody is asked twice.
                    facts.state = self.states.get(&call);
                }
                _ => {
                    telemetry::state_contended(&occasion.site.path, occasion.event.call_id());
                    // What it would have set is not, so nothing of it is done.
                    let late = Decision { state: None, done: Vec::new(), ..too_late(occasion, turn, &facts, ask)? };
                    return self.conclude(occasion, turn, &facts, late).await;
                }
            }
        }
    }

    /// Makes the decision, and asks others what it lacks.
    async fn make(
        &self,
        occasion: &Arc<Occasion>,
        turn: Turn,
        facts: &mut Facts,
        ask: Ask,
        my_turn: &mut Option<MyTurn>,
    ) -> Result<Decision, Undone> {
        let mut began = Clock::instant();
        loop {
            let Unfinished { needs, time_max } = match self.try_to_make(occasion, turn, facts, began, ask).await {
                Ok(decision) => return Ok(decision),
                Err(unfinished) => unfinished,
            };
            // Each round answers one question at least that the next looks at, and there is a bound on these.
            let Needs::Answers(questions) = needs else { return too_late(occasion, turn, facts, ask) };
            if ask == Ask::Later {
                return Err(Undone::NotNow);
            }
            let rule = time_max.map(|time| Deadline::of(began, time));
            let until = rule.into_iter().chain([occasion.made_by()]).min().unwrap_or(occasion.made_by());
            *my_turn = None;
            facts.answers = facts.answers.with(self.asking.ask(questions, occasion.asker(), until).await);
            if occasion.is_put_off() {
                // What was waited for, all rules have waited for: it is not counted against those that did not ask.
                began = Clock::instant();
            }
        }
    }

    /// Makes the decision with what is known: here if that is quick, else in a lane for scripts.
    async fn try_to_make(
        &self,
        occasion: &Arc<Occasion>,
        turn: Turn,
        facts: &Facts,
        began: Instant,
        ask: Ask,
    ) -> Result<Decision, Unfinished> {
        let mut tried = if ANSWERS_BRIEF < facts.answers.bytes() {
            // Which rules will be at work is not known, so each keeps its own time.
            Err(Unfinished { needs: Needs::Operations, time_max: None })
        } else {
            occasion.decide(turn, facts, occasion.host(began, Allowance::Brief))
        };
        let thread_by = if ask == Ask::Later { Deadline::after(PROMPT) } else { occasion.thread_by() };
        for (lane, allowance) in self.lanes.current().iter() {
            let time_max = match &tried {
                Err(Unfinished { needs: Needs::Operations, time_max }) => *time_max,
                _ => return tried,
            };
            let (there, known, allowance) = (Arc::clone(occasion), facts.clone(), *allowance);
            let job = move || there.decide(turn, &known, there.host(began, allowance));
            let rule = time_max.map(|time| Deadline::of(began, time.saturating_add(PATIENCE)));
            let until = rule.into_iter().chain([thread_by]).min().unwrap_or(thread_by);
            let Ok(outcome) = lane.run(occasion.asker(), job) else { break };
            let Ok(Ok(outcome)) = timeout_at(until.instant().into(), outcome).await else { break };
            tried = outcome;
        }
        tried
    }
}

/// The decision of rules whose time is over; they answer with their fallbacks. What they wanted done is lost, and so an event
/// that nobody waits for is not done with: it is decided later, or comes again.
fn too_late(occasion: &Occasion, turn: Turn, facts: &Facts, ask: Ask) -> Result<Decision, Undone> {
    if occasion.expects_reply() || occasion.is_put_off() || !occasion.reaches_out() {
        return Ok(occasion.decide_late(turn, facts));
    }
    Err(match ask {
        Ask::Later => Undone::NotNow,
        Ask::Now => Undone::Unkept,
    })
}
