//! The bounds of the transport, and what a caller sees who reaches one.

use std::time::Duration;

/// Everything about a connection or a request that could otherwise grow or last for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body. A longer one gets 413: before it is read if it announces its length, else as soon as it is too
    /// long.
    pub body_bytes_max: usize,
    /// How long a request's header may take from its first byte to its last, and a new connection to begin its first
    /// request. A header that stops halfway gets 408; a connection that says nothing is closed.
    pub header_read: Duration,
    /// How long a TLS handshake may take, from the connection's beginning. A slower one is closed.
    pub tls_handshake: Duration,
    /// How long a whole request may take from its first byte to the last of its body. A slower one gets 408.
    pub request_read: Duration,
    /// How long a connection may stay silent between two requests, or leave an answer unread. Then it is closed.
    pub idle: Duration,
    /// The longest request line and header, at least [`HEADER_BYTES_LEAST`]. A longer one gets 431.
    pub header_bytes_max: usize,
    /// The most header fields. More of them get 431.
    pub headers_max: usize,
    /// The most connections at a time. One more gets 503 with `Retry-After` and is closed: whoever telephones must not
    /// wait in a queue that nobody looks at.
    pub connections_max: usize,
    /// The most connections at a time from one IPv4 address or one IPv6 network of 64 bits. One more gets 503 with
    /// `Retry-After` and is closed.
    pub connections_per_address_max: usize,
    /// The most requests that are read or answered at a time. One more gets 503 with `Retry-After`, unread. Together
    /// with `body_bytes_max` this bounds the memory that bodies can take.
    pub requests_in_flight_max: usize,
    /// The most requests at a time on one HTTP/2 connection. The protocol makes the client wait with more.
    pub streams_max: u32,
}

/// The smallest bound that the HTTP/1 parser keeps on a header.
pub const HEADER_BYTES_LEAST: usize = 8 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 8 * 1024 * 1024,
            header_read: Duration::from_secs(5),
            tls_handshake: Duration::from_secs(5),
            request_read: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            header_bytes_max: 32 * 1024,
            headers_max: 100,
            connections_max: 4096,
            connections_per_address_max: 512,
            requests_in_flight_max: 1024,
            streams_max: 128,
        }
    }
}
