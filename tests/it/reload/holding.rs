//! What a call has begun with, it keeps.

use serde_json::json;

use super::{SETTINGS, start, until_said};
use crate::support::{Daemon, Folder};

/// Rules whose script is not done in an instant, and says at its end which set it is from.
fn slow(word: &str) -> String {
    let loops = "let n = 0; while n < 150000 { n += 1; }";
    format!(
        "vars: {{ word: {word} }}\nrules:\n  - name: slow\n    tool: slow\n    script: '{loops} `${{vars.word}} ${{desk::word()}}`'\n  \
         - {{ name: say, tool: say, respond: \"{word} {word} {word}\" }}\n"
    )
}

fn folder(word: &str) -> Vec<(&'static str, String)> {
    vec![
        ("rules/rules.yaml", slow(word).replace("script: '", "script: 'import \"desk\" as desk; ")),
        ("rules/scripts/desk.rhai", format!("fn word() {{ \"{word}\" }}\n")),
    ]
}

fn daemon(files: &[(&str, String)]) -> Daemon {
    let mut all: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    all.push(("switchhook.yaml", SETTINGS));
    start(Folder::with(&all))
}

#[test]
fn a_script_ends_in_the_set_that_it_began_in() {
    let daemon = daemon(&folder("old"));
    let ask = json!({ "message": { "type": "tool-calls", "toolCallList": [
        { "id": "t", "function": { "name": "slow", "arguments": {} } },
    ] } });
    let mut waiting: Vec<_> = (0..4).map(|_| daemon.connect()).collect();
    let body = ask.to_string();
    for client in &mut waiting {
        client.begin("POST", "/", &[], body.len());
        client.send(&body);
    }
    super::write(daemon.folder(), &folder("new"));
    until_said(&daemon, "new");
    for mut client in waiting {
        let answer = client.answer();
        let (said, version) = (answer.json()["results"][0]["result"].clone(), answer.header("x-rules-version"));
        let version = version.unwrap().to_owned();
        assert!(said == "old old" || said == "new new", "{said}");
        let of_said = daemon.connect().post("/", &[], &body);
        assert_eq!(
            said == of_said.json()["results"][0]["result"],
            version == of_said.header("x-rules-version").unwrap()
        );
    }
}

const COUNTING: &str = "rules:\n  - { name: count, tool: count, script: '`WORD ${state::incr(\"n\")}`' }\n  \
                        - { name: say, tool: say, respond: \"WORD WORD WORD\" }\n";

#[test]
fn state_and_repeated_calls_outlast_a_reload() {
    let rules = |word: &str| [("rules/rules.yaml", COUNTING.replace("WORD", word))];
    let daemon = daemon(&rules("old"));
    let count = |id: &str| {
        let call = json!({ "id": id, "function": { "name": "count", "arguments": {} } });
        let body = json!({ "message": { "type": "tool-calls", "call": { "id": "c" }, "toolCallList": [call] } });
        daemon.post("/", body.to_string()).json()["results"][0]["result"].clone()
    };
    assert_eq!(count("first"), "old 1");
    super::write(daemon.folder(), &rules("new"));
    until_said(&daemon, "new");
    assert_eq!(count("first"), "old 1", "a repeated call gets its first answer");
    assert_eq!(count("second"), "new 2", "the call's state is kept");
}

#[test]
fn nobody_waits_while_rules_are_compiled() {
    // A set that takes long to compile, and a crowd that asks all the while: `Crowd` checks each answer.
    let many = |word: &str| {
        let rules =
            (0..3000).map(|n| format!("  - {{ name: r{n}, tool: t{n}, when: {{ args.n: {n} }}, respond: \"{n}\" }}\n"));
        super::plain(word) + &rules.collect::<String>()
    };
    let old = many("old");
    let folder = Folder::with(&[("switchhook.yaml", SETTINGS), ("rules/rules.yaml", &old)]);
    super::check(folder, &["new"], |folder, word| {
        std::fs::write(folder.join("rules/rules.yaml"), many(word)).unwrap();
    });
}
