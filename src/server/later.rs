//! Decides events that were acknowledged before they were decided, since somebody else had to be asked first.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::answering::Answering;
use super::site::Sites;
use crate::engine::facts::Facts;
use crate::live::Live;
use crate::outbox::put_off::{Decided, Decider, PutOff};

/// Decides them by the rules in force.
pub struct Later {
    sites: Live<Sites>,
    answering: Arc<Answering>,
}

impl Later {
    /// Who decides them for these sites.
    #[must_use]
    pub fn new(sites: Live<Sites>, answering: Arc<Answering>) -> Later {
        Later { sites, answering }
    }

    async fn decide(&self, item: &PutOff, is_last: bool) -> Decided {
        let sites = self.sites.current();
        let Some(site) = sites.at(&item.server) else {
            // Settings that are half written, or mended soon, must not cost an event that was acknowledged.
            return Decided::Failed(format!("there is no server `{}` any more", item.server));
        };
        if !site.snapshot.is_sound() {
            return Decided::Failed("the rules cannot be read".to_owned());
        }
        let event = match site.engine().read(item.event.body.clone()) {
            Ok(event) => event,
            Err(error) => return Decided::Refused(error.to_string()),
        };
        let headers = Arc::new(item.event.headers.clone());
        let facts = Facts { now: item.arrived_at, seed: item.event.seed, headers, ..Facts::default() };
        self.answering.decide_later(site, event, facts, &item.idempotency_key, is_last).await
    }
}

impl Decider for Later {
    fn decide<'a>(&'a self, event: &'a PutOff, is_last: bool) -> BoxFuture<'a, Decided> {
        Box::pin(self.decide(event, is_last))
    }
}
