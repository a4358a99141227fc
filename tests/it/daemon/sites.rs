//! Several servers of one daemon: each at its path, with its own rules, scripts, credentials and memory.

use serde_json::json;

use super::tool_calls;
use crate::support::{Daemon, Ended, Folder, switchhook};

const SETTINGS: &str = "
auth: [ { secret: of-all } ]
servers:
  /bistro: { rules: rules/bistro, auth: [ { secret: of-bistro } ] }
  /clinic: { rules: rules/clinic, no_assistant: The clinic is closed. }
";
const BISTRO: &str = r#"
vars: { who: bistro }
rules:
  - { name: same, tool: same, run: "desk::same" }
  - { name: bistro-only, tool: bistro_only, respond: "${vars.who}" }
"#;
const CLINIC: &str = r#"
vars: { who: clinic }
rules:
  - { name: same, tool: same, run: "desk::same" }
  - { name: clinic-only, tool: clinic_only, respond: "${vars.who}" }
"#;
const BISTRO_DESK: &str = "fn same(args) { `bistro ${state::incr(\"n\")}` }\n";
const CLINIC_DESK: &str = "fn same(args) { `clinic ${state::incr(\"n\")}` }\n";

#[test]
fn servers_know_nothing_of_each_other() {
    let daemon = Daemon::start(&[
        ("switchhook.yaml", SETTINGS),
        ("rules/bistro/rules.yaml", BISTRO),
        ("rules/bistro/scripts/desk.rhai", BISTRO_DESK),
        ("rules/clinic/rules.yaml", CLINIC),
        ("rules/clinic/scripts/desk.rhai", CLINIC_DESK),
    ]);
    let mut client = daemon.connect();
    let mut post = |path: &str, secret: &str, body: &str| client.post(path, &[("x-vapi-secret", secret)], body);
    // The same call and the same tool calls at both.
    let tools = [("t1", "same", json!({})), ("t2", "bistro_only", json!({})), ("t3", "clinic_only", json!({}))];
    let body = tool_calls("call-1", &tools);
    let bistro = post("/bistro", "of-bistro", &body).json();
    let clinic = post("/clinic", "of-all", &body).json();
    assert_eq!(
        bistro["results"],
        json!([
            { "toolCallId": "t1", "name": "same", "result": "bistro 1" },
            { "toolCallId": "t2", "name": "bistro_only", "result": "bistro" },
            { "toolCallId": "t3", "name": "clinic_only", "error": "There is no tool `clinic_only` here." },
        ])
    );
    assert_eq!(
        clinic["results"],
        json!([
            { "toolCallId": "t1", "name": "same", "result": "clinic 1" },
            { "toolCallId": "t2", "name": "bistro_only", "error": "There is no tool `bistro_only` here." },
            { "toolCallId": "t3", "name": "clinic_only", "result": "clinic" },
        ])
    );
    let who = r#"{"message":{"type":"assistant-request"}}"#;
    assert_eq!(post("/clinic", "of-all", who).json(), json!({ "error": "The clinic is closed." }));
    assert_ne!(post("/bistro", "of-bistro", who).json(), json!({ "error": "The clinic is closed." }));

    assert_eq!(post("/bistro", "of-all", &body).status, 401);
    assert_eq!(post("/clinic", "of-bistro", &body).status, 401);
    assert_eq!(post("/", "of-all", &body).status, 404);
}

#[test]
fn a_broken_folder_never_touches_another_server() {
    let mut daemon = Daemon::start(&[
        ("switchhook.yaml", "servers:\n  /a: { rules: a }\n  /b: { rules: b }\n"),
        ("a/rules.yaml", "rules:\n  - { name: a, on: hangs }\n"),
        ("b/rules.yaml", "rules:\n  - { name: b, on: assistant-request, respond: { assistantId: abc } }\n"),
    ]);
    let request = r#"{"message":{"type":"assistant-request"}}"#;
    assert_eq!(daemon.post("/b", request).json()["assistantId"], "abc");
    // A caller is never left in silence, whatever its files are like.
    assert!(daemon.post("/a", request).json()["error"].is_string());
    let call = r#"{"message":{"type":"tool-calls","toolCallList":[{"id":"1","name":"book","arguments":{}}]}}"#;
    let answer = daemon.post("/a", call).json();
    assert_eq!(answer["results"][0]["error"], "The tool `book` is not available right now.");
    let broken = daemon.logged("the files of this server are broken; every event gets the emptiest valid reply");
    assert_eq!(broken["server"], "/a");
    daemon.stop();
}

#[test]
fn if_no_server_is_sound_all_that_is_wrong_is_shown() {
    let folder = Folder::with(&[
        ("switchhook.yaml", "servers:\n  /a: { rules: a }\n  /c: { rules: c }\n"),
        ("a/rules.yaml", "rules:\n  - { name: a, on: hangs }\n"),
        ("c/rules.yaml", "rules:\n  - { name: c, on: hang, respnd: {} }\n"),
    ]);
    let ended = Ended::of(switchhook(&folder).args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]));
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for said in ["a/rules.yaml:2:20: error[unknown-event-kind]", "c/rules.yaml:2:26: error[unknown-field]", "`respond`"]
    {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("listening"), "{}", ended.stderr);
}
