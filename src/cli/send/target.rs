//! Which daemon is meant, and what it wants to be shown.

use std::net::SocketAddr;
use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use rustls::pki_types::CertificateDer;

use super::events::fresh;
use crate::cli::line::{Far, Trust, reachable};
use crate::cli::{Outcome, could_not_run, project, show};
use crate::client::AGENT;
use crate::clock::Clock;
use crate::engine::diagnostic::Diagnostic;
use crate::engine::source::Options;
use crate::engine::url::parse;
use crate::load;
use crate::server::auth::{Pass, Sent};
use crate::settings::{self, Loaded, Settings, SiteSettings};

/// Where to.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The daemon's settings file, which says where it listens and what it wants to be shown
    /// [default: switchhook.yaml, if there is one]
    #[arg(long, env = "SWITCHHOOK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which of the daemon's servers, by its path, where it has several
    #[arg(long, value_name = "PATH")]
    server: Option<String>,
    /// Where the daemon listens, if not where the settings say
    #[arg(long, env = "SWITCHHOOK_LISTEN", value_name = "ADDR", value_parser = settings::listening)]
    listen: Option<SocketAddr>,
    /// Send it there instead, such as `https://hooks.example.com/bistro`, with the same credentials
    #[arg(long, value_name = "URL", value_parser = url)]
    to: Option<Uri>,
}

/// Where events go.
pub(super) struct Target {
    /// The whole URL.
    pub(super) url: Uri,
    pub(super) far: Far,
    /// By when each kind is answered.
    pub(super) options: Options,
    /// What is shown, if the settings say that anything is wanted.
    pass: Option<Pass>,
    /// The settings file, for messages; `None` if there is none.
    pub(super) settings: Option<PathBuf>,
}

impl Target {
    /// What the arguments mean. What is wrong is told.
    pub(super) fn of(arguments: &Arguments) -> Result<Target, Outcome> {
        let Loaded { settings, found, sources } =
            settings::load_for_sending(arguments.config.as_deref()).map_err(|why| {
                project::told(&why, settings::MISSING);
                Outcome::CouldNotRun
            })?;
        let wanted = |why: String| could_not_run(&why);
        let site = site(&settings, arguments).map_err(wanted)?;
        if site.passes.is_empty() && !site.credentials.is_open() {
            let about = |one: &Diagnostic| {
                site.auth_at.is_none_or(|auth| auth.start <= one.span.start && one.span.end <= auth.end)
            };
            show(&found.into_iter().filter(about).collect::<Vec<_>>(), &sources);
            return Err(could_not_run(&format!("nothing is at hand to show to the server `{}`", site.path)));
        }
        let listen = reachable(arguments.listen.unwrap_or(settings.listen));
        let (url, far) = match &arguments.to {
            Some(url) => (url.clone(), far(url, &settings.outbound.authorities)),
            None => (local(&settings, &site.path, listen).map_err(wanted)?, beside(&settings, listen)),
        };
        let file =
            arguments.config.clone().or_else(|| Some(PathBuf::from(settings::FILE)).filter(|file| file.exists()));
        Ok(Target { url, far, options: site.options.clone(), pass: site.passes.first().cloned(), settings: file })
    }

    /// The request that carries `body`.
    pub(super) fn request(&self, body: Bytes) -> Result<Request<Full<Bytes>>, String> {
        let unsendable = |error: hyper::http::Error| format!("the request cannot be made: {error}");
        let id = fresh::id("msg_000000000000000000000000");
        let sent = Sent { method: "POST", url: &self.url, body: &body, id: &id, now: Clock::now() };
        let shown = self.pass.as_ref().map(|pass| pass.headers(&sent)).transpose().map_err(unsendable)?;
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let host = self.url.authority().map_or("", |authority| authority.as_str());
        let request = Request::builder().method(Method::POST).uri(path).header(HOST, host);
        let request = request.header(CONTENT_TYPE, "application/json").header(USER_AGENT, AGENT);
        let mut request = request.body(Full::from(body)).map_err(unsendable)?;
        request.headers_mut().extend(shown.unwrap_or_default());
        Ok(request)
    }

    /// Whether anything is shown to be let in.
    pub(super) fn shows_anything(&self) -> bool {
        self.pass.is_some()
    }

    /// What to do where nobody listens.
    pub(super) fn remedy(&self) -> String {
        let config = self.settings.as_ref().filter(|file| file.as_os_str() != settings::FILE);
        let config = config.map(|file| format!(" --config {}", load::shown(file))).unwrap_or_default();
        format!("start one with `switchhook run{config}`, or say where it listens with `--listen` or `--to`")
    }
}

/// The URL that `text` is.
fn url(text: &str) -> Result<Uri, String> {
    parse(text).map_err(|error| format!("{error}; write a whole URL, such as `http://127.0.0.1:8080/bistro`"))
}

/// The server whose credentials are shown.
fn site<'a>(settings: &'a Settings, arguments: &Arguments) -> Result<&'a SiteSettings, String> {
    let sites = &settings.sites;
    let known = || sites.iter().map(|site| format!("`{}`", site.path)).collect::<Vec<_>>().join(", ");
    let at = |path: &str| sites.iter().find(|site| site.path == path || !settings.by_path);
    if let Some(path) = &arguments.server {
        return at(path).ok_or_else(|| format!("there is no server `{path}`; there are {}", known()));
    }
    match (sites.as_slice(), &arguments.to) {
        ([only], _) => Ok(only),
        (_, Some(url)) => {
            at(url.path()).ok_or_else(|| format!("say with `--server` whose credentials to show there: {}", known()))
        }
        (_, None) => Err(format!("there are several servers, {}: say which with `--server`", known())),
    }
}

/// The URL of the daemon at `listen`; the site that answers everywhere is asked at the path that is wished for.
fn local(settings: &Settings, path: &str, listen: SocketAddr) -> Result<Uri, String> {
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let path = if path == "*" { "/" } else { path };
    format!("{scheme}://{listen}{path}").parse().map_err(|error| format!("`{path}` is no path: {error}"))
}

fn beside(settings: &Settings, listen: SocketAddr) -> Far {
    let trust = settings.tls.as_ref().map_or(Trust::Plain, Trust::pinned);
    Far { host: listen.ip().to_string(), port: listen.port(), trust }
}

fn far(url: &Uri, authorities: &[CertificateDer<'static>]) -> Far {
    let is_tls = url.scheme_str() == Some("https");
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    Far { host, port, trust: if is_tls { Trust::Authorities(authorities.to_vec()) } else { Trust::Plain } }
}

/// A header as it may be shown.
pub(super) fn shown(value: &HeaderValue) -> String {
    if value.is_sensitive() { "[hidden]".to_owned() } else { String::from_utf8_lossy(value.as_bytes()).into_owned() }
}
