//! Who may speak to a server: headers and raw body go in, an [`Authentic`] body or a refusal comes out.
//!
//! Everything is checked over the bytes as they came, before anything is parsed. Only [`verify`] makes an
//! [`Authentic`], so whatever takes one can rely on the check. Secrets cannot get out: shared ones are kept as
//! digests, keys as prepared HMAC states, and neither they nor what was received is ever part of a [`Refused`],
//! which is meant for the log.

use std::net::IpAddr;

use bytes::Bytes;
use hyper::{HeaderMap, Uri};
use ipnet::IpNet;
use jiff::Timestamp;
use secrecy::SecretString;

mod encoding;
mod header;
mod hmac;
mod invalid;
mod pass;
mod payload;
mod refused;
mod timestamp;
mod token;

pub use encoding::Encoding;
pub use hmac::{Algorithm, HmacCheck, HmacSettings};
pub use invalid::InvalidCredential;
pub use pass::{Pass, Sent};
pub use refused::{Failure, Reason, Refused};
pub use token::BearerSettings;
use token::Token;

/// What one server accepts: any one of its credentials, several while they are rotated.
#[derive(Debug)]
pub struct Credentials(Accepted);

#[derive(Debug)]
enum Accepted {
    Anybody,
    OneOf(Vec<Credential>),
}

impl Credentials {
    /// Accepts everybody: `auth: none`.
    #[must_use]
    pub fn open() -> Credentials {
        Credentials(Accepted::Anybody)
    }

    /// Accepts whoever proves one of `credentials`, and nobody if there are none.
    #[must_use]
    pub fn any_of(credentials: Vec<Credential>) -> Credentials {
        Credentials(Accepted::OneOf(credentials))
    }

    /// Whether everybody is accepted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.0, Accepted::Anybody)
    }
}

/// One way to prove who is speaking, perhaps from certain addresses only.
#[derive(Debug)]
pub struct Credential {
    proof: Proof,
    /// Empty: from anywhere.
    addresses: Vec<IpNet>,
}

#[derive(Debug)]
enum Proof {
    Secret(Token),
    Bearer(Token),
    Hmac(Box<HmacCheck>),
}

impl Credential {
    /// The legacy secret, which travels as it is in `x-vapi-secret`.
    ///
    /// # Errors
    /// If no request could ever carry `secret`, or an empty one would do.
    pub fn secret(secret: &SecretString) -> Result<Credential, InvalidCredential> {
        Token::vapi_secret(secret).map(|token| Credential::from(Proof::Secret(token)))
    }

    /// A token in a header.
    ///
    /// # Errors
    /// If no request could ever carry the token, or an empty one would do.
    pub fn bearer(settings: &BearerSettings) -> Result<Credential, InvalidCredential> {
        Token::bearer(settings).map(|token| Credential::from(Proof::Bearer(token)))
    }

    /// A signature over the request.
    #[must_use]
    pub fn hmac(check: HmacCheck) -> Credential {
        Credential::from(Proof::Hmac(Box::new(check)))
    }

    /// The same credential, accepted from these networks only. Addresses are no proof by themselves: all of Vapi's
    /// customers send from the same ones.
    ///
    /// # Errors
    /// If `addresses` is empty, because that means nobody to one reader and everybody to the next.
    pub fn only_from(self, addresses: Vec<IpNet>) -> Result<Credential, InvalidCredential> {
        if addresses.is_empty() {
            return Err(InvalidCredential::no_addresses());
        }
        Ok(Credential { addresses, ..self })
    }

    fn check(&self, received: &Received<'_>) -> Result<(), Reason> {
        self.check_address(received.peer)?;
        match &self.proof {
            Proof::Secret(token) | Proof::Bearer(token) => token.check(received.headers),
            Proof::Hmac(check) => check.check(received),
        }
    }

    /// A peer that reached an IPv6 socket over IPv4 is one address with two spellings: either will do.
    fn check_address(&self, peer: IpAddr) -> Result<(), Reason> {
        let plain = peer.to_canonical();
        let allowed = |network: &IpNet| network.contains(&peer) || network.contains(&plain);
        if self.addresses.is_empty() || self.addresses.iter().any(allowed) {
            return Ok(());
        }
        Err(Reason::Address { peer: plain })
    }

    fn name(&self) -> &'static str {
        match self.proof {
            Proof::Secret(_) => "secret",
            Proof::Bearer(_) => "bearer",
            Proof::Hmac(_) => "hmac",
        }
    }
}

impl From<Proof> for Credential {
    fn from(proof: Proof) -> Credential {
        Credential { proof, addresses: Vec::new() }
    }
}

/// A request as it came, all that a credential may look at. Not `Debug`, because its headers hold secrets.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// As on the wire: `POST`.
    pub method: &'a str,
    /// The request's target, with or without scheme and host. Where a signature covers the URL, it may have been
    /// made over the path and query alone or over the whole, with either scheme: a proxy may have ended the TLS.
    pub url: &'a Uri,
    /// All headers of the request.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a Bytes,
    /// Who is connected.
    pub peer: IpAddr,
    /// When the request arrived.
    pub now: Timestamp,
}

/// A body whose sender has proved himself, or need not. Only [`verify`] makes one.
#[derive(Clone)]
pub struct Authentic {
    body: Bytes,
}

impl Authentic {
    /// The body as it came.
    #[must_use]
    pub fn into_body(self) -> Bytes {
        self.body
    }
}

/// Lets the request's body through if one of `credentials` is proved.
///
/// # Errors
/// Says for each credential which check failed.
pub fn verify(credentials: &Credentials, received: &Received<'_>) -> Result<Authentic, Refused> {
    let authentic = || Authentic { body: received.body.clone() };
    let Accepted::OneOf(accepted) = &credentials.0 else {
        return Ok(authentic());
    };
    let mut failures = Vec::new();
    for credential in accepted {
        match credential.check(received) {
            Ok(()) => return Ok(authentic()),
            Err(reason) => failures.push(Failure { credential: credential.name(), reason }),
        }
    }
    Err(Refused(failures))
}

#[cfg(test)]
mod tests;
