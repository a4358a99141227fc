//! One request, top to bottom: the first function to read is `Service::respond`.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use jiff::Timestamp;

use super::answering::{Answering, Unkept};
use super::auth::{self, Authentic};
use super::occasion::Occasion;
use super::refusal::Refusal;
use super::site::{Site, Sites};
use super::{Answer, Received, encode, world};
use crate::clock::Clock;
use crate::engine::event::Event;
use crate::engine::facts::{self, Facts};
use crate::live::Live;
use crate::telemetry;

/// Answers server messages, for every site of the daemon. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    sites: Live<Sites>,
    answering: Arc<Answering>,
}

impl Service {
    /// A service for the sites in force.
    #[must_use]
    pub fn new(sites: Live<Sites>, answering: Arc<Answering>) -> Service {
        Service { sites, answering }
    }

    async fn respond(&self, received: Received) -> Result<Response<Full<Bytes>>, Refusal> {
        let sites = self.sites.current();
        let site = sites.at(received.head.uri.path()).ok_or(Refusal::NotFound)?;
        let now = Clock::now();
        let body = authenticate(site, &received, now)?;
        let event = site.engine().read(body.into_body()).map_err(|error| {
            if let Some(untold) = site.complaints.bodies.speak(Clock::instant()) {
                telemetry::unreadable(&site.path, received.peer, &error, untold);
            }
            Refusal::NotAnEvent(error)
        })?;
        let facts = facts(site, &event, &received.head, now);
        let begun_at = received.begun_at;
        let occasion = Occasion { site: Arc::clone(site), event, facts, begun_at, is_encrypted: false };
        let occasion = match &site.argument_key {
            Some(key) => self.answering.decrypt(occasion, key).await,
            None => occasion,
        };
        let reply = self.answering.answer(occasion).await.map_err(|Unkept| Refusal::Unkept)?;
        Ok(encode::reply(&reply, site.version_header.as_ref(), received.head.headers))
    }
}

impl Answer for Service {
    fn refuse(&self, head: &Parts) -> Option<Response<Full<Bytes>>> {
        let refusal = match self.sites.current().at(head.uri.path()) {
            None => Refusal::NotFound,
            Some(_) if head.method != Method::POST => Refusal::MethodNotAllowed { allow: "POST" },
            Some(_) => return None,
        };
        Some(refusal.response())
    }

    async fn answer(&self, received: Received) -> Response<Full<Bytes>> {
        self.respond(received).await.unwrap_or_else(|refusal| refusal.response())
    }
}

fn authenticate(site: &Site, received: &Received, now: Timestamp) -> Result<Authentic, Refusal> {
    let seen = auth::Received {
        method: received.head.method.as_str(),
        url: &received.head.uri,
        headers: &received.head.headers,
        body: &received.body,
        peer: received.peer.ip(),
        now,
    };
    auth::verify(&site.credentials, &seen).map_err(|refused| {
        if let Some(untold) = site.complaints.senders.speak(Clock::instant()) {
            telemetry::unauthorized(&site.path, received.peer, &refused, untold);
        }
        Refusal::Unauthorized
    })
}

fn facts(site: &Site, event: &Event, head: &Parts, now: Timestamp) -> Facts {
    let engine = site.engine();
    // An event that is put off may be decided by other rules.
    let headers = if engine.wants_headers() || engine.may_put_off(event.kind()) {
        world::headers(&head.headers, &site.credential_headers)
    } else {
        facts::nothing()
    };
    Facts { now, headers, ..Facts::default() }
}
