//! What a decision wants done for the rest of the world, each thing with the key under which it is done once.
//!
//! Whoever decides the same event again, after a crash or because it came again, comes to the same keys: the outbox takes
//! it for the same. So a key is made of what tells one event from another (contract, section 7), and of nothing that this
//! process alone knows.

use std::collections::HashMap;

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;

use super::identity::Mark;
use super::occasion::Occasion;
use crate::engine::Turn;
use crate::engine::action::Action;
use crate::engine::facts::Facts;
use crate::engine::json::Json;
use crate::outbox::Enqueued;

/// How many bytes of the hash make a key.
const KEY_BYTES: usize = 16;

/// The actions of one turn, ready for the outbox.
pub(super) fn of(occasion: &Occasion, turn: Turn, actions: Vec<Action>, facts: &Facts) -> Vec<Enqueued> {
    if actions.is_empty() {
        return Vec::new();
    }
    let identity = Identity::of(occasion, turn, facts);
    let call = occasion.event.call_id();
    let mut namesakes: HashMap<String, u64> = HashMap::new();
    let errand = |action: Action| {
        // The place among all actions would change with every rule that is added before.
        let number = namesakes.entry(action.name.clone()).or_default();
        *number += 1;
        Enqueued {
            server: occasion.site.path.clone(),
            call: call.map(str::to_owned),
            idempotency_key: identity.key(*number, &action.name),
            decided_at: facts.now,
            wanted_by: action.unless_by.as_ref().map(|_| key_of_event(occasion, facts)),
            action,
        }
    };
    actions.into_iter().map(errand).collect()
}

/// What tells an event that is put off, or calls something off, from all others.
pub(super) fn key_of_event(occasion: &Occasion, facts: &Facts) -> String {
    Identity::of(occasion, Turn::Whole, facts).key(0, occasion.event.kind().name())
}

/// What tells one turn of an event from all others.
struct Identity(Context);

impl Identity {
    fn of(occasion: &Occasion, turn: Turn, facts: &Facts) -> Identity {
        let event = &occasion.event;
        let mut identity = Identity(Context::new(&SHA256));
        identity.add(&occasion.site.path);
        identity.add(event.kind().name());
        match (event.call_id(), turn) {
            (Some(call), Turn::ToolCall(index)) => {
                let asked = event.tool_calls().get(index).filter(|call| !call.is_hook() && !call.id.is_empty());
                identity.add(call);
                match asked {
                    Some(asked) => {
                        identity.add(&asked.id);
                        identity.add(&asked.name);
                        identity.add(asked.arguments().map(Json::raw).unwrap_or_default());
                    }
                    // Each of these is one of its own, however often it comes.
                    None => identity.add(&facts.seed.to_string()),
                }
            }
            (Some(call), Turn::Whole) => {
                identity.add(call);
                match Mark::of(event) {
                    Mark::Only => {}
                    Mark::Stamped(stamp) => stamp.into_iter().for_each(|part| identity.add(part)),
                    Mark::Said(fields) => fields.iter().for_each(|(name, value)| {
                        identity.add(name);
                        identity.add(value);
                    }),
                    Mark::Body(body) => identity.add(body),
                }
            }
            // Nothing says that two equal bodies are one event.
            (None, _) => {
                identity.add(event.body());
                identity.add(&facts.seed.to_string());
            }
        }
        identity
    }

    fn add(&mut self, part: &str) {
        // With its length before it, no part can be taken for a piece of another.
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part.as_bytes());
    }

    fn key(&self, number: u64, name: &str) -> String {
        let mut whole = Identity(self.0.clone());
        whole.add(name);
        whole.add(&number.to_string());
        HEXLOWER.encode(whole.0.finish().as_ref().get(..KEY_BYTES).unwrap_or_default())
    }
}
