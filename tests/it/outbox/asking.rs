//! The client by itself: where it may not go, and how much it takes.

mod lookups;
mod redirects;

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::HeaderMap;
use socket2::{Domain, Socket, Type};
use switchhook::client::connect::ConnectError;
use switchhook::client::guard::Host;
use switchhook::client::lookup::Resolver;
use switchhook::client::{Asker, ClientError, Limits, Request, Response};

use super::*;
use crate::support::{Destination, Pair};

const LIMITS: Limits =
    Limits { asker: Asker::Caller, connect: PATIENCE, whole: PATIENCE, body_bytes_max: 100, redirects_max: 0 };

fn request(url: &str) -> Request {
    let (target, method) = (Target::Anybody, hyper::Method::GET);
    Request { target, method, url: url.to_owned(), headers: HeaderMap::new(), body: Bytes::new() }
}

fn get(client: &Client, url: &str, limits: Limits) -> Result<Response, ClientError> {
    Runtime::new().unwrap().block_on(client.send(request(url), &limits))
}

fn refused(outcome: &Result<Response, ClientError>) -> bool {
    matches!(outcome, Err(error @ ClientError::Connect(ConnectError::Refused { .. })) if error.is_final())
}

#[test]
fn every_way_to_write_this_machine_is_refused() {
    let (client, destination) = (Client::new(&Outbound::default()).unwrap(), Destination::open());
    let port = destination.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "localhost",
        "LOCALHOST.",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        let outcome = get(&client, &format!("http://{host}:{port}/"), LIMITS);
        // A resolver may not know some of these, which is as good.
        let nowhere = matches!(&outcome, Err(ClientError::Connect(ConnectError::Unresolved { .. })));
        assert!(refused(&outcome) || nowhere, "{host}: {outcome:?}");
    }
    assert!(destination.ready().is_none(), "nobody has come through");
}

/// A name that leads elsewhere each time that somebody asks.
fn fickle(answers: Vec<Vec<SocketAddr>>) -> Resolver {
    let asked = Arc::new(AtomicUsize::new(0));
    Arc::new(move |_, _, _| {
        let answer = answers[asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)].clone();
        Box::pin(async move { Ok::<_, io::Error>(answer) })
    })
}

#[test]
fn a_name_that_changes_where_it_leads_gains_nothing() {
    let destination = Destination::open();
    let outside: SocketAddr = "[2001:4860:4860::8888]:1".parse().unwrap();
    let resolver = fickle(vec![vec![outside], vec![destination.address], vec![]]);
    let client = Client::resolving(&Outbound::default(), resolver).unwrap();
    let limits = Limits { connect: Duration::from_millis(50), ..LIMITS };
    let first = get(&client, "http://a.example/", limits);
    assert!(!refused(&first) && first.is_err(), "{first:?}");
    assert!(refused(&get(&client, "http://a.example/", LIMITS)), "now it leads inside");
    let nowhere = get(&client, "http://a.example/", LIMITS).unwrap_err();
    assert_eq!(nowhere.to_string(), "`a.example` cannot be found: it has no address");
    assert!(destination.ready().is_none());
}

#[test]
fn of_several_addresses_only_those_that_are_allowed_are_asked() {
    let inside = Destination::open();
    let allowed = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let guard = Guard { networks: vec!["127.0.0.2/32".parse().unwrap()], hosts: Vec::new() };
    let resolver = fickle(vec![vec![inside.address, allowed.local_addr().unwrap()]]);
    let client = Client::resolving(&Outbound { guard, ..Outbound::default() }, resolver).unwrap();
    let answering = thread::spawn(move || {
        let (mut stream, _) = allowed.accept().unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
        stream.write_all(b"HTTP/1.1 204 .\r\n\r\n").unwrap();
        stream
    });
    assert_eq!(get(&client, "http://a.example/", LIMITS).unwrap().status, 204);
    drop(answering.join().unwrap());
    assert!(inside.ready().is_none());
}

/// An address where nothing is said for as long as the streams are held: those that wait to be taken are as many as may
/// be.
fn silent() -> (SocketAddr, Vec<Socket>) {
    let new = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = new();
    listener.bind(&SocketAddr::from(([127, 0, 0, 3], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = vec![listener];
    for _ in 0..4 {
        let stream = new();
        stream.set_nonblocking(true).unwrap();
        drop(stream.connect(&address));
        held.push(stream);
    }
    (address.as_socket().unwrap(), held)
}

#[test]
fn an_address_that_says_nothing_leaves_time_to_the_next() {
    let (destination, (silent, held)) = (Destination::open(), silent());
    let guard = Guard { networks: vec!["127.0.0.0/8".parse().unwrap()], hosts: Vec::new() };
    let resolver = fickle(vec![vec![silent, destination.address], vec![silent]]);
    let client = Client::resolving(&Outbound { guard, ..Outbound::default() }, resolver).unwrap();
    let answering = thread::spawn(move || destination.next().answer_with(204, "connection: close\n", ""));
    assert_eq!(get(&client, "http://a.example/", LIMITS).unwrap().status, 204);
    answering.join().unwrap();
    let late = get(&client, "http://a.example/", Limits { connect: Duration::from_millis(50), ..LIMITS });
    assert_eq!(late.unwrap_err().to_string(), "cannot connect to `a.example` within 50 ms");
    drop(held);
}

#[test]
fn a_host_can_be_allowed_by_its_name() {
    let destination = Destination::open();
    let host = Host { name: "localhost".to_owned(), port: Some(destination.address.port()) };
    let outbound = Outbound { guard: Guard { networks: Vec::new(), hosts: vec![host] }, ..Outbound::default() };
    let client = Client::new(&outbound).unwrap();
    let url = format!("http://localhost:{}/", destination.address.port());
    let answering = thread::spawn(move || destination.next().answer_with(302, "location: /b\n", &"x".repeat(101)));
    let response = get(&client, &url, LIMITS).unwrap();
    answering.join().unwrap();
    assert_eq!((response.status.as_u16(), response.body.len(), response.is_cut), (302, 100, true));
    assert!(refused(&get(&client, "http://127.0.0.1:1/", LIMITS)), "only by that name");
}

#[test]
fn a_certificate_must_be_trusted_and_for_that_name() {
    let (pair, other) = (Pair::new(), Pair::new());
    let files = [("fullchain.pem", &*pair.certificate), ("key.pem", &*pair.key)];
    let settings = "listen: 127.0.0.1:0\ntls: { certificate: fullchain.pem, key: key.pem }\nauth: none\n";
    let rules = "rules:\n  - { name: a, tool: a, respond: b }\n";
    let files: Vec<_> = files.into_iter().chain([("switchhook.yaml", settings), ("rules/a.yaml", rules)]).collect();
    let daemon = crate::support::Daemon::start(&files);
    let url = format!("https://localhost:{}/", daemon.address.port());
    let asked = |pem: Option<&str>, url: &str| {
        use rustls::pki_types::pem::PemObject as _;
        let authority = pem.map(|pem| rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap());
        let guard = Guard { networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], hosts: vec![] };
        let outbound = Outbound { guard, authorities: authority.into_iter().collect(), ..Outbound::default() };
        get(&Client::new(&outbound).unwrap(), url, LIMITS)
    };
    assert_eq!(asked(Some(&pair.certificate), &url).unwrap().status, 405);
    for (pem, url) in [(None, url.clone()), (Some(&*other.certificate), url.clone())] {
        let outcome = asked(pem, &url);
        assert!(matches!(outcome, Err(ClientError::Connect(ConnectError::Tls { .. }))), "{outcome:?}");
    }
}
