//! Tool arguments that Vapi encrypts for the daemon.

use aws_lc_rs::rsa::KeySize;
use serde_json::{Value, json};

use super::tool_calls;
use crate::support::{Daemon, Destination, Key};

const SETTINGS: &str = "
timeout: 4s
decrypt: { file: key.pem }
outbound: { allow: [ 127.0.0.0/8 ] }
";

const RULES: &str = r#"
tools:
  book:
    parameters: { type: object, properties: { t0: { type: string, maxLength: 100 } } }
rules:
  - name: book
    tool: book
    respond: "Booked for ${args.t0}."
    fallback: Please say it again.
    do: [ { post: HOOK/booked, json: { name: "${args.t0}" } } ]
"#;

#[test]
fn encrypted_arguments_reach_the_rules_in_plain() {
    let key = Key::new(KeySize::Rsa2048);
    let rules = "rules:\n  - { name: read, tool: read, respond: \"${args.open} ${args.ssn} ${args.other}\" }\n";
    let settings = "decrypt: { file: keys/vapi.pem, paths: [ssn] }\n";
    let daemon =
        Daemon::start(&[("switchhook.yaml", settings), ("keys/vapi.pem", &key.pem()), ("rules/rules.yaml", rules)]);

    let block = key.encrypt("078-05-1120");
    let arguments = json!({ "open": "yes", "ssn": block, "other": block });
    let answer = daemon.post("/", tool_calls("call-1", &[("t1", "read", arguments)]));
    assert_eq!(answer.json()["results"][0]["result"], format!("yes 078-05-1120 {block}"));
    let log = Value::from(daemon.stop()).to_string();
    assert!(!log.contains("078-05-1120"), "{log}");
}

#[test]
fn what_takes_too_long_to_decrypt_is_answered_in_time_and_not_acted_upon() {
    let (service, key) = (Destination::open(), Key::new(KeySize::Rsa4096));
    let rules = RULES.replace("HOOK", &service.url(""));
    let files = [("switchhook.yaml", SETTINGS), ("key.pem", &key.pem()), ("rules/rules.yaml", &rules)];
    let mut daemon = Daemon::start(&files);
    // As many texts as are tried of as many calls as there may be: many seconds of work.
    let block = key.encrypt("Ada");
    let arguments: serde_json::Map<_, _> = (0..32).map(|n| (format!("t{n}"), block.as_str().into())).collect();
    let ids: Vec<String> = (0..128).map(|n| format!("t{n}")).collect();
    let calls: Vec<_> = ids.iter().map(|id| (id.as_str(), "book", Value::from(arguments.clone()))).collect();
    let results = daemon.post("/", tool_calls("call-1", &calls)).json();
    let results = results["results"].as_array().unwrap();
    assert_eq!(results.len(), calls.len());
    for result in results {
        assert_eq!(result["result"], "Please say it again.");
    }
    daemon.logged("arguments could not be decrypted in time; rules answered with their fallbacks");
    assert!(service.ready().is_none(), "something was done with what could not be read");
    // Nobody waits for the rest of that work.
    let brief = daemon.post("/", tool_calls("call-2", &[("t1", "book", json!({ "t0": block }))]));
    assert_eq!(brief.json()["results"][0]["result"], "Booked for Ada.");
    let booked = service.next();
    assert_eq!((booked.path(), booked.body.as_str()), ("/booked", "{\"name\":\"Ada\"}"));
    booked.answer(200);
}
