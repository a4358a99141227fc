//! Who may come in: counts connections, in all and by address, and the requests that are in flight.
//!
//! Both are counted by guards, so that whatever ends a connection or a request, a panic included, gives its place back.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;
use super::refusal::Refusal;

/// The places of one server. How many there are is said by whoever asks for one: limits change while it counts.
#[derive(Default)]
pub(super) struct Admission {
    connections: Mutex<Connections>,
    requests: AtomicUsize,
}

#[derive(Default)]
struct Connections {
    all: usize,
    by_origin: HashMap<IpAddr, usize>,
}

/// The place of a connection, given back when dropped.
pub(super) struct Seat {
    admission: Arc<Admission>,
    origin: IpAddr,
}

/// The place of a request in flight, given back when dropped.
pub(super) struct Turn<'a>(&'a AtomicUsize);

impl Admission {
    /// Takes the place of one connection from `address`.
    pub(super) fn connect(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Result<Seat, Refusal> {
        let mut connections = self.connections();
        let connections_max = limits.connections_max;
        if connections_max <= connections.all {
            return Err(Refusal::TooManyConnections { connections_max });
        }
        let origin = origin(address);
        let connections_max = limits.connections_per_address_max;
        if connections_max <= connections.by_origin.get(&origin).copied().unwrap_or(0) {
            return Err(Refusal::TooManyConnectionsFromAddress { connections_max });
        }
        *connections.by_origin.entry(origin).or_default() += 1;
        connections.all += 1;
        Ok(Seat { admission: Arc::clone(self), origin })
    }

    /// Takes the place of one request.
    pub(super) fn begin(&self, limits: &Limits) -> Result<Turn<'_>, Refusal> {
        let requests_max = limits.requests_in_flight_max;
        // Counting before asking can turn away one request too many while another is being turned away, never admit one.
        let turn = Turn(&self.requests);
        if requests_max <= self.requests.fetch_add(1, Ordering::Relaxed) {
            return Err(Refusal::TooManyRequests { requests_max });
        }
        Ok(turn)
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut connections = self.admission.connections();
        connections.all -= 1;
        if let Some(here) = connections.by_origin.get_mut(&self.origin) {
            *here -= 1;
            if *here == 0 {
                connections.by_origin.remove(&self.origin);
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What counts as one address: everybody with IPv6 owns a network of 64 bits, so that is what is counted there.
fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { connections_max: 3, connections_per_address_max: 2, requests_in_flight_max: 1, ..Limits::default() }
    }

    fn connect(admission: &Arc<Admission>, from: &str) -> Result<Seat, Refusal> {
        admission.connect(address(from), &limits())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_given_back() {
        let admission = Arc::<Admission>::default();
        let seats = [(); 2].map(|()| connect(&admission, "192.0.2.1").ok().unwrap());
        let refusal = Refusal::TooManyConnectionsFromAddress { connections_max: 2 };
        assert_eq!(connect(&admission, "192.0.2.1").err(), Some(refusal));
        drop(seats);
        assert!(connect(&admission, "192.0.2.1").is_ok());
        assert!(admission.connections().by_origin.is_empty());
    }

    #[test]
    fn all_addresses_together_are_bounded_too() {
        let admission = Arc::<Admission>::default();
        let _seats = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|from| connect(&admission, from).ok().unwrap());
        let refusal = Refusal::TooManyConnections { connections_max: 3 };
        assert_eq!(connect(&admission, "192.0.2.4").err(), Some(refusal));
    }

    #[test]
    fn a_request_beyond_the_limit_leaves_the_count_as_it_was() {
        let admission = Arc::<Admission>::default();
        let turn = admission.begin(&limits()).ok().unwrap();
        assert!(admission.begin(&limits()).is_err());
        assert!(admission.begin(&limits()).is_err());
        drop(turn);
        assert!(admission.begin(&limits()).is_ok());
    }

    #[test]
    fn other_limits_hold_from_the_next_place_on() {
        let admission = Arc::<Admission>::default();
        let _seats = [(); 2].map(|()| connect(&admission, "192.0.2.1").ok().unwrap());
        let wider = Limits { connections_per_address_max: 3, ..limits() };
        assert!(connect(&admission, "192.0.2.1").is_err());
        assert!(admission.connect(address("192.0.2.1"), &wider).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        assert_eq!(origin(address("2001:db8:1:2:3:4:5:6")), origin(address("2001:db8:1:2::9")));
        assert_ne!(origin(address("2001:db8:1:2::1")), origin(address("2001:db8:1:3::1")));
        assert_eq!(origin(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
