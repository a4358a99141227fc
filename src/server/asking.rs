//! Asks others what decisions need to know of them.
//!
//! An answer that may be used again is kept in memory, and whoever asks for it meanwhile waits for the one request that is
//! under way: it goes on by itself, so that nobody's short time cuts off what another one can still wait for. What is asked
//! for events that nobody waits for leaves places to what callers wait for ([`Asker`]).

mod hiding;
mod places;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use tokio::time::timeout_at;

use self::hiding::Hiding;
use self::places::{Place, Places};
use super::recent::{self, Room};
use crate::client::{Asker, Client, ClientError, Limits, Request};
use crate::clock::{Clock, Deadline};
use crate::engine::question::{Fetched, Question, Response};
use crate::engine::request;
use crate::live::Live;
use crate::secrets::{Secrets, Sought};
use crate::telemetry;

/// What an answer that is kept costs besides what it and its question hold.
const ENTRY_BYTES: usize = 1024;
/// How many redirects a `GET` follows.
const REDIRECTS_MAX: usize = 5;

/// The bounds of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Requests at a time. One more fails at once if a caller waits for it. Half of them at most are for events that
    /// nobody waits for; their next ones wait.
    pub requests_max: usize,
    /// How long an answer may be. A longer one is as good as none.
    pub answer_bytes_max: usize,
    /// Bytes of answers kept to be used again. The longest unused make room.
    pub kept_bytes_max: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { requests_max: 256, answer_bytes_max: 4 << 20, kept_bytes_max: 16 << 20 }
    }
}

/// Asks others. Cheap to clone.
#[derive(Clone)]
pub struct Asking(Arc<Shared>);

struct Shared {
    client: Live<Client>,
    secrets: Live<Secrets>,
    bounds: Live<Bounds>,
    places: Arc<Places>,
    hiding: Hiding,
    kept: Cache<Asked, Kept, ByBytes>,
}

/// What was asked, and for whom: callers do not join what is asked for nobody, which may have to wait.
type Asked = (request::Request, Asker);

/// An answer that may be used again.
#[derive(Clone)]
struct Kept {
    fetched: Arc<Fetched>,
    made_at: Instant,
}

impl Asking {
    /// Asks through the client in force and with the secrets in force.
    #[must_use]
    pub fn new(client: Live<Client>, secrets: Live<Secrets>, bounds: Bounds) -> Asking {
        let room = Room { weight_max: bounds.kept_bytes_max, weight_usual: 16 << 10, shards: 2, asked_again: 0.5 };
        let kept = recent::cache(&room, ByBytes);
        let places = Places::new(bounds.requests_max);
        let hiding = Hiding::default();
        Asking(Arc::new(Shared { client, secrets, bounds: Live::new(bounds), places, hiding, kept }))
    }

    /// Keeps other bounds from now on.
    pub fn rebound(&self, bounds: Bounds) {
        self.0.kept.set_capacity(bounds.kept_bytes_max);
        self.0.places.rebound(bounds.requests_max);
        self.0.bounds.replace(bounds);
    }

    /// Asks all questions at once, and waits for no answer longer than until `until`.
    pub async fn ask(&self, questions: Vec<Question>, asker: Asker, until: Deadline) -> Vec<(Question, Arc<Fetched>)> {
        let answers = questions.into_iter().map(|question| async {
            let fetched = self.one(&question, asker, until).await;
            (question, fetched)
        });
        join_all(answers).await
    }

    async fn one(&self, question: &Question, asker: Asker, until: Deadline) -> Arc<Fetched> {
        let asked_at = Clock::instant();
        if let Some(fetched) = self.kept(question, asked_at) {
            return fetched;
        }
        // Others may share what is asked, and must not wait for a place with it. So whoever can wait does so before.
        let place = match asker {
            Asker::Caller => None,
            Asker::Nobody => match timeout_at(until.instant().into(), self.0.places.unawaited()).await {
                Ok(place) => Some(place),
                Err(_) => return Arc::new(self.no_place()),
            },
        };
        // A caller may have been quicker meanwhile.
        if place.is_some()
            && let Some(fetched) = self.kept(question, asked_at)
        {
            return fetched;
        }
        let time = question.request.timeout.min(until.remaining());
        if question.cache.is_none() {
            return Arc::new(self.fetch(&question.request, time, place).await);
        }
        match timeout_at(Deadline::after(time).instant().into(), self.shared(&question.request, asker, place)).await {
            Ok(fetched) => fetched,
            Err(_) => Arc::new(Fetched::failed(format!("no answer came within {} ms", time.as_millis()))),
        }
    }

    /// An answer that is not too old; one that is makes room.
    fn kept(&self, question: &Question, asked_at: Instant) -> Option<Arc<Fetched>> {
        let kept_for = question.cache?;
        // What was made for another one while this one waited is as fresh as it can be, a failure too.
        let fresh = |kept: &Kept| {
            asked_at <= kept.made_at || (kept.fetched.error().is_none() && asked_at - kept.made_at < kept_for)
        };
        [Asker::Caller, Asker::Nobody].into_iter().find_map(|asker| {
            let asked = (question.request.clone(), asker);
            drop(self.0.kept.remove_if(&asked, |kept| !fresh(kept)));
            Some(self.0.kept.get(&asked)?.fetched)
        })
    }

    /// The answer that somebody is waiting for already, or a new one.
    async fn shared(&self, request: &request::Request, asker: Asker, place: Option<Place>) -> Arc<Fetched> {
        let (asking, key) = (self.clone(), (request.clone(), asker));
        let flight = tokio::spawn(async move {
            match asking.0.kept.get_value_or_guard_async(&key).await {
                Ok(kept) => kept.fetched,
                Err(guard) => {
                    let (request, _) = &key;
                    let fetched = Arc::new(asking.fetch(request, request.timeout, place).await);
                    // It fails only if the room was taken away meanwhile; then it is not kept.
                    drop(guard.insert(Kept { fetched: Arc::clone(&fetched), made_at: Clock::instant() }));
                    fetched
                }
            }
        });
        flight.await.unwrap_or_else(|_| Arc::new(Fetched::failed("the request was cut off")))
    }

    /// Makes a request, in a place that it has or takes now.
    async fn fetch(&self, request: &request::Request, time: Duration, place: Option<Place>) -> Fetched {
        let begun_at = Clock::instant();
        let Some(place) = place.or_else(|| self.0.places.take(Asker::Caller)) else { return self.no_place() };
        let fetched = self.send(request, time, place.asker()).await.unwrap_or_else(|failed| failed);
        telemetry::asked(request, &fetched, Clock::instant() - begun_at);
        fetched
    }

    fn no_place(&self) -> Fetched {
        Fetched::failed(format!(
            "{} requests are under way already, as many as `limits.fetches_max` allows",
            self.0.bounds.current().requests_max
        ))
    }

    /// What comes back, or why nothing does. Neither shows a secret that was sent, should somebody repeat it.
    async fn send(&self, request: &request::Request, time: Duration, asker: Asker) -> Result<Fetched, Fetched> {
        let bytes_max = self.0.bounds.current().answer_bytes_max;
        let limits =
            Limits { asker, connect: time, whole: time, body_bytes_max: bytes_max, redirects_max: REDIRECTS_MAX };
        let secrets = self.0.secrets.current();
        let filled = Request::filled(request, &secrets).map_err(|error| Fetched::failed(error.to_string()))?;
        let until = Deadline::after(time);
        let response = self.0.client.current().send(filled, &limits).await.map_err(|error| {
            let (is_final, in_url) = (error.is_final(), request.url.secrets().next().is_some());
            let why = if in_url { error.without_host().to_string() } else { error.to_string() };
            if is_final { Fetched::refused(why) } else { Fetched::failed(why) }
        })?;
        if response.is_cut && bytes_max <= response.body.len() {
            let why = format!("the answer is longer than {bytes_max} bytes, which `limits.fetch_bytes_max` allows");
            return Err(Fetched::refused(why));
        }
        let late = || Fetched::failed(ClientError::Late { whole: time }.to_string());
        if response.is_cut && until.passed() {
            return Err(late());
        }
        if response.is_cut {
            return Err(Fetched::failed("the answer broke off"));
        }
        let sought = secrets.sought_in_answers(request.secrets());
        let (status, headers) = (response.status.as_u16(), joined(&response.headers, &sought));
        let body = self.0.hiding.hide(sought, response.body, asker, until).await.ok_or_else(late)?;
        Ok(Fetched::from(Response { status, headers, body }))
    }
}

/// Header fields as rules see them: several of a name are joined by commas.
fn joined(headers: &HeaderMap, sought: &Sought) -> Map<String, Value> {
    let values = |name: &HeaderName| {
        let all: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        let shown = sought.hide(all.join(&b", "[..]).into());
        Value::String(String::from_utf8_lossy(&shown).into_owned())
    };
    headers.keys().map(|name| (name.as_str().to_owned(), values(name))).collect()
}

/// Weighs answers by what they hold and what their questions do.
#[derive(Clone)]
struct ByBytes;

impl Weighter<Asked, Kept> for ByBytes {
    fn weight(&self, (request, _): &Asked, kept: &Kept) -> u64 {
        (ENTRY_BYTES + request.size() + kept.fetched.response().map_or(0, Response::size)) as u64
    }
}
