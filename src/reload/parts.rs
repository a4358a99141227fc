//! Parts of the daemon that have bounds of their own, which settings change while they run.

use std::sync::Arc;

use crate::client::Client;
use crate::outbox::Outbox;
use crate::server::answering::Answering;
use crate::server::asking::Asking;
use crate::settings::Settings;
use crate::telemetry;

/// The parts.
pub struct Parts {
    /// What answers.
    pub answering: Arc<Answering>,
    /// What asks others.
    pub asking: Asking,
    /// What is to be sent.
    pub outbox: Outbox,
}

impl Parts {
    /// Has all of them keep the bounds of `settings`.
    pub(super) fn rebound(&self, settings: &Settings) -> Result<(), String> {
        self.answering.rebound(settings.bounds).map_err(|error| format!("there are no more threads: {error}"))?;
        self.asking.rebound(settings.asking);
        self.outbox.rebound(settings.outbox);
        telemetry::refilter(&settings.log_filter).map_err(|error| error.to_string())
    }
}

/// What sends requests to others as `settings` say, in the place of what did so `before`.
pub(super) fn client(settings: &Settings, before: Option<&Client>) -> Result<Client, String> {
    let client = before.map_or_else(|| Client::new(&settings.outbound), |client| client.changed(&settings.outbound));
    client.map_err(|error| format!("TLS cannot be set up for requests to others: {error}"))
}
