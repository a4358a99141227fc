//! The settings file as it is written.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::limits::LimitsSource;
use super::{FILE, RULES, Settings, SiteSettings, auth, loopback};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::source::Options;
use crate::engine::source::read::{Entries, Field, Spanned, read};
use crate::engine::source::yaml::{Node, Yaml};
use crate::telemetry;

/// Settings that the daemon will have, but does not serve yet.
const NOT_YET: &[&str] = &["secrets", "outbound", "reload", "data", "history", "tls"];

#[derive(Debug, Default, Deserialize)]
struct SettingsSource {
    listen: Field<Option<Spanned<String>>>,
    admin: Field<Option<AdminSource>>,
    rules: Field<Option<String>>,
    auth: Option<Node>,
    timeout: Field<Option<Spanned<Duration>>>,
    no_assistant: Field<Option<String>>,
    decrypt: Option<Node>,
    servers: Field<Option<Entries<ServerSource>>>,
    limits: Field<Option<LimitsSource>>,
    log: Field<Option<LogSource>>,
    secrets: Option<Node>,
    outbound: Option<Node>,
    reload: Option<Node>,
    data: Option<Node>,
    history: Option<Node>,
    tls: Option<Node>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "the admin address")]
struct AdminSource {
    listen: Field<Option<Spanned<String>>>,
    token: Field<Option<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "a server")]
struct ServerSource {
    rules: Field<String>,
    auth: Option<Node>,
    timeout: Field<Option<Spanned<Duration>>>,
    no_assistant: Field<Option<String>>,
    decrypt: Option<Node>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "the log")]
struct LogSource {
    format: Field<Option<Spanned<String>>>,
    filter: Field<Option<String>>,
}

/// Reads the settings; `folder` is where the file stands, from which its paths are meant.
pub(super) fn settings(tree: &Node, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Settings> {
    let source = match &tree.value {
        Yaml::Null => SettingsSource::default(),
        Yaml::Map(_) => read(tree, "the settings file", found)?,
        _ => {
            found.push(
                Diagnostic::error(
                    "wrong-type",
                    tree.span,
                    format!("a settings file is a mapping, not {}", tree.describe()),
                )
                .help("write each setting on a line of its own: `listen: 127.0.0.1:8080`"),
            );
            return None;
        }
    };
    auth::explain_empty(found);
    not_yet(&source, found);
    let limits = source.limits.get().cloned().flatten().unwrap_or_default();
    let (transport, bounds, scripts) = limits.limits();
    let mut defaults = Options { scripts, regex_bytes_max: limits.regex_bytes(), ..Options::default() };
    own_options(&mut defaults, &source.timeout, &source.no_assistant, found);
    let base = Base { folder, options: defaults, auth: source.auth.as_ref(), decrypt: source.decrypt.as_ref() };

    base.check(found);

    let servers = source.servers.get().and_then(Option::as_ref);
    let mut sites = Vec::new();
    for (path, server) in servers.iter().flat_map(|servers| &servers.0) {
        check_path(path, found);
        sites.extend(base.site(path, server, found));
    }
    if servers.is_none() {
        let rules = Field(Some(text(&source.rules).unwrap_or_else(|| RULES.to_owned())));
        let server = ServerSource { rules, auth: None, timeout: Field(None), no_assistant: Field(None), decrypt: None };
        sites.extend(base.site(&Spanned { value: "*".to_owned(), span: tree.span }, &server, found));
    } else if servers.is_some_and(|servers| servers.0.is_empty()) {
        let span = tree.get("servers").map_or(tree.span, |servers| servers.span);
        found.push(
            Diagnostic::error("no-server", span, "`servers` names no server")
                .help("write each as `/path: { rules: folder }`, or remove `servers` to serve `rules/` at every path"),
        );
    }
    let admin = source.admin.get().and_then(Option::as_ref);
    let log = source.log.get().and_then(Option::as_ref);
    Some(Settings {
        listen: address(&source.listen, found).unwrap_or_else(|| loopback(8080)),
        admin: admin.and_then(|admin| address(&admin.listen, found)).unwrap_or_else(|| loopback(9090)),
        admin_token: admin.and_then(|admin| text(&admin.token)).map(SecretString::from),
        sites,
        by_path: servers.is_some(),
        limits: transport,
        bounds,
        log_format: log.map_or(telemetry::Format::Auto, |log| log_format(&log.format, found)),
        log_filter: log.and_then(|log| text(&log.filter)).unwrap_or_else(|| "info".to_owned()),
    })
}

/// What a server has that says nothing of its own.
struct Base<'a> {
    folder: &'a Path,
    options: Options,
    auth: Option<&'a Node>,
    decrypt: Option<&'a Node>,
}

impl Base<'_> {
    /// Finds what is wrong in it, be there a server that takes it or not.
    fn check(&self, found: &mut Vec<Diagnostic>) {
        auth::credentials(self.auth, found);
        self.decrypt.map(|node| auth::argument_key(node, self.folder, found));
    }

    fn site(&self, path: &Spanned<String>, server: &ServerSource, found: &mut Vec<Diagnostic>) -> Option<SiteSettings> {
        let mut options = self.options.clone();
        own_options(&mut options, &server.timeout, &server.no_assistant, found);
        let written = server.auth.as_ref().or(self.auth);
        let auth = auth::credentials(written, found);
        let argument_key =
            server.decrypt.as_ref().or(self.decrypt).and_then(|node| auth::argument_key(node, self.folder, found));
        Some(SiteSettings {
            path: path.value.clone(),
            rules: self.folder.join(server.rules.get()?),
            options,
            credentials: Arc::new(auth.credentials),
            auth_written: written.is_some(),
            credential_headers: auth.headers,
            argument_key,
        })
    }
}

fn own_options(
    options: &mut Options,
    timeout: &Field<Option<Spanned<Duration>>>,
    no_assistant: &Field<Option<String>>,
    found: &mut Vec<Diagnostic>,
) {
    /// What Vapi allows for `server.timeoutSeconds` (contract, section 1).
    const VAPI_TIMEOUT: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);
    if let Some(timeout) = timeout.get().and_then(Option::as_ref) {
        if !VAPI_TIMEOUT.contains(&timeout.value) {
            found.push(
                Diagnostic::error("bad-timeout", timeout.span, "Vapi waits from 1 to 300 seconds")
                    .help("write what `server.timeoutSeconds` is in Vapi: `timeout: 20s`"),
            );
        }
        options.timeout = timeout.value;
    }
    if let Some(sentence) = text(no_assistant) {
        options.no_assistant = sentence;
    }
}

fn check_path(path: &Spanned<String>, found: &mut Vec<Diagnostic>) {
    if !path.value.starts_with('/') || path.value.contains(['?', '#', ' ']) {
        found.push(
            Diagnostic::error("bad-server-path", path.span, format!("`{}` is not a URL path", path.value))
                .help(format!("write `/{}`", path.value.trim_start_matches('/').replace(['?', '#', ' '], "-"))),
        );
    }
}

fn not_yet(source: &SettingsSource, found: &mut Vec<Diagnostic>) {
    let nodes = [&source.secrets, &source.outbound, &source.reload, &source.data, &source.history, &source.tls];
    for (name, node) in NOT_YET.iter().zip(nodes).filter_map(|(name, node)| Some((name, node.as_ref()?))) {
        found.push(
            Diagnostic::error("not-available-yet", node.span, format!("`{name}` is not available yet"))
                .help(format!("remove `{name}` from `{FILE}`; a later version will serve it")),
        );
    }
}

fn text(field: &Field<Option<String>>) -> Option<String> {
    field.get().cloned().flatten()
}

fn address(field: &Field<Option<Spanned<String>>>, found: &mut Vec<Diagnostic>) -> Option<SocketAddr> {
    let written = field.get().and_then(Option::as_ref)?;
    let address = written.value.parse().ok();
    if address.is_none() {
        found.push(
            Diagnostic::error(
                "bad-address",
                written.span,
                format!("`{}` is not an address with a port", written.value),
            )
            .help("write `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`"),
        );
    }
    address
}

fn log_format(field: &Field<Option<Spanned<String>>>, found: &mut Vec<Diagnostic>) -> telemetry::Format {
    let Some(written) = field.get().and_then(Option::as_ref) else { return telemetry::Format::Auto };
    match written.value.as_str() {
        "auto" => telemetry::Format::Auto,
        "pretty" => telemetry::Format::Pretty,
        "json" => telemetry::Format::Json,
        other => {
            let words = ["auto", "pretty", "json"];
            found.push(unknown_word(other, written.span, "a log format", &words));
            telemetry::Format::Auto
        }
    }
}

/// A word that is none of those that can stand there.
pub(super) fn unknown_word(word: &str, span: Span, what: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error("unknown-value", span, format!("`{word}` is not {what}"))
        .suggest(word, known.iter().copied())
        .help(format!("write one of `{}`", known.join("`, `")))
}
