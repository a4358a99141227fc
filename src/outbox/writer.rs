//! The thread that owns the file: whatever waits goes into one transaction and one sync, and everybody is told after it.
//!
//! The queue follows the file: it learns of a change once that is on disk. After a fault of the file system every
//! transaction fails until the file is opened anew, so it is, and the queue is read from it again. What became of
//! attempts meanwhile is kept and written down as soon as that is possible.

mod apply;
mod look;
mod meanwhile;
mod salvaged;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use self::apply::Applied;
use self::meanwhile::Meanwhile;
use super::job::{Job, Look, Settle, Write};
use super::mailbox::{Receiver, Sender, mailbox};
use super::queue::ItemId;
use super::record::State;
use super::store::{Opened, Place, Seen, Store, StoreError, is_damage};
use super::{Bounds, EnqueueError, Shared};
use crate::clock::{Clock, Deadline};
use crate::telemetry;

/// How many jobs go into one transaction.
const BATCH_MAX: usize = 512;
/// How long jobs are waited for at most that are likely to come.
const GATHER_MAX: Duration = Duration::from_millis(1);
/// How long to wait before a file that could not be opened is tried again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// The thread.
pub(super) struct Writer {
    place: Place,
    /// Nothing while the file cannot be opened.
    store: Option<Store>,
    bounds: Bounds,
    tally: Tally,
    /// Whether damage was met in it, so that it is read in whole when it is opened next.
    is_suspect: bool,
    /// When the file is tried again that cannot be opened.
    reopen_at: Deadline,
    /// How many jobs there were last time: as many are likely to come again.
    told: usize,
    /// How long that took.
    took: Duration,
    /// Leases that have ended while the file could not be written.
    unsettled: Vec<Settle>,
    shared: Arc<Shared>,
}

/// What the file holds, in numbers.
#[derive(Default)]
struct Tally {
    next_id: ItemId,
    /// Those that wait and those that are leased.
    items: usize,
    bytes: u64,
    dead: BTreeMap<ItemId, (u32, Arc<str>)>,
    dead_bytes: u64,
    /// The idempotency keys of all that is here, or was delivered or called off lately.
    keys: HashSet<u128>,
    meanwhile: Meanwhile,
}

impl Tally {
    fn count(&mut self, id: ItemId, state: &State) {
        self.next_id = self.next_id.max(id + 1);
        self.keys.insert(state.key);
        if state.buried.is_some() {
            self.dead_bytes += u64::from(state.bytes);
            self.dead.insert(id, (state.bytes, Arc::clone(&state.destination)));
        } else {
            self.items += 1;
            self.bytes += u64::from(state.bytes);
        }
    }

    fn discount(&mut self, id: ItemId, state: &State) {
        if state.buried.is_some() {
            self.dead_bytes = self.dead_bytes.saturating_sub(u64::from(state.bytes));
            self.dead.remove(&id);
        } else {
            self.items = self.items.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(u64::from(state.bytes));
        }
    }
}

/// What is done at a time.
struct Batch {
    /// In one transaction.
    writes: Vec<Write>,
    /// After it.
    looks: Vec<Look>,
    /// At last, if that is wanted.
    close: Option<oneshot::Sender<()>>,
}

impl Writer {
    /// Opens the file and starts the thread.
    pub(super) fn start(place: Place, bounds: Bounds, shared: Arc<Shared>) -> Result<Sender, StoreError> {
        let (sender, jobs) = mailbox();
        let (tally, unsettled) = (Tally { next_id: 1, ..Tally::default() }, Vec::new());
        let reopen_at = Deadline::after(Duration::ZERO);
        let mut writer = Writer {
            place,
            store: None,
            bounds,
            tally,
            is_suspect: false,
            reopen_at,
            told: 0,
            took: Duration::ZERO,
            unsettled,
            shared,
        };
        writer.open()?;
        let run = move || writer.run(&jobs);
        thread::Builder::new().name("outbox".to_owned()).spawn(run).map_err(StoreError::NoThread)?;
        Ok(sender)
    }

    fn run(&mut self, jobs: &Receiver) {
        loop {
            let Some(batch) = self.gather(jobs) else { return };
            if self.store.is_none() && self.reopen_at.passed() {
                self.reopen();
            }
            let begun_at = Clock::instant();
            self.told = batch.len();
            let Batch { writes, looks, close } = self.sort(batch);
            // No panic is known but in the library, on a damaged file; the hook for panics has logged it.
            let settles = writes.iter().filter_map(Write::settle).cloned().collect();
            if catch_unwind(AssertUnwindSafe(|| self.serve(writes, looks))).is_err() {
                self.unsettled = settles;
                self.fail(&StoreError::Panicked);
            }
            if let Some(done) = close {
                self.store = None;
                // Whoever asked may have gone.
                let _ = done.send(());
                return;
            }
            self.took = Clock::instant() - begun_at;
        }
    }

    /// What waits, or else the next that comes, and what else is likely to come. After a transaction those who waited for it
    /// come with their next, one after the other. To begin without them would take one more sync for them alone, so they are
    /// waited for, half as long as the last one took. Nothing if nobody is left who could come.
    fn gather(&self, jobs: &Receiver) -> Option<Vec<Job>> {
        let expected = self.told + jobs.len();
        jobs.wait(1, if self.is_at_ease() { Duration::MAX } else { REOPEN_PAUSE });
        if jobs.len() != 0 {
            jobs.wait(expected.min(BATCH_MAX), GATHER_MAX.min(self.took / 2));
        }
        jobs.take(BATCH_MAX)
    }

    /// Whether nothing has to be done but what is asked for.
    fn is_at_ease(&self) -> bool {
        self.store.is_some() && self.unsettled.is_empty()
    }

    /// What is written and what is looked at, behind what could not be settled before.
    fn sort(&mut self, jobs: Vec<Job>) -> Batch {
        let writes = std::mem::take(&mut self.unsettled).into_iter().map(Write::Settle).collect();
        let mut batch = Batch { writes, looks: Vec::new(), close: None };
        for job in jobs {
            match job {
                Job::Write(write) => batch.writes.push(write),
                Job::Look(look) => batch.looks.push(look),
                Job::Rebound(bounds) => self.rebound(bounds),
                Job::Close(done) => batch.close = Some(done),
            }
        }
        // What an event makes superfluous may be among the rest.
        batch.writes.sort_by_key(|write| !matches!(write, Write::CallOff { .. }));
        batch
    }

    fn rebound(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.shared.queue().resize(bounds.room());
        self.shared.wake.notify_one();
    }

    fn serve(&mut self, writes: Vec<Write>, looks: Vec<Look>) {
        if !writes.is_empty() {
            self.write(writes);
        }
        for look in looks {
            self.look(look);
        }
    }

    /// Does all of it in one transaction, then tells everybody.
    fn write(&mut self, writes: Vec<Write>) {
        let now = Clock::now().as_millisecond();
        let Some(store) = self.store.take() else {
            let why = self.trouble();
            return self.turn_away(writes, &why);
        };
        let written = store.write(|tables| {
            self.forget_keys(tables, now)?;
            self.forget_meanwhile(tables, now)?;
            let applied = writes.iter().map(|write| self.apply(write, tables, now)).collect::<Result<Vec<_>, _>>()?;
            self.make_room(tables)?;
            Ok(applied)
        });
        self.store = Some(store);
        match written {
            Ok(applied) => self.tell(writes, applied),
            Err(error) => {
                self.fail(&error);
                self.turn_away(writes, &error.to_string());
            }
        }
        self.note_growth();
    }

    /// The transaction is on disk.
    fn tell(&mut self, writes: Vec<Write>, applied: Vec<Applied>) {
        let mut queue = self.shared.queue();
        for change in applied.iter().flat_map(|applied| &applied.changes) {
            change.make(&mut queue);
        }
        drop(queue);
        self.shared.wake.notify_one();
        for (write, applied) in writes.into_iter().zip(applied) {
            // Whoever asked may have gone.
            match write {
                Write::Enqueue { done, .. } => drop(done.send(applied.refused.map_or(Ok(()), Err))),
                Write::CallOff { done, .. } => drop(done.send(Ok(applied.count))),
                Write::Retry { done, .. } | Write::Discard { done, .. } => drop(done.send(applied.count)),
                Write::Settle(_) => {}
            }
        }
    }

    /// Nothing of it is on disk, or nobody knows.
    fn turn_away(&mut self, writes: Vec<Write>, why: &str) {
        for write in writes {
            match write {
                Write::Settle(settle) => self.unsettled.push(settle),
                Write::Enqueue { done, .. } => drop(done.send(Err(EnqueueError::Unwritable(why.to_owned())))),
                Write::CallOff { done, .. } => drop(done.send(Err(EnqueueError::Unwritable(why.to_owned())))),
                // These see that nothing comes.
                Write::Retry { .. } | Write::Discard { .. } => {}
            }
        }
    }

    fn fail(&mut self, error: &StoreError) {
        telemetry::outbox_broken(error);
        self.set_trouble(Some(error.to_string()));
        self.is_suspect = is_damage(error);
        self.store = None;
        if self.is_suspect {
            self.reopen();
        } else {
            // A disk that is full would only say the same again, and again.
            self.reopen_at = Deadline::after(REOPEN_PAUSE);
        }
    }

    /// Opens the file anew and reads the queue from it.
    fn reopen(&mut self) {
        self.reopen_at = Deadline::after(REOPEN_PAUSE);
        match self.open() {
            Ok(()) => {
                self.set_trouble(None);
                telemetry::outbox_reopened(self.tally.items);
            }
            Err(error) => self.set_trouble(Some(error.to_string())),
        }
    }

    /// Opens the file and reads the queue from it.
    fn open(&mut self) -> Result<(), StoreError> {
        let opened = self.read_anew();
        // Of the old one nothing was leased meanwhile.
        self.shared.queue().resume();
        self.shared.wake.notify_one();
        let Opened { store, set_aside, dropped } = opened?;
        self.store = Some(store);
        if let Some((path, why)) = set_aside {
            let salvaged = self.salvage(&path);
            telemetry::outbox_set_aside(&path, &why, salvaged);
        }
        if dropped != 0 {
            telemetry::items_dropped(dropped);
        }
        self.note_growth();
        Ok(())
    }

    /// Opens the file, and puts the queue that is read from it in the place of the old one: whoever looks at that, which each
    /// event does, does not wait for it.
    fn read_anew(&mut self) -> Result<Opened, StoreError> {
        let next_id = self.tally.next_id;
        let (mut tally, shared) = (Tally::default(), Arc::clone(&self.shared));
        let mut queue = shared.queue().begin_anew();
        // The states of a million items are not kept in memory, not even for a moment: the queue knows less of each.
        let opened = Store::open(&self.place, self.is_suspect, &mut |seen| match seen {
            Seen::Beginning => {
                tally = Tally { next_id, ..Tally::default() };
                queue = shared.queue().begin_anew();
            }
            Seen::Item(id, state) => {
                tally.count(id, &state);
                if state.buried.is_none() {
                    queue.add(state.waiting(id));
                }
            }
            Seen::Key(key) => drop(tally.keys.insert(key)),
            Seen::Meanwhile(vigil, at) => tally.meanwhile.add(vigil, at),
        })?;
        let old = std::mem::replace(&mut *shared.queue(), queue);
        // Nobody waits for that, either.
        drop(old);
        (self.tally, self.is_suspect) = (tally, false);
        Ok(opened)
    }

    fn note_growth(&mut self) {
        if let (Place::File(path), Some(store)) = (&self.place, &mut self.store) {
            store.grown_to(fs::metadata(path).map_or(0, |file| file.len()));
        }
    }

    fn trouble(&self) -> String {
        let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone().unwrap_or_else(|| "it is closed".to_owned())
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}
