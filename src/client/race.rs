//! Connecting to whichever of several addresses answers: one that says nothing does not use up the time of the others.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::clock::Deadline;

/// How many addresses of one name are tried.
const ADDRESSES_MAX: usize = 4;
/// How long an address has at most before the next one is tried as well (RFC 8305, section 5).
const ALONE_MAX: Duration = Duration::from_millis(250);

/// A connection to the first of these that answers. Each is tried when those before it have failed, or had their share
/// of the time; what was begun goes on meanwhile.
pub(super) async fn connected(addresses: &[SocketAddr], until: Deadline) -> io::Result<TcpStream> {
    let mut waiting = in_turns(addresses).into_iter();
    let shares = u32::try_from(waiting.len()).unwrap_or(u32::MAX).max(1);
    let alone = (until.remaining() / shares).min(ALONE_MAX);
    let mut begun = FuturesUnordered::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = waiting.next() {
            begun.push(TcpStream::connect(address));
        }
        if begun.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(outcome) = begun.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            },
            () = sleep(alone), if waiting.len() != 0 => {}
        }
    }
}

/// Those that are tried: first as they come, then in turns of either family. Where one of them leads nowhere, it mostly
/// does so for all its addresses.
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first = |address: &&SocketAddr| addresses.first().is_some_and(|first| first.is_ipv4() == address.is_ipv4());
    let (first, other): (Vec<&SocketAddr>, Vec<&SocketAddr>) = addresses.iter().partition(is_first);
    let first = first.into_iter().enumerate().map(|(number, address)| (2 * number, *address));
    let other = other.into_iter().enumerate().map(|(number, address)| (2 * number + 1, *address));
    let mut turns: Vec<(usize, SocketAddr)> = first.chain(other).collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().take(ADDRESSES_MAX).map(|(_, address)| address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(addresses: &str) -> String {
        let addresses: Vec<SocketAddr> = addresses.split(' ').map(|address| address.parse().unwrap()).collect();
        in_turns(&addresses).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn either_family_has_its_turn() {
        for (found, order) in [
            ("1.1.1.1:1", "1.1.1.1:1"),
            ("[::1]:1 [::2]:1 [::3]:1 [::4]:1 [::5]:1 1.1.1.1:1", "[::1]:1 1.1.1.1:1 [::2]:1 [::3]:1"),
            ("1.1.1.1:1 1.1.1.2:1 [::1]:1 [::2]:1 [::3]:1", "1.1.1.1:1 [::1]:1 1.1.1.2:1 [::2]:1"),
            ("1.1.1.1:1 1.1.1.2:1 1.1.1.3:1 1.1.1.4:1 1.1.1.5:1", "1.1.1.1:1 1.1.1.2:1 1.1.1.3:1 1.1.1.4:1"),
        ] {
            assert_eq!(tried(found), order);
        }
    }
}
