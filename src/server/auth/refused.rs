//! Why a request was turned away, in words for the log.
//!
//! Nothing here may hold a secret or what was received in its place: log lines are read by more people than
//! settings are. What was expected (names, algorithm, template) is shown, so that a mismatch can be found.

use std::fmt;
use std::net::IpAddr;

use super::{Algorithm, Encoding};

/// A request that proved none of the server's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub(super) Vec<Failure>);

/// One credential that was not proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its kind, as in the settings: `secret`, `bearer`, `hmac`.
    pub credential: &'static str,
    /// The check that failed.
    pub reason: Reason,
}

/// The check that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The connection does not come from an allowed network.
    #[error("address {peer} is not among the allowed")]
    Address {
        /// Where it comes from.
        peer: IpAddr,
    },
    /// A needed header is not there.
    #[error("header {header} is missing")]
    Missing {
        /// Its name.
        header: String,
    },
    /// A needed header has no value: nothing is configured on the other side.
    #[error("header {header} is empty")]
    Empty {
        /// Its name.
        header: String,
    },
    /// A needed header is there more than once, and proxies differ in which one they believe.
    #[error("header {header} is sent more than once")]
    Repeated {
        /// Its name.
        header: String,
    },
    /// The header does not begin as it should.
    #[error("header {header} has no `{prefix}` prefix")]
    Prefix {
        /// Its name.
        header: String,
        /// How it should begin.
        prefix: String,
    },
    /// The token in the header is not the expected one.
    #[error("header {header} does not match")]
    Token {
        /// Its name.
        header: String,
    },
    /// The signature is not even one.
    #[error("header {header} holds no {algorithm} signature in {encoding}")]
    Undecodable {
        /// The header's name.
        header: String,
        /// Determines how long a signature is.
        algorithm: Algorithm,
        /// How it should be written.
        encoding: Encoding,
    },
    /// The signature is a different one.
    #[error("signature does not match ({algorithm} over `{payload}`, {body_bytes} bytes of body)")]
    Signature {
        /// With which it was computed.
        algorithm: Algorithm,
        /// Over which it was computed, before the placeholders were filled in.
        payload: String,
        /// The length of the body.
        body_bytes: usize,
    },
    /// The header is not a time.
    #[error("header {header} holds no Unix time in seconds or milliseconds")]
    NotATime {
        /// Its name.
        header: String,
    },
    /// The request was signed long ago: it may have been recorded and sent again, or a clock is wrong.
    #[error("timestamp is {seconds} s old, tolerance is {tolerance} s")]
    TooOld {
        /// How old.
        seconds: u64,
        /// How old it may be.
        tolerance: u64,
    },
    /// The request is said to be signed later than now: a clock is wrong.
    #[error("timestamp is {seconds} s ahead, tolerance is {tolerance} s")]
    TooNew {
        /// How far ahead.
        seconds: u64,
        /// How far ahead it may be.
        tolerance: u64,
    },
}

impl Reason {
    /// A short, stable name to count by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Reason::Address { .. } => "address",
            Reason::Missing { .. } => "missing",
            Reason::Empty { .. } => "empty",
            Reason::Repeated { .. } => "repeated",
            Reason::Prefix { .. } => "prefix",
            Reason::Token { .. } => "token",
            Reason::Undecodable { .. } => "undecodable",
            Reason::Signature { .. } => "signature",
            Reason::NotATime { .. } => "not-a-time",
            Reason::TooOld { .. } => "too-old",
            Reason::TooNew { .. } => "too-new",
        }
    }
}

impl Refused {
    /// What failed for each credential, in their order; empty if the server has none.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.credential, self.reason)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else {
            return f.write_str("the server accepts no credential at all");
        };
        write!(f, "{first}")?;
        rest.iter().try_for_each(|failure| write!(f, "; {failure}"))
    }
}

impl std::error::Error for Refused {}
