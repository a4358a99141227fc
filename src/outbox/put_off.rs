//! Events that are decided later, since somebody else has to be asked first and nobody waits for the reply.
//!
//! Such an event lies in the outbox like an action: it is on disk before it is acknowledged, and stays until it is decided.
//! Who decides it is not known here.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Enqueued, millis};

/// How often an event is tried to be decided, if what it needs cannot be had.
pub(super) const ATTEMPTS_MAX: u32 = 20;

/// An event to be decided later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutOff {
    /// The event.
    pub event: Event,
    /// The path of the server that it came to.
    pub server: String,
    /// The call that it belongs to, by Vapi's id, if there is one.
    pub call: Option<String>,
    /// What tells it from all others.
    pub idempotency_key: String,
    /// When it came.
    #[serde(with = "millis")]
    pub arrived_at: Timestamp,
}

/// The event as it came, and what else its decision may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its kind, as Vapi spells it.
    pub kind: String,
    /// Its body.
    pub body: String,
    /// The request's headers, without credentials.
    pub headers: Map<String, Value>,
    /// All the chance that the decision may use.
    pub seed: u64,
}

/// What became of an event that was put off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It is decided, and what it asks for is kept.
    Done,
    /// What it needs cannot be had right now, for this reason.
    Failed(String),
    /// It can never be decided, for this reason.
    Refused(String),
}

/// Who decides events that were put off.
pub trait Decider: Send + Sync + 'static {
    /// Decides an event; if this `is_last`, with what there is.
    fn decide<'a>(&'a self, event: &'a PutOff, is_last: bool) -> BoxFuture<'a, Decided>;
}

/// What lies in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Item {
    Action(Enqueued),
    Event(PutOff),
}

impl Item {
    /// What it is called, for people.
    pub(crate) fn name(&self) -> &str {
        match self {
            Item::Action(item) => &item.action.name,
            Item::Event(item) => &item.event.kind,
        }
    }

    pub(crate) fn server(&self) -> &str {
        match self {
            Item::Action(item) => &item.server,
            Item::Event(item) => &item.server,
        }
    }

    pub(crate) fn call(&self) -> Option<&str> {
        match self {
            Item::Action(item) => item.call.as_deref(),
            Item::Event(item) => item.call.as_deref(),
        }
    }

    /// How often it is tried.
    pub(crate) fn attempts_max(&self) -> u32 {
        match self {
            Item::Action(item) => item.action.retry.attempts_max,
            Item::Event(_) => ATTEMPTS_MAX,
        }
    }
}
