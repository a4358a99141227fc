//! What puts the same action into an outbox again and again, as if another event had wanted it each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use switchhook::engine::Turn;
use switchhook::engine::action::Action;
use switchhook::engine::facts::{Facts, Unhurried};
use switchhook::outbox::{Bounds, Enqueued, Outbox};
use tempfile::TempDir;

use crate::Outcome;
use crate::common::{message, workshop};

pub(crate) struct Appender {
    outbox: Outbox,
    action: Action,
    count: AtomicU64,
    _folder: TempDir,
}

impl Appender {
    pub(crate) fn new() -> Outcome<Appender> {
        let folder = TempDir::with_prefix("switchhook-bench-")?;
        let outbox = Outbox::open(Some(folder.path()), Bounds { items_max: usize::MAX, ..Bounds::default() })?;
        Ok(Appender { outbox, action: action()?, count: AtomicU64::new(0), _folder: folder })
    }

    /// Appends it once more; it is on disk once this is over.
    pub(crate) async fn append(&self) -> Outcome<()> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let enqueued = Enqueued {
            action: self.action.clone(),
            server: "/vapi".to_owned(),
            call: Some(format!("0198c7d2-5c1e-7f44-8a6b-{number:012}")),
            idempotency_key: format!("3f0c6e1a-6c1e-4a57-9d1f-{number:012}"),
            decided_at: Timestamp::now(),
            wanted_by: None,
        };
        Ok(self.outbox.enqueue(vec![enqueued]).await?)
    }
}

/// What [`workshop::NOTE`] wants done.
fn action() -> Outcome<Action> {
    let engine = workshop::engine(workshop::NOTE, "")?;
    let event = engine.read(message::status_update().body)?;
    let decision = engine.decide(&event, Turn::Whole, &Facts::default(), Arc::new(Unhurried));
    let actions = decision.map_err(|_| "the rule lacks something")?.actions;
    actions.into_iter().next().ok_or_else(|| "the rule wants nothing done".into())
}
