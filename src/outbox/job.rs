//! What the thread that owns the file is asked to do, and what it is handed for that.

use std::borrow::Cow;

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::put_off::{Item, PutOff};
use super::queue::{Health, ItemId, Lane, Undecided, Vigil};
use super::record::{DECISIONS, State};
use super::retry::{Millis, Next, later};
use super::view::{Phase, Row, Shown, Status};
use super::{Bounds, EnqueueError, Enqueued, Happened, Which};
use crate::engine::request::{Part, Target, Text, origin};
use crate::fingerprint::{fingerprint, short_fingerprint};

/// Enough for most actions, so that what is written need not grow piece by piece.
const ITEM_BYTES_USUAL: usize = 1024;
/// The longest action, in bytes.
const ACTION_BYTES_MAX: usize = 8 << 20;
/// The longest event that is put off, in bytes.
pub(super) const EVENT_BYTES_MAX: usize = 32 << 20;
/// What ends the host in a URL.
const BEHIND_HOST: [char; 3] = ['/', '?', '#'];
/// The longest name of a destination, in bytes. No host has a name of more than 253 bytes, but callers may give any text for
/// one, and the destinations that failed are kept in memory.
const DESTINATION_BYTES_MAX: usize = 1024;
/// How long an event is tried to be decided, in milliseconds.
pub(super) const EVENT_AGE_MAX: i64 = 24 * 60 * 60 * 1000;

/// What the thread is asked to do.
pub(super) enum Job {
    Write(Write),
    Look(Look),
    Rebound(Bounds),
    Close(oneshot::Sender<()>),
}

/// What changes the file.
pub(super) enum Write {
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
}

/// What is asked of the file, and leaves it as it is.
pub(super) enum Look {
    Load { id: ItemId, done: oneshot::Sender<Loaded> },
    Page { phase: Option<Phase>, after: ItemId, limit: usize, done: oneshot::Sender<Vec<Row>> },
    Show { id: ItemId, done: oneshot::Sender<Option<Shown>> },
    Status(oneshot::Sender<Status>),
}

/// How a lease ends.
#[derive(Debug, Clone)]
pub(super) struct Settle {
    pub(super) id: ItemId,
    pub(super) health: Health,
    /// What becomes of the item. Nothing: its record is damaged, and is dropped.
    pub(super) next: Option<Next>,
    /// What is worth knowing of the attempt.
    pub(super) note: String,
    pub(super) now: Millis,
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
    /// Whether it is said to a call: that makes sense at the moment of its event, and not long after.
    pub(super) is_of_its_moment: bool,
}

impl Prepared {
    pub(super) fn of(enqueued: &Enqueued) -> Result<Prepared, EnqueueError> {
        let Enqueued { action, server, call, idempotency_key, decided_at, .. } = enqueued;
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
            key: fingerprint([server, idempotency_key]),
            ..State::new(destination(action.request.target, &action.request.url), decided_at, due_at, item.len())
        };
        Ok(Prepared { item, state, is_of_its_moment: action.request.target == Target::CallControl })
    }

    /// The events of one call are decided one after the other, as they came, but none waits for one that has failed.
    pub(super) fn of_event(event: PutOff) -> Result<Prepared, EnqueueError> {
        let arrived_at = event.arrived_at.as_millisecond();
        let (server, key) = (event.server.clone(), key_of_event(&event.server, &event.idempotency_key));
        let call = event.call.clone();
        let lane = call.as_deref().map_or(0, |call| short_fingerprint([&*server, call, "lane", "events"]));
        let kind = event.event.kind.clone();
        let item = written(&kind, EVENT_BYTES_MAX, &Item::Event(event))?;
        let destination = format!("{DECISIONS}{server}");
        let vigil = call.map_or(0, |call| undecided(&server, &call));
        let state = State::new(destination, arrived_at, arrived_at, item.len());
        let state = State { age_max: EVENT_AGE_MAX, lane, vigil, key, ..state };
        Ok(Prepared { item, state, is_of_its_moment: false })
    }
}

fn written(name: &str, bytes_max: usize, item: &impl Serialize) -> Result<Vec<u8>, EnqueueError> {
    let mut written = Vec::with_capacity(ITEM_BYTES_USUAL);
    serde_json::to_writer(&mut written, item).map_err(|error| EnqueueError::Unwritable(error.to_string()))?;
    if bytes_max < written.len() {
        return Err(EnqueueError::TooLarge { name: name.to_owned(), bytes: written.len(), bytes_max });
    }
    Ok(written)
}

/// Stands for what is sent in order: what a call is told does not wait for a request to somebody else.
fn lane(server: &str, call: &str, target: Target) -> Lane {
    let who = if target == Target::CallControl { "call" } else { "others" };
    short_fingerprint([server, call, "lane", who])
}

/// Stands for an event of `kind` in a call.
pub(super) fn vigil(server: &str, call: &str, kind: &str) -> Vigil {
    short_fingerprint([server, call, kind])
}

/// Stands for the key of an event that is put off: no action has the same.
pub(super) fn key_of_event(server: &str, idempotency_key: &str) -> u128 {
    fingerprint([server, "event", idempotency_key])
}

/// Stands for the call of an event that is not decided yet.
pub(super) fn undecided(server: &str, call: &str) -> Undecided {
    short_fingerprint([server, call, "undecided"])
}

/// Whom an action is for: scheme, host and port, or the name of the secret that says them. What has none of these, or one that
/// cannot be, fails by itself, all together.
fn destination(target: Target, url: &Text) -> String {
    if target == Target::Vapi {
        return "vapi".to_owned();
    }
    let begins_with_secret = matches!(url.0.first(), Some(Part::Secret { .. }));
    let url = in_lower_case(url);
    let destination = if begins_with_secret {
        Some(through_host(&url).to_owned())
    } else {
        origin(&url).map(|(scheme, host)| [scheme, "://", host].concat())
    };
    destination.filter(|name| name.len() <= DESTINATION_BYTES_MAX).unwrap_or_else(|| "://".to_owned())
}

/// What a text begins with, to the end of its host if it is a URL.
fn through_host(text: &str) -> &str {
    let scheme = text.find("://").filter(|at| text.find(BEHIND_HOST) == Some(at + 1));
    let host = scheme.map_or(0, |at| at + "://".len());
    let behind = text.match_indices(BEHIND_HOST).map(|(at, _)| at).find(|at| host <= *at);
    text.get(..behind.unwrap_or(text.len())).unwrap_or(text)
}

/// The text for people, with all but the names of its secrets in lower case.
fn in_lower_case(text: &Text) -> String {
    let parts = text.0.iter().map(|part| match part {
        Part::Plain(text) => Cow::Owned(text.to_ascii_lowercase()),
        secret @ Part::Secret { .. } => secret.redacted(),
    });
    parts.collect()
}

impl Write {
    /// How a lease has ended, if it is about that.
    pub(super) fn settle(&self) -> Option<&Settle> {
        if let Write::Settle(settle) = self { Some(settle) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::request::Written;

    #[test]
    fn each_host_and_each_secret_that_says_the_host_is_a_destination() {
        let plain = |text: &str| Part::Plain(text.to_owned());
        let secret = |name: &str| Part::Secret { name: name.to_owned(), written: Written::Plain };
        let to = |parts: Vec<Part>| destination(Target::Anybody, &Text(parts));
        for (parts, name) in [
            (vec![plain("HTTPS://Crm.example:8443/Calls?a=b")], "https://crm.example:8443"),
            (vec![plain("http://crm.example?a=b")], "http://crm.example"),
            (vec![plain("https://"), secret("Host"), plain(".Example/Calls")], "https://[secret Host].example"),
            (vec![secret("Hook")], "[secret Hook]"),
            (vec![secret("Base"), plain("/Calls?a=https://b.example/")], "[secret Base]"),
            (vec![secret("Base"), plain(".Example:8443?a=b")], "[secret Base].example:8443"),
            (vec![secret("scheme"), plain("://Crm.example/Calls")], "[secret scheme]://crm.example"),
            (vec![secret("a"), secret("b")], "[secret a][secret b]"),
            (vec![plain("ftp://a.example/")], "://"),
            (vec![plain("decide "), secret("a")], "://"),
            (vec![plain("")], "://"),
            (vec![plain(&format!("https://{}.example/", "x".repeat(1 << 20)))], "://"),
            (vec![secret("Base"), plain(&"x".repeat(1 << 20))], "://"),
        ] {
            assert_eq!(to(parts), name);
        }
        assert_eq!(destination(Target::Vapi, &Text(vec![secret("base"), plain("/call")])), "vapi");
    }
}
