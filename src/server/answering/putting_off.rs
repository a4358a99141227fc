//! Puts events off that nobody waits for, until those have answered who have to be asked.

use std::sync::Arc;

use serde_json::Map;

use super::making::Ask;
use super::truth::Turned;
use super::{Answering, Undone, Unkept};
use crate::clock::Clock;
use crate::engine::Turn;
use crate::engine::event::Event;
use crate::engine::facts::Facts;
use crate::outbox::put_off::{self, Decided, PutOff};
use crate::server::errands;
use crate::server::occasion::Occasion;
use crate::server::site::Site;

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
        match occasion.kept(self.outbox.put_off(put_off)).await {
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

    /// Decides an event that was put off: it has come with `facts`, and is known by this `key`. Each part of each rule is
    /// carried out as soon as it can be; if this `is_last`, what lacks something now is done without.
    pub(in crate::server) async fn decide_later(
        &self,
        site: &Arc<Site>,
        event: Event,
        facts: Facts,
        key: &str,
        is_last: bool,
    ) -> Decided {
        let tried = self.tried.get(key, &site.snapshot.version);
        let facts = Facts { tries: Some(tried.next(is_last)), answers: tried.answers, ..facts };
        let begun_at = Clock::instant();
        let occasion = Occasion { site: Arc::clone(site), event, facts, begun_at, is_encrypted: false };
        match self.decide(&Arc::new(occasion), Turn::Whole, Ask::Now).await {
            Ok(_) => {
                self.tried.forget(key);
                Decided::Done
            }
            Err(Undone::Unfetched(why, tried)) => {
                self.tried.keep(key, &site.snapshot.version, tried);
                Decided::Failed(why)
            }
            Err(_) => Decided::Failed("what it asks for cannot be kept right now".to_owned()),
        }
    }
}
