//! The admin address: health, metrics, and what operators ask of reloading. Never for callers, so it is a socket of its
//! own.

mod api;
mod explain;
mod letters;
mod metrics;
mod origin;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use crate::outbox::queue::ItemId;
use crate::outbox::{Outbox, Which};
use crate::reload::{InForce, Reloads};
use crate::server::refusal::Refusal;
use crate::server::{Answer, Received};

/// Answers on the admin address.
pub struct Admin {
    in_force: InForce,
    reloads: Reloads,
    outbox: Outbox,
    /// Cancelled once the daemon takes no new calls.
    draining: CancellationToken,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Health,
    Readiness,
    Metrics,
    Rules,
    Explain,
    Reload,
    RollBack,
    Outbox,
    Item(ItemId),
    Retry(Which),
    Drop(Which),
}

impl Route {
    fn of(head: &Parts) -> Result<Route, Refusal> {
        let route = match head.uri.path() {
            "/healthz" => Route::Health,
            "/readyz" => Route::Readiness,
            "/metrics" => Route::Metrics,
            "/api/rules" => Route::Rules,
            "/api/explain" => Route::Explain,
            "/api/reload" => Route::Reload,
            "/api/rollback" => Route::RollBack,
            "/api/outbox" => Route::Outbox,
            path => letters::route(path).ok_or(Refusal::NotFound)?,
        };
        match (route.changes(), &head.method) {
            (true, &Method::POST) | (false, &Method::GET | &Method::HEAD) => Ok(route),
            (true, _) => Err(Refusal::MethodNotAllowed { allow: "POST" }),
            (false, _) => Err(Refusal::MethodNotAllowed { allow: "GET, HEAD" }),
        }
    }

    /// Whether it is asked for by `POST`.
    fn changes(self) -> bool {
        matches!(self, Route::Explain | Route::Reload | Route::RollBack | Route::Retry(_) | Route::Drop(_))
    }
}

impl Admin {
    /// Answers about what is in force, and passes on what operators want. Who may ask is said by the token in force; where
    /// there is none, the address must be one that only this machine can reach, which the settings see to.
    #[must_use]
    pub fn new(in_force: InForce, reloads: Reloads, outbox: Outbox, draining: CancellationToken) -> Admin {
        Admin { in_force, reloads, outbox, draining }
    }

    async fn respond(&self, received: &Received) -> Result<Response<Full<Bytes>>, Refusal> {
        let head = &received.head;
        Ok(match Route::of(head)? {
            Route::Health => text(StatusCode::OK, "text/plain; charset=utf-8", "ok\n"),
            Route::Readiness => self.readiness(),
            Route::Metrics => text(
                StatusCode::OK,
                metrics::CONTENT_TYPE,
                metrics::text(&self.in_force, &self.outbox.status().await.unwrap_or_default()),
            ),
            Route::Rules => json(StatusCode::OK, &api::rules(&self.in_force)),
            Route::Explain => explain::explain(&self.in_force, &received.body).await?,
            Route::Reload => {
                let wish = api::Reload::read(&received.body)?;
                api::report(self.reloads.reload(wish.into()).await, wants_text(head))?
            }
            Route::RollBack => {
                let wish = api::RollBack::read(&received.body)?;
                api::report(self.reloads.roll_back(wish.server).await, wants_text(head))?
            }
            Route::Outbox => letters::page(&self.outbox, head.uri.query()).await?,
            Route::Item(id) => letters::show(&self.outbox, id).await?,
            Route::Retry(which) => letters::changed(which, self.outbox.retry(which).await)?,
            Route::Drop(which) => letters::changed(which, self.outbox.discard(which).await)?,
        })
    }

    fn readiness(&self) -> Response<Full<Bytes>> {
        let trouble = self.outbox.trouble();
        let ready = !self.draining.is_cancelled() && trouble.is_none();
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json(status, &api::readiness(&self.in_force, ready, trouble.as_deref()))
    }
}

impl Answer for Admin {
    fn refuse(&self, head: &Parts) -> Option<Response<Full<Bytes>>> {
        check(head, self.in_force.admin_token.current().as_ref().as_ref()).err().map(|refusal| refusal.response())
    }

    async fn answer(&self, received: Received) -> Response<Full<Bytes>> {
        self.respond(&received).await.unwrap_or_else(|refusal| refusal.response())
    }
}

/// Whether a request may be answered at all, before its body is read.
fn check(head: &Parts, token: Option<&SecretString>) -> Result<(), Refusal> {
    match token {
        Some(token) if !brings(head, token) => return Err(Refusal::Unauthorized),
        Some(_) => origin::same_site(head)?,
        None => origin::same_machine(head)?,
    }
    Route::of(head).map(drop)
}

fn brings(head: &Parts, token: &SecretString) -> bool {
    let brought = head.headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
    brought.is_some_and(|(scheme, brought)| {
        scheme.eq_ignore_ascii_case(b"bearer ")
            && verify_slices_are_equal(brought, token.expose_secret().as_bytes()).is_ok()
    })
}

fn wants_text(head: &Parts) -> bool {
    head.headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/plain"))
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    text(status, "application/json", format!("{value:#}\n"))
}

fn text(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn checked(token: Option<&str>, request: &str, authorization: &str) -> Result<(), Refusal> {
        let (method, path) = request.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:9090");
        let (head, ()) = request.header(AUTHORIZATION, authorization).body(()).unwrap().into_parts();
        check(&head, token.map(SecretString::from).as_ref())
    }

    #[test]
    fn each_path_has_its_method() {
        for path in ["/healthz", "/readyz", "/metrics", "/api/rules", "/api/outbox", "/api/outbox/7"] {
            assert_eq!(checked(None, &format!("GET {path}"), ""), Ok(()));
            assert_eq!(checked(None, &format!("HEAD {path}?deep"), ""), Ok(()));
            let refused = Err(Refusal::MethodNotAllowed { allow: "GET, HEAD" });
            assert_eq!(checked(None, &format!("POST {path}"), ""), refused);
        }
        for path in ["/api/explain", "/api/reload", "/api/rollback", "/api/outbox/7/retry", "/api/outbox/dead/drop"] {
            assert_eq!(checked(None, &format!("POST {path}"), ""), Ok(()));
            let refused = Err(Refusal::MethodNotAllowed { allow: "POST" });
            assert_eq!(checked(None, &format!("GET {path}"), ""), refused);
        }
        assert_eq!(checked(None, "GET /", ""), Err(Refusal::NotFound));
    }

    #[test]
    fn the_token_must_be_right() {
        assert_eq!(checked(Some("abc"), "GET /healthz", "Bearer abc"), Ok(()));
        assert_eq!(checked(Some("abc"), "GET /healthz", "bearer abc"), Ok(()));
        for wrong in ["", "Bearer", "Bearer ", "Bearer ab", "Bearer abcd", "Basic abc", "abc"] {
            assert_eq!(checked(Some("abc"), "GET /healthz", wrong), Err(Refusal::Unauthorized), "{wrong}");
            assert_eq!(checked(Some("abc"), "POST /api/reload", wrong), Err(Refusal::Unauthorized), "{wrong}");
        }
    }
}
