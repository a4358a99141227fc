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
mod named;
mod operator;
mod outbound;
mod reload;
mod secret;
mod source;
mod tls;

pub use self::address::{listening, operators};
pub use self::operator::{AdminSettings, Known, load_for_asking};
pub use self::source::schema;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderName;
use secrecy::SecretString;

use crate::client::Outbound;
use crate::engine::diagnostic::{self, Diagnostic, Severity, Sources, Span};
use crate::engine::source::{self as rules, Options, yaml};
use crate::load::{self, LoadError};
use crate::outbox;
use crate::secrets::Secrets;
use crate::server::answering::Bounds;
use crate::server::asking;
use crate::server::auth::{Credentials, Pass};
use crate::server::decrypt::ArgumentKey;
use crate::server::limits::Limits;
use crate::server::tls::Certificates;
use crate::telemetry;

/// The settings file's name, where none is given.
pub const FILE: &str = "switchhook.yaml";
/// The folder of rules, where none is given.
pub const RULES: &str = "rules";
/// The folder for what must outlive the daemon, where none is given.
pub const DATA: &str = "data";

/// What to do where the settings file that was named is not there.
pub const MISSING: &str = "name the settings file with `--config`";

/// Where operators are listened to, where nothing else is said.
pub const ADMIN: SocketAddr = address::loopback(9090);

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
    /// The bounds of asking others.
    pub asking: asking::Bounds,
    /// The bounds of the outbox.
    pub outbox: outbox::Bounds,
    /// Where requests to others may lead.
    pub outbound: Outbound,
    /// What texts of actions can ask for.
    pub secrets: Secrets,
    /// How changed files are noticed.
    pub reload: Reload,
    /// Where that is kept which must outlive the daemon.
    pub data: Data,
    /// The header of every reply that names the version of the rules.
    pub version_header: Option<HeaderName>,
    /// How a log line looks.
    pub log_format: telemetry::Format,
    /// What is logged.
    pub log_filter: String,
}

/// How changed files are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// How often the files are read and compared, whatever the operating system says of them.
    pub poll: Duration,
    /// Whether the operating system is asked to tell of changes at once.
    pub watch: bool,
    /// Whether a rule set must pass its own tests.
    pub tests: bool,
}

impl Default for Reload {
    fn default() -> Reload {
        Reload { poll: Duration::from_secs(2), watch: true, tests: false }
    }
}

/// Where that is kept which must outlive the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The folder.
    pub folder: PathBuf,
    /// Whether somebody asked for it; if not, a daemon that cannot write there does without.
    pub is_asked_for: bool,
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
    /// Where `auth` was written, if it was at all, be it `none`.
    pub auth_at: Option<Span>,
    /// The headers that carry credentials.
    pub credential_headers: Vec<HeaderName>,
    /// What a sender shows to be let in, for each of the credentials; only where the settings are
    /// [those of a sender](load_for_sending).
    pub passes: Vec<Pass>,
    /// Decrypts tool arguments.
    pub argument_key: Option<Arc<ArgumentKey>>,
    /// Whether its rules must pass their own tests before they serve.
    pub tests_required: bool,
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
    /// A server had credentials, and has none any more.
    #[error("the server `{path}` has no `auth` any more: if everybody may speak to it, write `auth: none`")]
    AuthGone {
        /// The server.
        path: String,
    },
    /// Operators had to bring a token, and need none any more.
    #[error("the admin address has no `token` any more: restart the daemon if that is meant")]
    TokenGone,
    /// `--log` cannot be read.
    #[error("`--log`: {0}")]
    Filter(#[from] log::BadFilter),
    /// `--rules` for a file with `servers`.
    #[error("`--rules` names one folder, but the settings file has `servers` with folders of their own")]
    RulesTwice,
}

/// A settings file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it stands, or would stand.
    pub path: PathBuf,
    /// What it holds; `None` if there is no file, so that the defaults hold.
    pub text: Option<String>,
}

/// What a settings file says.
pub struct Parsed {
    /// The settings, or why there are none.
    pub outcome: Result<Loaded, Trouble>,
    /// The files that it names: what they hold counts as well.
    pub beside: Vec<PathBuf>,
}

/// Reads the settings file, or `switchhook.yaml` if there is one, or takes the defaults.
///
/// # Errors
/// When the file cannot be read, or something in it is wrong.
pub fn load(file: Option<&Path>) -> Result<Loaded, Trouble> {
    parse(&read(file).map_err(Trouble::Unreadable)?).outcome
}

/// What is wrong with credentials, which matter to who serves rules, and not to who tries them.
const OF_CREDENTIALS: &[&str] =
    &["unset-variable", "bad-secret", "bad-credential", "bad-key", "bad-certificate", "bad-tls-key", "literal-secret"];

/// Reads a settings file for its servers' rules alone: credentials that are not at hand do not matter.
///
/// # Errors
/// When the file cannot be read, or something else in it is wrong.
pub fn load_for_rules(file: &Path) -> Result<Vec<SiteSettings>, Trouble> {
    let Reading { settings, mut found, sources, .. } = Reading::of(&read(Some(file)).map_err(Trouble::Unreadable)?);
    found.retain(|one| !OF_CREDENTIALS.contains(&one.slug));
    match settings {
        Some(mut settings) if !diagnostic::has_errors(&found) => {
            // Which of them there would be is not known.
            settings.sites.iter_mut().for_each(|site| site.options.secrets = None);
            Ok(settings.sites)
        }
        _ => Err(Trouble::Found(found, sources)),
    }
}

/// Reads `file`, or `switchhook.yaml` if there is one.
///
/// # Errors
/// When it cannot be read.
pub fn read(file: Option<&Path>) -> Result<Written, LoadError> {
    let path = file.unwrap_or_else(|| Path::new(FILE));
    let text = if file.is_some() || path.exists() { Some(load::read(path)?) } else { None };
    Ok(Written { path: path.to_owned(), text })
}

/// Makes settings of what was read, with all that is wrong in it.
#[must_use]
pub fn parse(written: &Written) -> Parsed {
    let Reading { settings, found, sources, beside } = Reading::of(written);
    let outcome = match settings {
        Some(mut settings) if !diagnostic::has_errors(&found) => {
            // A daemon checks and shows nothing, so it keeps no secret that it need not keep.
            settings.sites.iter_mut().for_each(|site| site.passes.clear());
            Ok(Loaded { settings, found, sources })
        }
        _ => Err(Trouble::Found(found, sources)),
    };
    Parsed { outcome, beside }
}

/// What is wrong with values that somebody who sends an event need not have: of those that he needs, no [`Pass`] is made.
const OF_OTHERS: &[&str] = &["unset-variable", "bad-secret", "bad-key"];

/// Reads the settings file for who sends as Vapi would: with what the servers want to be shown. Other values that are not
/// at hand do not matter, and are among what was found.
///
/// # Errors
/// When the file cannot be read, or something else in it is wrong.
pub fn load_for_sending(file: Option<&Path>) -> Result<Loaded, Trouble> {
    let Reading { settings, found, sources, .. } = Reading::of(&read(file).map_err(Trouble::Unreadable)?);
    let is_broken = found.iter().any(|one| one.severity == Severity::Error && !OF_OTHERS.contains(&one.slug));
    match settings {
        Some(settings) if !is_broken => Ok(Loaded { settings, found, sources }),
        _ => Err(Trouble::Found(found, sources)),
    }
}

/// A settings file as far as it could be understood.
struct Reading {
    settings: Option<Settings>,
    found: Vec<Diagnostic>,
    sources: Sources,
    /// The files that it names.
    beside: Vec<PathBuf>,
}

impl Reading {
    fn of(written: &Written) -> Reading {
        let (path, text) = (&written.path, written.text.as_deref().unwrap_or_default());
        let mut sources = Sources::default();
        let id = sources.add(load::shown(path), text);
        let (mut found, mut beside) = (Vec::new(), Vec::new());
        let tree = yaml::parse(id, text, &mut found);
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let settings = if let Some(mut tree) = tree {
            let secrets = secret::literal(&tree);
            let filled_in = environment::expand(&mut tree, &mut found);
            files_named(&tree, folder, &mut beside);
            let settings = source::settings(&tree, folder, &mut found);
            secrets.hint(&mut found);
            secrets.conceal(&mut found, &sources);
            filled_in.conceal(&mut found);
            settings
        } else {
            // Nobody knows what stands where in a file that is no YAML.
            found.iter_mut().for_each(secret::conceal);
            None
        };
        rules::drop_consequences(&mut found, &sources);
        diagnostic::sort(&mut found);
        Reading { settings, found, sources, beside }
    }
}

/// Collects the files that settings name, be the settings right or wrong.
fn files_named(node: &yaml::Node, folder: &Path, into: &mut Vec<PathBuf>) {
    if let yaml::Yaml::List(items) = &node.value {
        for item in items {
            files_named(item, folder, into);
        }
    }
    for (key, value) in node.entries() {
        if key.text == "tls" {
            let files = value.entries().iter().filter_map(|(_, file)| file.as_str());
            into.extend(files.map(|file| folder.join(file)));
        }
        match value.as_str() {
            Some(file) if matches!(key.text.as_str(), "file" | "ca") => into.push(folder.join(file)),
            _ => files_named(value, folder, into),
        }
    }
}

/// What was said on the command line or in the environment.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--rules`
    pub rules: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--admin`
    pub admin: Option<SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--log`
    pub log: Option<String>,
}

impl Settings {
    /// The settings with what flags say, which wins.
    ///
    /// # Errors
    /// When the outcome cannot be served. What the file alone says has been looked at when it was loaded.
    pub fn with(mut self, flags: &Flags) -> Result<Settings, Unservable> {
        if let Some(rules) = &flags.rules {
            match self.sites.as_mut_slice() {
                [site] if !self.by_path => site.rules.clone_from(rules),
                _ => return Err(Unservable::RulesTwice),
            }
        }
        if let Some(folder) = &flags.data {
            self.data = Data { folder: folder.clone(), is_asked_for: true };
        }
        if let Some(listen) = flags.listen {
            self.listen = listen;
            self.refuse_open(listen)?;
        }
        if let Some(admin) = flags.admin {
            self.admin = admin;
            self.refuse_open_admin(admin)?;
        }
        if let Some(log) = &flags.log {
            self.log_filter = log::filter(log)?;
        }
        Ok(self)
    }

    /// Refuses to serve on `listen` what would be open to everybody there without anybody having said so.
    ///
    /// # Errors
    /// Which server is open.
    pub fn refuse_open(&self, listen: SocketAddr) -> Result<(), Unservable> {
        let open = self.sites.iter().find(|site| site.auth_at.is_none() && address::is_exposed(listen));
        open.map_or(Ok(()), |site| Err(Unservable::Open { path: site.path.clone(), listen }))
    }

    /// Refuses to let everybody ask as an operator at `admin`, where other machines can reach it.
    ///
    /// # Errors
    /// If there is no token.
    pub fn refuse_open_admin(&self, admin: SocketAddr) -> Result<(), Unservable> {
        let open = self.admin_token.is_none() && address::is_exposed(admin);
        if open { Err(Unservable::OpenAdmin(admin)) } else { Ok(()) }
    }

    /// Refuses what would drop the protection that there was `before`: an empty file, or half of one, says just that.
    ///
    /// # Errors
    /// What is protected no more.
    pub fn keep_protection_of(&self, before: &Settings) -> Result<(), Unservable> {
        if before.admin_token.is_some() && self.admin_token.is_none() {
            return Err(Unservable::TokenGone);
        }
        let was_closed = |path: &str| before.sites.iter().any(|site| site.path == path && site.auth_at.is_some());
        let open = self.sites.iter().find(|site| site.auth_at.is_none() && was_closed(&site.path));
        open.map_or(Ok(()), |site| Err(Unservable::AuthGone { path: site.path.clone() }))
    }

    /// Tells the log of the servers that accept everybody and did not `before`.
    pub fn tell_of_open(&self, before: &Settings) {
        let was_open = |path: &str| before.sites.iter().any(|site| site.path == path && site.credentials.is_open());
        for site in self.sites.iter().filter(|site| site.credentials.is_open() && !was_open(&site.path)) {
            telemetry::open(&site.path);
        }
    }

    /// The settings that differ from those `before` and cannot be changed while the daemon runs.
    #[must_use]
    pub fn differ_until_restart(&self, before: &Settings) -> Vec<&'static str> {
        let differ = [
            ("listen", self.listen != before.listen),
            ("admin.listen", self.admin != before.admin),
            ("tls", self.tls.is_some() != before.tls.is_some()),
            ("admin.tls", self.admin_tls.is_some() != before.admin_tls.is_some()),
            ("data", self.data != before.data),
            ("log.format", self.log_format != before.log_format),
            ("reload.watch", self.reload.watch != before.reload.watch),
        ];
        differ.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}
