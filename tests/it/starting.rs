//! The first steps of a new user: a project is made, its tests pass, it is served, and Vapi is told of its tools.

mod transcript;

use std::fs;

use serde_json::{Value, json};

use crate::support::{Daemon, Ended, Folder, switchhook};

#[test]
fn a_new_project_passes_its_tests_and_serves() {
    let folder = Folder::with(&[]);
    let run = |arguments: &[&str]| Ended::of(switchhook(&folder).args(arguments));
    let made = run(&["init"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(made.stdout.contains("switchhook test"), "{}", made.stdout);
    for command in [&["check", "--strict"][..], &["test"]] {
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{command:?}: {}{}", ended.stdout, ended.stderr);
    }
    let again = run(&["init"]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    let mut command = switchhook(&folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let daemon = Daemon::of(folder, &mut command);
    let tool =
        json!({ "id": "t1", "function": { "name": "find_table", "arguments": { "party_size": 3, "time": "19:30" } } });
    let body = json!({ "message": { "type": "tool-calls", "call": { "id": "c1" }, "toolCallList": [tool] } });
    let answer = daemon.post("/", body.to_string()).json();
    assert_eq!(answer.pointer("/results/0/result"), Some(&json!("At 19:30 a table is free for 3.")), "{answer}");
}

#[test]
fn nothing_that_is_there_is_touched() {
    let folder = Folder::with(&[("new/rules/welcome.yaml", "mine")]);
    let ended = Ended::of(switchhook(&folder).args(["init", "new"]));
    assert_eq!(ended.code, Some(2));
    assert_eq!(fs::read_to_string(folder.path().join("new/rules/welcome.yaml")).unwrap(), "mine");
    assert!(!folder.path().join("new/switchhook.yaml").exists());
}

#[test]
fn vapi_is_told_of_the_tools() {
    let rules = "tools:\n  book: { description: Books, parameters: { type: object, properties: { day: { type: string } } } }\n  \
                 look: {}\nrules: [ { name: a, tool: [ book, look ], respond: done } ]\n";
    let settings =
        "timeout: 12s\nservers: { /bistro: { rules: rules, auth: [ { secret: \"${env.NOT_SET_ANYWHERE}\" } ] } }\n";
    let folder = Folder::with(&[("rules/a.yaml", rules), ("switchhook.yaml", settings)]);
    let ended = Ended::of(switchhook(&folder).args(["tools", "--url", "https://hooks.example.com/"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        told.get(0),
        Some(&json!({
            "type": "function",
            "function": {
                "name": "book", "description": "Books",
                "parameters": { "type": "object", "properties": { "day": { "type": "string" } } },
            },
            "server": { "url": "https://hooks.example.com/bistro", "timeoutSeconds": 12 },
        }))
    );
    assert!(ended.stderr.contains("`look` has no description"), "{}", ended.stderr);
    assert_eq!(told.pointer("/1/function"), Some(&json!({ "name": "look" })), "what is not said is left out");
    for (written, whole) in [
        ("hooks.example.com", "https://hooks.example.com/bistro"),
        ("http://hooks.example.com/x", "http://hooks.example.com/x/bistro"),
        ("localhost:8080", "http://localhost:8080/bistro"),
    ] {
        let ended = Ended::of(switchhook(&folder).args(["tools", "--url", written]));
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(told.pointer("/0/server/url"), Some(&json!(whole)), "{written}");
    }
    let ended = Ended::of(switchhook(&folder).args(["tools", "--url", "ftp://hooks"]));
    assert!(ended.code == Some(2) && ended.stderr.contains("write for example `https://"), "{}", ended.stderr);
}

#[test]
fn shells_and_man_know_the_commands() {
    let folder = Folder::with(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let ended = Ended::of(switchhook(&folder).args(["completions", shell]));
        assert!(ended.code == Some(0) && ended.stdout.contains("explain"), "{shell}: {}", ended.stdout);
    }
    assert!(Ended::of(switchhook(&folder).arg("man")).stdout.contains(".TH switchhook 1"));
    assert_eq!(Ended::of(switchhook(&folder).args(["man", "--out", "pages"])).code, Some(0));
    let page = fs::read_to_string(folder.path().join("pages/switchhook-explain.1")).unwrap();
    assert!(page.contains("switchhook") && page.contains("sample"), "{page}");
}
