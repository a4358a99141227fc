//! The listening socket: how it is opened, and what happens when `accept` fails.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::telemetry;

/// How many connections the kernel holds until we accept them.
const BACKLOG: i32 = 1024;

/// How long to wait after the first failure that waiting may heal; each further one doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest wait.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A socket that listens on `address`, whose port may be 0, before there is anybody to accept.
///
/// # Errors
/// Whatever the operating system has against it.
pub fn socket(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Without it, a restart would have to wait until the kernel has forgotten the connections of the last run.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A listening socket.
pub(super) struct Listener {
    listener: TcpListener,
    /// How long the last failure made us wait; zero after a success.
    pause: Duration,
}

impl Listener {
    /// Accepts on a socket that listens already.
    pub(super) fn adopt(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: TcpListener::from_std(listener)?, pause: Duration::ZERO })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the next connection. Failures are waited out: nothing that one client or a full file table does ends the
    /// server, nor lets it spin.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = Duration::ZERO;
                    // It only costs latency if this fails.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                Err(error) if concerns_one_connection(error.kind()) => {}
                Err(error) => {
                    self.pause = longer(self.pause);
                    telemetry::accept_failed(&error, self.pause);
                    tokio::time::sleep(self.pause).await;
                }
            }
        }
    }
}

/// Whether only the one connection was lost that would have been accepted.
fn concerns_one_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
            | ErrorKind::TimedOut
    )
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(PAUSE_MIN, PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_table_is_waited_out() {
        let full = io::Error::from_raw_os_error(24);
        assert!(!concerns_one_connection(full.kind()));
        assert!(concerns_one_connection(ErrorKind::ConnectionAborted));
    }

    #[test]
    fn pauses_double_up_to_a_second() {
        let pauses: Vec<_> = std::iter::successors(Some(PAUSE_MIN), |pause| Some(longer(*pause))).take(9).collect();
        assert_eq!(pauses.first().copied(), Some(longer(Duration::ZERO)));
        assert_eq!(pauses.get(1).copied(), Some(Duration::from_millis(20)));
        assert_eq!(pauses.last().copied(), Some(PAUSE_MAX));
    }
}
