//! What operators see of the outbox. Nothing here holds a secret: texts are shown with names in their places.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Enqueued;
use super::breaker::State as BreakerState;
use super::put_off::{self, Item, PutOff};
use super::queue::{ItemId, Summary};
use super::record::State;
use super::retry::Millis;
use crate::engine::request::Request;

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its time, its turn, or for its destination to be well.
    Waiting,
    /// It is being sent.
    Leased,
    /// It was given up.
    Dead,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Phase; 3] = [Phase::Waiting, Phase::Leased, Phase::Dead];

    /// The phase in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Phase::Waiting => "waiting",
            Phase::Leased => "leased",
            Phase::Dead => "dead",
        }
    }

    /// The phase that `word` names.
    #[must_use]
    pub fn named(word: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.word() == word)
    }
}

/// How the outbox stands.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Items that wait.
    pub waiting: usize,
    /// Items that are being sent.
    pub leased: usize,
    /// Dead letters.
    pub dead: usize,
    /// Bytes of items that wait or are being sent.
    pub bytes: u64,
    /// When the oldest item was decided that is not given up.
    pub oldest_at: Option<Timestamp>,
    /// Attempts that were taken, since the daemon started.
    pub delivered: u64,
    /// Attempts that may fare better another time.
    pub failed: u64,
    /// Attempts that were refused for good.
    pub refused: u64,
    /// Items that were given up.
    pub buried: u64,
    /// Actions that were not taken.
    pub unqueued: u64,
    /// Why the file cannot be written, if it cannot.
    pub trouble: Option<String>,
    /// Each destination.
    pub destinations: Vec<DestinationStatus>,
}

/// How one destination stands.
#[derive(Debug, Clone)]
pub struct DestinationStatus {
    /// What waits for it, what is being sent to it, and whether it is asked.
    pub alive: Summary,
    /// Dead letters for it.
    pub dead: usize,
}

impl DestinationStatus {
    pub(super) fn only_dead(destination: &Arc<str>, dead: usize) -> DestinationStatus {
        let destination = Arc::clone(destination);
        let alive = Summary { destination, waiting: 0, leased: 0, state: BreakerState::Closed };
        DestinationStatus { alive, dead }
    }
}

impl Status {
    /// The status as programs read it.
    #[must_use]
    pub fn json(&self) -> Value {
        let destinations = self.destinations.iter().map(|it| {
            json!({
                "destination": &*it.alive.destination, "waiting": it.alive.waiting, "leased": it.alive.leased,
                "dead": it.dead, "breaker": it.alive.state.word(),
            })
        });
        json!({
            "waiting": self.waiting, "leased": self.leased, "dead": self.dead, "bytes": self.bytes,
            "oldest_at": self.oldest_at.map(|at| at.to_string()), "trouble": self.trouble,
            "destinations": destinations.collect::<Vec<Value>>(),
        })
    }
}

/// An item as it stands in a list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its number.
    pub id: ItemId,
    /// Where it stands.
    pub phase: Phase,
    state: State,
    item: Option<Item>,
    note: Option<String>,
}

/// An item with all that is known of it.
#[derive(Debug, Clone)]
pub struct Shown(Row);

impl Row {
    /// What a list shows: a thousand bodies would take a lot of memory.
    pub(super) fn without_body(mut self) -> Row {
        match &mut self.item {
            Some(Item::Action(item)) => item.action.request.body = None,
            Some(Item::Event(item)) => item.event.body.clear(),
            None => {}
        }
        self
    }

    pub(super) fn new(id: ItemId, phase: Phase, state: State, item: Option<Item>, note: Option<String>) -> Row {
        Row { id, phase, state, item, note }
    }

    /// The row as programs read it.
    #[must_use]
    pub fn json(&self) -> Value {
        let state = &self.state;
        let mut row = json!({
            "id": self.id, "state": self.phase.word(), "destination": &*state.destination,
            "attempts": state.attempts, "decided_at": moment(state.decided_at), "bytes": state.bytes,
        });
        let more = match state.buried {
            Some(cause) => json!({ "buried_at": moment(state.due_at), "cause": cause.word() }),
            None => json!({ "due_at": moment(state.due_at), "expires_at": moment(state.expires_at) }),
        };
        extend(&mut row, more);
        if let Some(item) = &self.item {
            let what = match item {
                Item::Action(Enqueued { action, .. }) => {
                    let Request { method, url, .. } = &action.request;
                    json!({ "action": action.name, "method": method.as_str(), "url": url.redacted() })
                }
                Item::Event(PutOff { event, .. }) => json!({ "event": event.kind }),
            };
            extend(&mut row, what);
            extend(&mut row, json!({ "server": item.server(), "call": item.call() }));
        }
        extend(&mut row, json!({ "note": self.note.as_deref().map(first_line) }));
        row
    }
}

impl Shown {
    pub(super) fn new(row: Row) -> Shown {
        Shown(row)
    }

    /// The item as programs read it.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut shown = self.0.json();
        if let Some(Item::Event(PutOff { idempotency_key, .. })) = &self.0.item {
            // Its body can hold credentials (contract, section 9).
            extend(&mut shown, json!({ "idempotency_key": idempotency_key, "attempts_max": put_off::ATTEMPTS_MAX }));
        }
        if let Some(Item::Action(Enqueued { action, idempotency_key, .. })) = &self.0.item {
            extend(
                &mut shown,
                json!({
                    "idempotency_key": idempotency_key,
                    "headers": action.request.headers_redacted(),
                    "content_type": action.request.body.as_ref().map(|body| body.content_type.clone()),
                    "body": action.request.body.as_ref().map(|body| body.text.redacted()),
                    "signed": action.sign.is_some(), "in_order": action.in_order,
                    "timeout_ms": u64::try_from(action.request.timeout.as_millis()).unwrap_or(u64::MAX),
                    "attempts_max": action.retry.attempts_max,
                    "unless_by": action.unless_by.as_ref().map(|it| it.kind.clone()),
                }),
            );
        }
        extend(&mut shown, json!({ "note": self.0.note }));
        shown
    }
}

fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn moment(at: Millis) -> Option<String> {
    Timestamp::from_millisecond(at).ok().map(|at| at.to_string())
}
