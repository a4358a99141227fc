//! TLS as it is written in the settings: on Vapi's address, and on the operators'.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rustls::StreamOwned;

use crate::support::{Daemon, PATIENCE, Pair};

const RULES: &str = "rules:\n  - { name: predial, on: campaign.predial, respond: { eligible: true } }\n";
const GOOD: &str = r#"{"message":{"type":"campaign.predial"}}"#;

/// Sends a request over TLS and returns all that comes until the server closes.
fn ask(address: SocketAddr, pair: &Pair, head: &str, body: &str) -> String {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(pair.client(), stream);
    let length = body.len();
    write!(stream, "{head} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn both_addresses_can_be_secured() {
    let (public, operators) = (Pair::new(), Pair::new());
    let settings = "tls: { certificate: tls/cert.pem, key: tls/key.pem }\n\
                    admin: { tls: { certificate: tls/admin.pem, key: tls/admin-key.pem } }\n";
    let mut daemon = Daemon::start(&[
        ("switchhook.yaml", settings),
        ("rules/rules.yaml", RULES),
        ("tls/cert.pem", &public.certificate),
        ("tls/key.pem", &public.key),
        ("tls/admin.pem", &operators.certificate),
        ("tls/admin-key.pem", &operators.key),
    ]);
    let answer = ask(daemon.address, &public, "POST /", GOOD);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(r#"{"eligible":true}"#), "{answer}");
    let answer = ask(daemon.admin, &operators, "GET /healthz", "");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");

    for address in [daemon.address, daemon.admin] {
        let mut plain = crate::support::Client::connect(address);
        assert_eq!(plain.ask("GET", "/healthz").status, 400);
        plain.closed();
    }
    assert_eq!(daemon.post("/", GOOD).status, 400);
    daemon.terminate();
    daemon.logged("stopped");
}
