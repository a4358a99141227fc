//! How much the outbox takes, and what it says beyond that.

use std::time::Duration;

use super::Enqueued;
use super::queue::Room;
use crate::engine::action::AGE_MAX;

/// The bounds of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Items that may wait. Beyond that none is taken.
    pub items_max: usize,
    /// Bytes of items that may wait. Beyond that none is taken.
    pub bytes_max: u64,
    /// How long anything is tried, whatever the action says, from when it is due for the first time.
    pub age_max: Duration,
    /// Dead letters that are kept. The oldest make room; together they are no longer than what may wait.
    pub dead_max: usize,
    /// Attempts at a time, in all.
    pub attempts_max: usize,
    /// Attempts at a time, at one destination.
    pub per_destination_max: usize,
}

/// Of the attempts at a time, events take one in so many: so many may wait for services that nobody else needs.
const OURS_SHARE: usize = 4;

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            items_max: 100_000,
            bytes_max: 1 << 30,
            age_max: AGE_MAX,
            dead_max: 10_000,
            attempts_max: 256,
            per_destination_max: 8,
        }
    }
}

impl Bounds {
    pub(super) fn room(&self) -> Room {
        Room {
            attempts_max: self.attempts_max,
            per_destination_max: self.per_destination_max,
            ours_max: (self.attempts_max / OURS_SHARE).max(1),
        }
    }
}

/// Why actions were not taken, or not called off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnqueueError {
    /// As much waits as may.
    #[error("the outbox is full: {items} actions wait ({bytes} bytes)")]
    Full {
        /// How many wait.
        items: usize,
        /// How long they are together.
        bytes: u64,
    },
    /// One action is longer than any may be.
    #[error("the action `{name}` has {bytes} bytes, more than {bytes_max}")]
    TooLarge {
        /// The action.
        name: String,
        /// How long it is.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Actions of one event are together more than an empty outbox could hold.
    #[error(
        "together {items} actions ({bytes} bytes) are more than the outbox may ever hold: \
         allow more with `limits: {{ outbox_items_max, outbox_bytes_max }}`, now {items_max} and {bytes_max}, or do less"
    )]
    TooMuch {
        /// How many there are.
        items: usize,
        /// How long they are together.
        bytes: u64,
        /// How many may wait.
        items_max: usize,
        /// How long what waits may be.
        bytes_max: u64,
    },
    /// The disk does not keep up.
    #[error("more waits to be written than may: the disk does not keep up")]
    Busy,
    /// The file cannot be written.
    #[error("the outbox cannot be written: {0}")]
    Unwritable(String),
    /// The daemon is about to stop.
    #[error("the outbox is closed")]
    Closed,
}

impl EnqueueError {
    /// Whether the same would meet the same whenever it came again, as long as nobody changes the settings.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, EnqueueError::TooLarge { .. } | EnqueueError::TooMuch { .. })
    }
}

/// What was not taken, for the log: the first of several.
pub(crate) struct About<'a> {
    /// The action, or the kind of the event.
    pub(crate) name: &'a str,
    pub(crate) server: &'a str,
    pub(crate) call: Option<&'a str>,
}

impl About<'_> {
    pub(super) fn of(enqueued: &Enqueued) -> About<'_> {
        About { name: &enqueued.action.name, server: &enqueued.server, call: enqueued.call.as_deref() }
    }
}
