//! Connecting: the name is resolved, each address is looked at, and only one that is not refused is connected to.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::aim::NO_HOST;
use super::guard::Guard;
use super::lookup::Resolver;
use super::race;
use super::{Asker, Outbound};
use crate::clock::Deadline;

/// How long connecting may take, where nobody says.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// All addresses of the name are refused.
    #[error("`{host}` leads to {}", refused(*.address))]
    Refused {
        /// The host as it was written.
        host: String,
        /// One of its addresses, if that may be told.
        address: Option<IpAddr>,
    },
    /// The name has no address.
    #[error("`{host}` cannot be found: {why}")]
    Unresolved {
        /// The host as it was written.
        host: String,
        /// What the resolver says.
        why: String,
    },
    /// Nobody listens there, or the way is barred.
    #[error("cannot connect to `{host}`: {why}")]
    Unreachable {
        /// The host as it was written.
        host: String,
        /// What the operating system says.
        why: String,
    },
    /// The other side does not show a certificate for this name that is to be trusted.
    #[error("no TLS with `{host}`: {fault}")]
    Tls {
        /// The host as it was written.
        host: String,
        /// What is wrong.
        fault: TlsFault,
    },
    /// It took too long.
    #[error("cannot connect to `{host}` within {} ms", .within.as_millis())]
    Late {
        /// The host as it was written.
        host: String,
        /// The limit.
        within: Duration,
    },
}

fn refused(address: Option<IpAddr>) -> String {
    let (what, allow) = match address {
        Some(address) => (format!("{address}, which is refused"), address.to_string()),
        None => ("an address that is refused".to_owned(), "…".to_owned()),
    };
    format!("{what}; if that is meant, allow it with `outbound: {{ allow: [{allow}] }}`")
}

impl ConnectError {
    /// The same without the name of the host.
    pub(super) fn elsewhere(mut self) -> ConnectError {
        let (ConnectError::Refused { host, .. }
        | ConnectError::Unresolved { host, .. }
        | ConnectError::Unreachable { host, .. }
        | ConnectError::Tls { host, .. }
        | ConnectError::Late { host, .. }) = &mut self;
        let named = std::mem::replace(host, NO_HOST.to_owned()).to_ascii_lowercase();
        match &mut self {
            ConnectError::Unresolved { why, .. } => *why = why.to_ascii_lowercase().replace(&named, NO_HOST),
            ConnectError::Tls { fault, .. } => *fault = fault.without_names(),
            ConnectError::Refused { .. } | ConnectError::Unreachable { .. } | ConnectError::Late { .. } => {}
        }
        self
    }

    /// The same without the host and its addresses.
    pub(super) fn without_host(self) -> ConnectError {
        match self.elsewhere() {
            ConnectError::Refused { host, .. } => ConnectError::Refused { host, address: None },
            other => other,
        }
    }
}

/// What is wrong with how the other side encrypts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// Its certificate is for others.
    #[error("{}", .0.as_deref().unwrap_or("its certificate is for others"))]
    Names(Option<String>),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl TlsFault {
    fn of(error: &io::Error) -> TlsFault {
        let why = error.to_string();
        match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => TlsFault::Names(Some(why)),
            _ => TlsFault::Other(why),
        }
    }

    /// The same without telling for whom the certificate is, nor for whom it should be.
    fn without_names(&self) -> TlsFault {
        match self {
            TlsFault::Names(_) => TlsFault::Names(None),
            TlsFault::Other(why) => TlsFault::Other(why.clone()),
        }
    }
}

tokio::task_local! {
    /// How long the request that is being sent allows for connecting, and who waits for it.
    static TERMS: (Duration, Asker);
}

/// Sends with this bound on connecting, for somebody.
pub(super) async fn within<F: Future>(time: Duration, asker: Asker, sending: F) -> F::Output {
    TERMS.scope((time, asker), sending).await
}

/// TLS with whom the authorities vouch for that browsers trust, or one of `more`.
///
/// # Errors
/// If an authority's certificate cannot be used.
pub fn trusting(more: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for authority in more {
        roots.add(authority.clone())?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Connects to what is not refused.
#[derive(Clone)]
pub(super) struct Connector {
    guard: Arc<Guard>,
    resolver: Resolver,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(outbound: &Outbound, resolver: Resolver) -> Result<Connector, rustls::Error> {
        let tls = TlsConnector::from(Arc::new(trusting(&outbound.authorities)?));
        Ok(Connector { guard: Arc::new(outbound.guard.clone()), resolver, tls })
    }

    async fn connect(self, url: Uri, asker: Asker, until: Deadline) -> Result<Stream, ConnectError> {
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_tls = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = self.reach((&host, port), asker, until).await?;
        if !is_tls {
            return Ok(Stream(Box::new(stream)));
        }
        let without = |fault: TlsFault| ConnectError::Tls { host: host.clone(), fault };
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|error| without(TlsFault::Other(error.to_string())))?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| without(TlsFault::of(&error)))?;
        Ok(Stream(Box::new(stream)))
    }

    /// Connects to an address that is not refused and answers.
    async fn reach(&self, (host, port): (&str, u16), asker: Asker, until: Deadline) -> Result<TcpStream, ConnectError> {
        let unresolved = |why: String| ConnectError::Unresolved { host: host.to_owned(), why };
        let found = (self.resolver)(host.to_owned(), port, asker).await;
        let addresses = found.map_err(|error| unresolved(error.to_string()))?;
        let first = addresses.first().ok_or_else(|| unresolved("it has no address".to_owned()))?;
        let mut admitted = addresses.clone();
        admitted.retain(|address| self.guard.admits(host, port, address.ip()));
        if admitted.is_empty() {
            return Err(ConnectError::Refused { host: host.to_owned(), address: Some(first.ip().to_canonical()) });
        }
        let unreachable =
            |error: io::Error| ConnectError::Unreachable { host: host.to_owned(), why: error.to_string() };
        let stream = race::connected(&admitted, until).await.map_err(unreachable)?;
        // It only saves time; a connection without it is as good.
        drop(stream.set_nodelay(true));
        Ok(stream)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<TokioIo<Stream>, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connector = self.clone();
        // The library may go on with it elsewhere, so that it is asked for now.
        let (within, asker) = TERMS.try_with(|terms| *terms).unwrap_or((CONNECT_MAX, Asker::Nobody));
        Box::pin(async move {
            let host = url.host().unwrap_or_default().to_owned();
            let until = Deadline::after(within);
            let connected = timeout_at(until.instant().into(), connector.connect(url, asker, until)).await;
            connected.unwrap_or(Err(ConnectError::Late { host, within })).map(TokioIo::new)
        })
    }
}

/// What bytes go over, encrypted or not.
pub(super) struct Stream(Box<dyn Wire>);

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
