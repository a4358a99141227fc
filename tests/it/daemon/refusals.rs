//! What is no server message, or no sensible request, is refused by a status that says so; the next one is answered.

use crate::support::{Answer, Daemon};

const SETTINGS: &str = "
servers:
  /desk: { rules: rules, auth: none }
limits: { body_bytes_max: 100000, request_read: 1500ms }
";
const RULES: &str = "rules:\n  - { name: predial, on: campaign.predial, respond: { eligible: true } }\n";
const GOOD: &str = r#"{"message":{"type":"campaign.predial"}}"#;

fn start() -> Daemon {
    Daemon::start(&[("switchhook.yaml", SETTINGS), ("rules/rules.yaml", RULES)])
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, why: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains(why), "{error}");
}

#[test]
fn what_is_no_server_message_is_refused_and_the_connection_lives_on() {
    let mut daemon = start();
    let mut client = daemon.connect();
    let deep = format!(r#"{{"message":{{"type":"hang","x":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    let closing = "]}".repeat(100_000);
    for (body, why) in [
        (b"".as_slice(), "not JSON"),
        (b"hello", "not JSON: "),
        (b"{\"message\":", "not JSON: "),
        (br#"{"message":{"type":"hang"}"#, "line 1, column 2"),
        (br#"{"message":{"type":"hang"}} {}"#, "not JSON: "),
        (br#"{"message":{"type":"hang","x":01}}"#, "not JSON: "),
        (b"[1]", "not an object"),
        (b"\"hang\"", "not an object"),
        (br#"{"message":{}}"#, "no `type`"),
        (b"{\"message\":{\"type\":\"hang\xff\"}}", "not UTF-8: byte 24"),
        (deep.as_bytes(), "more than 128 deep"),
        (&closing.as_bytes()[..90_000], "not JSON"),
    ] {
        assert_refused(&client.post("/desk", &[], body), 400, why);
    }
    assert_eq!(client.post("/desk", &[], GOOD).text(), r#"{"eligible":true}"#);
    let line = daemon.logged("cannot read a body");
    assert_eq!(line["server"], "/desk");
}

#[test]
fn wrong_paths_methods_and_sizes_are_refused() {
    let daemon = start();
    let mut client = daemon.connect();
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = client.ask(method, "/desk");
        assert_refused(&answer, 405, "only POST");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    for path in ["/", "/des", "/desk/", "/desk/x", "/Desk", "/healthz"] {
        assert_refused(&client.post(path, &[], GOOD), 404, "nothing is served");
    }
    assert_eq!(client.post("/desk?from=vapi", &[], GOOD).status, 200);

    client.begin("POST", "/desk", &[], 100_001);
    assert_refused(&client.answer(), 413, "larger than 100000 bytes");
    client.closed();
    let padded = format!("{GOOD}{}", " ".repeat(100_000 - GOOD.len()));
    assert_eq!(daemon.post("/desk", padded).status, 200);
}

#[test]
fn bodies_that_stop_halfway_are_refused() {
    let daemon = start();
    let (mut slow, mut cut, mut gone) = (daemon.connect(), daemon.connect(), daemon.connect());
    for client in [&mut slow, &mut cut, &mut gone] {
        client.begin("POST", "/desk", &[], GOOD.len());
        client.send(GOOD.split_at(20).0);
    }
    drop(gone);
    cut.say_no_more();
    assert_refused(&cut.answer(), 400, "incomplete");
    assert_refused(&slow.answer(), 408, "within 1.5 s");
    slow.closed();
    assert_eq!(daemon.post("/desk", GOOD).status, 200);
}
