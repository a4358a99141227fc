//! The transport: everything that stands between TCP and one function that answers a request.
//!
//! A [`Server`] owns a listening socket and keeps the [`Limits`]; what it serves implements [`Answer`], and is handed
//! requests whose bodies have been read, within those limits. Whatever a client does, it meets a bound with a defined
//! answer, listed in [`Limits`], and nobody else notices. Read `request` for the life of a request and `connection`
//! for that of a connection.

pub mod answering;
pub mod asking;
pub mod auth;
pub mod call_state;
pub mod decrypt;
pub mod dedup;
pub mod encode;
mod errands;
pub mod identity;
pub mod lanes;
pub mod later;
pub mod limits;
pub mod novelty;
pub mod occasion;
pub mod refusal;
pub mod seen;
pub mod service;
pub mod site;
pub mod tls;
mod tried;
pub mod world;

mod admission;
mod body;
mod connection;
mod listen;
mod pace;
mod recent;
mod request;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::http::request::Parts;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::admission::Admission;
use self::connection::Connection;
use self::limits::Limits;
use self::listen::Listener;
pub use self::listen::socket;
use self::pace::Pace;
use self::refusal::Refusal;
use self::tls::Certificates;
use self::wire::Wire;
use crate::clock::Clock;
use crate::live::Live;
use crate::telemetry::{self, Seldom};

/// How many connections at a time are told that there is no place for them. Others beyond them are closed untold.
const TURNED_AWAY_MAX: usize = 64;

/// A request whose body has been read.
///
/// The header's values and the body are slices of the connection's read buffer. Copy what is kept beyond the answer, or
/// it keeps the buffer.
#[derive(Debug)]
pub struct Received {
    /// Everything but the body.
    pub head: Parts,
    /// The body.
    pub body: Bytes,
    /// Who sent it: the other end of the connection, which may be a proxy.
    pub peer: SocketAddr,
    /// When its first byte came; the answer's deadline counts from here.
    pub begun_at: Instant,
}

/// Answers requests.
pub trait Answer: Send + Sync + 'static {
    /// Says at once, before the body is read, that the request is not welcome: a wrong path, a wrong method.
    fn refuse(&self, head: &Parts) -> Option<Response<Full<Bytes>>>;

    /// Answers a request whose body has been read.
    ///
    /// The future runs to its end even if the client has left, unless the server has drained for as long as it may. What
    /// must not stop halfway then belongs into a task of its own. A panic becomes 500, and ends an HTTP/1 connection.
    fn answer(&self, received: Received) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// A listening socket and what answers there.
pub struct Server<A> {
    listener: Listener,
    local_addr: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared<A>>,
    turned_away: Arc<Semaphore>,
    /// How often the log was told of connections that were turned away.
    refusals: Seldom,
    connections: JoinSet<()>,
}

/// What all connections share.
struct Shared<A> {
    answer: A,
    limits: Live<Limits>,
    admission: Arc<Admission>,
    /// How often the log was told of requests that were refused.
    refusals: Seldom,
}

impl<A: Answer> Server<A> {
    /// Serves on a socket that listens already: [one of its own](socket), or one from a service manager. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// Whatever the operating system has against it.
    pub fn adopt(listener: std::net::TcpListener, limits: Live<Limits>, answer: A) -> io::Result<Self> {
        let listener = Listener::adopt(listener)?;
        let local_addr = listener.local_addr()?;
        let admission = Arc::default();
        let shared = Arc::new(Shared { answer, limits, admission, refusals: Seldom::default() });
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        let (refusals, connections) = (Seldom::default(), JoinSet::new());
        Ok(Self { listener, local_addr, tls: None, shared, turned_away, refusals, connections })
    }

    /// The same server, which speaks TLS with these certificates, or without encryption if there are none.
    #[must_use]
    pub fn secured_by(self, certificates: Option<&Certificates>) -> Self {
        Self { tls: certificates.map(Certificates::acceptor), ..self }
    }

    /// The address that the server listens on, with the port that port 0 became.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` is cancelled. Then accepts no more connections, lets each finish the request it is at, and
    /// after `drain_max` (asked only then) cuts off those that have not. Returns how many connections were cut off.
    pub async fn run(mut self, shutdown: CancellationToken, drain_max: impl Fn() -> Duration) -> usize {
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = self.connections.join_next() => report(ended),
                (stream, peer) = self.listener.accept() => self.admit(stream, peer, &shutdown),
            }
        }
        drop(self.listener);
        drain(self.connections, self.local_addr, drain_max()).await
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr, shutdown: &CancellationToken) {
        let limits = *self.shared.limits.current();
        match self.shared.admission.connect(peer.ip(), &limits) {
            Ok(seat) => {
                let connection = Connection::new(Arc::clone(&self.shared), peer, limits, seat);
                // Each connection polls a token of its own, lest all of them fight for the lock of one.
                let drain = shutdown.child_token();
                match self.tls.clone() {
                    Some(tls) => self.connections.spawn(connection.serve_secured(stream, tls, drain)),
                    None => self.connections.spawn(connection.serve(stream, None, drain)),
                };
            }
            Err(refusal) => self.turn_away(stream, peer, limits, refusal, shutdown),
        }
    }

    fn turn_away(
        &mut self,
        stream: TcpStream,
        peer: SocketAddr,
        limits: Limits,
        refusal: Refusal,
        shutdown: &CancellationToken,
    ) {
        if let Some(untold) = self.refusals.speak(Clock::instant()) {
            telemetry::connection_refused(peer, &refusal, untold);
        }
        if let Ok(place) = Arc::clone(&self.turned_away).try_acquire_owned() {
            let (tls, drain) = (self.tls.clone(), shutdown.child_token());
            self.connections.spawn(async move {
                match tls {
                    Some(tls) => tls::turn_away(stream, tls, refusal, limits, drain).await,
                    None => Wire::new(stream, Arc::new(Pace::new(&limits))).farewell(&refusal).await,
                }
                drop(place);
            });
        }
    }
}

async fn drain(mut connections: JoinSet<()>, address: SocketAddr, drain_max: Duration) -> usize {
    telemetry::draining(address, connections.len());
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    let in_time = tokio::time::timeout(drain_max, all_ended).await.is_ok();
    let cut_off = if in_time { 0 } else { connections.len() };
    connections.shutdown().await;
    telemetry::drained(address, cut_off);
    cut_off
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        telemetry::connection_panicked(&error);
    }
}
