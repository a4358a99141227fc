//! Which addresses are refused: those that lead into the machine, into its network, or nowhere.
//!
//! Rules take URLs from what callers and models say. Without this, whoever can make a rule ask could make it ask the
//! database next door, or the cloud's metadata service for its keys.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

/// What is refused of IPv4 (IANA's special-purpose registry).
const REFUSED_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),        // this host
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // carrier-grade NAT
    v4(127, 0, 0, 0, 8),      // loopback
    v4(169, 254, 0, 0, 16),   // link-local, and metadata services
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 88, 99, 0, 24),   // relays of 6to4
    v4(192, 168, 0, 0, 16),   // private
    v4(198, 18, 0, 0, 15),    // benchmarks
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, broadcast
    v4(168, 63, 129, 16, 32), // metadata of Azure
];

/// Whatever of IPv6 is global lies here.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What is refused of that.
const REFUSED_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),         // protocol assignments, among them Teredo, benchmarks and ORCHID
    v6(0x2001, 0xdb8, 0, 32),     // documentation
    v6(0x2002, 0, 0, 16),         // 6to4, which leads to IPv4
    v6(0x3fff, 0, 0, 20),         // documentation
    v6(0x2620, 0x4f, 0x8000, 48), // AS112: answers for names nobody should ask about
];

/// Which addresses are refused, and which of them are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// Networks that may be connected to.
    pub networks: Vec<IpNet>,
    /// Hosts that may be connected to, wherever their names lead.
    pub hosts: Vec<Host>,
}

/// A host by its name, perhaps one port of it only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, or its address as it is written.
    pub name: String,
    /// The port; without one, each of them.
    pub port: Option<u16>,
}

impl Host {
    /// Whether that is meant. Names are the same in either letter case, and with the dot of the root behind them.
    #[must_use]
    pub fn is(&self, name: &str, port: u16) -> bool {
        let bare = |name: &str| name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let plain = |name: &str| bare(name.strip_suffix('.').unwrap_or(name)).to_ascii_lowercase();
        plain(&self.name) == plain(name) && self.port.is_none_or(|own| own == port)
    }
}

impl Guard {
    /// Whether `address` may be connected to, to which the name `host` led.
    #[must_use]
    pub fn admits(&self, host: &str, port: u16, address: IpAddr) -> bool {
        let address = address.to_canonical();
        !is_refused(address)
            || self.networks.iter().any(|network| network.contains(&address))
            || self.hosts.iter().any(|allowed| allowed.is(host, port))
    }
}

fn is_refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => REFUSED_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            !GLOBAL_V6.contains(&address) || REFUSED_V6.iter().any(|network| network.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(guard: &Guard, host: &str, address: &str) -> bool {
        guard.admits(host, 443, address.parse().unwrap())
    }

    #[test]
    fn what_leads_inside_is_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!admits(&Guard::default(), "a.example", address), "{address}");
        }
    }

    #[test]
    fn the_rest_of_the_world_is_admitted() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
        ] {
            assert!(admits(&Guard::default(), "a.example", address), "{address}");
        }
    }

    #[test]
    fn networks_and_hosts_can_be_allowed() {
        let host = |name: &str, port| Host { name: name.to_owned(), port };
        let guard = Guard {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            hosts: vec![host("crm.internal", None), host("localhost", Some(9000))],
        };
        for (name, port, address, admitted) in [
            ("a.example", 443, "10.1.2.3", true),
            ("a.example", 443, "::ffff:10.1.2.3", true),
            ("a.example", 443, "11.1.2.3", true),
            ("a.example", 443, "192.168.0.1", false),
            ("crm.internal", 80, "192.168.0.1", true),
            ("CRM.internal.", 80, "192.168.0.1", true),
            ("xcrm.internal", 80, "192.168.0.1", false),
            ("localhost", 9000, "127.0.0.1", true),
            ("localhost", 9001, "127.0.0.1", false),
        ] {
            assert_eq!(guard.admits(name, port, address.parse().unwrap()), admitted, "{name}:{port} {address}");
        }
    }
}
