//! The transport, through real sockets: what each limit answers, and how a server ends.
//!
//! No test measures time: one that is about a timeout sets it to tens of milliseconds and waits for what must follow,
//! all others have limits that they never reach. [`soon`] ends whatever would hang.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use switchhook::live::Live;
use switchhook::server::limits::Limits;
use switchhook::server::refusal::Refusal;
use switchhook::server::{Answer, Received, Server, socket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(60);

/// Answers with the length of the body, at `/wait` not before it is told to, and at `/panic` not at all.
#[derive(Clone)]
struct Counter {
    entered: Arc<Semaphore>,
    release: Arc<Semaphore>,
}

impl Answer for Counter {
    fn refuse(&self, head: &Parts) -> Option<Response<Full<Bytes>>> {
        let refusal = match (head.uri.path(), &head.method) {
            ("/nowhere", _) => Refusal::NotFound,
            (_, &Method::POST) => return None,
            _ => Refusal::MethodNotAllowed { allow: "POST" },
        };
        Some(refusal.response())
    }

    async fn answer(&self, received: Received) -> Response<Full<Bytes>> {
        match received.head.uri.path() {
            "/panic" => panic!("on purpose"),
            "/wait" => {
                self.entered.add_permits(1);
                self.release.acquire().await.unwrap().forget();
            }
            _ => {}
        }
        Response::new(Full::from(format!("<{}>", received.body.len())))
    }
}

/// A server on a port of its own.
struct Started {
    address: SocketAddr,
    counter: Counter,
    shutdown: CancellationToken,
    ended: JoinHandle<usize>,
}

fn patient() -> Limits {
    Limits { header_read: LONG, request_read: LONG, idle: LONG, body_bytes_max: 1000, ..Limits::default() }
}

fn start(limits: Limits) -> Started {
    start_draining(limits, LONG)
}

fn start_draining(limits: Limits, drain_max: Duration) -> Started {
    let counter = Counter { entered: Arc::new(Semaphore::new(0)), release: Arc::new(Semaphore::new(0)) };
    let server =
        Server::adopt(socket("127.0.0.1:0".parse().unwrap()).unwrap(), Live::new(limits), counter.clone()).unwrap();
    let (address, shutdown) = (server.local_addr(), CancellationToken::new());
    let ended = tokio::spawn(server.run(shutdown.clone(), move || drain_max));
    Started { address, counter, shutdown, ended }
}

impl Started {
    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.address)).await.unwrap()
    }

    /// Sends `request` and returns all that comes until the server closes.
    async fn talk(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        rest(&mut stream).await
    }

    /// Waits until a request is at `/wait`.
    async fn entered(&self) {
        soon(self.counter.entered.acquire()).await.unwrap().forget();
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("this should not take so long")
}

/// Waits until nobody listens at `address` any more.
async fn refuses(address: SocketAddr) {
    soon(async { while TcpStream::connect(address).await.is_ok() {} }).await;
}

/// Reads until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    soon(stream.read_to_end(&mut read)).await.unwrap();
    String::from_utf8_lossy(&read).into_owned()
}

/// Reads until `end` has come.
async fn up_to(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        read.push(soon(stream.read_u8()).await.unwrap_or_else(|error| panic!("{error} after {read:?}")));
    }
    String::from_utf8(read).unwrap()
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

#[track_caller]
fn assert_status(answer: &str, status: &str, holds: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains(holds), "{answer}");
}

/// Checks that a server with `limits` answers `request` by `status` and something that holds `holds`, and closes.
async fn check(limits: Limits, request: impl AsRef<[u8]>, status: &str, holds: &str) {
    let answer = start(limits).talk(request).await;
    assert_status(&answer, status, holds);
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    assert_eq!(start(Limits { header_read: SHORT, ..patient() }).talk("").await, "");
}

#[tokio::test]
async fn a_header_that_stops_halfway_is_told_so() {
    let limits = Limits { header_read: SHORT, ..patient() };
    let error = r#"{"error":"the header did not arrive within 0.1 s"}"#;
    check(limits, "P", "408", error).await;
    check(limits, "POST / HTTP/1.1\r\nhost: a\r\n", "408", error).await;
}

#[tokio::test]
async fn a_second_header_that_stops_halfway_is_told_so() {
    // Long enough for the first header on a busy machine.
    let server = start(Limits { header_read: SHORT * 5, ..patient() });
    let mut stream = server.connect().await;
    stream.write_all(post("/", "", "a").as_bytes()).await.unwrap();
    up_to(&mut stream, "<1>").await;
    stream.write_all(b"POST / HT").await.unwrap();
    assert_status(&rest(&mut stream).await, "408", "header");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = Limits { idle: SHORT, ..patient() };
    check(limits, post("/", "", "abc"), "200", "<3>").await;
}

#[tokio::test]
async fn silence_after_the_preface_of_http2_is_ended() {
    let server = start(Limits { header_read: SHORT, ..patient() });
    server.talk("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    server.talk("PRI * HTTP/2.0\r\n\r\nSM").await;
}

#[tokio::test]
async fn a_body_that_stops_halfway_is_told_so() {
    let limits = Limits { request_read: SHORT, ..patient() };
    let slow = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabc";
    check(limits, slow, "408", r#"{"error":"the request did not arrive within 0.1 s"}"#).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_so() {
    let server = start(patient());
    let mut stream = server.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabc").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_status(&rest(&mut stream).await, "400", r#"{"error":"the body is incomplete or badly encoded"}"#);
}

#[tokio::test]
async fn headers_are_bounded() {
    let large = format!("POST / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(40_000));
    check(patient(), large, "431", "").await;
    let endless = format!("POST / HTTP/1.1\r\nhost: a\r\nx: {}", "x".repeat(40_000));
    check(patient(), endless, "431", "").await;
    let many = format!("POST / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(100));
    check(patient(), many, "431", "").await;
    let few = format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{}\r\n", "x: y\r\n".repeat(98));
    check(patient(), few, "200", "<0>").await;
    let three = "POST / HTTP/1.1\r\nhost: a\r\nx: y\r\nconnection: close\r\n\r\n";
    check(Limits { headers_max: 2, ..patient() }, three, "431", "more than 2 header fields").await;
}

#[tokio::test]
async fn a_request_names_its_host() {
    let error = r#"{"error":"there must be exactly one `Host`"}"#;
    check(patient(), "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n", "400", error).await;
    check(patient(), "POST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "400", error).await;
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    check(patient(), "\x16\x03\x01\x02\x00\x01\r\n\r\n", "400", "").await;
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_read() {
    let error = r#"{"error":"the body is larger than 1000 bytes"}"#;
    check(patient(), "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n", "413", error).await;
    check(patient(), post("/", "", &"x".repeat(1001)), "413", error).await;
    check(patient(), post("/", "connection: close\r\n", &"x".repeat(1000)), "200", "<1000>").await;
}

#[tokio::test]
async fn who_is_still_sending_learns_that_it_is_too_much() {
    check(patient(), post("/", "", &"x".repeat(2_000_000)), "413", "larger than 1000").await;
}

#[tokio::test]
async fn chunks_are_counted() {
    let head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    check(patient(), format!("{head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "200", "<5>").await;
    let large = format!("200\r\n{}\r\n", "x".repeat(0x200));
    check(patient(), format!("{head}{large}{large}0\r\n\r\n"), "413", "larger than 1000").await;
    check(patient(), format!("{head}3\r\nabcd\r\n0\r\n\r\n"), "400", "badly encoded").await;
}

#[tokio::test]
async fn contradictory_lengths_are_refused() {
    let two = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab";
    check(patient(), two, "400", "").await;
    // The protocol lets the chunks decide, but nothing may follow: what would, could have been smuggled in.
    let both = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    check(patient(), [both, &post("/", "", "smuggled")].concat(), "200", "<0>").await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let server = start(patient());
    let mut stream = server.connect().await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length:";
    stream.write_all(format!("{head} 3\r\n\r\n").as_bytes()).await.unwrap();
    assert_eq!(up_to(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.unwrap();
    assert_status(&rest(&mut stream).await, "200", "<3>");
    check(patient(), format!("{head} 1001\r\n\r\n"), "413", "larger than 1000").await;
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let server = start(Limits { connections_max: 1, ..patient() });
    let mut first = server.connect().await;
    first.write_all(post("/", "", "a").as_bytes()).await.unwrap();
    up_to(&mut first, "<1>").await;
    let answer = server.talk(post("/", "", "b")).await;
    assert_status(&answer, "503", r#"{"error":"there are already 1 connections"}"#);
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
}

#[tokio::test]
async fn an_address_has_its_share_and_gets_it_back() {
    let server = start(Limits { connections_per_address_max: 1, ..patient() });
    let mut first = server.connect().await;
    first.write_all(post("/", "connection: close\r\n", "a").as_bytes()).await.unwrap();
    up_to(&mut first, "<1>").await;
    assert_status(&server.talk(post("/", "", "b")).await, "503", "from this address");
    drop(first);
    // The server notices in its own time that the first is gone.
    soon(async { while !server.talk(post("/", "connection: close\r\n", "c")).await.contains("<1>") {} }).await;
}

#[tokio::test]
async fn a_request_too_many_is_told_to_come_again() {
    let server = start(Limits { requests_in_flight_max: 1, ..patient() });
    let mut first = server.connect().await;
    first.write_all(post("/wait", "connection: close\r\n", "").as_bytes()).await.unwrap();
    server.entered().await;
    let answer = server.talk(post("/", "connection: close\r\n", "b")).await;
    assert_status(&answer, "503", r#"{"error":"1 requests are already being answered"}"#);
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    server.counter.release.add_permits(1);
    assert_status(&rest(&mut first).await, "200", "<0>");
    assert_status(&server.talk(post("/", "connection: close\r\n", "b")).await, "200", "<1>");
}

#[tokio::test]
async fn a_connection_is_kept_and_can_be_filled_ahead() {
    let server = start(patient());
    let mut stream = server.connect().await;
    stream.write_all(post("/", "", "a").as_bytes()).await.unwrap();
    up_to(&mut stream, "<1>").await;
    let ahead = [post("/", "", "ab"), post("/", "", "abc"), post("/", "connection: close\r\n", "abcd")].concat();
    stream.write_all(ahead.as_bytes()).await.unwrap();
    let answers = rest(&mut stream).await;
    let places = ["<2>", "<3>", "<4>"].map(|body| answers.find(body).unwrap());
    assert!(places.is_sorted(), "{answers}");
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let server = start(Limits { body_bytes_max: 1_000_000, ..patient() });
    let answer = server.talk(post("/", "connection: close\r\n", &"x".repeat(300_000))).await;
    assert_status(&answer, "200", "<300000>");
}

#[tokio::test]
async fn who_has_said_everything_still_gets_the_answer() {
    let server = start(patient());
    let mut stream = server.connect().await;
    stream.write_all(post("/wait", "", "abc").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    server.entered().await;
    server.counter.release.add_permits(1);
    assert_status(&rest(&mut stream).await, "200", "<3>");
}

#[tokio::test]
async fn a_wrong_path_or_method_is_refused() {
    let close = "host: a\r\nconnection: close\r\n\r\n";
    check(patient(), format!("POST /nowhere HTTP/1.1\r\n{close}"), "404", r#"{"error":"nothing is"#).await;
    check(patient(), format!("GET / HTTP/1.1\r\n{close}"), "405", "allow: POST\r\n").await;
    check(patient(), format!("HEAD / HTTP/1.1\r\n{close}"), "405", "allow: POST\r\n").await;
}

#[tokio::test]
async fn after_a_refusal_the_connection_is_kept_or_its_end_announced() {
    let last = post("/", "connection: close\r\n", "last");
    let chunked = "POST /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for refused in [
        post("/nowhere", "", "not wanted"),
        post("/nowhere", "", ""),
        post("/nowhere", "", &"x".repeat(50_000)),
        chunked.to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc".to_owned(),
        post("/", &"x: y\r\n".repeat(4), "abc"),
    ] {
        let answers = start(Limits { headers_max: 4, ..patient() }).talk([refused, last.clone()].concat()).await;
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 2, "{answers}");
        assert!(!answers.split("{\"error\"").next().unwrap().contains("connection: close"), "{answers}");
        assert!(answers.ends_with("<4>"), "{answers}");
    }
    for refused in [
        post("/nowhere", "", &"x".repeat(2_000_000)),
        post("/nowhere", "expect: 100-continue\r\n", "abc"),
        "POST /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n".to_owned(),
    ] {
        check(patient(), refused, "404", "connection: close\r\n").await;
    }
}

#[tokio::test]
async fn a_request_too_many_does_not_cost_the_connection() {
    let server = start(Limits { requests_in_flight_max: 1, ..patient() });
    let mut first = server.connect().await;
    first.write_all(post("/wait", "connection: close\r\n", "").as_bytes()).await.unwrap();
    server.entered().await;
    let mut second = server.connect().await;
    second.write_all(post("/", "", "b").as_bytes()).await.unwrap();
    assert_status(&up_to(&mut second, "}").await, "503", "already being answered");
    server.counter.release.add_permits(1);
    assert_status(&rest(&mut first).await, "200", "<0>");
    second.write_all(post("/", "connection: close\r\n", "bc").as_bytes()).await.unwrap();
    assert_status(&rest(&mut second).await, "200", "<2>");
}

#[tokio::test]
async fn a_refused_sender_who_dawdles_is_told_all_the_same() {
    let slow = "POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabc";
    check(Limits { request_read: SHORT, ..patient() }, slow, "404", "connection: close\r\n").await;
}

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let server = start(patient());
    let answer = server.talk(post("/panic", "", "")).await;
    assert_status(&answer, "500", r#"{"error":"an internal error; the log has the details"}"#);
    assert_status(&server.talk(post("/", "connection: close\r\n", "a")).await, "200", "<1>");
}

type Http2 = http2::SendRequest<Full<Bytes>>;

async fn connect_http2(server: &Started) -> (Http2, JoinHandle<hyper::Result<()>>) {
    let io = TokioIo::new(server.connect().await);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn post_http2(sender: &mut Http2, path: &str, body: &'static str) -> (u16, String) {
    let uri = format!("http://a{path}");
    let request = Request::post(uri).body(Full::from(body)).unwrap();
    let response = soon(sender.send_request(request)).await.unwrap();
    let status = response.status().as_u16();
    let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn http2_is_spoken_to_who_speaks_it() {
    let server = start(patient());
    let (mut sender, _connection) = connect_http2(&server).await;
    let mut waiting = sender.clone();
    let waiting = tokio::spawn(async move { post_http2(&mut waiting, "/wait", "").await });
    server.entered().await;
    assert_eq!(post_http2(&mut sender, "/", "abc").await, (200, "<3>".to_owned()));
    assert_eq!(post_http2(&mut sender, "/nowhere", "").await.0, 404);
    assert_eq!(post_http2(&mut sender, "/panic", "").await.0, 500);
    let large = "x".repeat(1001).leak();
    assert_eq!(post_http2(&mut sender, "/", large).await.0, 413);
    server.counter.release.add_permits(1);
    assert_eq!(soon(waiting).await.unwrap(), (200, "<0>".to_owned()));
}

#[tokio::test]
async fn whoever_resets_a_stream_keeps_its_place_until_it_is_answered() {
    let server = start(Limits { requests_in_flight_max: 1, ..patient() });
    let (mut sender, _connection) = connect_http2(&server).await;
    let mut impatient = sender.clone();
    let waiting = tokio::spawn(async move { post_http2(&mut impatient, "/wait", "").await });
    server.entered().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(post_http2(&mut sender, "/", "abc").await.0, 503);
    server.counter.release.add_permits(1);
    while post_http2(&mut sender, "/", "abc").await.0 != 200 {}
}

#[tokio::test]
async fn an_idle_http2_connection_is_told_to_go() {
    let server = start(Limits { idle: SHORT, ..patient() });
    let (mut sender, connection) = connect_http2(&server).await;
    assert_eq!(post_http2(&mut sender, "/", "abc").await.0, 200);
    soon(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn draining_ends_what_is_idle_and_waits_for_what_is_not() {
    let server = start(patient());
    let (mut idle, mut silent, mut busy) = (server.connect().await, server.connect().await, server.connect().await);
    let (mut sender, http2) = connect_http2(&server).await;
    idle.write_all(post("/", "", "a").as_bytes()).await.unwrap();
    up_to(&mut idle, "<1>").await;
    busy.write_all(post("/wait", "", "ab").as_bytes()).await.unwrap();
    server.entered().await;
    let streaming = tokio::spawn(async move { post_http2(&mut sender, "/wait", "abc").await });
    server.entered().await;

    server.shutdown.cancel();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await, "");
    refuses(server.address).await;
    server.counter.release.add_permits(2);
    assert_status(&rest(&mut busy).await, "200", "connection: close\r\n");
    assert_eq!(soon(streaming).await.unwrap(), (200, "<3>".to_owned()));
    soon(http2).await.unwrap().unwrap();
    drop((idle, silent, busy));
    assert_eq!(soon(server.ended).await.unwrap(), 0);
}

#[tokio::test]
async fn who_is_about_to_send_is_answered_while_draining() {
    let server = start(patient());
    let (mut fresh, mut resting, mut halfway) =
        (server.connect().await, server.connect().await, server.connect().await);
    for stream in [&mut resting, &mut halfway] {
        stream.write_all(post("/", "", "a").as_bytes()).await.unwrap();
        up_to(stream, "<1>").await;
    }
    let (begun, rest_of_it) = ("POST / HT", "TP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
    halfway.write_all(begun.as_bytes()).await.unwrap();
    // One more answer, so that whatever was sent before has been read.
    server.talk(post("/", "connection: close\r\n", "")).await;

    server.shutdown.cancel();
    refuses(server.address).await;
    fresh.write_all(post("/", "", "ab").as_bytes()).await.unwrap();
    resting.write_all(post("/", "", "ab").as_bytes()).await.unwrap();
    for stream in [&mut fresh, &mut resting] {
        let answer = rest(stream).await;
        assert_status(&answer, "200", "connection: close\r\n");
        assert!(answer.ends_with("<2>"), "{answer}");
    }
    halfway.write_all(rest_of_it.as_bytes()).await.unwrap();
    let answer = rest(&mut halfway).await;
    assert_status(&answer, "200", "connection: close\r\n");
    assert!(answer.ends_with("<3>"), "{answer}");
    drop((fresh, resting, halfway));
    assert_eq!(soon(server.ended).await.unwrap(), 0);
}

#[tokio::test]
async fn draining_has_an_end() {
    let server = start_draining(patient(), SHORT);
    let mut busy = server.connect().await;
    busy.write_all(post("/wait", "", "").as_bytes()).await.unwrap();
    server.entered().await;
    server.shutdown.cancel();
    assert_eq!(soon(server.ended).await.unwrap(), 1);
    assert_eq!(rest(&mut busy).await, "");
}
