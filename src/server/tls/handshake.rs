//! The handshake: what comes on a secured address before the first request.
//!
//! The connection has its seat by then, so that those who only begin a handshake are counted as all others are. While
//! the server drains, a handshake that has begun is finished if it hurries: there may be a request behind it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::HTTP2;
use crate::server::Answer;
use crate::server::connection::Connection;
use crate::server::limits::Limits;
use crate::server::pace::{CLOSE_MAX, Pace};
use crate::server::refusal::Refusal;
use crate::server::wire::{Protocol, Wire};
use crate::telemetry;

/// The first byte of a record that belongs to a handshake (RFC 8446, section 5.1). No method of HTTP begins with it.
const HANDSHAKE: u8 = 22;

/// Why there was no handshake.
enum Failure {
    /// The client does not speak TLS.
    Plain(TcpStream),
    /// The two could not agree; the client has been told.
    Broken(io::Error, TcpStream),
    /// It took too long.
    Late(Duration),
}

impl<A: Answer> Connection<A> {
    /// Shakes hands with the client at the other end of `stream`, then serves it as [`serve`](Connection::serve) does.
    pub(in crate::server) async fn serve_secured(
        mut self,
        stream: TcpStream,
        tls: TlsAcceptor,
        drain: CancellationToken,
    ) {
        let (peer, limits) = (self.peer, self.limits);
        match shake_hands(&tls, stream, limits.tls_handshake, &drain).await {
            Ok(stream) => {
                // The time for the first request counts from here.
                self.pace = Arc::new(Pace::new(&limits));
                let agreed = agreed(&stream);
                self.serve(stream, Some(agreed), drain).await;
            }
            Err(failure) => failure.end(peer, &limits).await,
        }
    }
}

/// Tells the client at the other end of `stream` why there is no place for it, which it can only read after a handshake.
pub(in crate::server) async fn turn_away(
    stream: TcpStream,
    tls: TlsAcceptor,
    refusal: Refusal,
    limits: Limits,
    drain: CancellationToken,
) {
    let Ok(stream) = shake_hands(&tls, stream, limits.tls_handshake, &drain).await else { return };
    // What could be said over HTTP/2 would take its own handshake.
    if agreed(&stream) == Protocol::Http1 {
        Wire::new(stream, Arc::new(Pace::new(&limits))).farewell(&refusal).await;
    }
}

/// The protocol that the client has chosen. One that has not chosen speaks HTTP/1.1.
fn agreed<S>(stream: &TlsStream<S>) -> Protocol {
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() == Some(HTTP2) { Protocol::Http2 } else { Protocol::Http1 }
}

async fn shake_hands(
    tls: &TlsAcceptor,
    stream: TcpStream,
    within: Duration,
    drain: &CancellationToken,
) -> Result<TlsStream<TcpStream>, Failure> {
    let hurried = async {
        drain.cancelled().await;
        tokio::time::sleep(CLOSE_MAX).await;
    };
    tokio::select! {
        biased;
        done = greet(tls, stream) => done,
        () = tokio::time::sleep(within) => Err(Failure::Late(within)),
        () = hurried => Err(Failure::Late(CLOSE_MAX)),
    }
}

async fn greet(tls: &TlsAcceptor, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1..) if first != [HANDSHAKE] => Err(Failure::Plain(stream)),
        // Where nothing comes, or nothing more, there is no handshake either.
        _ => tls.accept(stream).into_fallible().await.map_err(|(error, stream)| Failure::Broken(error, stream)),
    }
}

impl Failure {
    /// Tells the log and, if it may still listen, the client.
    async fn end(self, peer: SocketAddr, limits: &Limits) {
        let pace = Arc::new(Pace::new(limits));
        match self {
            Failure::Plain(stream) => {
                telemetry::handshake_failed(peer, &Refusal::NotTls);
                Wire::new(stream, pace).farewell(&Refusal::NotTls).await;
            }
            Failure::Broken(error, stream) => {
                telemetry::handshake_failed(peer, &error);
                // The alert that tells the client is on its way and must not be overtaken. Nobody else is to be told.
                let _ = tokio::time::timeout(CLOSE_MAX, Wire::new(stream, pace).shutdown()).await;
            }
            Failure::Late(within) => {
                telemetry::handshake_failed(peer, &format_args!("it took longer than {} s", within.as_secs_f32()));
            }
        }
    }
}
