//! The settings file as it is written.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, TRANSFER_ENCODING};
use serde_json::{Value, json};

use super::address::{self, Admin, AdminOutline, loopback};
use super::auth::{self, AuthOutline, DecryptSource};
use super::limits::LimitsSource;
use super::log::LogSource;
use super::named::{self, SecretsOutline};
use super::outbound::OutboundSource;
use super::reload::ReloadSource;
use super::tls::{self, TlsSource};
use super::{ADMIN, DATA, Data, FILE, RULES, Settings, SiteSettings};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::schema::{Definitions, Outline, document, or_nothing};
use crate::engine::source::Options;
use crate::engine::source::read::{Entries, Field, Spanned, read, written};
use crate::engine::source::yaml::{Node, Yaml};

/// Settings that the daemon will have, but does not serve yet.
const NOT_YET: &[&str] = &["history"];

written! {
    #[derive(Debug, Default)]
    struct SettingsSource {
        listen: address::Written = "Where the daemon listens for Vapi: `127.0.0.1:8080` if nothing is said.",
        admin: Option<Node> as AdminOutline =
            "Where it listens for operators; elsewhere than on this machine, a token is needed.",
        rules: Field<Option<Spanned<String>>> =
            "The folder of rules, from where this file stands; `rules` if nothing is said.",
        auth: Option<Node> as AuthOutline =
            "What Vapi must bring: a list of credentials, any of which will do, or `none`.",
        timeout: Field<Option<Spanned<Duration>>> = "`server.timeoutSeconds` in Vapi; 20s if nothing is said.",
        no_assistant: Field<Option<String>> = "What a caller hears when no rule answers an assistant-request.",
        decrypt: Option<Node> as DecryptSource = "The private key for encrypted tool arguments.",
        servers: Field<Option<Spanned<Entries<ServerSource>>>> as Servers =
            "Several servers by their URL paths, each with rules of its own.",
        limits: Field<Option<LimitsSource>> = "Every bound that the daemon keeps.",
        log: Field<Option<LogSource>> = "How the log looks and what is in it.",
        secrets: Option<Node> as SecretsOutline = "What rules can send to others, as `${secrets.name}`, by its name.",
        outbound: Field<Option<OutboundSource>> = "Where requests to others may lead.",
        reload: Field<Option<ReloadSource>> = "How changed files are noticed.",
        data: Field<Option<String>> = "The folder for what must outlive the daemon; `data` if nothing is said.",
        version_header: Field<Option<Spanned<String>>> = "A header of every reply that names the version of the rules.",
        history: Option<Node> as NotYet = "Not available yet.",
        tls: Option<Node> as TlsSource = "The certificate and key of the address that Vapi reaches.",
    }
}

written! {
    #[derive(Debug)]
    #[serde(rename = "a server")]
    struct ServerSource {
        rules: Field<String> = "Its folder of rules, from where this file stands.",
        auth: Option<Node> as AuthOutline = "What Vapi must bring here, instead of what is said for all.",
        timeout: Field<Option<Spanned<Duration>>> = "`server.timeoutSeconds` of this URL in Vapi.",
        no_assistant: Field<Option<String>> = "What a caller hears when no rule answers an assistant-request.",
        decrypt: Option<Node> as DecryptSource = "The private key for encrypted tool arguments.",
    }
}

/// The JSON Schema of a settings file.
#[must_use]
pub fn schema() -> Value {
    document("Settings of Switchhook", |defs| {
        SettingsSource::outline(defs);
        or_nothing(defs.take("Settings"))
    })
}

/// A setting that is not served yet.
enum NotYet {}

impl Outline for NotYet {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "not": {} })
    }
}

/// Servers by their paths.
enum Servers {}

impl Outline for Servers {
    fn outline(defs: &mut Definitions) -> Value {
        let server = ServerSource::outline(defs);
        let path = json!({ "pattern": "^/[^?# ]*$" });
        json!({ "type": "object", "minProperties": 1, "propertyNames": path, "additionalProperties": server })
    }
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
    let outbound = source.outbound.get().cloned().flatten().unwrap_or_default();
    let secrets = source.secrets.as_ref().map(|node| named::secrets(node, folder, found)).unwrap_or_default();
    let mut defaults = Options {
        scripts,
        regex_bytes_max: limits.regex_bytes(),
        tables: limits.tables(),
        secrets: Some(secrets.names().map(ToOwned::to_owned).collect()),
        outbound_allow: Some(outbound.allowed()),
        outbox_age_max: limits.outbox().age_max,
        ..Options::default()
    };
    own_options(&mut defaults, &source.timeout, &source.no_assistant, found);
    let base = Base { folder, options: defaults, auth: source.auth.as_ref(), decrypt: source.decrypt.as_ref() };
    base.check(found);

    let mut sites = sites(&source, &base, tree.span, found);
    let listen = address::address(&source.listen, 8080, found);
    if let Some(listen) = listen.as_ref().filter(|listen| address::is_exposed(listen.value)) {
        let open = sites.iter().filter(|(_, site)| site.auth_at.is_none() && !auth::is_empty(found));
        let open: Vec<Diagnostic> = open.map(|(span, site)| address::open_server(*span, &site.path, listen)).collect();
        found.extend(open);
    }
    let admin = source.admin.as_ref().and_then(|node| address::admin(node, folder, found)).unwrap_or_default();
    let Admin { listen: admin, token: admin_token, tls: admin_tls } = admin;
    let log = source.log.0.flatten().unwrap_or_default();
    let reload = source.reload.get().cloned().flatten().unwrap_or_default().settings(found);
    for (_, site) in &mut sites {
        site.tests_required = reload.tests;
    }
    Some(Settings {
        listen: listen.map_or_else(|| loopback(8080), |listen| listen.value),
        admin: admin.map_or(ADMIN, |admin| admin.value),
        admin_token,
        tls: source.tls.as_ref().and_then(|node| tls::certificates(node, folder, found)),
        admin_tls,
        sites: sites.into_iter().map(|(_, site)| site).collect(),
        by_path: source.servers.get().is_some_and(Option::is_some),
        limits: transport,
        bounds,
        asking: limits.asking(),
        outbox: limits.outbox(),
        outbound: outbound.outbound(folder, found),
        secrets,
        reload,
        data: data(folder, text(&source.data).as_deref()),
        version_header: version_header(&source.version_header, found),
        log_format: log.format(found),
        log_filter: log.filter(found).unwrap_or_else(|| "info".to_owned()),
    })
}

/// Every server with the place that names it; without `servers`, the one that answers at every path.
fn sites(
    source: &SettingsSource,
    base: &Base<'_>,
    all: Span,
    found: &mut Vec<Diagnostic>,
) -> Vec<(Span, SiteSettings)> {
    let rules = source.rules.get().and_then(Option::as_ref);
    let Some(servers) = source.servers.get().and_then(Option::as_ref) else {
        let folder = rules.map_or(RULES, |rules| &rules.value);
        let server = ServerSource {
            rules: Field(Some(folder.to_owned())),
            auth: None,
            timeout: Field(None),
            no_assistant: Field(None),
            decrypt: None,
        };
        let site = base.site("*", &server, found);
        let listen = source.listen.get().and_then(Option::as_ref);
        return site.map(|site| (listen.map_or(all, |listen| listen.span), site)).into_iter().collect();
    };
    if let Some(rules) = rules {
        found.push(
            Diagnostic::error("unused-setting", rules.span, "beside `servers`, `rules` is not read")
                .note(servers.span, "each of these has a folder of its own")
                .help("remove `rules`, or make a server of it: `/path: { rules: … }`"),
        );
    }
    if servers.value.0.is_empty() {
        found.push(
            Diagnostic::error("no-server", servers.span, "`servers` names no server")
                .help("write each as `/path: { rules: folder }`, or remove `servers` to serve `rules/` at every path"),
        );
    }
    let mut sites = Vec::with_capacity(servers.value.0.len());
    for (path, server) in &servers.value.0 {
        check_path(path, found);
        sites.extend(base.site(&path.value, server, found).map(|site| (path.span, site)));
    }
    sites
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

    fn site(&self, path: &str, server: &ServerSource, found: &mut Vec<Diagnostic>) -> Option<SiteSettings> {
        let mut options = self.options.clone();
        own_options(&mut options, &server.timeout, &server.no_assistant, found);
        let written = server.auth.as_ref().or(self.auth);
        let auth = auth::credentials(written, found);
        let argument_key =
            server.decrypt.as_ref().or(self.decrypt).and_then(|node| auth::argument_key(node, self.folder, found));
        Some(SiteSettings {
            path: path.to_owned(),
            rules: self.folder.join(server.rules.get()?),
            options,
            credentials: Arc::new(auth.credentials),
            auth_at: written.map(|node| node.span),
            credential_headers: auth.headers,
            passes: auth.passes,
            argument_key,
            tests_required: false,
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

/// A folder that the settings name is meant from where they stand.
fn data(folder: &Path, written: Option<&str>) -> Data {
    Data { folder: folder.join(written.unwrap_or(DATA)), is_asked_for: written.is_some() }
}

fn version_header(written: &Field<Option<Spanned<String>>>, found: &mut Vec<Diagnostic>) -> Option<HeaderName> {
    /// What a reply says of itself; another value would break it.
    const TAKEN: &[HeaderName] = &[CONTENT_TYPE, CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING, DATE];
    let written = written.get().and_then(Option::as_ref)?;
    let name = written.value.parse::<HeaderName>().ok().filter(|name| !TAKEN.contains(name));
    if name.is_none() {
        found.push(
            Diagnostic::error("invalid-value", written.span, format!("no header can be called `{}`", written.value))
                .help("write a name of your own, such as `version_header: x-rules-version`"),
        );
    }
    name
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
    let nodes = [&source.history];
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

/// How a word looks that is one of these, unless a variable fills it in.
pub(super) fn word_outline<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    let words: Vec<&str> = words.into_iter().collect();
    json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": r"\$\{" }] })
}

/// A word that is none of those that can stand there.
pub(super) fn unknown_word(word: &str, span: Span, what: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error("unknown-value", span, format!("`{word}` is not {what}"))
        .suggest(word, known.iter().copied())
        .help(format!("write one of `{}`", known.join("`, `")))
}
