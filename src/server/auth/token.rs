//! Secrets that travel as they are, in a header.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};
use secrecy::{ExposeSecret, SecretString};

use super::{InvalidCredential, Reason, header};

pub(super) const VAPI_SECRET: HeaderName = HeaderName::from_static("x-vapi-secret");
pub(super) const SCHEME: &str = "Bearer ";

/// A token in a header, as written; the defaults are Vapi's.
#[derive(Debug, Clone)]
pub struct BearerSettings {
    /// The token.
    pub token: SecretString,
    /// The header that carries it.
    pub header: String,
    /// Whether `Bearer ` stands before it.
    pub prefix: bool,
}

impl BearerSettings {
    /// `token` after `Bearer ` in `authorization`.
    #[must_use]
    pub fn new(token: SecretString) -> BearerSettings {
        BearerSettings { token, header: AUTHORIZATION.to_string(), prefix: true }
    }
}

/// A header that must hold a certain token.
#[derive(Debug)]
pub(super) struct Token {
    header: HeaderName,
    prefix: bool,
    expected: Fingerprint,
}

impl Token {
    pub(super) fn vapi_secret(secret: &SecretString) -> Result<Token, InvalidCredential> {
        let expected = Fingerprint::of_secret("secret", secret)?;
        Ok(Token { header: VAPI_SECRET, prefix: false, expected })
    }

    pub(super) fn bearer(settings: &BearerSettings) -> Result<Token, InvalidCredential> {
        let expected = Fingerprint::of_secret("token", &settings.token)?;
        if settings.prefix && after_scheme(settings.token.expose_secret().as_bytes()).is_some() {
            return Err(InvalidCredential::prefix_twice());
        }
        Ok(Token { header: header::parse("header", &settings.header)?, prefix: settings.prefix, expected })
    }

    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Reason> {
        let header = || self.header.to_string();
        let value = header::only(headers, &self.header)?;
        let token = if self.prefix {
            after_scheme(value).ok_or_else(|| Reason::Prefix { header: header(), prefix: SCHEME.to_owned() })?
        } else {
            value
        };
        if self.expected.matches(token) { Ok(()) } else { Err(Reason::Token { header: header() }) }
    }
}

/// What follows the scheme, whose letter case is free, and its one space.
fn after_scheme(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME.as_bytes()).then_some(token)
}

/// What is kept of a secret.
///
/// Digests are compared, not secrets: they are all of one length, so that the time it takes tells nothing about the
/// secret's.
struct Fingerprint(Digest);

impl Fingerprint {
    fn of_secret(field: &'static str, secret: &SecretString) -> Result<Fingerprint, InvalidCredential> {
        let secret = secret.expose_secret();
        if secret.trim().is_empty() {
            return Err(InvalidCredential::empty(field));
        }
        if secret.trim() != secret {
            return Err(InvalidCredential::spaced(field));
        }
        Ok(Fingerprint(digest(&SHA256, secret.as_bytes())))
    }

    fn matches(&self, received: &[u8]) -> bool {
        verify_slices_are_equal(self.0.as_ref(), digest(&SHA256, received).as_ref()).is_ok()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}
