//! Puts events off that nobody waits for, until those have answered who have to be asked.

use std::sync::Arc;

use serde_json::Map;

use super::making::Ask;
use super::truth::{Turned, unfetched};
use super::{Answering, Undone, Unkept};
use crate::engine::Turn;
use crate::outbox::put_off::{self, Decided, PutOff};
use crate::server::errands;
use crate::server::occasion::Occasion;

impl Answering {
    /// Keeps the event until those have answered who have to be asked.
    pub(super) async fn put_off(&self, occasion: &Arc<Occasion>) -> Result<(), Unkept> {
        let facts = self.facts(occasion);
        let first = match self.be_first(occasion, Turn::Whole).await {
            Turned::First(first) => first,
            Turned::Repeated => return Ok(()),
            Turned::Busy => return Err(Unkept),
        };
        let put_off = PutOff {
            event: put_off::Event {
                kind: occasion.event.kind().name().to_owned(),
                body: occasion.event.body().to_owned(),
                headers: Map::clone(&facts.headers),
                seed: facts.seed,
            },
            server: occasion.site.path.clone(),
            call: occasion.event.call_id().map(str::to_owned),
            idempotency_key: errands::key_of_event(occasion, &facts),
            arrived_at: facts.now,
        };
        match occasion.in_time(self.outbox.put_off(put_off)).await {
            Some(Ok(())) => {
                if let Some(first) = first {
                    first.done();
                }
                Ok(())
            }
            // What is too long to be kept is decided while it waits.
            Some(Err(error)) if error.is_final() => {
                drop(first);
                self.decide(occasion, Turn::Whole, Ask::Now).await.map(drop).map_err(|_| Unkept)
            }
            _ => Err(Unkept),
        }
    }

    /// Decides an event that was put off.
    pub async fn decide_later(&self, occasion: Arc<Occasion>) -> Decided {
        match self.decide(&occasion, Turn::Whole, Ask::Now).await {
            Ok(decision) => unfetched(&decision).map_or(Decided::Done, Decided::Failed),
            Err(Undone::Unfetched(why)) => Decided::Failed(why),
            Err(_) => Decided::Failed("what it asks for cannot be kept right now".to_owned()),
        }
    }
}
