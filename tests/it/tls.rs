//! TLS, through real sockets: what comes before the first request, and that everything behind it is as without.
//!
//! As in [`http`](super::http), no test measures time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use switchhook::live::Live;
use switchhook::server::limits::Limits;
use switchhook::server::tls::Certificates;
use switchhook::server::{Answer, Received, Server, socket};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Pair, localhost};

const SHORT: Duration = Duration::from_millis(100);

/// Answers with the version of the protocol and the length of the body.
struct Echo;

impl Answer for Echo {
    fn refuse(&self, _: &Parts) -> Option<Response<Full<Bytes>>> {
        None
    }

    async fn answer(&self, received: Received) -> Response<Full<Bytes>> {
        Response::new(Full::from(format!("<{:?} {}>", received.head.version, received.body.len())))
    }
}

/// A server on a port of its own, with a certificate of its own.
struct Started {
    address: SocketAddr,
    pair: Pair,
    certificates: Certificates,
    _folder: TempDir,
    shutdown: CancellationToken,
    ended: JoinHandle<usize>,
}

fn patient() -> Limits {
    let all = PATIENCE;
    Limits { header_read: all, tls_handshake: all, request_read: all, idle: all, ..Limits::default() }
}

fn start(limits: Limits) -> Started {
    start_with(limits, Pair::new())
}

fn certificates(folder: &TempDir) -> Certificates {
    Certificates::load(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).unwrap()
}

fn start_with(limits: Limits, pair: Pair) -> Started {
    let folder = tempfile::tempdir().unwrap();
    pair.write(folder.path());
    let certificates = certificates(&folder);
    let server = Server::adopt(socket("127.0.0.1:0".parse().unwrap()).unwrap(), Live::new(limits), Echo).unwrap();
    let (server, shutdown) = (server.secured_by(Some(&certificates)), CancellationToken::new());
    let address = server.local_addr();
    let ended = tokio::spawn(server.run(shutdown.clone(), || PATIENCE));
    Started { address, pair, certificates, _folder: folder, shutdown, ended }
}

impl Started {
    async fn connect_as(&self, config: Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = soon(TcpStream::connect(self.address)).await.unwrap();
        soon(TlsConnector::from(config).connect(localhost(), stream)).await
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_as(self.pair.trusted(&["http/1.1"])).await.unwrap()
    }

    async fn connect_http2(&self) -> (http2::SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
        let stream = self.connect_as(self.pair.trusted(&["h2", "http/1.1"])).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        (sender, tokio::spawn(connection))
    }

    /// Sends these bytes without a handshake and returns all that comes until the server closes.
    async fn talk_plainly(&self, bytes: &[u8]) -> String {
        let mut stream = soon(TcpStream::connect(self.address)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this should not take so long")
}

/// Reads until the server closes, which over TLS it must do properly.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    soon(stream.read_to_end(&mut read)).await.unwrap();
    String::from_utf8_lossy(&read).into_owned()
}

async fn up_to(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        read.push(soon(stream.read_u8()).await.unwrap_or_else(|error| panic!("{error} after {read:?}")));
    }
    String::from_utf8(read).unwrap()
}

fn post(headers: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: a\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

async fn post_http2(sender: &mut http2::SendRequest<Full<Bytes>>, body: &'static str) -> String {
    let request = Request::post("https://localhost/").body(Full::from(body)).unwrap();
    let response = soon(sender.send_request(request)).await.unwrap();
    let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[track_caller]
fn assert_holds(answer: &str, parts: &[&str]) {
    for part in parts {
        assert!(answer.contains(part), "{part:?} is not in {answer}");
    }
}

#[tokio::test]
async fn the_handshake_chooses_the_protocol() {
    let server = start(patient());
    for offered in [&["http/1.1"][..], &["http/1.1", "http/1.0"], &[]] {
        let mut stream = server.connect_as(server.pair.trusted(offered)).await.unwrap();
        stream.write_all(post("connection: close\r\n", "abc").as_bytes()).await.unwrap();
        assert_holds(&rest(&mut stream).await, &["HTTP/1.1 200 OK\r\n", "<HTTP/1.1 3>"]);
    }
    let (mut sender, _connection) = server.connect_http2().await;
    assert_eq!(post_http2(&mut sender, "abcd").await, "<HTTP/2.0 4>");
    assert!(server.connect_as(server.pair.trusted(&["h3"])).await.is_err(), "there is nothing to speak");
}

#[tokio::test]
async fn a_large_body_comes_through_whole() {
    let server = start(patient());
    let mut stream = server.connect().await;
    let body = "x".repeat(1_000_000);
    stream.write_all(post("connection: close\r\n", &body).as_bytes()).await.unwrap();
    assert_holds(&rest(&mut stream).await, &["<HTTP/1.1 1000000>"]);
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_certificate_leaves_and_nobody_else_notices() {
    let server = start(patient());
    assert!(server.connect_as(Pair::new().trusted(&[])).await.is_err());
    let old = start_with(patient(), Pair::expired());
    let error = old.connect_as(old.pair.trusted(&[])).await.unwrap_err().to_string();
    assert_holds(&error, &["expired"]);
    let mut stream = server.connect().await;
    stream.write_all(post("connection: close\r\n", "a").as_bytes()).await.unwrap();
    assert_holds(&rest(&mut stream).await, &["<HTTP/1.1 1>"]);
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_so() {
    let server = start(patient());
    let answer = server.talk_plainly(post("", "abc").as_bytes()).await;
    let error = r#"{"error":"this address speaks TLS: write `https`"}"#;
    assert_holds(&answer, &["HTTP/1.1 400 Bad Request\r\n", "connection: close\r\n", error]);
    // A greeting with nonsense in it gets an alert: a fatal one.
    let answer = server.talk_plainly(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00").await;
    assert_holds(&answer, &["\u{15}\u{3}\u{3}\0\u{2}\u{2}"]);
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_ended() {
    let server = start(Limits { tls_handshake: SHORT, ..patient() });
    assert_eq!(server.talk_plainly(b"").await, "");
    assert_eq!(server.talk_plainly(b"\x16\x03\x01").await, "");
}

#[tokio::test]
async fn the_time_for_the_first_request_counts_from_the_handshake() {
    let server = start(Limits { header_read: SHORT, ..patient() });
    let mut silent = server.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    let server = start(Limits { header_read: SHORT * 5, ..patient() });
    let mut halfway = server.connect().await;
    halfway.write_all(b"POST / HT").await.unwrap();
    assert_holds(&rest(&mut halfway).await, &["HTTP/1.1 408 ", "the header did not arrive"]);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = start(Limits { idle: SHORT, ..patient() });
    let mut stream = server.connect().await;
    stream.write_all(post("", "a").as_bytes()).await.unwrap();
    assert_holds(&rest(&mut stream).await, &["<HTTP/1.1 1>"]);
    let (mut sender, connection) = server.connect_http2().await;
    assert_eq!(post_http2(&mut sender, "a").await, "<HTTP/2.0 1>");
    soon(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_body_that_stops_halfway_is_told_so() {
    let server = start(Limits { request_read: SHORT, ..patient() });
    let mut stream = server.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabc").await.unwrap();
    assert_holds(&rest(&mut stream).await, &["HTTP/1.1 408 ", "the request did not arrive"]);
}

#[tokio::test]
async fn who_only_begins_a_handshake_is_counted() {
    let server = start(Limits { connections_max: 1, ..patient() });
    let mut silent = soon(TcpStream::connect(server.address)).await.unwrap();
    let mut second = server.connect().await;
    assert_holds(&rest(&mut second).await, &["HTTP/1.1 503 ", "retry-after: 1\r\n", "already 1 connections"]);
    silent.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_holds(&rest(&mut silent).await, &["HTTP/1.1 400 "]);
}

#[tokio::test]
async fn draining_finishes_handshakes_and_what_follows_at_once() {
    let server = start(patient());
    let (mut fresh, mut resting) = (server.connect().await, server.connect().await);
    resting.write_all(post("", "a").as_bytes()).await.unwrap();
    up_to(&mut resting, "<HTTP/1.1 1>").await;
    let begun = soon(TcpStream::connect(server.address)).await.unwrap();
    // Connections are accepted in turn: behind one that was answered, this one waits for its handshake.
    let mut behind = server.connect().await;
    behind.write_all(post("connection: close\r\n", "a").as_bytes()).await.unwrap();
    rest(&mut behind).await;

    server.shutdown.cancel();
    let connector = TlsConnector::from(server.pair.trusted(&[]));
    let mut begun = soon(connector.connect(localhost(), begun)).await.unwrap();
    for stream in [&mut begun, &mut fresh, &mut resting] {
        stream.write_all(post("", "ab").as_bytes()).await.unwrap();
        assert_holds(&rest(stream).await, &["connection: close\r\n", "<HTTP/1.1 2>"]);
    }
    drop((begun, fresh, resting, behind));
    assert_eq!(soon(server.ended).await.unwrap(), 0);
}

#[tokio::test]
async fn a_renewed_certificate_is_for_new_connections() {
    let server = start(patient());
    let mut before = server.connect().await;
    before.write_all(post("", "a").as_bytes()).await.unwrap();
    up_to(&mut before, "<HTTP/1.1 1>").await;

    let renewed = Pair::new();
    let folder = tempfile::tempdir().unwrap();
    renewed.write(folder.path());
    server.certificates.adopt(&certificates(&folder));

    let mut after = server.connect_as(renewed.trusted(&[])).await.unwrap();
    assert!(server.connect_as(server.pair.trusted(&[])).await.is_err(), "the old certificate is still shown");
    for stream in [&mut before, &mut after] {
        stream.write_all(post("connection: close\r\n", "ab").as_bytes()).await.unwrap();
        assert_holds(&rest(stream).await, &["<HTTP/1.1 2>"]);
    }
}
