//! One connection, from its first byte to its last.
//!
//! hyper's `http1` and `http2` are used directly: its `auto` never lets go of a connection that stays silent.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::admission::Seat;
use super::limits::{HEADER_BYTES_LEAST, Limits};
use super::pace::{Late, Pace, Watch};
use super::refusal::Refusal;
use super::wire::{Protocol, Wire};
use super::{Answer, Shared, request};
use crate::telemetry;

/// The number of header fields that the HTTP/1 parser has room for without asking for memory.
const HEADERS_ON_STACK: usize = 100;

/// What the requests of one connection share.
pub(super) struct Connection<A> {
    pub(super) server: Arc<Shared<A>>,
    pub(super) peer: SocketAddr,
    /// The bounds that were in force when it was accepted; they hold until it ends.
    pub(super) limits: Limits,
    pub(super) pace: Arc<Pace>,
    _seat: Seat,
}

impl<A: Answer> Connection<A> {
    pub(super) fn new(server: Arc<Shared<A>>, peer: SocketAddr, limits: Limits, seat: Seat) -> Self {
        let pace = Arc::new(Pace::new(&limits));
        Self { server, peer, limits, pace, _seat: seat }
    }

    /// Serves `stream` until either side has had enough. Once `drain` is cancelled, that is after the current request, or
    /// after one that comes very soon: who is about to send cannot know yet that nobody will listen. Without a protocol
    /// that was `agreed` on before, the first bytes tell which one it is.
    pub(super) async fn serve<S>(self, stream: S, agreed: Option<Protocol>, drain: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut wire = Wire::new(stream, Arc::clone(&self.pace));
        let pace = Arc::clone(&self.pace);
        let timer = pin!(pace.timer());
        let mut watch = Watch::new(&pace, timer);

        let mut leaving = false;
        let protocol = loop {
            let protocol = async { if agreed.is_some() { Ok(agreed) } else { wire.protocol().await } };
            tokio::select! {
                biased;
                protocol = protocol => break protocol,
                late = watch.late() => return self.end(wire, late).await,
                () = drain.cancelled(), if !leaving => {}
            }
            leaving = true;
            pace.hurry();
        };
        match protocol {
            Ok(Some(Protocol::Http1)) => self.http1(wire, watch, drain).await,
            Ok(Some(Protocol::Http2)) => self.http2(wire, watch, drain).await,
            Ok(None) | Err(_) => {}
        }
    }

    /// Ends a connection that took too long; a client that has begun to say something is told.
    async fn end<S>(&self, wire: Wire<S>, late: Late)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        telemetry::connection_late(self.peer, late);
        match late {
            Late::Header => wire.farewell(&Refusal::HeaderTooSlow { within: self.limits.header_read }).await,
            Late::Idle => wire.leave().await,
            Late::Closing => {}
        }
    }

    async fn http1<S>(self, wire: Wire<S>, mut watch: Watch<'_>, drain: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let this = Arc::new(self);
        let service = service_fn(|request| {
            let (connection, drain) = (Arc::clone(&this), &drain);
            async move { Ok::<_, Infallible>(last_if(drain, request::answer(connection, request).await)) }
        });
        let mut http = http1_builder(&this.limits).serve_connection(TokioIo::new(wire), service);
        let mut leaving = false;
        let late = loop {
            tokio::select! {
                biased;
                ended = &mut http => return telemetry::connection_ended(this.peer, ended.err()),
                late = watch.late() => break late,
                () = drain.cancelled(), if !leaving => {
                    // Not by hyper's own shutdown, which closes between two requests at once, even on half a header.
                    leaving = true;
                    this.pace.hurry();
                }
            }
        };
        this.end(http.into_parts().io.into_inner(), late).await;
    }

    async fn http2<S>(self, wire: Wire<S>, mut watch: Watch<'_>, drain: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let this = Arc::new(self);
        this.pace.multiplex();
        let service = service_fn(|request| {
            // A client that resets its stream would drop the answer halfway; its own task keeps it whole, and its place.
            let answer = tokio::spawn(request::answer(Arc::clone(&this), request));
            async { Ok::<_, Infallible>(answer.await.unwrap_or_else(|_| Refusal::Panicked.response())) }
        });
        let mut http = http2_builder(&this.limits).serve_connection(TokioIo::new(wire), service);
        let mut leaving = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut http => return telemetry::connection_ended(this.peer, ended.err()),
                late = watch.late() => {
                    telemetry::connection_late(this.peer, late);
                    if leaving || late != Late::Idle {
                        return;
                    }
                }
                () = drain.cancelled(), if !leaving => {}
            }
            // The client is told, so that it opens another connection for its next request, and given time to confirm.
            leaving = true;
            this.pace.hurry();
            Pin::new(&mut http).graceful_shutdown();
        }
    }
}

/// The response, which says while draining that it is the last of its HTTP/1 connection; hyper closes behind it.
fn last_if(drain: &CancellationToken, mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    if drain.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The pace does this, see there.
    builder.header_read_timeout(None);
    // A client that has said everything and closed its half still waits for the answer.
    builder.half_close(true);
    builder.max_header_size(limits.header_bytes_max.max(HEADER_BYTES_LEAST));
    if HEADERS_ON_STACK < limits.headers_max {
        builder.max_headers(limits.headers_max);
    }
    builder
}

fn http2_builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.max_concurrent_streams(limits.streams_max);
    builder.max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX));
    builder
}
