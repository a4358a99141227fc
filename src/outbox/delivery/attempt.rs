//! One attempt: the action with its secrets becomes a request, and the answer becomes an outcome with a note for people.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, TE,
    TRANSFER_ENCODING, UPGRADE,
};

use crate::clock::Clock;
use crate::engine::action::{self, Text};
use crate::outbox::Enqueued;
use crate::outbox::client::{Client, ClientError, Limits, Request, Response};
use crate::outbox::queue::Health;
use crate::outbox::retry::{Outcome, outcome_of, retry_after};
use crate::outbox::sign::{BadKey, signature};
use crate::secrets::{Secrets, UnknownSecret};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How much of an answer is kept to explain a dead letter.
const BODY_BYTES_MAX: usize = 64 << 10;
/// What the client writes by itself, or what would make one request look like two.
const NOT_OURS: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE];

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// One try.
pub(super) struct Attempt<'a> {
    pub(super) item: &'a Enqueued,
    /// From 1.
    pub(super) number: u32,
    pub(super) secrets: &'a Secrets,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) health: Health,
    /// Never empty: a line that says what happened, and below it what the other side said.
    pub(super) note: String,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
enum Unsendable {
    #[error("{0}")]
    Secret(#[from] UnknownSecret),
    #[error("{0}")]
    Key(#[from] BadKey),
    #[error("`{0}` is not a header that can be set")]
    Header(String),
    #[error("the header `{0}` would hold signs that no header holds")]
    Value(String),
}

impl Attempt<'_> {
    pub(super) async fn make(&self, client: &Client) -> Ended {
        let request = match self.request() {
            Ok(request) => request,
            Err(error) => return self.ended(Outcome::Refused, Health::Unknown, &error.to_string()),
        };
        let limits = Limits { connect: CONNECT_MAX, whole: self.item.action.timeout, body_bytes_max: BODY_BYTES_MAX };
        match client.send(request, &limits).await {
            Ok(response) => self.answered(&response),
            Err(error) if error.is_final() => self.ended(Outcome::Refused, Health::Unknown, &self.explained(&error)),
            Err(error) => self.ended(Outcome::Failed { retry_after: None }, Health::Fails, &self.explained(&error)),
        }
    }

    fn request(&self) -> Result<Request, Unsendable> {
        let action = &self.item.action;
        let body = action.body.as_ref().map(|body| self.secrets.fill(&body.text)).transpose()?.unwrap_or_default();
        let body = Bytes::copy_from_slice(body.as_bytes());
        let mut headers = HeaderMap::new();
        for (name, value) in &action.headers {
            let known = name.parse::<HeaderName>().ok().filter(|name| !NOT_OURS.contains(name));
            headers.append(known.ok_or_else(|| Unsendable::Header(name.clone()))?, self.value(name, value)?);
        }
        if let Some(body) = &action.body {
            let written = Text::plain(body.content_type.clone());
            let content_type = self.value("content-type", &written)?;
            headers.entry(CONTENT_TYPE).or_insert(content_type);
        }
        let key = self.value("idempotency-key", &Text::plain(self.item.idempotency_key.clone()))?;
        headers.entry(IDEMPOTENCY_KEY).or_insert(key);
        self.sign(&mut headers, &body)?;
        let url = self.secrets.fill(&action.url)?.to_string();
        Ok(Request { target: action.target, method: method(action.method), url, headers, body })
    }

    /// Anew for each attempt: receivers refuse what was signed long ago.
    fn sign(&self, headers: &mut HeaderMap, body: &[u8]) -> Result<(), Unsendable> {
        let Some(key) = &self.item.action.sign else { return Ok(()) };
        let (key, id, at) = (self.secrets.fill(key)?, &self.item.idempotency_key, Clock::now().as_second());
        let signature = signature(&key, id, at, body)?;
        headers.insert(WEBHOOK_ID, self.value("webhook-id", &Text::plain(id.clone()))?);
        headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(at));
        headers.insert(WEBHOOK_SIGNATURE, self.value("webhook-signature", &Text::plain(signature))?);
        Ok(())
    }

    fn value(&self, name: &str, text: &Text) -> Result<HeaderValue, Unsendable> {
        let filled = self.secrets.fill(text)?;
        let value = HeaderValue::from_str(&filled).map_err(|_| Unsendable::Value(name.to_owned()));
        value.map(|mut value| {
            value.set_sensitive(text.secrets().next().is_some());
            value
        })
    }

    fn answered(&self, response: &Response) -> Ended {
        let (status, now) = (response.status.as_u16(), Clock::now().as_millisecond());
        let header = |name| response.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let outcome = outcome_of(status, header(RETRY_AFTER).and_then(|written| retry_after(written, now)));
        let mut note = format!("it answered {status}");
        if let Some(location) = header(LOCATION).filter(|_| response.status.is_redirection()) {
            note = format!("{note}, a redirect, which is not followed; if it is right, ask {location} instead");
        }
        let body = String::from_utf8_lossy(&response.body);
        if !body.is_empty() && outcome != Outcome::Delivered {
            let cut = if response.is_cut { "\n[cut]" } else { "" };
            note = format!("{note}\n\n{body}{cut}");
        }
        let health = if matches!(outcome, Outcome::Failed { .. }) { Health::Fails } else { Health::Answers };
        self.ended(outcome, health, &note)
    }

    fn explained(&self, error: &ClientError) -> String {
        format!("attempt {}: {error}", self.number)
    }

    /// What the other side said may repeat what it was told.
    fn ended(&self, outcome: Outcome, health: Health, note: &str) -> Ended {
        let action = &self.item.action;
        let texts = action.headers.iter().map(|(_, value)| value).chain([&action.url]);
        let texts = texts.chain(action.body.as_ref().map(|body| &body.text)).chain(action.sign.as_ref());
        let note = self.secrets.redact(note, texts.flat_map(Text::secrets));
        Ended { outcome, health, note }
    }
}

fn method(method: action::Method) -> Method {
    match method {
        action::Method::Get => Method::GET,
        action::Method::Post => Method::POST,
        action::Method::Put => Method::PUT,
        action::Method::Patch => Method::PATCH,
        action::Method::Delete => Method::DELETE,
    }
}
