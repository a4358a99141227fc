//! What becomes of actions, and of events that are put off.

use std::path::Path;
use std::time::Duration;

use tracing::{error, info, warn};

use super::{OUTBOX, name, one_line};
use crate::outbox::put_off::Item;
use crate::outbox::retry::{Millis, Next};
use crate::outbox::{About, EnqueueError, Happened, StoreError};

/// Actions were not taken, after others of which nothing was said.
pub(crate) fn not_enqueued(error: &EnqueueError, first: &About<'_>, actions: usize, untold: u64) {
    let (action, server, call) = (first.name, first.server, first.call.map(name));
    error!(target: OUTBOX, %error, action, server, call, actions, untold, "actions were not taken");
}

/// An attempt has ended.
pub(crate) fn attempted(id: u64, item: &Item, attempt: u32, next: Next, now: Millis, took: Duration, note: &str) {
    let (action, server, call) = (name(item.name()), item.server(), item.call().map(name));
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let why = note.lines().next().map(one_line).unwrap_or_default();
    match next {
        Next::Done => info!(target: OUTBOX, id, action, server, call, attempt, took_ms, "delivered"),
        Next::Again { at } => {
            let again_in_ms = at - now;
            warn!(target: OUTBOX, id, action, server, call, attempt, took_ms, %why, again_in_ms, "an attempt failed");
        }
        Next::Bury(cause) => {
            let cause = cause.word();
            error!(target: OUTBOX, id, action, server, call, attempt, took_ms, %why, cause, "an action was given up");
        }
    }
}

/// An action was given up without one more attempt.
pub(crate) fn too_old(id: u64, item: &Item, attempts: u32) {
    let (action, server, call) = (name(item.name()), item.server(), item.call().map(name));
    error!(target: OUTBOX, id, action, server, call, attempt = attempts, cause = "age", "an action was given up");
}

/// What waited for an event not to come was called off, because it came.
pub(crate) fn called_off(server: &str, call: &str, kind: &str, actions: usize) {
    info!(target: OUTBOX, server, call = name(call), kind = name(kind), actions, "called off");
}

/// What waits for an event not to come could not be called off, although it came.
pub(crate) fn not_called_off(event: &Happened, error: &EnqueueError) {
    let (server, call, kind) = (&event.server, name(&event.call), name(&event.kind));
    error!(target: OUTBOX, server, call, kind, %error, "what waits for this event not to come was not called off");
}

/// The file cannot be written.
pub(crate) fn outbox_broken(error: &StoreError) {
    error!(target: OUTBOX, %error, "the outbox cannot be written; nothing is taken until it can");
}

/// The file can be written again.
pub(crate) fn outbox_reopened(items: usize) {
    info!(target: OUTBOX, items, "the outbox can be written again");
}

/// The file was damaged beyond repair.
pub(crate) fn outbox_set_aside(path: &Path, why: &str, salvaged: usize) {
    let path = path.display();
    let what = "the outbox was damaged; it was set aside, and what was found in it lies among the dead letters";
    error!(target: OUTBOX, %path, why, salvaged, "{what}");
}

/// Some items in the file were damaged.
pub(crate) fn items_dropped(items: usize) {
    error!(target: OUTBOX, items, "items of the outbox were damaged, and are lost");
}

/// There were more dead letters than are kept.
pub(crate) fn dead_letters_removed(items: usize) {
    warn!(target: OUTBOX, items, "the oldest dead letters made room for others");
}

/// There is no file, because there is no data folder.
pub(crate) fn outbox_in_memory() {
    warn!(target: OUTBOX, "no data folder: actions that wait are lost when the daemon ends");
}

/// The daemon ends while attempts are under way.
pub(crate) fn attempts_cut_off(attempts: usize) {
    warn!(target: OUTBOX, attempts, "attempts were cut off; they are made again at the next start");
}
