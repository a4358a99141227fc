//! What is to be done for the rest of the world, as data: an [`Action`] is a request, and how much it matters that it
//! arrives.

pub mod signing_key;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::{Request, Text};

/// How long an action is tried at most, whatever it says, unless the settings say otherwise.
pub const AGE_MAX: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// A request to somebody else, and how much it matters that it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Who wants it, for people: the rule's name and the action's own, as in `book-table/1`.
    pub name: String,
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// How long after the decision it is sent for the first time.
    pub after: Duration,
    /// What makes it superfluous if it happens in time.
    pub unless_by: Option<UnlessBy>,
    /// How it is tried again.
    pub retry: Retry,
    /// Whether it waits for the actions of the same call that came before it and are in order, too.
    pub in_order: bool,
    /// The secret to sign it with, as Standard Webhooks do.
    pub sign: Option<Text>,
}

impl Action {
    /// How long one attempt may take, unless somebody says otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// How long it can wait to be sent.
    pub const AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

    /// An action that is sent at once.
    #[must_use]
    pub fn plain(name: String, request: Request) -> Action {
        let after = Duration::ZERO;
        Action { name, request, after, unless_by: None, retry: Retry::USUAL, in_order: false, sign: None }
    }
}

impl Retry {
    /// How an action is tried again, unless somebody says otherwise.
    pub const USUAL: Retry = Retry { attempts_max: 20, age_max: Duration::from_secs(24 * 3600) };
}

/// What makes an action superfluous: an event of this kind in the same call, before the action is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlessBy {
    /// The kind, as Vapi spells it.
    pub kind: String,
    /// How long after the decision the event still counts; the action waits for that long.
    pub within: Duration,
}

/// How an action is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often it is tried at most; 1 is never again.
    pub attempts_max: u32,
    /// How long after the decision it is still tried.
    pub age_max: Duration,
}
