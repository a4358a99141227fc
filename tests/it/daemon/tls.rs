//! TLS as it is written in the settings: on Vapi's address, and on the operators'.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rustls::StreamOwned;

use crate::support::{Daemon, Ended, Folder, PATIENCE, Pair, switchhook};

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

#[test]
fn renewed_certificates_are_shown_without_a_restart() {
    let (before, after, operators) = (Pair::new(), Pair::new(), Pair::new());
    let settings = "tls: { certificate: cert.pem, key: key.pem }\n\
                    admin: { tls: { certificate: admin.pem, key: admin-key.pem } }\n";
    let mut daemon = Daemon::start(&[
        ("switchhook.yaml", settings),
        ("rules/rules.yaml", RULES),
        ("cert.pem", &before.certificate),
        ("key.pem", &before.key),
        ("admin.pem", &operators.certificate),
        ("admin-key.pem", &operators.key),
    ]);
    let write = |name: &str, text: &str| fs::write(daemon.folder().join(name), text).unwrap();
    // Half of a renewal changes nothing.
    write("cert.pem", &after.certificate);
    let reload = |daemon: &Daemon| {
        let mut command = switchhook(daemon.project());
        Ended::of(command.args(["reload", "--format", "json", "--admin", &daemon.admin.to_string()]))
    };
    // The command needs the operators' certificate alone, whatever is wrong with the other.
    assert_eq!(reload(&daemon).code, Some(1));
    daemon.next_logged("settings refused; those in force hold on");
    assert!(ask(daemon.address, &before, "POST /", GOOD).starts_with("HTTP/1.1 200 OK\r\n"));
    fs::write(daemon.folder().join("key.pem"), &after.key).unwrap();
    daemon.next_logged("settings loaded");
    assert!(ask(daemon.address, &after, "POST /", GOOD).starts_with("HTTP/1.1 200 OK\r\n"));
    let ended = reload(&daemon);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // Another certificate than that in force is not trusted.
    let folder = Folder::with(&[
        ("switchhook.yaml", "admin: { tls: { certificate: admin.pem, key: key.pem } }\n"),
        ("admin.pem", &after.certificate),
        ("key.pem", &after.key),
    ]);
    let foreign = Ended::of(switchhook(&folder).args(["reload", "--admin", &daemon.admin.to_string()]));
    assert_eq!(foreign.code, Some(2));
    assert!(foreign.stderr.contains("it does not show the certificate that the settings name"), "{}", foreign.stderr);
}
