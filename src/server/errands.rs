//! What a decision wants done for the rest of the world, each thing with the key under which it is done once.
//!
//! Whoever decides the same event again, after a crash or because it came again, comes to the same keys: the outbox takes
//! it for the same. So a key is made of what tells one event from another (contract, section 7), and of nothing that this
//! process alone knows.

use std::collections::HashMap;

use data_encoding::HEXLOWER;

use super::identity::{Mark, asked};
use super::occasion::Occasion;
use crate::engine::Turn;
use crate::engine::action::Action;
use crate::engine::facts::Facts;
use crate::fingerprint::fingerprint;
use crate::outbox::Enqueued;

/// The actions of one turn, ready for the outbox.
pub(super) fn of(occasion: &Occasion, turn: Turn, actions: Vec<Action>, facts: &Facts) -> Vec<Enqueued> {
    if actions.is_empty() {
        return Vec::new();
    }
    let identity = identity(occasion, turn, facts);
    let call = occasion.event.call_id();
    let mut namesakes: HashMap<String, u64> = HashMap::new();
    let errand = |action: Action| {
        // The place among all actions would change with every rule that is added before.
        let number = namesakes.entry(action.name.clone()).or_default();
        *number += 1;
        Enqueued {
            server: occasion.site.path.clone(),
            call: call.map(str::to_owned),
            idempotency_key: key(identity, *number, &action.name),
            decided_at: facts.now,
            wanted_by: action.unless_by.as_ref().map(|_| key_of_event(occasion, facts)),
            action,
        }
    };
    actions.into_iter().map(errand).collect()
}

/// What tells an event that is put off, or calls something off, from all others.
pub(super) fn key_of_event(occasion: &Occasion, facts: &Facts) -> String {
    key(identity(occasion, Turn::Whole, facts), 0, occasion.event.kind().name())
}

/// What tells one turn of an event from all others.
fn identity(occasion: &Occasion, turn: Turn, facts: &Facts) -> u128 {
    let event = &occasion.event;
    let of = |more: &[&str]| fingerprint([&*occasion.site.path, event.kind().name()].iter().chain(more));
    // Where nothing tells it, each is one of its own, however often it comes.
    let chance = || facts.seed.to_string();
    let Some(call) = event.call_id() else { return of(&[event.body(), &chance()]) };
    match turn {
        Turn::Whole => of(&[&[call], &*Mark::of(event).texts()].concat()),
        Turn::ToolCall(index) => {
            let asked = event.tool_calls().get(index).and_then(asked);
            asked.map_or_else(|| of(&[call, &chance()]), |asked| of(&[&[call], &asked[..]].concat()))
        }
    }
}

/// What tells an action called `name` from all others: the `number`-th of that name that the turn of an event wants.
fn key(identity: u128, number: u64, name: &str) -> String {
    let key = fingerprint([&identity.to_le_bytes()[..], name.as_bytes(), &number.to_le_bytes()]);
    HEXLOWER.encode(&key.to_le_bytes())
}
