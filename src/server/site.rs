//! One server of the daemon: a URL path with its own rules and credentials.

use std::sync::Arc;

use hyper::header::HeaderName;

use super::auth::Credentials;
use super::decrypt::ArgumentKey;
use crate::engine::Engine;
use crate::engine::source::Options;
use crate::telemetry::Seldom;

/// What answers at one path.
pub struct Site {
    /// Its number, which tells its calls from those of the others.
    pub index: usize,
    /// The path, or `*` where one site answers at every path.
    pub path: String,
    /// Its rules.
    pub engine: Engine,
    /// Whether its files were sound when they were loaded. If not, nothing can be decided, and every event gets the
    /// emptiest valid reply.
    pub sound: bool,
    /// Its deadlines and limits.
    pub options: Options,
    /// Who may speak to it.
    pub credentials: Arc<Credentials>,
    /// The headers that carry credentials: rules do not see them.
    pub credential_headers: Vec<HeaderName>,
    /// Decrypts tool arguments, if Vapi encrypts them.
    pub argument_key: Option<Arc<ArgumentKey>>,
    /// How often the log was told of those who were turned away. Each site has its own, lest a flood at one of them
    /// hide what goes wrong at another.
    pub(crate) complaints: Complaints,
}

/// See [`Site::complaints`].
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    /// Of senders who did not prove who they are.
    pub(crate) senders: Seldom,
    /// Of bodies that are no server messages.
    pub(crate) bodies: Seldom,
}
