//! Who may speak to the daemon, and what those are told who may not.

use aws_lc_rs::hmac;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use switchhook::clock::Clock;

use crate::support::{Daemon, Ended, Folder, switchhook};

const SETTINGS: &str = r#"
servers:
  /open: { rules: rules, auth: none }
  /secret: &secret { rules: rules, auth: [ { secret: "${env.DESK_SECRET}" } ] }
  /bearer: &bearer { rules: rules, auth: [ { bearer: { token: tok-bearer, header: X-Desk-Token } } ] }
  /bare: { rules: rules, auth: [ { bearer: { token: tok-bare, header: X-Desk-Token, prefix: false } } ] }
  /signed: &signed { rules: rules, auth: [ { hmac: { key: key-signed } } ] }
  /body: { rules: rules, auth: [ { hmac: { key: a2V5LWJvZHk=, key_is_base64: true, algorithm: sha512, prefix: sha512=, encoding: base64, signature_header: x-vapi-signature, include_timestamp: false, payload: "{body}" } } ] }
  /rotated: { rules: rules, auth: [ { secret: secret-new }, { secret: secret-old }, { bearer: { token: tok-third } } ] }
  /elsewhere: { rules: rules, auth: [ { secret: secret-far, addresses: [ 192.0.2.0/24 ] } ] }
  # Of those who are refused at one server, one is told of in a second.
  /secret/2: *secret
  /secret/3: *secret
  /secret/4: *secret
  /bearer/2: *bearer
  /signed/2: *signed
  /signed/3: *signed
  /signed/4: *signed
  /signed/5: *signed
"#;
const RULES: &str = r#"
rules:
  - name: predial
    on: campaign.predial
    let: { hidden: '${["x-vapi-secret", "x-desk-token", "x-signature", "x-vapi-signature", "authorization"]}' }
    respond: { eligible: "${headers.len() > 1 && hidden.all(|name| headers[name] == ())}" }
"#;
const GOOD: &str = r#"{"message":{"type":"campaign.predial","campaignId":"c1"}}"#;

fn start() -> Daemon {
    let folder = Folder::with(&[("switchhook.yaml", SETTINGS), ("rules/rules.yaml", RULES)]);
    let mut command = switchhook(&folder);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).env("DESK_SECRET", "secret-desk");
    Daemon::of(folder, &mut command)
}

fn sign(algorithm: hmac::Algorithm, key: &str, payload: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), payload.as_bytes()).as_ref().to_vec()
}

/// The headers of a request signed `ago` seconds ago with Vapi's defaults.
fn signed(key: &str, ago: i64, body: &str) -> [(&'static str, String); 2] {
    let timestamp = (Clock::now().as_second() - ago).to_string();
    let signature = HEXLOWER.encode(&sign(hmac::HMAC_SHA256, key, &format!("{timestamp}.{body}")));
    [("x-signature", signature), ("x-timestamp", timestamp)]
}

fn post(daemon: &Daemon, path: &str, headers: &[(&str, String)]) -> u16 {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = daemon.connect().post(path, &headers, GOOD);
    if answer.status == 200 {
        assert_eq!(answer.text(), r#"{"eligible":true}"#, "rules can see a credential");
    }
    answer.status
}

#[test]
fn who_proves_himself_is_let_in() {
    let daemon = start();
    let header = |name: &'static str, value: &str| [(name, value.to_owned())];
    assert_eq!(post(&daemon, "/open", &[]), 200);
    for (path, headers) in [
        ("/secret", header("X-Vapi-Secret", "secret-desk")),
        ("/bearer", header("X-Desk-Token", "Bearer tok-bearer")),
        ("/bare", header("x-desk-token", "tok-bare")),
        ("/rotated", header("x-vapi-secret", "secret-old")),
        ("/rotated", header("x-vapi-secret", "secret-new")),
        ("/rotated", header("authorization", "Bearer tok-third")),
    ] {
        assert_eq!(post(&daemon, path, &headers), 200, "{path} {headers:?}");
    }
    assert_eq!(post(&daemon, "/signed", &signed("key-signed", 200, GOOD)), 200);
    let [signature, (name, seconds)] = signed("key-signed", 0, GOOD);
    assert_eq!(post(&daemon, "/signed", &[signature, (name, format!("{seconds}0"))]), 401);
    let signature = format!("sha512={}", BASE64.encode(&sign(hmac::HMAC_SHA512, "key-body", GOOD)));
    assert_eq!(post(&daemon, "/body", &[("x-vapi-signature", signature)]), 200);
}

#[test]
fn who_does_not_is_refused_before_the_body_is_looked_at_and_the_log_says_why() {
    let daemon = start();
    let header = |name: &'static str, value: &str| vec![(name, value.to_owned())];
    let old = signed("key-signed", 301, GOOD);
    let cases = [
        ("/secret", vec![], "secret: header x-vapi-secret is missing"),
        ("/secret/2", header("x-vapi-secret", ""), "secret: header x-vapi-secret is empty"),
        ("/secret/3", header("x-vapi-secret", "guess-1"), "secret: header x-vapi-secret does not match"),
        ("/secret/4", header("authorization", "Bearer secret-desk"), "secret: header x-vapi-secret is missing"),
        ("/bearer", header("x-desk-token", "tok-bearer"), "bearer: header x-desk-token has no `Bearer ` prefix"),
        ("/bearer/2", header("x-desk-token", "Bearer guess-2"), "bearer: header x-desk-token does not match"),
        ("/bare", header("x-desk-token", "Bearer tok-bare"), "bearer: header x-desk-token does not match"),
        ("/signed", vec![], "hmac: header x-signature is missing"),
        ("/signed/2", header("x-signature", "guess-3"), "hmac: header x-signature holds no"),
        ("/signed/3", signed("guess-4", 0, GOOD).to_vec(), "hmac: signature does not match"),
        ("/signed/4", old.to_vec(), "s old, tolerance is 300 s"),
        ("/signed/5", signed("key-signed", -400, GOOD).to_vec(), "s ahead, tolerance is 300 s"),
        ("/rotated", header("x-vapi-secret", "guess-5"), "; secret: header x-vapi-secret does not match; bearer: "),
        ("/elsewhere", header("x-vapi-secret", "secret-far"), "address 127.0.0.1 is not among the allowed"),
    ];
    for (path, headers, why) in &cases {
        assert_eq!(post(&daemon, path, headers), 401, "{path} {why}");
    }
    let mut client = daemon.connect();
    let answer = client.post("/secret", &[("x-vapi-secret", "guess-7")], "this is not JSON");
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(client.post("/secret", &[("x-vapi-secret", "secret-desk")], "this is not JSON").status, 400);

    let log = daemon.stop();
    let refused: Vec<&Value> = log.iter().filter(|line| line["message"] == "refused a sender").collect();
    assert!(cases.len() <= refused.len());
    for (line, (path, _, why)) in refused.iter().zip(&cases) {
        assert_eq!((&line["server"], line["level"].as_str()), (&Value::from(*path), Some("WARN")));
        assert!(line["why"].as_str().unwrap().contains(why), "{line}");
    }
    let log = Value::from(log).to_string();
    for hidden in ["guess-", "secret-desk", "secret-new", "secret-old", "tok-", "key-signed", old[0].1.as_str()] {
        assert!(!log.contains(hidden), "the log holds {hidden}: {log}");
    }
}

#[test]
fn a_flood_of_nonsense_does_not_fill_the_log() {
    let daemon = start();
    let mut client = daemon.connect();
    for _ in 0..200 {
        assert_eq!(client.post("/secret", &[], GOOD).status, 401);
        assert_eq!(client.post("/open", &[], "this is not JSON").status, 400);
    }
    let endless = "c".repeat(100_000);
    let named = format!(r#"{{"message":{{"type":"{endless}","call":{{"id":"{endless}"}}}}}}"#);
    assert_eq!(client.post("/open", &[], named.replacen(&endless, "tool-calls", 1)).status, 200);
    assert_eq!(client.post("/open", &[], named).status, 200);
    let log = daemon.stop();
    for message in ["refused a sender", "cannot read a body"] {
        let told: Vec<&Value> = log.iter().filter(|line| line["message"] == message).collect();
        assert!((1..50).contains(&told.len()), "{message}: {} lines", told.len());
        assert_eq!(told[0]["untold"], 0);
    }
    assert!(log.iter().all(|line| line.to_string().len() < 1000), "{log:#?}");
}

#[test]
fn without_credentials_only_this_machine_is_served() {
    let (open, none) = ("admin: { listen: 127.0.0.1:0 }\n", "admin: { listen: 127.0.0.1:0 }\nauth: none\n");
    let run = |settings, listen| {
        let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", RULES)]);
        let mut command = switchhook(&folder);
        command.args(["run", "--listen", listen]);
        (folder, command)
    };
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let (_folder, mut command) = run(open, listen);
        let ended = Ended::of(&mut command);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(listen) && ended.stderr.contains("`auth: none`"), "{}", ended.stderr);
    }
    let (folder, mut command) = run(none, "0.0.0.0:0");
    let mut daemon = Daemon::of(folder, &mut command);
    daemon.address.set_ip([127, 0, 0, 1].into());
    assert_eq!(daemon.post("/", GOOD).status, 200);
}
