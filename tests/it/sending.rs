//! `switchhook send`: events as Vapi sends them, to a daemon on a port of its own, and what is said of the replies.

use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};
use switchhook::engine::kind::Kind;

use crate::support::{Daemon, Destination, Ended, Folder, Pair, switchhook};

const RULES: &str = r##"
rules:
  - name: everyone
    on: assistant-request
    respond: { assistantId: asst-1, assistantOverrides: { variableValues: { caller: "${customer.number}" } } }
  - name: stamp
    tool: stamp
    script: "crypto::uuid()"
  - name: broken
    on: campaign.predial
    script: "#{ eligible: \"perhaps\" }"
"##;

const SETTINGS: &str = r#"
servers:
  /secret: { rules: rules, auth: [ { secret: tell-nobody-1 } ] }
  /bearer: { rules: rules, auth: [ { bearer: { token: tell-nobody-2 } } ] }
  /bare: { rules: rules, auth: [ { bearer: { token: tell-nobody-3, header: x-api-key, prefix: false } } ] }
  /hmac: { rules: rules, auth: [ { hmac: { key: tell-nobody-4 } } ] }
  /svix:
    rules: rules
    auth:
      - hmac:
          key: dGVsbC1ub2JvZHktNQ==
          key_is_base64: true
          algorithm: sha512
          prefix: "v1,"
          encoding: base64
          signature_header: svix-signature
          timestamp_header: svix-timestamp
          message_id_header: svix-id
          payload: "{svix-id}.{timestamp}.{method}.{url}.{body}"
  /body:
    rules: rules
    auth: [ { hmac: { key: tell-nobody-6, include_timestamp: false, prefix: sha256=, algorithm: sha1 } } ]
  /open: { rules: rules, auth: none }
"#;
const PATHS: [&str; 7] = ["/secret", "/bearer", "/bare", "/hmac", "/svix", "/body", "/open"];

fn daemon() -> Daemon {
    Daemon::start(&[("switchhook.yaml", SETTINGS), ("rules/a.yaml", RULES)])
}

/// Sends to a daemon, from its own folder.
fn send(daemon: &Daemon, arguments: &[&str]) -> Ended {
    let mut command = switchhook(daemon.project());
    Ended::of(command.arg("send").args(arguments).args(["--listen", &daemon.address.to_string()]))
}

/// What is said to programs.
fn told(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr))
}

/// Sends one event to somebody who answers like this.
fn answered(kind: &str, status: u16, body: &str) -> Ended {
    let (destination, folder) = (Destination::open(), Folder::with(&[]));
    let (url, body) = (destination.url("/hook?a=1"), body.to_owned());
    let kind = kind.to_owned();
    let sender = thread::spawn(move || Ended::of(switchhook(&folder).args(["send", &kind, "--to", &url])));
    let arrival = destination.next();
    assert_eq!((arrival.method(), arrival.path()), ("POST", "/hook?a=1"));
    assert_eq!(arrival.header("content-type"), Some("application/json"));
    arrival.answer_with(status, "", &body);
    sender.join().unwrap()
}

#[test]
fn each_credential_of_the_settings_is_shown_as_it_must_be() {
    let daemon = daemon();
    for path in PATHS {
        let ended = send(&daemon, &["assistant-request", "--server", path, "--set", "customer.number=+15550123"]);
        assert_eq!(ended.code, Some(0), "{path}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("\"caller\": \"+15550123\""), "{}", ended.stdout);
        assert!(ended.stdout.contains("the reply honours the contract of `assistant-request`"), "{}", ended.stdout);
    }
}

#[test]
fn another_secret_is_not_accepted_and_none_is_shown() {
    let daemon = daemon();
    let other = SETTINGS.replace("tell-nobody", "guessed").replace("dGVsbC1ub2JvZHktNQ==", "Z3Vlc3NlZA==");
    std::fs::write(daemon.folder().join("other.yaml"), other.replace("/open", "/nowhere")).unwrap();
    for path in PATHS.iter().filter(|path| **path != "/open") {
        let ended = send(&daemon, &["hang", "--config", "other.yaml", "--server", path]);
        assert_eq!(ended.code, Some(1), "{path}: {}", ended.stderr);
        let said = "the daemon does not accept the credential of `other.yaml`";
        assert!(ended.stdout.contains("\n401 after ") && ended.stdout.contains(said), "{}", ended.stdout);
    }
    let ended = send(&daemon, &["hang", "--config", "other.yaml", "--server", "/nowhere"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("no server answers at `/nowhere`"), "{}", ended.stdout);
}

#[test]
fn only_what_is_shown_must_be_at_hand() {
    let settings = r#"
servers:
  /old: { rules: rules, auth: [ { secret: "${env.SWITCHHOOK_TEST_UNSET}" }, { secret: tell-nobody-1 } ] }
  /new: { rules: rules, auth: [ { secret: "${env.SWITCHHOOK_TEST_UNSET}" } ] }
secrets:
  crm: { env: SWITCHHOOK_TEST_UNSET }
"#;
    let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/a.yaml", RULES)]);
    let mut command = switchhook(&folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let daemon = Daemon::of(folder, command.env("SWITCHHOOK_TEST_UNSET", "tell-nobody-2"));
    let ended = send(&daemon, &["hang", "--server", "/old"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let ended = send(&daemon, &["hang", "--server", "/new"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains("`SWITCHHOOK_TEST_UNSET` is not set"), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing is at hand to show to the server `/new`"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("unset-variable").count(), 1, "what it does not need is told: {}", ended.stderr);
    assert!(ended.stderr.contains("switchhook.yaml:4:"), "{}", ended.stderr);
    let mut command = switchhook(daemon.project());
    command.args(["send", "hang", "--server", "/new", "--listen", &daemon.address.to_string()]);
    assert_eq!(Ended::of(command.env("SWITCHHOOK_TEST_UNSET", "tell-nobody-2")).code, Some(0));
}

#[test]
fn which_server_is_meant_must_be_said() {
    let daemon = daemon();
    let ended = send(&daemon, &["hang"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("say which with `--server`"), "{}", ended.stderr);
    let ended = send(&daemon, &["hang", "--server", "/sceret"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("there is no server `/sceret`; there are `/secret`"), "{}", ended.stderr);
    // The path of a whole URL says it too, and whose credentials they are can be said beside it.
    let at = |path: &str| format!("http://{}{path}", daemon.address);
    assert_eq!(send(&daemon, &["hang", "--to", &at("/secret")]).code, Some(0));
    assert_eq!(send(&daemon, &["hang", "--to", &at("/secret"), "--server", "/bearer"]).code, Some(1));
    assert_eq!(send(&daemon, &["hang", "--to", &at("/elsewhere")]).code, Some(2));
}

#[test]
fn a_dry_run_shows_the_request_and_no_secret() {
    let folder = Folder::with(&[("switchhook.yaml", SETTINGS), ("rules/a.yaml", RULES)]);
    for (path, header) in [
        ("/secret", "x-vapi-secret: [hidden]"),
        ("/bearer", "authorization: [hidden]"),
        ("/bare", "x-api-key: [hidden]"),
        ("/hmac", "x-signature: [hidden]"),
        ("/svix", "svix-signature: [hidden]"),
        ("/body", "x-signature: [hidden]"),
        ("/open", "content-type: application/json"),
    ] {
        for format in ["human", "json"] {
            let arguments = ["send", "hang", "--server", path, "--set", "timestamp=7", "--dry-run", "--format", format];
            let ended = Ended::of(switchhook(&folder).args(arguments));
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            assert!(!ended.stdout.contains("tell-nobody") && !ended.stdout.contains("dGVsbC"), "{}", ended.stdout);
            if format == "human" {
                assert!(ended.stdout.starts_with(&format!("POST http://127.0.0.1:8080{path}\n")), "{}", ended.stdout);
                assert!(ended.stdout.contains(&format!("\n{header}\n")), "{}", ended.stdout);
            } else {
                let request = told(&ended);
                assert_eq!(request["url"], format!("http://127.0.0.1:8080{path}"));
                assert_eq!(request["body"]["message"]["timestamp"], 7);
                let (name, value) = header.split_once(": ").unwrap();
                assert_eq!(request["headers"][name], value);
            }
        }
    }
}

#[test]
fn a_reply_that_breaks_the_contract_is_told() {
    let ended = answered("assistant-request", 200, r#"{"assistantId":7}"#);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("the reply breaks the contract of `assistant-request`:\n  `assistantId`"),
        "{}",
        ended.stdout
    );
    let ended = answered("tool-calls", 200, r#"{"results":[{"toolCallId":"x","name":"bookRepair","result":"done"}]}"#);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("is `x`, which is no call of this message"), "{}", ended.stdout);
    let ended = answered("campaign.predial", 200, "<h1>Welcome</h1>");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("the reply is not JSON"), "{}", ended.stdout);
    let ended = answered("campaign.predial", 500, r#"{"eligible":true}"#);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("500 Internal Server Error is an error"), "{}", ended.stdout);
}

#[test]
fn an_event_that_nobody_waits_for_may_be_answered_with_anything() {
    for (status, code) in [(200, 0), (204, 0), (503, 1)] {
        let ended = answered("status-update", status, "");
        assert_eq!(ended.code, Some(code), "{status}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn the_daemon_never_sends_what_a_rule_got_wrong() {
    let daemon = daemon();
    let ended = send(&daemon, &["campaign.predial", "--server", "/open", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told = told(&ended);
    assert_eq!((&told["reply"], &told["fine"]), (&json!({ "eligible": false }), &json!(true)));
    assert_eq!((&told["status"], &told["within_ms"], &told["faults"]), (&json!(200), &json!(18_000.0), &json!([])));
}

#[test]
fn there_is_a_sample_of_every_kind_and_the_daemon_takes_it() {
    let daemon = daemon();
    for kind in Kind::ALL {
        let ended = send(&daemon, &[kind.name(), "--server", "/open"]);
        assert_eq!(ended.code, Some(0), "{}: {}{}", kind.name(), ended.stdout, ended.stderr);
    }
}

#[test]
fn an_event_is_new_unless_it_is_to_come_again() {
    let daemon = daemon();
    let said = |more: &[&str]| {
        let arguments = ["tool-calls", "--server", "/open", "--set", "tool=stamp", "--format", "json"];
        told(&send(&daemon, &[&arguments[..], more].concat()))["reply"]["results"][0]["result"].clone()
    };
    let first = said(&["--as-is"]);
    assert_eq!(said(&["--as-is"]), first);
    assert_ne!(said(&[]), first);
    assert_ne!(said(&[]), said(&[]));
}

#[test]
fn a_reply_that_tells_of_an_error_is_called_so() {
    let daemon = daemon();
    for (tool, error) in [("stamp", false), ("stmp", true)] {
        let ended = send(&daemon, &["tool-calls", "--server", "/open", "--set", &format!("tool={tool}")]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(
            ended.stdout.contains("honours the contract of `tool-calls`, and tells of an error"),
            error,
            "{tool}"
        );
    }
}

#[test]
fn an_event_can_come_from_a_file() {
    let daemon = daemon();
    let event = json!({ "message": { "type": "assistant-request", "customer": { "number": "+1" } } });
    std::fs::write(daemon.folder().join("event.json"), event.to_string()).unwrap();
    let ended =
        send(&daemon, &["--file", "event.json", "--server", "/open", "--unset", "customer", "--format", "json"]);
    assert_eq!(told(&ended)["reply"]["assistantOverrides"]["variableValues"], json!({ "caller": null }));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    std::fs::write(daemon.folder().join("event.json"), "[1]").unwrap();
    let ended = send(&daemon, &["--file", "event.json", "--server", "/open"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("`event.json` holds no event"), "{}", ended.stderr);
}

#[test]
fn many_are_sent_and_summed_up() {
    let daemon = daemon();
    let ended = send(
        &daemon,
        &["tool-calls", "--server", "/open", "--set", "tool=stamp", "--count", "100", "--format", "json"],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let tally = told(&ended);
    assert_eq!(
        (&tally["sent"], &tally["answered"], &tally["statuses"]),
        (&json!(100), &json!(100), &json!({ "200": 100 }))
    );
    let took = |name: &str| tally["took_ms"][name].as_f64().unwrap();
    assert!(0.0 < took("p50") && took("p50") <= took("p99") && took("p99") <= took("max"), "{tally}");
    let ended = send(&daemon, &["hang", "--server", "/open", "--count", "20", "--rate", "200"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("20 times hang to http://"), "{lines:?}");
    assert_eq!((lines[2], lines[4]), ("answered  20 with 200", "all is well"));
    // The last of them is due 95 ms after the first.
    let whole =
        told(&send(&daemon, &["hang", "--server", "/open", "--count", "20", "--rate", "200", "--format", "json"]));
    assert!(95.0 <= whole["whole_ms"].as_f64().unwrap(), "{whole}");
}

#[test]
fn what_is_wrong_with_many_is_counted() {
    let (destination, folder) = (Destination::open(), Folder::with(&[]));
    let url = destination.url("/");
    let sender = thread::spawn(move || {
        let arguments = ["send", "campaign.predial", "--count", "4", "--to", &url];
        Ended::of(switchhook(&folder).args(arguments))
    });
    destination.next().answer_with(200, "", r#"{"eligible":true}"#);
    destination.next().answer_with(200, "", r#"{"eligible":"perhaps"}"#);
    destination.next().answer_with(503, "", "");
    drop(destination.next());
    let ended = sender.join().unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for line in [
        "answered  2 with 200, 1 with 503",
        "refused   1 with a status from which Vapi reads nothing",
        "broken    1 against the contract",
        "lost      1 without an answer",
        "  1 times: `eligible`",
        "  1 times: the connection broke",
    ] {
        assert!(ended.stdout.contains(&format!("\n{line}")), "{line}: {}", ended.stdout);
    }
}

#[test]
fn where_nobody_listens_it_says_what_to_do() {
    let folder = Folder::with(&[]);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ended = Ended::of(switchhook(&folder).args(["send", "hang", "--listen", &address]));
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains(&format!("no daemon listens at http://{address}/")), "{}", ended.stderr);
    assert!(ended.stderr.contains("start one with `switchhook run`"), "{}", ended.stderr);
}

#[test]
fn what_cannot_be_sent_is_told_before() {
    let folder = Folder::with(&[("switchhook.yaml", "auth: [ { secret: \"${env.SWITCHHOOK_TEST_UNSET}\" } ]\n")]);
    for (arguments, said) in [
        (&["send", "asistant-request", "--to", "http://127.0.0.1:1"][..], "the environment variable"),
        (&["send"], "required arguments"),
        (&["send", "hang", "--to", "localhost:1"], "write a whole URL"),
        (&["send", "hang", "--count", "0"], "0 is not in 1.."),
        (&["send", "hang", "--rate", "0"], "write a number of events in a second"),
    ] {
        let ended = Ended::of(switchhook(&folder).args(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
    let folder = Folder::with(&[]);
    for (arguments, said) in [
        (&["send", "asistant-request"][..], "did you mean `assistant-request`?"),
        (&["send", "hang", "--set", "a"], "write it as `--set customer.number=+1555`"),
        (&["send", "hang", "--set", "=1"], "is not the name of a value"),
        (&["send", "hang", "--unset", "1x"], "is not the name of a value"),
        (&["send", "--file", "nowhere.json"], "there is no `nowhere.json`: name a file with the event"),
        (&["send", "hang", "--config", "nope.yaml"], "there is no `nope.yaml`: name the settings file with `--config`"),
        (&["send", "hang", "--listen", "8080"], "write `127.0.0.1:8080` for this machine"),
    ] {
        let ended = Ended::of(switchhook(&folder).args(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn a_daemon_is_known_by_the_certificate_of_its_settings() {
    let folder =
        Folder::with(&[("switchhook.yaml", "tls: { certificate: cert.pem, key: key.pem }\n"), ("rules/a.yaml", RULES)]);
    Pair::new().write(folder.path());
    let mut command = switchhook(&folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let daemon = Daemon::of(folder, &mut command);
    let ended = send(&daemon, &["assistant-request"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("assistant-request to https://127.0.0.1:"), "{}", ended.stdout);

    // By another way it is known as everybody knows it: by an authority.
    let url = format!("https://localhost:{}/", daemon.address.port());
    let ended = send(&daemon, &["assistant-request", "--to", &url]);
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains("no TLS with `localhost`"), "{}", ended.stderr);
    std::fs::write(daemon.folder().join("trusting.yaml"), "outbound: { ca: cert.pem }\n").unwrap();
    let ended = send(&daemon, &["assistant-request", "--to", &url, "--config", "trusting.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let impostor = Folder::with(&[("switchhook.yaml", "tls: { certificate: cert.pem, key: key.pem }\n")]);
    Pair::new().write(impostor.path());
    let listen = daemon.address.to_string();
    let ended = Ended::of(switchhook(&impostor).args(["send", "assistant-request", "--listen", &listen]));
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains("does not show the certificate that the settings name"), "{}", ended.stderr);
}
