//! The other side of a credential: what a sender shows, so that it is let in.
//!
//! A daemon has no use for one, and keeps none: it would be a secret in memory. Commands that send as Vapi does make
//! them of the same settings.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Uri, http};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::token::{SCHEME, VAPI_SECRET};
use super::{BearerSettings, HmacCheck, InvalidCredential, header};

/// What is shown to pass one credential. Never `Debug`, because it holds the secret.
#[derive(Clone)]
pub struct Pass(Shown);

#[derive(Clone)]
enum Shown {
    /// A header, marked as sensitive.
    Token(HeaderName, HeaderValue),
    Hmac(Box<HmacCheck>),
}

/// A request that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// As on the wire: `POST`.
    pub method: &'a str,
    /// Where it goes; a signature over the URL covers path and query.
    pub url: &'a Uri,
    /// The raw body.
    pub body: &'a [u8],
    /// The message's id, for signatures that cover one.
    pub id: &'a str,
    /// When it is sent.
    pub now: Timestamp,
}

impl Pass {
    /// Shows the legacy secret.
    ///
    /// # Errors
    /// If no header can carry it.
    pub fn secret(secret: &SecretString) -> Result<Pass, InvalidCredential> {
        Pass::token("secret", VAPI_SECRET, secret.expose_secret())
    }

    /// Shows a token.
    ///
    /// # Errors
    /// If no header can carry it.
    pub fn bearer(settings: &BearerSettings) -> Result<Pass, InvalidCredential> {
        let scheme = if settings.prefix { SCHEME } else { "" };
        let value = format!("{scheme}{}", settings.token.expose_secret());
        Pass::token("token", header::parse("header", &settings.header)?, &value)
    }

    /// Signs what `check` would check.
    #[must_use]
    pub fn hmac(check: HmacCheck) -> Pass {
        Pass(Shown::Hmac(Box::new(check)))
    }

    fn token(field: &'static str, header: HeaderName, value: &str) -> Result<Pass, InvalidCredential> {
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| InvalidCredential::unsendable(field))?;
        value.set_sensitive(true);
        Ok(Pass(Shown::Token(header, value)))
    }

    /// The headers that let `sent` in. Values that nobody should see are marked as sensitive.
    ///
    /// # Errors
    /// If the settings make something of it that no header can carry.
    pub fn headers(&self, sent: &Sent<'_>) -> Result<HeaderMap, http::Error> {
        let mut headers = HeaderMap::new();
        match &self.0 {
            Shown::Token(name, value) => drop(headers.insert(name, value.clone())),
            Shown::Hmac(check) => {
                for (name, value) in check.headers(sent) {
                    let mut value = HeaderValue::try_from(value)?;
                    value.set_sensitive(check.is_signature(&name));
                    headers.insert(name, value);
                }
            }
        }
        Ok(headers)
    }
}
