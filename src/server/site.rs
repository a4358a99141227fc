//! One server of the daemon, a URL path with its own rules and credentials, and which of them answers where.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use super::auth::Credentials;
use super::decrypt::ArgumentKey;
use crate::engine::Engine;
use crate::engine::source::Options;
use crate::live::snapshot::Snapshot;
use crate::telemetry::Seldom;

/// What answers at one path. Whatever changes of it makes another site, which takes the place of this one.
pub struct Site {
    /// Its number, which tells its calls from those of the others. A path has the same number for as long as the daemon
    /// runs.
    pub index: usize,
    /// The path, or `*` where one site answers at every path.
    pub path: String,
    /// Its rules.
    pub snapshot: Arc<Snapshot>,
    /// Its deadlines and limits.
    pub options: Options,
    /// Who may speak to it.
    pub credentials: Arc<Credentials>,
    /// The headers that carry credentials: rules do not see them.
    pub credential_headers: Vec<HeaderName>,
    /// Decrypts tool arguments, if Vapi encrypts them.
    pub argument_key: Option<Arc<ArgumentKey>>,
    /// A header of every reply that names the version of the rules, if the settings ask for one.
    pub version_header: Option<(HeaderName, HeaderValue)>,
    /// How often the log was told of those who were turned away. Each site has its own, lest a flood at one of them
    /// hide what goes wrong at another.
    pub(crate) complaints: Arc<Complaints>,
}

impl Site {
    /// What decides.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.snapshot.engine
    }
}

/// See [`Site::complaints`].
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    /// Of senders who did not prove who they are.
    pub(crate) senders: Seldom,
    /// Of bodies that are no server messages.
    pub(crate) bodies: Seldom,
}

/// Which site answers where.
pub enum Sites {
    /// One answers at every path.
    Everywhere(Arc<Site>),
    /// Each answers at its own path.
    ByPath(HashMap<String, Arc<Site>>),
}

impl Sites {
    /// The site that answers at `path`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Arc<Site>> {
        match self {
            Sites::Everywhere(site) => Some(site),
            Sites::ByPath(sites) => sites.get(path),
        }
    }

    /// All sites, in the order of their paths.
    #[must_use]
    pub fn all(&self) -> Vec<&Arc<Site>> {
        let mut all: Vec<_> = match self {
            Sites::Everywhere(site) => vec![site],
            Sites::ByPath(sites) => sites.values().collect(),
        };
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }
}
