//! The outbox: what was decided to be done for the rest of the world, kept until it is done.
//!
//! An [`Action`] that is enqueued becomes an **item**; its **delivery** is one **attempt** after the other, until the
//! destination takes it or it is buried as a **dead letter**. What [`Outbox::enqueue`] has said yes to is on disk: a kill
//! at any moment loses nothing of it. Delivery is at least once, always under the same `Idempotency-Key`, because nobody
//! can know what became of an attempt that a crash has cut off.
//!
//! One thread owns the file and writes whatever waits in one transaction (`writer`). The [`queue`] is the index of what is
//! alive, pure and in memory; the [`retry`] arithmetic is pure, too. `delivery` leases what is due and sends it.

mod bounds;
pub mod breaker;
mod delivery;
mod job;
mod mailbox;
pub mod put_off;
pub mod queue;
mod record;
pub mod retry;
mod salvage;
mod sign;
mod store;
pub mod view;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::bounds::About;
pub use self::bounds::{Bounds, EnqueueError};
use self::job::{Job, Look, Prepared, Write};
use self::mailbox::Sender;
use self::put_off::{Decider, PutOff};
use self::queue::{ItemId, Queue};
use self::store::Place;
pub use self::store::{FILE, StoreError};
use self::view::{Phase, Row, Shown, Status};
use self::writer::Writer;
use crate::client::Client;
use crate::clock::Clock;
use crate::engine::action::Action;
use crate::live::Live;
use crate::secrets::Secrets;
use crate::telemetry::{self, Seldom};

/// An action on its way into the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enqueued {
    /// What is to be done.
    pub action: Action,
    /// The path of the server whose rules want it.
    pub server: String,
    /// The call that it belongs to, by Vapi's id, if there is one.
    pub call: Option<String>,
    /// What tells it from all others. Whoever decides the same again must give the same key: then it is done once.
    pub idempotency_key: String,
    /// When it was decided.
    #[serde(with = "millis")]
    pub decided_at: Timestamp,
    /// The key of the event that wants it, where others can call it off: when that one comes again, it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_by: Option<String>,
}

/// An event that calls off what waits in case it does not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The path of the server that it came to.
    pub server: String,
    /// Its call, by Vapi's id.
    pub call: String,
    /// Its kind, as Vapi spells it.
    pub kind: String,
    /// What tells it from all others; the same if it comes again.
    pub idempotency_key: String,
    /// When it came.
    pub at: Timestamp,
}

/// How much may wait to be written, in KiB; it grows only while the disk takes longer than actions do to come.
const HALL_KIB: usize = 64 << 10;

/// A handle on the outbox. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    jobs: Sender,
    shared: Arc<Shared>,
    attempts: TaskTracker,
    /// Cancelled once nothing is leased any more.
    stopping: CancellationToken,
}

/// What the thread that writes, the delivery and the handles have together.
struct Shared {
    queue: Mutex<Queue>,
    /// Told whenever something can be leased that could not be before.
    wake: Notify,
    /// Why the file cannot be written, if it cannot.
    trouble: Mutex<Option<String>>,
    counts: Counts,
    /// How often the log was told of actions that were not taken, and may come again.
    complaints: Seldom,
    /// How often of those that are lost, which the others must not drown.
    losses: Seldom,
    /// Room for what waits to be written, in KiB.
    hall: Arc<Semaphore>,
}

/// What happened since the daemon started, for the metrics.
#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    buried: AtomicU64,
    unqueued: AtomicU64,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    /// Opens the outbox in the folder `data`, or one in memory where there is none, which ends with the daemon. Nothing is
    /// sent before [`Outbox::deliver`].
    ///
    /// # Errors
    /// When the file can be neither opened nor set aside, or there is no thread.
    pub fn open(data: Option<&Path>, bounds: Bounds) -> Result<Outbox, StoreError> {
        Outbox::at(data.map_or(Place::Memory, |data| Place::File(data.join(FILE))), bounds)
    }

    fn at(place: Place, bounds: Bounds) -> Result<Outbox, StoreError> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::new(bounds.room())),
            wake: Notify::new(),
            trouble: Mutex::default(),
            counts: Counts::default(),
            complaints: Seldom::default(),
            losses: Seldom::default(),
            hall: Arc::new(Semaphore::new(HALL_KIB)),
        });
        let jobs = Writer::start(place, bounds, Arc::clone(&shared))?;
        Ok(Outbox { jobs, shared, attempts: TaskTracker::new(), stopping: CancellationToken::new() })
    }

    /// Begins to send what is due, through the client in force and with the secrets in force, and has `decider` decide what
    /// was put off.
    pub fn deliver(&self, client: Live<Client>, secrets: Live<Secrets>, decider: Arc<dyn Decider>) {
        let courier = delivery::Courier::new(self.clone(), client, secrets, decider);
        self.attempts.spawn(courier.run());
    }

    /// Takes actions, all or none of them; once this says yes they are on disk. One whose key is waiting already, or was
    /// delivered or called off lately, is taken for the same and left out. So is one that is too long, and so are all of them
    /// where they are more than the outbox may ever hold, which the log is told: no repetition would help them.
    ///
    /// # Errors
    /// Why none was taken.
    pub async fn enqueue(&self, batch: Vec<Enqueued>) -> Result<(), EnqueueError> {
        self.take(batch, false).await
    }

    /// The same of what an event wants that was put off: it is in the outbox itself, and makes room once it is decided. So
    /// these are taken although it is full. And since it may be decided long after it came, they are tried as long as others,
    /// from now on, if they are due already.
    ///
    /// # Errors
    /// Why none was taken.
    pub async fn enqueue_owed(&self, batch: Vec<Enqueued>) -> Result<(), EnqueueError> {
        self.take(batch, true).await
    }

    async fn take(&self, batch: Vec<Enqueued>, is_owed: bool) -> Result<(), EnqueueError> {
        let mut items = Vec::with_capacity(batch.len());
        for enqueued in &batch {
            match Prepared::of(enqueued) {
                Ok(item) => items.push(item),
                Err(error) => self.complain(&error, &About::of(enqueued), 1),
            }
        }
        let (Some(first), false) = (batch.first(), items.is_empty()) else { return Ok(()) };
        let count = items.len();
        let outcome = self.hand_over(items, is_owed).await;
        if let Err(error) = &outcome {
            self.complain(error, &About::of(first), count);
        }
        // Refused, the same would come again for ever.
        outcome.or_else(|error| if error.is_final() { Ok(()) } else { Err(error) })
    }

    /// Takes an event that is decided later; once this says yes it is on disk. One that is waiting already, or was decided
    /// lately, is taken for the same and left out.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn put_off(&self, event: PutOff) -> Result<(), EnqueueError> {
        let (kind, server, call) = (event.event.kind.clone(), event.server.clone(), event.call.clone());
        let outcome = match Prepared::of_event(event) {
            Ok(item) => self.hand_over(vec![item], false).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            self.complain(error, &About { name: &kind, server: &server, call: call.as_deref() }, 1);
        }
        outcome
    }

    async fn hand_over(&self, items: Vec<Prepared>, is_owed: bool) -> Result<(), EnqueueError> {
        let kib = items.iter().map(|item| item.item.len().div_ceil(1024)).sum::<usize>();
        // What is larger than the hall has it for itself; whether it fits into the outbox is asked inside.
        let kib = u32::try_from(kib.min(HALL_KIB)).map_err(|_| EnqueueError::Busy)?;
        let room = Arc::clone(&self.shared.hall).try_acquire_many_owned(kib).map_err(|_| EnqueueError::Busy)?;
        self.write(|done| Write::Enqueue { items, is_owed, room, done }).await.unwrap_or(Err(EnqueueError::Closed))
    }

    /// Tells the log of `actions` that were not taken.
    fn complain(&self, error: &EnqueueError, first: &About<'_>, actions: usize) {
        self.shared.counts.unqueued.fetch_add(actions as u64, Ordering::Relaxed);
        let told = if error.is_final() { &self.shared.losses } else { &self.shared.complaints };
        if let Some(untold) = told.speak(Clock::instant()) {
            telemetry::not_enqueued(error, first, actions, untold);
        }
    }

    /// An event has come: whatever waits in case it does not come is called off, and stays so once this is over; so is what
    /// an event of that call wants that came before and is not decided yet. What it wants itself is not, should it come
    /// again. Where nothing waits for it, which is nearly always, this takes no time. Says how many items were called off.
    ///
    /// # Errors
    /// Why nothing was called off.
    pub async fn happened(&self, event: Happened) -> Result<usize, EnqueueError> {
        if !self.awaits(&event.server, &event.call, &event.kind) && !self.is_undecided(&event.server, &event.call) {
            return Ok(0);
        }
        self.write(|done| Write::CallOff { event, done }).await.unwrap_or(Err(EnqueueError::Closed))
    }

    /// Whether anything waits in case an event of `kind` does not come in a call.
    #[must_use]
    pub fn awaits(&self, server: &str, call: &str, kind: &str) -> bool {
        let queue = self.shared.queue();
        // Each event comes by here, and nearly always nothing waits for any.
        !queue.keeps_no_vigil() && !queue.waiting_for(job::vigil(server, call, kind)).is_empty()
    }

    /// Whether an event of the call is not decided yet, and may want what a later event makes superfluous.
    #[must_use]
    pub fn is_undecided(&self, server: &str, call: &str) -> bool {
        self.shared.queue().is_undecided(job::undecided(server, call))
    }

    /// Keeps other bounds from now on. What waits already stays.
    pub fn rebound(&self, bounds: Bounds) {
        // It may be closed.
        drop(self.jobs.send(Job::Rebound(bounds)));
    }

    /// Why the file cannot be written, if it cannot.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How everything stands.
    pub async fn status(&self) -> Option<Status> {
        self.look(Look::Status).await
    }

    /// Items after the one that `after` names, in the order of their numbers, at most `limit`.
    pub async fn page(&self, phase: Option<Phase>, after: ItemId, limit: usize) -> Option<Vec<Row>> {
        self.look(|done| Look::Page { phase, after, limit, done }).await
    }

    /// One item, with all that is known of it but its secrets.
    pub async fn show(&self, id: ItemId) -> Option<Shown> {
        self.look(|done| Look::Show { id, done }).await.flatten()
    }

    /// Sends an item as soon as possible, or each dead letter, with all attempts before it; says how many that is.
    pub async fn retry(&self, which: Which) -> usize {
        self.write(|done| Write::Retry { which, done }).await.unwrap_or_default()
    }

    /// Forgets an item, or each dead letter; says how many that is. What is being sent cannot be called back.
    pub async fn discard(&self, which: Which) -> usize {
        self.write(|done| Write::Discard { which, done }).await.unwrap_or_default()
    }

    /// Leases nothing from now on.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Waits until the attempts under way have ended, at most `drain_max`, and closes the file. What was cut off is sent
    /// again when the daemon starts next.
    pub async fn close(&self, drain_max: Duration) {
        self.stop();
        self.attempts.close();
        if tokio::time::timeout(drain_max, self.attempts.wait()).await.is_err() {
            telemetry::attempts_cut_off(self.shared.queue().leased());
        }
        self.ask(Job::Close).await;
    }

    /// Has the thread change the file, and waits for what comes of it; nothing if it has ended.
    async fn write<T>(&self, write: impl FnOnce(oneshot::Sender<T>) -> Write) -> Option<T> {
        self.ask(|done| Job::Write(write(done))).await
    }

    /// Has the thread look into the file.
    async fn look<T>(&self, look: impl FnOnce(oneshot::Sender<T>) -> Look) -> Option<T> {
        self.ask(|done| Job::Look(look(done))).await
    }

    /// Has the thread do something and waits for what comes of it; nothing if it has ended.
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
        let (done, outcome) = oneshot::channel();
        self.jobs.send(job(done)).ok()?;
        outcome.await.ok()
    }
}

/// Which items an operator means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(ItemId),
    /// All dead letters.
    Dead,
}

/// Moments as milliseconds since 1970.
mod millis {
    use jiff::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_millisecond())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_millisecond(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
