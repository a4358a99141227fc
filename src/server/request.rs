//! One request, from its header to its answer.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Request, Response, Version, header};

use super::admission::Turn;
use super::connection::Connection;
use super::limits::Limits;
use super::pace::CLOSE_MAX;
use super::refusal::Refusal;
use super::{Answer, Received, body};
use crate::clock::Clock;
use crate::telemetry;

/// Answers one request; nothing that happens on the way, a panic included, leaves it without an answer.
pub(super) async fn answer<A: Answer>(
    connection: Arc<Connection<A>>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let running = connection.pace.begin();
    let mut responding = pin!(respond(&connection, request, running.begun_at));
    let responded = poll_fn(|context| survive(responding.as_mut(), context)).await;
    responded.unwrap_or_else(|refusal| refused(&connection, &refusal))
}

async fn respond<A: Answer>(
    connection: &Connection<A>,
    request: Request<Incoming>,
    begun_at: Instant,
) -> Result<Response<Full<Bytes>>, Refusal> {
    let (server, peer, limits) = (&*connection.server, connection.peer, &connection.limits);

    let (head, body) = request.into_parts();
    let _turn = match admit(connection, &head) {
        Ok(turn) => turn,
        Err(response) => return Ok(unread(*response, &head, body, limits).await),
    };
    let body = body::read(body, limits.body_bytes_max, begun_at, limits.request_read).await?;
    Ok(server.answer.answer(Received { head, body, peer, begun_at }).await)
}

/// What can be said before the body is read.
fn admit<'c, A: Answer>(connection: &'c Connection<A>, head: &Parts) -> Result<Turn<'c>, Box<Response<Full<Bytes>>>> {
    let server = &*connection.server;
    let limits = &connection.limits;
    let admitted = server.admission.begin(limits).and_then(|turn| screen(head, limits).map(|()| turn));
    let turn = admitted.map_err(|refusal| Box::new(refused(connection, &refusal)))?;
    server.answer.refuse(head).map_or(Ok(turn), |response| Err(Box::new(response)))
}

fn refused<A>(connection: &Connection<A>, refusal: &Refusal) -> Response<Full<Bytes>> {
    if let Some(untold) = connection.server.refusals.speak(Clock::instant()) {
        telemetry::request_refused(connection.peer, refusal, untold);
    }
    refusal.response()
}

/// A response to a request whose body has not been read. An HTTP/1 client may have sent its next request behind it:
/// either the body is read, or the client is told that nothing more will be.
async fn unread(
    mut response: Response<Full<Bytes>>,
    head: &Parts,
    body: Incoming,
    limits: &Limits,
) -> Response<Full<Bytes>> {
    if head.version == Version::HTTP_2 {
        return response;
    }
    // To read the body of a client that waits to be asked for it would be to ask.
    let waits = head.headers.contains_key(header::EXPECT);
    if waits || !body::forget(body, limits.request_read.min(CLOSE_MAX)).await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Refuses what the protocol forbids and hyper lets pass.
fn screen(head: &Parts, limits: &Limits) -> Result<(), Refusal> {
    if limits.headers_max < head.headers.len() {
        return Err(Refusal::TooManyHeaders { headers_max: limits.headers_max });
    }
    let hosts = head.headers.get_all(header::HOST).iter().count();
    let enough = match head.version {
        Version::HTTP_09 | Version::HTTP_10 => true,
        Version::HTTP_11 => hosts == 1,
        _ => hosts == 1 || head.uri.authority().is_some(),
    };
    if enough && hosts <= 1 { Ok(()) } else { Err(Refusal::NotOneHost) }
}

/// Drives `future` on and turns a panic in it into a refusal.
///
/// What the panic left behind is dropped with the future; what is shared must hold no broken promise over an await, which
/// the locks of this program do not. The future stays where it is: as an argument of another it would be kept twice.
fn survive<T>(
    future: Pin<&mut impl Future<Output = Result<T, Refusal>>>,
    context: &mut Context<'_>,
) -> Poll<Result<T, Refusal>> {
    let polled = catch_unwind(AssertUnwindSafe(|| future.poll(context)));
    polled.unwrap_or_else(|_| Err(Refusal::Panicked).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screened(version: Version, uri: &str, hosts: usize) -> Result<(), Refusal> {
        let mut request = Request::builder().version(version).uri(uri);
        for _ in 0..hosts {
            request = request.header("host", "a");
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        screen(&head, &Limits { headers_max: 2, ..Limits::default() })
    }

    #[test]
    fn a_request_names_its_host_once() {
        assert_eq!(screened(Version::HTTP_10, "/", 0), Ok(()));
        assert_eq!(screened(Version::HTTP_11, "/", 1), Ok(()));
        assert_eq!(screened(Version::HTTP_11, "/", 0), Err(Refusal::NotOneHost));
        assert_eq!(screened(Version::HTTP_11, "/", 2), Err(Refusal::NotOneHost));
        assert_eq!(screened(Version::HTTP_10, "/", 2), Err(Refusal::NotOneHost));
        assert_eq!(screened(Version::HTTP_2, "http://a/", 0), Ok(()));
        assert_eq!(screened(Version::HTTP_2, "/", 1), Ok(()));
        assert_eq!(screened(Version::HTTP_2, "/", 0), Err(Refusal::NotOneHost));
    }

    #[test]
    fn headers_are_counted() {
        assert_eq!(screened(Version::HTTP_11, "/", 3), Err(Refusal::TooManyHeaders { headers_max: 2 }));
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let mut broken = pin!(async { panic!("on purpose") });
        let survived: Result<(), Refusal> = poll_fn(|context| survive(broken.as_mut(), context)).await;
        assert_eq!(survived, Err(Refusal::Panicked));
    }
}
