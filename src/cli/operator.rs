//! How commands ask a running daemon: over its admin address, with what the settings say about it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};

use super::line::{Far, Line, Trust, Unopened, reachable};
use super::{Outcome, could_not_run, project};
use crate::settings::{self, AdminSettings, Known};

/// How long an answer is waited for: a reload compiles everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who reads what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A person.
    Human,
    /// A program.
    Json,
}

/// Which daemon is meant.
#[derive(Debug, Args)]
pub struct Daemon {
    /// The daemon's settings file, which says where its admin address is [default: switchhook.yaml, if there is one]
    #[arg(long, env = "SWITCHHOOK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The daemon's admin address [default: 127.0.0.1:9090]
    #[arg(long, env = "SWITCHHOOK_ADMIN", value_name = "ADDR", value_parser = settings::operators)]
    admin: Option<SocketAddr>,
    /// The token of the admin address, if it has one
    #[arg(long, env = "SWITCHHOOK_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
}

/// What the daemon said.
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Said {
    /// Tells that the daemon does not do what it was asked.
    pub(super) fn refused(&self) -> Outcome {
        could_not_run(&format!("the daemon refused: {}: {}", self.status, self.text.trim_end()))
    }
}

/// Why the daemon could not be asked.
#[derive(Debug, thiserror::Error)]
enum Unasked {
    #[error("no daemon answers on {address}: {source}; name its admin address with `--admin`")]
    Unreachable { address: SocketAddr, source: std::io::Error },
    #[error("the daemon on {address} wants its token: write it into the settings file or `SWITCHHOOK_ADMIN_TOKEN`")]
    NoToken { address: SocketAddr },
    #[error("the daemon on {address} did not answer: {why}")]
    Unanswered { address: SocketAddr, why: String },
    #[error("cannot start: {0}")]
    NoRuntime(#[source] std::io::Error),
}

impl Daemon {
    /// Posts `wish` and waits for what comes of it, as JSON or as a text for people. Why nothing does is told.
    pub(super) fn post(&self, path: &str, wish: &serde_json::Value, as_text: bool) -> Result<Said, Outcome> {
        let accept = if as_text { "text/plain" } else { "application/json" };
        let request = Request::builder().method(Method::POST).uri(path).header(ACCEPT, accept);
        self.ask(request.header(CONTENT_TYPE, "application/json"), wish.to_string())
    }

    /// Gets what is at `path`, as JSON. Why nothing is got is told.
    pub(super) fn get(&self, path: &str) -> Result<Said, Outcome> {
        self.ask(Request::builder().method(Method::GET).uri(path).header(ACCEPT, "application/json"), String::new())
    }

    fn ask(&self, request: Builder, body: String) -> Result<Said, Outcome> {
        self.place()?.ask(request, body).map_err(|why| could_not_run(&why))
    }

    /// What the settings say of the admin address, as far as the command line does not. Mistakes elsewhere in them must not
    /// keep anybody from asking what the mistakes are.
    fn place(&self) -> Result<Place, Outcome> {
        let known = Known { address: self.admin.is_some(), token: self.token.is_some() };
        let settings = settings::load_for_asking(self.config.as_deref(), known);
        let AdminSettings { listen, token, tls } = settings.map_err(|trouble| {
            project::told(&trouble, settings::MISSING);
            Outcome::CouldNotRun
        })?;
        Ok(Place {
            address: reachable(self.admin.unwrap_or(listen)),
            token: self.token.clone().or(token),
            trust: tls.as_ref().map_or(Trust::Plain, Trust::pinned),
        })
    }
}

/// Where a daemon is asked, with what it wants, and what it must show.
struct Place {
    address: SocketAddr,
    token: Option<SecretString>,
    trust: Trust,
}

impl Place {
    fn ask(self, request: Builder, body: String) -> Result<Said, Unasked> {
        let Place { address, token, trust } = self;
        let mut request = request.header(HOST, address.to_string());
        if let Some(token) = &token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        }
        let unanswered = |why: String| Unasked::Unanswered { address, why };
        let request = request.body(Full::from(body)).map_err(|error| unanswered(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Unasked::NoRuntime)?;
        let far = Far { host: address.ip().to_string(), port: address.port(), trust };
        let said = runtime.block_on(async {
            let asking = async { Line::open(&far).await?.ask(request).await.map_err(Unopened::Failed) };
            let late = || unanswered(format!("nothing came within {} s", PATIENCE.as_secs()));
            let said = tokio::time::timeout(PATIENCE, asking).await.map_err(|_| late())?;
            said.map_err(|error| match error {
                Unopened::Unreachable(source) => Unasked::Unreachable { address, source },
                Unopened::Failed(error) => unanswered(error.to_string()),
            })
        })?;
        let said = Said { status: said.status, text: String::from_utf8_lossy(&said.body).into_owned() };
        if said.status == StatusCode::UNAUTHORIZED { Err(Unasked::NoToken { address }) } else { Ok(said) }
    }
}
