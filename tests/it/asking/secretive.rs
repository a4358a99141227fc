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

#[test]
fn an_answer_that_repeats_a_part_of_a_url_does_not_tell_it() {
    let service = Destination::open();
    let daemon = asking_at(&service.url("/hooks/TOKENTOKEN?a=1&sig=C0rrect%2Fhorse"));
    for (number, (echo, shown)) in [
        (r"/hooks/TOKENTOKEN?a=1\u0026sig=C0rrect%2Fhorse", "[secret hook]"),
        (r#"{"sig":"C0rrect\/horse"}"#, r#"{"sig":"[secret hook]"}"#),
        ("no TOKENTOKEN below hooks", "no [secret hook] below hooks"),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = asking(&daemon, tool_call(&format!("t{number}"), &json!({})));
        // What is long is looked through elsewhere.
        let long = format!("{}{echo}", " ".repeat(100 << 10));
        service.next().answer_with(200, &format!("x-asked: {echo}\n"), if number == 0 { &long } else { echo });
        assert_eq!(result(&caller.join().unwrap()).as_str().map(str::trim), Some(&*format!("{shown} {shown}")));
    }
}
