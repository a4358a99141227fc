//! Calls off what waits in case an event does not come.

use std::sync::Arc;
use std::time::Duration;

use super::{Answering, Unkept};
use crate::engine::Turn;
use crate::outbox::Happened;
use crate::server::errands;
use crate::server::occasion::Occasion;
use crate::telemetry;

/// The pauses, in milliseconds, before it is tried once more to call off what an event makes superfluous that nobody sends
/// again.
const PAUSES_MS: [u64; 6] = [250, 500, 1000, 2000, 4000, 8000];

impl Answering {
    /// Whether an event of this kind calls anything off, by the rules in force or by those of earlier.
    pub(super) fn may_call_off(&self, occasion: &Occasion) -> bool {
        occasion.site.engine().calls_off(occasion.event.kind()) || self.awaited(occasion)
    }

    /// Whether anything waits in case this event does not come, or will, once an earlier event of its call is decided.
    fn awaited(&self, occasion: &Occasion) -> bool {
        let (server, kind) = (&occasion.site.path, occasion.event.kind());
        let calls_off = occasion.site.engine().calls_off(kind);
        occasion.event.call_id().is_some_and(|call| {
            self.outbox.awaits(server, call, kind.name()) || (calls_off && self.outbox.is_undecided(server, call))
        })
    }

    /// Calls off what waits in case this event does not come. One that comes again has done so before, whether anything
    /// waited then or not, and must not call off what it wanted itself, or what a later one did. After a restart only the
    /// outbox knows that.
    pub(super) async fn call_off(&self, occasion: &Occasion) -> Result<(), Unkept> {
        let Some(identity) = occasion.event_identity(Turn::Whole, &self.heard) else { return Ok(()) };
        let first = match occasion.in_time(self.heard.first(identity)).await {
            Some(Some(first)) => first,
            Some(None) => return Ok(()),
            None => return Err(Unkept),
        };
        if let Some(event) = self.happened(occasion) {
            occasion.kept(self.outbox.happened(event)).await.and_then(Result::ok).ok_or(Unkept)?;
        }
        first.done();
        Ok(())
    }

    /// The same for an event whose sender waits for a reply, and not for this. He will not send it again because of this
    /// either, so what cannot be written at once is written a little later.
    pub(super) fn call_off_behind(self: &Arc<Self>, occasion: &Arc<Occasion>) {
        let (answering, occasion) = (Arc::clone(self), Arc::clone(occasion));
        self.background.spawn(async move {
            let Some(identity) = occasion.event_identity(Turn::Whole, &answering.heard) else { return };
            let Some(first) = answering.heard.first(identity).await else { return };
            let event = answering.happened(&occasion);
            // The body need not be kept until then.
            drop(occasion);
            first.done();
            if let Some(event) = event {
                answering.call_off_at_last(event).await;
            }
        });
    }

    async fn call_off_at_last(&self, event: Happened) {
        let mut pauses = PAUSES_MS.into_iter();
        while let Err(error) = self.outbox.happened(event.clone()).await {
            let Some(pause) = pauses.next() else {
                return telemetry::not_called_off(&event, &error);
            };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// The event as the outbox knows it, if anything waits for it not to come.
    fn happened(&self, occasion: &Occasion) -> Option<Happened> {
        let call = occasion.event.call_id().filter(|_| self.awaited(occasion))?;
        Some(Happened {
            server: occasion.site.path.clone(),
            call: call.to_owned(),
            kind: occasion.event.kind().name().to_owned(),
            idempotency_key: errands::key_of_event(occasion, &occasion.facts),
            at: occasion.facts.now,
        })
    }
}
