//! The service manager that has started the daemon: systemd, or whatever speaks its language.
//!
//! It hands over sockets that listen already ([`inherited`]), so that a restart refuses nobody, and is told how the
//! daemon fares ([`Notifier`]). Where there is none, nothing here does anything. What it says stands in variables of the
//! environment (`LISTEN_FDS`, `NOTIFY_SOCKET`, `WATCHDOG_USEC`), which the libraries read.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;

use crate::telemetry;

/// How many sockets there is a use for.
const SOCKETS_MAX: usize = 2;

/// The sockets that the service manager has handed over.
#[derive(Debug, Default)]
pub struct Inherited {
    /// The first: where Vapi's requests arrive.
    pub public: Option<Socket>,
    /// The second: where operators' requests arrive.
    pub admin: Option<Socket>,
}

/// A socket that listens already.
#[derive(Debug)]
pub struct Socket {
    /// The socket.
    pub listener: TcpListener,
    /// Where it really listens, whatever the settings say.
    pub address: SocketAddr,
}

/// Why the sockets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// There are too many.
    #[error("the service manager hands over {0} sockets: the first is for Vapi, the second for operators")]
    TooMany(usize),
    /// One is not what it should be.
    #[error("socket {number} of the service manager is no TCP socket that listens: {source}")]
    Unfit {
        /// Which one, from 1.
        number: usize,
        /// Why.
        source: io::Error,
    },
}

/// Takes the sockets that the service manager has handed over; a second call gets none. It is to be made before there
/// are any threads, since the variables are removed: what the daemon starts must not take them for its own.
///
/// # Errors
/// If there is one that cannot be used: the daemon would be deaf where its manager believes that it listens.
pub fn inherited() -> Result<Inherited, InheritError> {
    let mut sockets = ListenFd::from_env();
    if SOCKETS_MAX < sockets.len() {
        return Err(InheritError::TooMany(sockets.len()));
    }
    Ok(Inherited { public: take(&mut sockets, 0)?, admin: take(&mut sockets, 1)? })
}

fn take(sockets: &mut ListenFd, index: usize) -> Result<Option<Socket>, InheritError> {
    let unfit = |source| InheritError::Unfit { number: index + 1, source };
    let Some(listener) = sockets.take_tcp_listener(index).map_err(unfit)? else { return Ok(None) };
    if !listens(&listener).map_err(unfit)? {
        // As with `Accept=yes`, where a program is started for each connection.
        return Err(unfit(io::Error::new(io::ErrorKind::InvalidInput, "it is a connection")));
    }
    let address = listener.local_addr().map_err(unfit)?;
    Ok(Some(Socket { listener, address }))
}

#[cfg(target_os = "linux")]
fn listens(listener: &TcpListener) -> io::Result<bool> {
    socket2::SockRef::from(listener).is_listener()
}

/// Where the question cannot be asked, `accept` will tell.
#[cfg(not(target_os = "linux"))]
fn listens(_: &TcpListener) -> io::Result<bool> {
    Ok(true)
}

/// Tells the service manager how the daemon fares. What cannot be told is logged, and changes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notifier;

impl Notifier {
    /// The daemon serves: it has started, or a reload has ended, well or not. `status` is one line for people.
    pub fn ready(self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(first_line(status))]);
    }

    /// The daemon reads its files again; [`ready`](Self::ready) must follow. It says when that began, by which a manager
    /// that has asked for it (`Type=notify-reload`) knows that it is not the answer to an earlier signal.
    pub fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(error) => telemetry::notify_failed(&error),
        }
    }

    /// The daemon finishes what it has begun, and will end.
    pub fn stopping(self) {
        tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
    }

    /// Shows until the end that the daemon is alive, if the manager watches: twice in the time after which it would
    /// start another one. Must be called inside the tokio runtime that serves, since it is a task there that does it: if
    /// nothing runs any more, nothing is shown.
    pub fn keep_watch(self) {
        let Some(within) = sd_notify::watchdog_enabled().filter(|within| !within.is_zero()) else { return };
        let mut beats = tokio::time::interval((within / 2).max(Duration::from_millis(1)));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::spawn(async move {
            loop {
                beats.tick().await;
                tell(&[NotifyState::Watchdog]);
            }
        });
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        telemetry::notify_failed(&error);
    }
}

/// A line break would begin another message to the manager.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(first_line("3 rules\nMAINPID=1"), "3 rules");
        assert_eq!(first_line("3 rules"), "3 rules");
        assert_eq!(first_line(""), "");
    }

    #[test]
    fn without_a_manager_nothing_is_handed_over() {
        let Inherited { public, admin } = inherited().unwrap();
        assert!(public.is_none() && admin.is_none());
    }
}
