//! The client for requests to others: of deliveries, and of whoever else has to ask somebody.
//!
//! Where a request may lead is looked at twice: its URL before anything is done ([`aim`]), and each address at the moment
//! of connecting to it ([`connect`]), after the name was resolved. So a name that leads somewhere else from one moment to
//! the next gains nothing. A redirect is followed only where the [`Limits`] say so, and only by what reads ([`redirect`]):
//! what is meant for one address is not sent to another one.

pub mod aim;
pub mod connect;
pub mod filled;
pub mod guard;
pub mod lookup;
mod race;
pub mod redirect;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Response as HttpResponse, StatusCode};
use hyper_util::client::legacy::{Client as HttpClient, Error as HttpError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, timeout_at};

use self::aim::{Aims, Misdirected};
use self::connect::{ConnectError, Connector};
use self::guard::Guard;
use self::lookup::{Resolver, system_resolver};
use self::redirect::{Journey, RedirectError};
use crate::clock::Deadline;
use crate::engine::request::Target;

/// How the program calls itself.
pub const AGENT: &str = concat!("switchhook/", env!("CARGO_PKG_VERSION"));
/// How long a connection is kept that nothing is sent over.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// How many of these are kept to one destination.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// The longest header of a response.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Where requests may lead, and whom to trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbound {
    /// Which addresses are refused.
    pub guard: Guard,
    /// Where the requests of each [`Target`] may lead.
    pub aims: Aims,
    /// Authorities that are trusted besides those that browsers trust.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Sends requests. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: HttpClient<Connector, Full<Bytes>>,
    aims: Arc<Aims>,
    resolver: Resolver,
}

/// What is to be sent.
#[derive(Clone)]
pub struct Request {
    /// Whom it is for.
    pub target: Target,
    /// How it is sent.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// Header fields. `Host` and `Content-Length` are written by the client.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
}

/// For whom something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Somebody in a call, to whom a reply is due.
    Caller,
    /// An event or an action that nobody waits for: it has time until there is a place, and lets callers go first.
    Nobody,
}

/// For whom a request is, how long it may take, how much comes back, and how far it may be sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Who waits for it.
    pub asker: Asker,
    /// How long connecting may take, with the handshake, to each address that it is sent on to.
    pub connect: Duration,
    /// How long all of it may take, to the last byte of the answer.
    pub whole: Duration,
    /// How much of the answer's body is read.
    pub body_bytes_max: usize,
    /// How many redirects a `GET` follows. With 0, and for every other method, the redirect is the answer.
    pub redirects_max: usize,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, up to the limit.
    pub body: Bytes,
    /// Whether there is more of the body than that, or it broke off.
    pub is_cut: bool,
}

/// Why nothing came back. No variant holds anything of what was sent but the host.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL leads where it may not.
    #[error("{0}")]
    Misdirected(#[from] Misdirected),
    /// There is no connection.
    #[error("{0}")]
    Connect(#[source] ConnectError),
    /// It took too long.
    #[error("no answer came within {} ms", .whole.as_millis())]
    Late {
        /// The limit.
        whole: Duration,
    },
    /// The connection broke, or what came was no HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// It was sent on to where there is no answer.
    #[error("{0}")]
    Redirect(#[from] RedirectError),
}

impl ClientError {
    /// Whether the same request would meet the same as long as nobody changes the settings.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            ClientError::Misdirected(_) | ClientError::Redirect(_) | ClientError::Connect(ConnectError::Refused { .. })
        )
    }

    /// The same without the name of the host.
    fn elsewhere(self) -> ClientError {
        match self {
            ClientError::Connect(error) => ClientError::Connect(error.elsewhere()),
            other => other.without_host(),
        }
    }

    /// The same without the host, its addresses, and those of where it redirects.
    #[must_use]
    pub fn without_host(self) -> ClientError {
        match self {
            ClientError::Misdirected(error) => ClientError::Misdirected(error.without_host()),
            ClientError::Connect(error) => ClientError::Connect(error.without_host()),
            ClientError::Redirect(error) => ClientError::Redirect(error.without_host()),
            other => other,
        }
    }
}

impl Client {
    /// A client for these rules.
    ///
    /// # Errors
    /// If an authority's certificate cannot be used.
    pub fn new(outbound: &Outbound) -> Result<Client, rustls::Error> {
        Client::resolving(outbound, system_resolver())
    }

    /// A client that resolves names in its own way.
    ///
    /// # Errors
    /// If an authority's certificate cannot be used.
    pub fn resolving(outbound: &Outbound, resolver: Resolver) -> Result<Client, rustls::Error> {
        let connector = Connector::new(outbound, Arc::clone(&resolver))?;
        let mut builder = HttpClient::builder(TokioExecutor::new());
        // Without a timer, connections that rest are dropped only when somebody looks.
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        builder.pool_idle_timeout(IDLE_MAX).pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
        builder.http1_max_buf_size(HEADER_BYTES_MAX);
        Ok(Client { http: builder.build(connector), aims: Arc::new(outbound.aims.clone()), resolver })
    }

    /// A client for other rules, whose lookups count together with those of this one: some of these may still hang.
    ///
    /// # Errors
    /// If an authority's certificate cannot be used.
    pub fn changed(&self, outbound: &Outbound) -> Result<Client, rustls::Error> {
        Client::resolving(outbound, Arc::clone(&self.resolver))
    }

    /// Sends a request and waits for the answer, whatever its status.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&self, request: Request, limits: &Limits) -> Result<Response, ClientError> {
        let until = Deadline::after(limits.whole).instant().into();
        let url = self.aims.url(request.target, &request.url)?;
        let mut journey = Journey::new(request, url);
        loop {
            let response = self.ask(&journey, limits, until).await.map_err(|error| journey.met(error))?;
            let (head, body) = response.into_parts();
            if !journey.goes_on(head.status, &head.headers, &self.aims, limits.redirects_max)? {
                let (body, is_cut) = read(body, limits.body_bytes_max, until).await;
                return Ok(Response { status: head.status, headers: head.headers, body, is_cut });
            }
        }
    }

    /// Sends it to where it is.
    async fn ask(
        &self,
        journey: &Journey,
        limits: &Limits,
        until: Instant,
    ) -> Result<HttpResponse<Incoming>, ClientError> {
        let sending = connect::within(limits.connect, limits.asker, self.http.request(journey.request()));
        let response = timeout_at(until, sending).await;
        response.map_err(|_| ClientError::Late { whole: limits.whole })?.map_err(|error| explained(&error))
    }
}

/// The body up to `bytes_max` and as far as it came by `until`. The rest is not read: the connection is closed then, which
/// is cheaper than to read what nobody wants. What the request came to is known by then.
async fn read(mut body: Incoming, bytes_max: usize, until: Instant) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    loop {
        let frame = match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return (read.freeze(), false),
            Ok(Some(Err(_))) | Err(_) => return (read.freeze(), true),
        };
        let Ok(data) = frame.into_data() else { continue };
        let room = bytes_max - read.len();
        read.extend_from_slice(data.get(..room).unwrap_or(&data));
        if room < data.len() {
            return (read.freeze(), true);
        }
    }
}

/// What an error of the library means.
fn explained(error: &HttpError) -> ClientError {
    let mut source = error.source();
    let mut innermost = error.to_string();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<ConnectError>() {
            return ClientError::Connect(cause.clone());
        }
        innermost = cause.to_string();
        source = cause.source();
    }
    ClientError::Broken(innermost)
}
