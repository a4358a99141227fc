//! Redirects: followed by what reads, as far as anything may lead, and without what is for one address alone.

use std::net::TcpListener;
use std::thread::JoinHandle;

use hyper::header::HeaderValue;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use switchhook::client::aim::Aims;

use super::*;
use crate::support::Arrival;

const FOLLOWING: Limits = Limits { redirects_max: 3, ..LIMITS };

/// Asks while the test answers.
fn asking(client: &Client, request: Request, limits: Limits) -> JoinHandle<Result<Response, ClientError>> {
    let client = client.clone();
    thread::spawn(move || Runtime::new().unwrap().block_on(client.send(request, &limits)))
}

fn ask(client: &Client, url: &str) -> JoinHandle<Result<Response, ClientError>> {
    asking(client, request(url), FOLLOWING)
}

fn send_on(arrival: Arrival, status: u16, location: &str) {
    arrival.answer_with(status, &format!("location: {location}\nconnection: close\n"), "");
}

/// A client that may ask these, by the names that stand here, and nobody else.
fn allowed(hosts: &[(&str, u16)], resolver: Resolver) -> Client {
    let host = |(name, port): &(&str, u16)| Host { name: (*name).to_owned(), port: Some(*port) };
    let guard = Guard { networks: Vec::new(), hosts: hosts.iter().map(host).collect() };
    Client::resolving(&Outbound { guard, ..Outbound::default() }, resolver).unwrap()
}

#[test]
fn what_reads_is_sent_on() {
    let (client, first, second) = (client(), Destination::open(), Destination::open());
    for status in [301, 302, 303, 307, 308] {
        let asked = ask(&client, &first.url("/a/b?c"));
        send_on(first.next(), status, "../d?e#f");
        let arrival = first.next();
        assert_eq!((arrival.method(), arrival.path()), ("GET", "/d?e"));
        send_on(arrival, status, &second.url("/g"));
        let arrival = second.next();
        assert_eq!((arrival.path(), arrival.header("host")), ("/g", Some(&*second.address.to_string())));
        arrival.answer_with(200, "", "well");
        assert_eq!(asked.join().unwrap().unwrap().body, "well");
    }
}

#[test]
fn nothing_else_is() {
    let (client, destination) = (client(), Destination::open());
    for (method, status) in [
        (hyper::Method::GET, 300),
        (hyper::Method::GET, 304),
        (hyper::Method::GET, 201),
        (hyper::Method::POST, 302),
        (hyper::Method::POST, 303),
        (hyper::Method::PUT, 307),
        (hyper::Method::DELETE, 308),
    ] {
        let asked = asking(&client, Request { method, ..request(&destination.url("/")) }, FOLLOWING);
        send_on(destination.next(), status, "/b");
        assert_eq!(asked.join().unwrap().unwrap().status, status);
    }
    let asked = ask(&client, &destination.url("/"));
    destination.next().answer(302);
    assert_eq!(asked.join().unwrap().unwrap().status, 302, "it does not say where to");
    assert!(destination.ready().is_none());
}

#[test]
fn a_circle_ends_at_the_bound_or_with_the_time() {
    let (client, destination) = (client(), Destination::open());
    let url = destination.url("/");
    let asked = ask(&client, &url);
    for _ in 0..=FOLLOWING.redirects_max {
        send_on(destination.next(), 302, "/");
    }
    let error = asked.join().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "`127.0.0.1` redirects more than 3 times");
    assert!(destination.ready().is_none());

    let asked = asking(&client, request(&url), Limits { redirects_max: usize::MAX, ..brief() });
    while !asked.is_finished() {
        destination.ready().map_or_else(thread::yield_now, |arrival| send_on(arrival, 302, "/"));
    }
    let late = asked.join().unwrap();
    assert!(matches!(late, Err(ClientError::Late { .. })), "all of it has one limit: {late:?}");
}

fn brief() -> Limits {
    Limits { whole: Duration::from_millis(100), ..LIMITS }
}

#[test]
fn a_redirect_leads_nowhere_that_is_refused() {
    let (first, other) = (Destination::open(), Destination::open());
    let (port, inside) = (first.address.port(), other.address.port());
    let client = allowed(&[("localhost", port)], switchhook::client::lookup::system_resolver());
    for (location, why) in [
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "`[elsewhere]` leads to 169.254.169.254, which is refused",
        ),
        (format!("http://127.0.0.1:{inside}/"), "`[elsewhere]` leads to 127.0.0.1, which is refused"),
        (format!("//localhost:{inside}/"), "`[elsewhere]` leads to"),
        (format!("http://127.0.0.1:{port}/"), "`[elsewhere]` leads to 127.0.0.1, which is refused"),
        (format!("http://[::ffff:127.0.0.1]:{inside}/"), "`[elsewhere]` leads to 127.0.0.1, which is refused"),
        (format!("http://a:b@localhost:{port}/"), "a URL holds no user or password here"),
        ("file:///etc/passwd".to_owned(), "this is not an `http` or `https` URL"),
        ("http://[::1".to_owned(), "to what is no URL"),
    ] {
        let asked = ask(&client, &format!("http://localhost:{port}/"));
        send_on(first.next(), 302, &location);
        let error = asked.join().unwrap().unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with("`localhost` redirects ") && told.contains(why), "{location}: {told}");
        // If it began with a secret, no address is told.
        let told = error.without_host().to_string();
        assert!(told.starts_with("`[elsewhere]` redirects "), "{location}: {told}");
        assert!(!told.contains("127.0.0.1") && !told.contains("169.254"), "{location}: {told}");
    }
    assert!(first.ready().is_none() && other.ready().is_none(), "nobody has come through");
}

#[test]
fn a_name_that_leads_inside_once_it_has_redirected_gains_nothing() {
    let (outside, inside) = (TcpListener::bind("127.0.0.2:0").unwrap(), Destination::open());
    let guard = Guard { networks: vec!["127.0.0.2/32".parse().unwrap()], hosts: Vec::new() };
    let resolver = fickle(vec![vec![outside.local_addr().unwrap()], vec![inside.address]]);
    let client = Client::resolving(&Outbound { guard, ..Outbound::default() }, resolver).unwrap();
    let asked = ask(&client, "http://a.example/");
    let (mut stream, _) = outside.accept().unwrap();
    assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
    stream.write_all(b"HTTP/1.1 302 .\r\nlocation: /b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
    let error = asked.join().unwrap().unwrap_err().to_string();
    assert!(error.starts_with("`a.example` redirects elsewhere: `[elsewhere]` leads to 127.0.0.1"), "{error}");
    assert!(inside.ready().is_none());
}

#[test]
fn what_is_for_one_address_goes_to_no_other() {
    let (client, first, second) = (client(), Destination::open(), Destination::open());
    let mut secret = HeaderValue::from_static(SECRET);
    secret.set_sensitive(true);
    let mut asks = request(&first.url("/"));
    asks.body = Bytes::from_static(b"{}");
    for name in ["authorization", "cookie", "proxy-authorization", "content-type", "accept", "x-plain"] {
        asks.headers.insert(name, HeaderValue::from_static("a"));
    }
    asks.headers.insert("x-api-key", secret.clone());
    asks.headers.append("x-plain", secret);
    let asked = asking(&client, asks, FOLLOWING);
    send_on(first.next(), 307, "/b");
    let same = first.next();
    assert_eq!((same.header("authorization"), same.header("x-api-key")), (Some("a"), Some(SECRET)));
    assert_eq!(same.body, "{}");
    send_on(same, 307, &second.url("/"));
    let other = second.next();
    nothing_private(&other);
    send_on(other, 307, &first.url("/"));
    let back = first.next();
    nothing_private(&back);
    back.answer(200);
    assert_eq!(asked.join().unwrap().unwrap().status, 200);
}

fn nothing_private(arrival: &Arrival) {
    for gone in ["authorization", "cookie", "proxy-authorization", "content-type", "x-api-key"] {
        assert_eq!(arrival.header(gone), None, "{gone}");
    }
    assert_eq!((arrival.header("accept"), arrival.header("x-plain")), (Some("a"), Some("a")));
    assert!(arrival.header("user-agent").unwrap().starts_with("switchhook/"));
    assert!(!format!("{arrival:?}").contains("correct-horse") && arrival.body.is_empty(), "{arrival:?}");
}

#[test]
fn no_error_repeats_what_a_location_holds() {
    let first = Destination::open();
    let address = first.address;
    let resolver: Resolver = Arc::new(move |host, _, _| {
        let known = if host == "a.example" { Ok(vec![address]) } else { Err(io::Error::other(format!("no {host}"))) };
        Box::pin(async move { known })
    });
    let client = allowed(&[("a.example", 80)], resolver);
    for location in [
        "http://correct-horse.example/",
        "http://CORRECT-horse.example/",
        "https://correct-horse.example:443/?correct-horse",
        "http://correct-horse@a.example/",
        "http://correct-horse:80:80/",
        "correct-horse://a.example/",
        "/correct-horse%",
    ] {
        let asked = ask(&client, "http://a.example/");
        send_on(first.next(), 302, location);
        let error = asked.join().unwrap().unwrap_err();
        let told = format!("{error} {error:?}").to_lowercase();
        assert!(!told.contains("correct-horse"), "{location}: {told}");
    }
}

#[test]
fn vapi_sends_nobody_elsewhere() {
    let (vapi, other) = (Destination::open(), Destination::open());
    let guard = Guard { networks: vec!["127.0.0.0/8".parse().unwrap()], hosts: Vec::new() };
    let aims = Aims { vapi: vapi.url(""), ..Aims::default() };
    let client = Client::new(&Outbound { guard, aims, ..Outbound::default() }).unwrap();
    let asked = asking(&client, Request { target: Target::Vapi, ..request("/call") }, FOLLOWING);
    send_on(vapi.next(), 302, "/calls");
    send_on(vapi.next(), 302, &other.url("/"));
    let error = asked.join().unwrap().unwrap_err().to_string();
    assert!(error.contains("`[elsewhere]` is not Vapi's REST API"), "{error}");
    assert!(other.ready().is_none());
}

#[test]
fn tls_is_never_given_up() {
    let (pair, plain) = (Pair::new(), Destination::open());
    let guard = Guard { networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], hosts: vec![] };
    let authorities = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let client = Client::new(&Outbound { guard, authorities, ..Outbound::default() }).unwrap();
    let secured = |location: &str| format!("https://localhost:{}/", redirecting(&pair, location));
    let refused = ask(&client, &secured(&plain.url("/"))).join().unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "`localhost` redirects from https to http, where others could read along");
    let url = secured(&secured(&plain.url("/")));
    let refused = ask(&client, &url).join().unwrap().unwrap_err().to_string();
    assert!(refused.ends_with("from https to http, where others could read along"), "{refused}");
    assert!(plain.ready().is_none());
    let asked = ask(&client, &plain.url("/"));
    send_on(plain.next(), 302, &secured("").replace("localhost", "127.0.0.1"));
    let error = asked.join().unwrap().unwrap_err().to_string();
    let others = "no TLS with `[elsewhere]`: its certificate is for others";
    assert_eq!(error, format!("`127.0.0.1` redirects elsewhere: {others}"), "neither these nor who it should be");
}

/// A server with TLS that answers once, with a redirect. Says at which port.
fn redirecting(pair: &Pair, location: &str) -> u16 {
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = format!("HTTP/1.1 302 .\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    thread::spawn(move || {
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), listener.accept().unwrap().0);
        // Who does not trust the certificate breaks off.
        drop(stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(answer.as_bytes())));
        // The other side closes it.
        drop(stream.read(&mut [0; 1]));
    });
    port
}
