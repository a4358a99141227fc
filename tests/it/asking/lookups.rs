//! What is said while no name can be found.

use aws_lc_rs::rsa::KeySize;

use super::*;
use crate::support::{Key, nameless};

const RULES: &str = r#"
rules:
  - name: lost
    tool: lost
    script: |
      let urls = [];
      for n in 0..32 { urls.push(`http://h${n}.${args.n}.hangs.example/`); }
      http::all(urls.map(|url| #{ get: url, timeout: "100ms" }))
    fallback: I do not know.
  - name: find
    tool: find
    fetch: { person: { get: "CRM/people" } }
    respond: "${person.json.name} lives in ${args.town}."
    fallback: I do not know.
"#;

/// So many calls of a tool ask more at a time than may be asked.
fn lost(round: usize) -> String {
    let call = |n: usize| {
        let function = json!({ "name": "lost", "arguments": { "n": format!("r{round}n{n}") } });
        json!({ "id": format!("r{round}n{n}"), "function": function })
    };
    let calls: Vec<Value> = (0..8).map(call).collect();
    json!({ "message": { "type": "tool-calls", "call": { "id": "c1" }, "toolCallList": calls } }).to_string()
}

#[test]
fn names_that_cannot_be_found_keep_nobody_from_an_answer() {
    let (service, key) = (Destination::open(), Key::new(KeySize::Rsa2048));
    let folder = Folder::with(&[
        ("switchhook.yaml", &format!("{SETTINGS}decrypt: {{ file: key.pem }}\n")),
        ("key.pem", &key.pem()),
        ("rules/rules.yaml", &RULES.replace("CRM", &service.url(""))),
    ]);
    let Some(mut command) = nameless(&folder) else { return eprintln!("nothing can be mounted here") };
    command.env("CRM_TOKEN", TOKEN).args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let daemon = Daemon::of(folder, &mut command);
    // More lookups than there could be threads for, each of which hangs although nobody waits for it any more.
    for round in 0..3 {
        assert_eq!(result(&daemon.post("/", lost(round))), "I do not know.");
    }
    let caller = asking(&daemon, tool_call("t1", &json!({ "town": key.encrypt("Turin") })));
    answer_json(service.next(), &json!({ "name": "Ada" }));
    assert_eq!(result(&caller.join().unwrap()), "Ada lives in Turin.");
    daemon.stop();
}
