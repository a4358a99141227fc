//! What tests of the whole program share: a daemon of one's own, a client for it, and sample messages.

mod client;
mod daemon;
mod destination;
mod key;
mod pair;
mod samples;

pub(crate) use client::{Answer, Client};
pub(crate) use daemon::{Daemon, Ended, Folder, activated, nameless, switchhook};
pub(crate) use destination::{Arrival, Destination};
pub(crate) use key::Key;
pub(crate) use pair::{Pair, localhost};
pub(crate) use samples::{fixtures, here, samples};

use std::time::Duration;

/// How long anything may take before a test gives up: far longer than it ever does, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
