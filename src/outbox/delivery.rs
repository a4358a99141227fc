//! Sends what is due: leases it, makes one attempt of each, and writes down what came of it.

mod attempt;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use self::attempt::{Attempt, Ended};
use super::Outbox;
use super::job::{Job, Loaded, Look, Settle, Write};
use super::put_off::{Decided, Decider, Item, PutOff};
use super::queue::{Health, ItemId, Lease};
use super::record::State;
use super::retry::{Cause, Millis, Next, Outcome, Patience, Policy};
use crate::client::Client;
use crate::clock::{Clock, Deadline};
use crate::live::Live;
use crate::secrets::Secrets;
use crate::telemetry;

/// How often what waits for a destination that is left alone is looked at for its age.
const SWEEP: Duration = Duration::from_secs(30);
/// How many of these are buried at a time.
const SWEPT_MAX: usize = 512;
/// How long an item rests that could not be read from the file.
const UNREADABLE_PAUSE: i64 = 1_000;

/// Sends what is due.
#[derive(Clone)]
pub(super) struct Courier {
    outbox: Outbox,
    client: Live<Client>,
    secrets: Live<Secrets>,
    decider: Arc<dyn Decider>,
    policy: Policy,
}

impl Courier {
    pub(super) fn new(
        outbox: Outbox,
        client: Live<Client>,
        secrets: Live<Secrets>,
        decider: Arc<dyn Decider>,
    ) -> Courier {
        Courier { outbox, client, secrets, decider, policy: Policy::default() }
    }

    /// Leases and sends until it is told to stop.
    pub(super) async fn run(self) {
        let stopping = self.outbox.stopping.clone();
        let mut sweep_at = Deadline::after(SWEEP);
        while !stopping.is_cancelled() {
            let now = now();
            let (leases, next_at) = {
                let mut queue = self.outbox.shared.queue();
                let mut leases = queue.lease(now);
                if sweep_at.passed() {
                    leases.extend(queue.lease_expired(now, SWEPT_MAX));
                    sweep_at = Deadline::after(SWEEP);
                }
                (leases, queue.next_at(now))
            };
            for lease in leases {
                let courier = self.clone();
                self.outbox.attempts.spawn(async move { courier.serve(lease).await });
            }
            let wait = next_at.map_or(SWEEP, |at| Duration::from_millis(u64::try_from(at - now).unwrap_or(0)));
            tokio::select! {
                () = self.outbox.shared.wake.notified() => {}
                () = tokio::time::sleep(wait.min(SWEEP)) => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    /// Makes one attempt, whatever comes of it.
    async fn serve(self, lease: Lease) {
        let settle = match self.load(lease.id).await {
            Loaded::Sound(state, item) if is_too_old(&state) => too_old(lease.id, &state, &item),
            Loaded::Sound(state, item) => self.attempt(lease.id, &state, &item).await,
            Loaded::Damaged => {
                telemetry::items_dropped(1);
                settle(lease.id, Health::Unknown, None, String::new())
            }
            Loaded::Unreadable => {
                tokio::time::sleep(Duration::from_millis(UNREADABLE_PAUSE.unsigned_abs())).await;
                settle(lease.id, Health::Unknown, Some(Next::Again { at: now() }), String::new())
            }
        };
        // It is closed only after the last attempt has ended.
        drop(self.outbox.jobs.send(Job::Write(Write::Settle(settle))));
    }

    async fn load(&self, id: ItemId) -> Loaded {
        let (done, loaded) = oneshot::channel();
        drop(self.outbox.jobs.send(Job::Look(Look::Load { id, done })));
        loaded.await.unwrap_or(Loaded::Unreadable)
    }

    async fn attempt(&self, id: ItemId, state: &State, item: &Item) -> Settle {
        let number = state.attempts.saturating_add(1);
        let patience = Patience { attempts_max: item.attempts_max(), expires_at: state.expires_at };
        let begun_at = Clock::instant();
        let mut ended = match item {
            Item::Action(action) => {
                let (client, secrets) = (self.client.current(), self.secrets.current());
                Attempt { item: action, number, secrets: &secrets }.make(&client).await
            }
            Item::Event(event) => self.decide(event, false).await,
        };
        let mut next = self.policy.after(number, ended.outcome, patience, now(), jitter());
        if let (Item::Event(event), Next::Bury(Cause::Attempts | Cause::Age)) = (item, next) {
            // What it lacks it will not get any more: it is decided without.
            ended = self.decide(event, true).await;
            next = if ended.outcome == Outcome::Delivered { Next::Done } else { next };
        }
        let (Ended { outcome, health, note }, now) = (ended, now());
        self.count(outcome);
        telemetry::attempted(id, item, number, next, now, Clock::instant() - begun_at, &note);
        Settle { id, health, next: Some(next), note, now }
    }

    /// Whom an event asks in vain is not known here: who decides is well, whatever comes of it.
    async fn decide(&self, event: &PutOff, is_last: bool) -> Ended {
        let (outcome, note) = match self.decider.decide(event, is_last).await {
            Decided::Done => (Outcome::Delivered, "it was decided".to_owned()),
            Decided::Failed(why) => (Outcome::Failed { retry_after: None }, why),
            Decided::Refused(why) => (Outcome::Refused, why),
        };
        Ended { outcome, health: Health::Answers, note }
    }

    fn count(&self, outcome: Outcome) {
        let counts = &self.outbox.shared.counts;
        let count = match outcome {
            Outcome::Delivered => &counts.delivered,
            Outcome::Failed { .. } => &counts.failed,
            Outcome::Refused => &counts.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether it is given up without an attempt. An event gets its last one in any case: whatever it wants was promised.
fn is_too_old(state: &State) -> bool {
    state.expires_at < now() && !state.is_event()
}

fn too_old(id: ItemId, state: &State, item: &Item) -> Settle {
    telemetry::too_old(id, item, state.attempts);
    settle(id, Health::Unknown, Some(Next::Bury(Cause::Age)), String::new())
}

fn settle(id: ItemId, health: Health, next: Option<Next>, note: String) -> Settle {
    Settle { id, health, next, note, now: now() }
}

/// A number from 0 to 1, by chance: the standard library seeds its hash maps anew each time.
#[expect(clippy::cast_precision_loss, reason = "53 bits are what a float keeps exactly")]
fn jitter() -> f64 {
    (RandomState::new().hash_one(0) >> 11) as f64 / (1_u64 << 53) as f64
}

fn now() -> Millis {
    Clock::now().as_millisecond()
}
