//! What the thread that owns the file is asked to do, and what it is handed for that.

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::put_off::{Item, PutOff};
use super::queue::{Health, ItemId, Lane, Undecided, Vigil};
use super::record::{DECISIONS, State, fingerprint, short_fingerprint};
use super::retry::{Cause, Millis, later};
use super::view::{Phase, Row, Shown, Status};
use super::{Bounds, EnqueueError, Enqueued, Which};
use crate::engine::request::{Target, Text};

/// The longest action, in bytes.
const ACTION_BYTES_MAX: usize = 8 << 20;
/// The longest event that is put off, in bytes.
pub(super) const EVENT_BYTES_MAX: usize = 32 << 20;
/// How long an event is tried to be decided, in milliseconds.
pub(super) const EVENT_AGE_MAX: i64 = 24 * 60 * 60 * 1000;

/// What the thread is asked to do.
pub(super) enum Job {
    Enqueue {
        items: Vec<Prepared>,
        /// Whether they come from what is here already, and so need no room.
        is_owed: bool,
        #[expect(dead_code, reason = "it is given back when the job is over")]
        room: OwnedSemaphorePermit,
        done: oneshot::Sender<Result<(), EnqueueError>>,
    },
    Settle(Settle),
    CallOff {
        event: Happened,
        done: oneshot::Sender<Result<usize, EnqueueError>>,
    },
    Retry {
        which: Which,
        done: oneshot::Sender<usize>,
    },
    Discard {
        which: Which,
        done: oneshot::Sender<usize>,
    },
    Load {
        id: ItemId,
        done: oneshot::Sender<Loaded>,
    },
    Page {
        phase: Option<Phase>,
        after: ItemId,
        limit: usize,
        done: oneshot::Sender<Vec<Row>>,
    },
    Show {
        id: ItemId,
        done: oneshot::Sender<Option<Shown>>,
    },
    Status(oneshot::Sender<Status>),
    Rebound(Bounds),
    Close(oneshot::Sender<()>),
}

/// An event that calls items off.
pub(super) struct Happened {
    pub(super) server: String,
    pub(super) call: String,
    pub(super) kind: String,
    pub(super) at: Timestamp,
}

/// How a lease ends.
#[derive(Debug, Clone)]
pub(super) struct Settle {
    pub(super) id: ItemId,
    pub(super) health: Health,
    pub(super) verdict: Verdict,
    /// What is worth knowing of the attempt.
    pub(super) note: String,
    pub(super) now: Millis,
}

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    Again {
        at: Millis,
    },
    Bury(Cause),
    /// Its record is damaged.
    Drop,
}

/// An item whose time has come.
pub(super) enum Loaded {
    Sound(State, Box<Item>),
    /// Its record is damaged, or gone.
    Damaged,
    /// The file cannot be read right now.
    Unreadable,
}

/// An item as it will lie in the file.
pub(super) struct Prepared {
    pub(super) item: Vec<u8>,
    /// Its number and how long it is tried at most are known only once it is taken.
    pub(super) state: State,
}

impl Prepared {
    pub(super) fn of(enqueued: &Enqueued) -> Result<Prepared, EnqueueError> {
        let Enqueued { action, server, call, idempotency_key, decided_at } = enqueued;
        let item = written(&action.name, ACTION_BYTES_MAX, enqueued)?;
        let decided_at = decided_at.as_millisecond();
        let within = action.unless_by.as_ref().map(|it| it.within);
        let due_at = later(decided_at, action.after.max(within.unwrap_or_default()));
        let call = call.as_deref();
        let state = State {
            age_max: i64::try_from(action.retry.age_max.as_millis()).unwrap_or(i64::MAX),
            vigil_until: later(decided_at, within.unwrap_or_default()),
            lane: call
                .filter(|_| action.in_order && due_at == decided_at)
                .map_or(0, |call| lane(server, call, action.request.target)),
            vigil: match (&action.unless_by, call) {
                (Some(unless), Some(call)) => vigil(server, call, &unless.kind),
                _ => 0,
            },
            key: fingerprint(&[server, idempotency_key]),
            destination: destination(action.request.target, &action.request.url).into(),
            ..State::new(decided_at, due_at, item.len())
        };
        Ok(Prepared { item, state })
    }

    /// The events of one call are decided one after the other, as they came, but none waits for one that has failed.
    pub(super) fn of_event(event: PutOff) -> Result<Prepared, EnqueueError> {
        let arrived_at = event.arrived_at.as_millisecond();
        let (server, key) = (event.server.clone(), fingerprint(&[&event.server, "event", &event.idempotency_key]));
        let call = event.call.clone();
        let lane = call.as_deref().map_or(0, |call| short_fingerprint(&[&server, call, "lane", "events"]));
        let kind = event.event.kind.clone();
        let item = written(&kind, EVENT_BYTES_MAX, &Item::Event(event))?;
        let (age_max, destination) = (EVENT_AGE_MAX, format!("{DECISIONS}{server}").into());
        let vigil = call.map_or(0, |call| undecided(&server, &call));
        let state = State { age_max, lane, vigil, key, destination, ..State::new(arrived_at, arrived_at, item.len()) };
        Ok(Prepared { item, state })
    }
}

fn written(name: &str, bytes_max: usize, item: &impl Serialize) -> Result<Vec<u8>, EnqueueError> {
    let written = serde_json::to_vec(item).map_err(|error| EnqueueError::Unwritable(error.to_string()))?;
    if bytes_max < written.len() {
        return Err(EnqueueError::TooLarge { name: name.to_owned(), bytes: written.len(), bytes_max });
    }
    Ok(written)
}

/// Stands for what is sent in order: what a call is told does not wait for a request to somebody else.
fn lane(server: &str, call: &str, target: Target) -> Lane {
    let who = if target == Target::CallControl { "call" } else { "others" };
    short_fingerprint(&[server, call, "lane", who])
}

/// Stands for an event of `kind` in a call.
pub(super) fn vigil(server: &str, call: &str, kind: &str) -> Vigil {
    short_fingerprint(&[server, call, kind])
}

/// Stands for the call of an event that is not decided yet.
pub(super) fn undecided(server: &str, call: &str) -> Undecided {
    short_fingerprint(&[server, call, "undecided"])
}

/// Whom an action is for: scheme, host and port. What has none of these fails by itself, all together.
fn destination(target: Target, url: &Text) -> String {
    if target == Target::Vapi {
        return "vapi".to_owned();
    }
    let origin = url.origin().map(|(scheme, host)| format!("{scheme}://{host}").to_ascii_lowercase());
    origin.unwrap_or_else(|| "://".to_owned())
}

impl Job {
    /// How a lease has ended, if it is about that.
    pub(super) fn settle(&self) -> Option<&Settle> {
        if let Job::Settle(settle) = self { Some(settle) } else { None }
    }

    /// Whether it changes the file.
    pub(super) fn writes(&self) -> bool {
        matches!(
            self,
            Job::Enqueue { .. } | Job::Settle(_) | Job::CallOff { .. } | Job::Retry { .. } | Job::Discard { .. }
        )
    }
}
