//! One attempt: the action with its secrets becomes a request, and the answer becomes an outcome with a note for people.

use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};

use crate::client::{Asker, Client, ClientError, Limits, Request, Response, filled};
use crate::clock::Clock;
use crate::engine::action::signing_key::BadKey;
use crate::engine::request::{Target, Text};
use crate::outbox::Enqueued;
use crate::outbox::queue::Health;
use crate::outbox::retry::{Outcome, outcome_of, retry_after};
use crate::outbox::sign::signature;
use crate::secrets::Secrets;

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How much of an answer is kept to explain a dead letter.
const BODY_BYTES_MAX: usize = 64 << 10;
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
    Request(#[from] filled::Unsendable),
    #[error("{0}")]
    Key(#[from] BadKey),
}

impl Attempt<'_> {
    pub(super) async fn make(&self, client: &Client) -> Ended {
        let request = match self.request() {
            Ok(request) => request,
            Err(error) => return self.ended(Outcome::Refused, Health::Unknown, &error.to_string()),
        };
        let limits = Limits {
            asker: self.asker(),
            connect: CONNECT_MAX,
            whole: self.item.action.request.timeout,
            body_bytes_max: BODY_BYTES_MAX,
            // What is signed for one address must not go to another one.
            redirects_max: 0,
        };
        match client.send(request, &limits).await {
            Ok(response) => self.answered(&response),
            Err(error) if error.is_final() => self.ended(Outcome::Refused, Health::Unknown, &self.explained(error)),
            Err(error) => self.ended(Outcome::Failed { retry_after: None }, Health::Fails, &self.explained(error)),
        }
    }

    /// What is told to a call that goes on is for the caller; for anything else nobody waits.
    fn asker(&self) -> Asker {
        match self.item.action.request.target {
            Target::CallControl => Asker::Caller,
            Target::Anybody | Target::Vapi => Asker::Nobody,
        }
    }

    /// Whether it is nobody's business where it leads.
    fn leads_to_a_secret(&self) -> bool {
        self.item.action.request.url.secrets().next().is_some()
    }

    fn request(&self) -> Result<Request, Unsendable> {
        let mut request = Request::filled(&self.item.action.request, self.secrets)?;
        let key = header("idempotency-key", &self.item.idempotency_key)?;
        request.headers.entry(IDEMPOTENCY_KEY).or_insert(key);
        self.sign(&mut request.headers, &request.body)?;
        Ok(request)
    }

    /// Anew for each attempt: receivers refuse what was signed long ago.
    fn sign(&self, headers: &mut HeaderMap, body: &[u8]) -> Result<(), Unsendable> {
        let Some(key) = &self.item.action.sign else { return Ok(()) };
        let key = self.secrets.fill(key).map_err(filled::Unsendable::Secret)?;
        let (id, at) = (&self.item.idempotency_key, Clock::now().as_second());
        let signature = signature(&key, id, at, body)?;
        headers.insert(WEBHOOK_ID, header("webhook-id", id)?);
        headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(at));
        headers.insert(WEBHOOK_SIGNATURE, header("webhook-signature", &signature)?);
        Ok(())
    }

    fn answered(&self, response: &Response) -> Ended {
        let (status, now) = (response.status.as_u16(), Clock::now().as_millisecond());
        let header = |name| response.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let outcome = outcome_of(status, header(RETRY_AFTER).and_then(|written| retry_after(written, now)));
        let mut note = format!("it answered {status}");
        if let Some(location) = header(LOCATION).filter(|_| response.status.is_redirection()) {
            note.push_str(", a redirect, which is not followed");
            // It is mostly the same, but for a slash or the scheme.
            if !self.leads_to_a_secret() {
                note = format!("{note}; if it is right, ask {location} instead");
            }
        }
        let mut note = self.redacted(&note);
        if !response.body.is_empty() && outcome != Outcome::Delivered {
            note = format!("{note}\n\n{}", self.said(response));
        }
        let health = if matches!(outcome, Outcome::Failed { .. }) { Health::Fails } else { Health::Answers };
        Ended { outcome, health, note }
    }

    /// What the other side said, as far as it was read.
    fn said(&self, response: &Response) -> String {
        let body = String::from_utf8_lossy(&response.body);
        if response.is_cut {
            return format!("{}\n[cut]", self.secrets.redact_beginning(&body, self.secrets_in_it()));
        }
        self.redacted(&body)
    }

    fn explained(&self, error: ClientError) -> String {
        let error = if self.leads_to_a_secret() { error.without_host() } else { error };
        format!("attempt {}: {error}", self.number)
    }

    fn ended(&self, outcome: Outcome, health: Health, note: &str) -> Ended {
        Ended { outcome, health, note: self.redacted(note) }
    }

    /// What the other side said may repeat what it was told.
    fn redacted(&self, note: &str) -> String {
        self.secrets.redact(note, self.secrets_in_it())
    }

    fn secrets_in_it(&self) -> impl Iterator<Item = &str> {
        let action = &self.item.action;
        action.request.secrets().chain(action.sign.iter().flat_map(Text::secrets))
    }
}

fn header(name: &str, value: &str) -> Result<HeaderValue, filled::Unsendable> {
    HeaderValue::from_str(value).map_err(|_| filled::Unsendable::Value(name.to_owned()))
}
