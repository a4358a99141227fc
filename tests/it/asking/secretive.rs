//! URLs that are secrets: what others say of them, and what is said of where they lead.

use super::*;

const RULES: &str = r#"
rules:
  - name: find
    tool: find
    fetch: { person: { get: "${secrets.hook}", optional: true } }
    respond: "${person.error} ${person.text} ${person.headers[\"x-asked\"]}"
"#;

/// A daemon whose rules ask what this secret says.
fn asking_at(url: &str) -> Daemon {
    let settings = "outbound: { allow: [ 127.0.0.0/8 ] }\nsecrets: { hook: { file: hook } }\n";
    run(Folder::with(&[("switchhook.yaml", settings), ("hook", url), ("rules/rules.yaml", RULES)]))
}

#[test]
fn an_address_that_is_refused_is_not_told() {
    for host in ["10.11.12.13:8443", "[fd00:1:2::7]:81"] {
        let daemon = asking_at(&format!("http://{host}/services/TOKENTOKEN"));
        let said = result(&daemon.post("/", tool_call("t1", &json!({})))).to_string();
        assert!(said.contains("`[elsewhere]` leads to an address that is refused; if that is meant, allow"), "{said}");
        let all = format!("{said}{}", Value::from(daemon.stop()));
        assert!(!all.contains("10.11") && !all.contains("fd00"), "{all}");
    }
}
