//! Requests that are signed with a key both sides know.
//!
//! Everything about Vapi's signatures can be set, so everything about this check can. [`HmacCheck::new`] refuses
//! settings that contradict each other; in particular a time is looked at if, and only if, the signature covers it.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, Context, Key, Tag};

use hyper::Uri;
use hyper::header::{HOST, HeaderName};
use hyper::http::uri::{Authority, PathAndQuery};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use smallvec::{SmallVec, smallvec};

use super::encoding::decode_base64;
use super::payload::{Parts, PayloadTemplate, Placeholder};
use super::{Encoding, InvalidCredential, Reason, Received, Sent, header, timestamp};

/// The hash function of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// `sha1`
    Sha1,
    /// `sha256`
    #[default]
    Sha256,
    /// `sha512`
    Sha512,
}

/// A signature check as written; the defaults are Vapi's.
#[derive(Debug, Clone)]
pub struct HmacSettings {
    /// The key that both sides know.
    pub key: SecretString,
    /// Whether the key is written in base64. Without the `whsec_` that some senders put before it.
    pub key_is_base64: bool,
    /// The hash function.
    pub algorithm: Algorithm,
    /// The header that carries the signature, or several with spaces between them, of which any may match.
    pub signature_header: String,
    /// What stands before each signature: `sha256=`, `v1,`.
    pub prefix: String,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The header that carries the time.
    pub timestamp_header: String,
    /// Whether the time is signed.
    pub include_timestamp: bool,
    /// The header that carries the message's id.
    pub message_id_header: Option<String>,
    /// What is signed; by default `{timestamp}.{body}`, or `{body}` without a time.
    pub payload: Option<String>,
    /// How far the time may be off.
    pub tolerance: Duration,
}

impl HmacSettings {
    /// Vapi's defaults, with this key.
    #[must_use]
    pub fn new(key: SecretString) -> HmacSettings {
        HmacSettings {
            key,
            key_is_base64: false,
            algorithm: Algorithm::default(),
            signature_header: "x-signature".to_owned(),
            prefix: String::new(),
            encoding: Encoding::default(),
            timestamp_header: "x-timestamp".to_owned(),
            include_timestamp: true,
            message_id_header: None,
            payload: None,
            tolerance: Duration::from_secs(5 * 60),
        }
    }
}

/// A signature check, ready to use.
#[derive(Debug, Clone)]
pub struct HmacCheck {
    key: Key,
    algorithm: Algorithm,
    signature_header: HeaderName,
    prefix: Box<str>,
    encoding: Encoding,
    /// Present if the payload holds it.
    timestamp_header: Option<HeaderName>,
    /// Present if the payload holds it.
    message_id_header: Option<HeaderName>,
    payload: PayloadTemplate,
    tolerance: Duration,
}

impl HmacCheck {
    /// Prepares a check.
    ///
    /// # Errors
    /// If the settings contradict each other, the key is empty, or the signature would not cover the body.
    pub fn new(settings: &HmacSettings) -> Result<HmacCheck, InvalidCredential> {
        let payload = payload(settings)?;
        let signed =
            |placeholder, field, name| payload.holds(placeholder).then(|| header::parse(field, name)).transpose();
        let message_id_header = match &settings.message_id_header {
            Some(name) => signed(Placeholder::MessageId, "message_id_header", name)?,
            None if payload.holds(Placeholder::MessageId) => return Err(InvalidCredential::no_message_id()),
            None => None,
        };
        let timestamp_header = signed(Placeholder::Timestamp, "timestamp_header", &settings.timestamp_header)?;
        Ok(HmacCheck {
            key: Key::new(settings.algorithm.hmac(), key_bytes(settings)?.expose_secret()),
            algorithm: settings.algorithm,
            signature_header: header::parse("signature_header", &settings.signature_header)?,
            prefix: settings.prefix.as_str().into(),
            encoding: settings.encoding,
            timestamp_header,
            message_id_header,
            payload,
            tolerance: settings.tolerance,
        })
    }

    pub(super) fn check(&self, received: &Received<'_>) -> Result<(), Reason> {
        let signatures = self.signatures(header::only(received.headers, &self.signature_header)?)?;
        let value = |header: &Option<HeaderName>| match header {
            Some(name) => header::only(received.headers, name),
            None => Ok(b"".as_slice()),
        };
        let timestamp = value(&self.timestamp_header)?;
        let message_id = value(&self.message_id_header)?;
        self.check_time(timestamp, received)?;

        let method = received.method.as_bytes();
        let matches = self.urls(received).iter().any(|url| {
            let parts = Parts { body: received.body, timestamp, method, url: url.as_bytes(), message_id };
            self.matches(&parts, &signatures)
        });
        if matches { Ok(()) } else { Err(self.mismatch(received)) }
    }

    pub(super) fn is_signature(&self, header: &HeaderName) -> bool {
        *header == self.signature_header
    }

    /// The headers that a request must carry to pass this check, each with its value. What the signature covers is
    /// written down once, for who checks and who signs.
    pub(super) fn headers(&self, sent: &Sent<'_>) -> Vec<(HeaderName, String)> {
        let (timestamp, url) = (sent.now.as_second().to_string(), path(sent.url));
        let (method, timestamp_bytes) = (sent.method.as_bytes(), timestamp.as_bytes());
        let message_id = sent.id.as_bytes();
        let parts = Parts { body: sent.body, timestamp: timestamp_bytes, method, url: url.as_bytes(), message_id };
        let signature = self.encoding.encode(self.signed(&parts).as_ref());
        let time = self.timestamp_header.clone().map(|header| (header, timestamp));
        let id = self.message_id_header.clone().map(|header| (header, sent.id.to_owned()));
        let signature = (self.signature_header.clone(), format!("{}{signature}", self.prefix));
        time.into_iter().chain(id).chain([signature]).collect()
    }

    /// The signatures that `value` lists. Those with another prefix are other kinds, and left to those who know them.
    /// Where the prefix itself holds a space, there is only one.
    fn signatures(&self, value: &[u8]) -> Result<SmallVec<[Vec<u8>; 1]>, Reason> {
        let header = || self.signature_header.to_string();
        let prefix = self.prefix.as_bytes();
        let separator = |byte: &u8| *byte == b' ' && !prefix.contains(&b' ');
        let entries = value.split(separator).filter(|entry| !entry.is_empty());
        let mut entries = entries.filter_map(|entry| entry.strip_prefix(prefix)).peekable();
        if entries.peek().is_none() {
            return Err(Reason::Prefix { header: header(), prefix: self.prefix.to_string() });
        }
        let length = self.key.algorithm().tag_len();
        let decoded = entries.filter_map(|entry| self.encoding.decode(entry));
        let signatures: SmallVec<[Vec<u8>; 1]> = decoded.filter(|bytes| bytes.len() == length).collect();
        if signatures.is_empty() {
            let (algorithm, encoding) = (self.algorithm, self.encoding);
            return Err(Reason::Undecodable { header: header(), algorithm, encoding });
        }
        Ok(signatures)
    }

    fn check_time(&self, text: &[u8], received: &Received<'_>) -> Result<(), Reason> {
        let Some(header) = &self.timestamp_header else {
            return Ok(());
        };
        let signed_at = timestamp::parse(text).ok_or_else(|| Reason::NotATime { header: header.to_string() })?;
        timestamp::check_fresh(signed_at, received.now, self.tolerance)
    }

    fn matches(&self, parts: &Parts<'_>, signatures: &[Vec<u8>]) -> bool {
        let expected = self.signed(parts);
        signatures.iter().any(|signature| verify_slices_are_equal(expected.as_ref(), signature).is_ok())
    }

    fn signed(&self, parts: &Parts<'_>) -> Tag {
        let mut context = Context::with_key(&self.key);
        self.payload.feed(parts, |piece| context.update(piece));
        context.sign()
    }

    /// What the sender may have taken for the URL; one empty text if that does not matter.
    fn urls(&self, received: &Received<'_>) -> SmallVec<[String; 3]> {
        if self.payload.holds(Placeholder::Url) { url_forms(received) } else { smallvec![String::new()] }
    }

    fn mismatch(&self, received: &Received<'_>) -> Reason {
        Reason::Signature {
            algorithm: self.algorithm,
            payload: self.payload.as_str().to_owned(),
            body_bytes: received.body.len(),
        }
    }
}

fn payload(settings: &HmacSettings) -> Result<PayloadTemplate, InvalidCredential> {
    let default = if settings.include_timestamp { "{timestamp}.{body}" } else { "{body}" };
    let payload = PayloadTemplate::parse(settings.payload.as_deref().unwrap_or(default))?;
    match (settings.include_timestamp, payload.holds(Placeholder::Timestamp)) {
        (true, false) => Err(InvalidCredential::timestamp_unsigned()),
        (false, true) => Err(InvalidCredential::timestamp_excluded()),
        (true, true) | (false, false) => Ok(payload),
    }
}

fn key_bytes(settings: &HmacSettings) -> Result<SecretSlice<u8>, InvalidCredential> {
    let written = settings.key.expose_secret();
    let trimmed = written.trim().as_bytes();
    let bytes = if settings.key_is_base64 {
        decode_base64(trimmed).ok_or_else(InvalidCredential::not_base64)?
    } else {
        trimmed.to_vec()
    };
    if bytes.is_empty() {
        return Err(InvalidCredential::empty("key"));
    }
    if trimmed.len() != written.len() {
        return Err(InvalidCredential::spaced("key"));
    }
    Ok(bytes.into())
}

/// The path and query, and both with each scheme before the host.
fn url_forms(received: &Received<'_>) -> SmallVec<[String; 3]> {
    let authority = received.url.authority().map(Authority::as_str);
    let path = path(received.url);
    let host = authority.or_else(|| received.headers.get(HOST)?.to_str().ok());
    let whole = host.into_iter().flat_map(|host| [format!("https://{host}{path}"), format!("http://{host}{path}")]);
    std::iter::once(path.to_owned()).chain(whole).collect()
}

fn path(url: &Uri) -> &str {
    url.path_and_query().map_or("/", PathAndQuery::as_str)
}

impl Algorithm {
    fn hmac(self) -> hmac::Algorithm {
        match self {
            // Vapi offers it. Its known weakness, collisions, does not touch HMAC.
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        })
    }
}

#[cfg(test)]
mod tests;
