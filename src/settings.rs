//! The daemon's own settings, parsed once from file, environment and flags.
//!
//! Every setting has a default, so a daemon without a file serves `rules/` on loopback. This is the only
//! place that reads the environment. Where the settings are wrong, all that is wrong is said at once, as for rules.

mod address;
mod auth;
mod bounded;
mod environment;
mod limits;
mod log;
mod secret;
mod source;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderName;
use secrecy::SecretString;

use crate::engine::diagnostic::{self, Diagnostic, Severity, Sources};
use crate::engine::source::{self as rules, Options, yaml};
use crate::load::{self, LoadError};
use crate::server::answering::Bounds;
use crate::server::auth::Credentials;
use crate::server::decrypt::ArgumentKey;
use crate::server::limits::Limits;
use crate::server::tls::Certificates;
use crate::telemetry;

/// The settings file's name, where none is given.
pub const FILE: &str = "switchhook.yaml";
/// The folder of rules, where none is given.
pub const RULES: &str = "rules";

/// What the daemon was told about itself.
#[derive(Clone)]
pub struct Settings {
    /// Where it listens for Vapi.
    pub listen: SocketAddr,
    /// Where it listens for operators.
    pub admin: SocketAddr,
    /// What operators must bring, if anything.
    pub admin_token: Option<SecretString>,
    /// What Vapi's address is secured by, if it is.
    pub tls: Option<Certificates>,
    /// What the operators' address is secured by, if it is.
    pub admin_tls: Option<Certificates>,
    /// What answers at which path.
    pub sites: Vec<SiteSettings>,
    /// Whether paths were given; if not, the only site answers at every path.
    pub by_path: bool,
    /// The bounds of the transport.
    pub limits: Limits,
    /// The bounds of answering.
    pub bounds: Bounds,
    /// How a log line looks.
    pub log_format: telemetry::Format,
    /// What is logged.
    pub log_filter: String,
}

/// One server of the daemon.
#[derive(Clone)]
pub struct SiteSettings {
    /// Its URL path.
    pub path: String,
    /// Its folder of rules.
    pub rules: PathBuf,
    /// What the rules are held against.
    pub options: Options,
    /// Who may speak to it.
    pub credentials: Arc<Credentials>,
    /// Whether `auth` was written at all, be it `none`.
    pub auth_written: bool,
    /// The headers that carry credentials.
    pub credential_headers: Vec<HeaderName>,
    /// Decrypts tool arguments.
    pub argument_key: Option<Arc<ArgumentKey>>,
}

/// Settings that can be served, and what their author should know about them.
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Warnings and hints.
    pub found: Vec<Diagnostic>,
    /// The file that they are about.
    pub sources: Sources,
}

/// Why there are no settings.
pub enum Trouble {
    /// A file cannot be read.
    Unreadable(LoadError),
    /// What is wrong in the file.
    Found(Vec<Diagnostic>, Sources),
}

/// Why settings cannot be served with what the flags say.
#[derive(Debug, thiserror::Error)]
pub enum Unservable {
    /// Anybody could speak to it.
    #[error(
        "the server `{path}` has no `auth`, so it may listen on loopback only, not on {listen}: \
         write its credentials under `auth:`, or `auth: none` to accept everybody"
    )]
    Open {
        /// The server.
        path: String,
        /// Where it should listen.
        listen: SocketAddr,
    },
    /// Anybody could speak to the admin address.
    #[error(
        "other machines can reach the admin address {0}, so it needs a token: \
         write `admin: {{ token: \"${{env.ADMIN_TOKEN}}\" }}` in the settings file"
    )]
    OpenAdmin(SocketAddr),
    /// `--log` cannot be read.
    #[error("`--log`: {0}")]
    Filter(#[from] log::BadFilter),
    /// `--rules` for a file with `servers`.
    #[error("`--rules` names one folder, but the settings file has `servers` with folders of their own")]
    RulesTwice,
}

/// Reads the settings file, or `switchhook.yaml` if there is one, or takes the defaults.
///
/// # Errors
/// When the file cannot be read, or something in it is wrong.
pub fn load(file: Option<&Path>) -> Result<Loaded, Trouble> {
    let default = Path::new(FILE);
    let (path, text) = match file {
        Some(path) => (path, load::read(path).map_err(Trouble::Unreadable)?),
        None if default.exists() => (default, load::read(default).map_err(Trouble::Unreadable)?),
        None => (default, String::new()),
    };
    let mut sources = Sources::default();
    let id = sources.add(load::shown(path), text.as_str());
    let mut found = Vec::new();
    let tree = yaml::parse(id, &text, &mut found);
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let settings = if let Some(mut tree) = tree {
        let secrets = secret::literal(&tree);
        environment::expand(&mut tree, &mut found);
        let settings = source::settings(&tree, folder, &mut found);
        secrets.hint(&mut found);
        secrets.conceal(&mut found, &sources);
        settings
    } else {
        // Nobody knows what stands where in a file that is no YAML.
        found.iter_mut().for_each(secret::conceal);
        None
    };
    rules::drop_consequences(&mut found, &sources);
    diagnostic::sort(&mut found);
    match settings {
        Some(settings) if !found.iter().any(|found| found.severity == Severity::Error) => {
            Ok(Loaded { settings, found, sources })
        }
        _ => Err(Trouble::Found(found, sources)),
    }
}

impl Settings {
    /// The settings with what flags say, which wins.
    ///
    /// # Errors
    /// When the outcome cannot be served. What the file alone says has been looked at when it was loaded.
    pub fn with(
        mut self,
        rules: Option<PathBuf>,
        listen: Option<SocketAddr>,
        admin: Option<SocketAddr>,
        log: Option<&str>,
    ) -> Result<Settings, Unservable> {
        if let Some(rules) = rules {
            match self.sites.as_mut_slice() {
                [site] if !self.by_path => site.rules = rules,
                _ => return Err(Unservable::RulesTwice),
            }
        }
        if let Some(listen) = listen {
            self.listen = listen;
            let open = self.sites.iter().find(|site| !site.auth_written && address::is_exposed(listen));
            if let Some(site) = open {
                return Err(Unservable::Open { path: site.path.clone(), listen });
            }
        }
        if let Some(admin) = admin {
            self.admin = admin;
            if self.admin_token.is_none() && address::is_exposed(admin) {
                return Err(Unservable::OpenAdmin(admin));
            }
        }
        if let Some(log) = log {
            self.log_filter = log::filter(log)?;
        }
        Ok(self)
    }

    /// How long what is in flight may take when the daemon stops: as long as the longest deadline.
    #[must_use]
    pub fn drain_max(&self) -> Duration {
        self.sites.iter().map(|site| site.options.timeout).max().unwrap_or_default() + self.limits.request_read
    }
}
