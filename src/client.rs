//! The client for requests to others: of deliveries, and of whoever else has to ask somebody.
//!
//! Where a request may lead is looked at twice: its URL before anything is done ([`aim`]), and each address at the moment
//! of connecting to it ([`connect`]), after the name was resolved. So a name that leads somewhere else from one moment to
//! the next gains nothing. Redirects are not followed: what is meant for one address is not sent to another one.

pub mod aim;
pub mod connect;
pub mod filled;
pub mod guard;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request as HttpRequest, StatusCode};
use hyper_util::client::legacy::{Client as HttpClient, Error as HttpError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, timeout_at};

use self::aim::{Aims, Misdirected};
use self::connect::{ConnectError, Connector, Resolver, system_resolver};
use self::guard::Guard;
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

/// How long a request may take, and how much comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long connecting may take, with the handshake.
    pub connect: Duration,
    /// How long all of it may take, to the last byte of the answer.
    pub whole: Duration,
    /// How much of the answer's body is read.
    pub body_bytes_max: usize,
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
}

impl ClientError {
    /// Whether the same request would meet the same as long as nobody changes the settings.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, ClientError::Misdirected(_) | ClientError::Connect(ConnectError::Refused { .. }))
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
        let connector = Connector::new(outbound, resolver)?;
        let mut builder = HttpClient::builder(TokioExecutor::new());
        // Without a timer, connections that rest are dropped only when somebody looks.
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        builder.pool_idle_timeout(IDLE_MAX).pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
        builder.http1_max_buf_size(HEADER_BYTES_MAX);
        Ok(Client { http: builder.build(connector), aims: Arc::new(outbound.aims.clone()) })
    }

    /// Sends a request and waits for the answer, whatever its status.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&self, request: Request, limits: &Limits) -> Result<Response, ClientError> {
        let url = self.aims.url(request.target, &request.url)?;
        let mut http = HttpRequest::new(Full::new(request.body));
        *http.method_mut() = request.method;
        *http.uri_mut() = url;
        *http.headers_mut() = request.headers;
        http.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        let until = Deadline::after(limits.whole).instant().into();
        let late = |_| ClientError::Late { whole: limits.whole };
        let response = timeout_at(until, connect::within(limits.connect, self.http.request(http))).await;
        let (head, body) = response.map_err(late)?.map_err(|error| explained(&error))?.into_parts();
        let (body, is_cut) = read(body, limits.body_bytes_max, until).await;
        Ok(Response { status: head.status, headers: head.headers, body, is_cut })
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
