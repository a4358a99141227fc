//! Decrypts tool arguments before their event is decided, on threads that do nothing else.

use std::io;
use std::sync::Arc;

use tokio::time::timeout_at;

use super::Answering;
use crate::client::Asker;
use crate::server::decrypt::ArgumentKey;
use crate::server::lanes::{Lane, Priority};
use crate::server::occasion::Occasion;
use crate::telemetry;

/// Threads that decrypt: one more than a single event can keep busy.
const THREADS: usize = 2;
/// Events that may wait for them. One more is decided without its arguments.
const WAITING_MAX: usize = 1024;

/// The arguments of tool calls, each with the number of its call.
type Arguments = Vec<(usize, String)>;

/// The threads.
pub(super) fn lane() -> io::Result<Lane> {
    Lane::start("decrypt", THREADS, WAITING_MAX, Priority::Usual)
}

impl Answering {
    /// Decrypts what Vapi has encrypted in the arguments of the event's tool calls. Where that is not done by the time
    /// when they have to be decided, they stay as they are, and rules answer with their fallbacks.
    pub async fn decrypt(&self, mut occasion: Occasion, key: &Arc<ArgumentKey>) -> Occasion {
        let encrypted = encrypted(&occasion, key);
        if encrypted.is_empty() {
            return occasion;
        }
        let Some(plain) = self.decrypted(&occasion, Arc::clone(key), encrypted).await else {
            telemetry::still_encrypted(&occasion.site.path, occasion.event.call_id());
            return Occasion { is_encrypted: true, ..occasion };
        };
        for (index, arguments) in plain {
            occasion.event.replace_arguments(index, &arguments);
        }
        occasion
    }

    /// Those that were encrypted, in plain; nothing if there is no time for that.
    async fn decrypted(&self, occasion: &Occasion, key: Arc<ArgumentKey>, encrypted: Arguments) -> Option<Arguments> {
        let until = occasion.made_by();
        let job = move || {
            let mut plain = Vec::new();
            for (index, arguments) in encrypted {
                // Nobody waits for the rest then, and others wait for this thread.
                if until.passed() {
                    return None;
                }
                plain.extend(key.decrypt_arguments(&arguments).map(|arguments| (index, arguments)));
            }
            Some(plain)
        };
        let plain = self.decrypting.run(Asker::Caller, job).ok()?;
        timeout_at(until.instant().into(), plain).await.ok()?.ok()?
    }
}

/// The arguments that may hold an encrypted text.
fn encrypted(occasion: &Occasion, key: &ArgumentKey) -> Arguments {
    let all = occasion.event.tool_calls().iter().enumerate();
    let arguments = all.filter_map(|(index, call)| Some((index, call.arguments().ok()?)));
    let long = arguments.filter(|(_, arguments)| key.may_be_in(arguments.raw()));
    long.map(|(index, arguments)| (index, arguments.raw().to_owned())).collect()
}
