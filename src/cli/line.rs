//! One connection of a command to a daemon: HTTP/1.1, plain or over TLS.
//!
//! The client of deliveries is no help here: it refuses to lead to loopback, where a daemon mostly is, and trusts
//! authorities alone, while the daemon beside a command is known by its certificate.

mod pinned;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::client::connect;
use crate::server::tls::Certificates;

/// The longest answer that is taken.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where a daemon is.
#[derive(Debug, Clone)]
pub(super) struct Far {
    /// A name or an address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) trust: Trust,
}

/// Whom to believe that it is the daemon.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// Whoever listens there.
    Plain,
    /// Who holds the key of this certificate.
    Pinned(CertificateDer<'static>),
    /// For whom the authorities vouch that browsers trust, or one of these.
    Authorities(Vec<CertificateDer<'static>>),
}

/// What was said at the other end.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// What went wrong on a connection.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unopened {
    #[error("{0}")]
    Unreachable(#[source] io::Error),
    #[error("{0}")]
    Failed(Failure),
}

/// An open connection.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    _connection: AbortOnDropHandle<hyper::Result<()>>,
}

impl Line {
    /// Connects.
    pub(super) async fn open(far: &Far) -> Result<Line, Unopened> {
        let stream = TcpStream::connect((far.host.as_str(), far.port)).await.map_err(Unopened::Unreachable)?;
        // It only saves time; a connection without it is as good.
        drop(stream.set_nodelay(true));
        match far.tls().map_err(|error| Unopened::Failed(error.into()))? {
            None => Line::over(stream).await.map_err(|error| Unopened::Failed(error.into())),
            Some(tls) => far.secured(tls, stream).await.map_err(Unopened::Failed),
        }
    }

    async fn over<S>(stream: S) -> hyper::Result<Line>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Line { sender, _connection: AbortOnDropHandle::new(tokio::spawn(connection)) })
    }

    /// Whether the other end has hung up, as it does with who says nothing for long.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the answer.
    pub(super) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Said, Failure> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok(Said { status, body })
    }
}

impl Far {
    fn tls(&self) -> Result<Option<ClientConfig>, rustls::Error> {
        match &self.trust {
            Trust::Plain => Ok(None),
            Trust::Pinned(certificate) => pinned::config(certificate.clone()).map(Some),
            Trust::Authorities(more) => connect::trusting(more).map(Some),
        }
    }

    async fn secured(&self, tls: ClientConfig, stream: TcpStream) -> Result<Line, Failure> {
        let name = ServerName::try_from(self.host.clone())?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
        Ok(Line::over(stream.map_err(|error| self.mistrusted(&error))?).await?)
    }

    fn mistrusted(&self, error: &io::Error) -> Failure {
        match self.trust {
            Trust::Pinned(_) => format!("it does not show the certificate that the settings name: {error}").into(),
            Trust::Plain | Trust::Authorities(_) => format!("no TLS with `{}`: {error}", self.host).into(),
        }
    }
}

impl Trust {
    /// For who shows the certificate that the settings name.
    pub(super) fn pinned(certificates: &Certificates) -> Trust {
        certificates.end_entity().map_or(Trust::Plain, Trust::Pinned)
    }
}

/// Where to connect to for what listens everywhere.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_here() {
        for (address, asked) in [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("192.0.2.1:1", "192.0.2.1:1")] {
            assert_eq!(reachable(address.parse().unwrap()).to_string(), asked);
        }
    }
}
