//! Why an event is decided as it is: the command, the daemon's answer, and that both decide like everybody else.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use switchhook::engine::facts::{Facts, Host, Unhurried};
use switchhook::engine::question::{Fetched, Question};
use switchhook::engine::source::{Options, compile};
use switchhook::engine::{Engine, Turn};
use switchhook::load;

use crate::support::{Client, Daemon, Ended, Folder, here, samples, switchhook};

const RULES: &str = r#"
rules:
  - name: gold
    on: assistant-request
    let: { caller: "${customer.number}" }
    fetch: { person: { get: "https://crm.example.com/people?phone=${customer.number}" } }
    when:
      caller: { starts_with: "+1" }
      customer.name: present
      person.json.tier: gold
    respond: { assistantId: asst-gold }
  - name: silver
    on: assistant-request
    when: { customer.number: "+49301", customer.name: Ada, any: [ { call.type: webCall }, { call.type: vapi.websocketCall } ] }
    respond: { assistantId: asst-silver }
  - name: everyone
    on: assistant-request
    respond: { assistantId: asst-plain }
    do: [ { post: https://hooks.example.com/x, json: { a: 1 } }, { log: hello } ]
  - name: later
    on: assistant-request
    respond: { assistantId: asst-late }
"#;

fn explain(folder: &Folder, arguments: &[&str]) -> Ended {
    Ended::of(
        switchhook(folder).args(["explain", "assistant-request", "--set", "customer.number=+15550"]).args(arguments),
    )
}

/// What is said, with times taken out.
fn timeless(said: &str) -> String {
    let line = |line: &str| match line.split_once(" us (") {
        Some((before, after)) => {
            let (before, _) = before.rsplit_once(", ").unwrap_or((before, ""));
            format!("{before} ({after}")
        }
        None => line.to_owned(),
    };
    said.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_rule_tells_what_it_saw() {
    let folder = Folder::with(&[("rules/a.yaml", RULES), ("answers.yaml", "\"GET *\": { json: { tier: silver } }\n")]);
    let ended = explain(&folder, &["--set", "customer.name=Ada", "--answers", "answers.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let expected = r#"answered by everyone
nearest miss: gold wants `person.json.tier: gold` (rules/a.yaml:10:7), but it is "silver"

rules
  gold missed (rules/a.yaml:3:11)
    holds  caller: { starts_with: "+1" } since it is "+15550"
    holds  customer.name: present since it is "Ada"
    misses person.json.tier: gold since it is "silver"
    caller = "+15550"
    person = {"status":200,"json":{"tier":"silver"},"text":"{\"tier\":\"silver\"}","headers":{}}
  silver missed (rules/a.yaml:12:11)
    misses customer.number: "+49301" since it is "+15550"
    holds  customer.name: Ada since it is "Ada"
    misses call.type: webCall since it is "inboundPhoneCall"
    misses { call.type: webCall } since it is not so
    misses call.type: vapi.websocketCall since it is "inboundPhoneCall"
    misses { call.type: vapi.websocketCall } since it is not so
    misses any: [ { call.type: webCall }, { call.type: vapi.websocketCall } ] since it is not so
  everyone matched, and answered (rules/a.yaml:16:11)
  later not considered: an earlier one has answered (rules/a.yaml:20:11)

asked
  GET https://crm.example.com/people?phone=%2B15550: 200 {"tier":"silver"}

reply
  {"assistantId":"asst-plain"}

actions
  everyone/1: POST https://hooks.example.com/x {"a":1}

log
  hello"#;
    assert_eq!(timeless(&ended.stdout), expected, "{}", timeless(&ended.stdout));
}

/// Whoever decides finds such rules by what they demand, and tests nothing.
#[test]
fn a_rule_with_one_demand_tells_of_it_too() {
    let rules = r#"
rules:
  - { name: ada, on: assistant-request, when: { customer.number: "+15550" }, respond: { assistantId: asst-ada } }
  - { name: bob, on: assistant-request, when: { customer.number: "+15551" }, respond: { assistantId: asst-bob }, stop: true }
"#;
    let ended = explain(&Folder::with(&[("rules/a.yaml", rules)]), &[]);
    let expected = r#"answered by ada
nearest miss: bob wants `customer.number: "+15551"` (rules/a.yaml:4:49), but it is "+15550"

rules
  ada matched, and answered (rules/a.yaml:3:13)
    holds  customer.number: "+15550" since it is "+15550"
  bob missed (rules/a.yaml:4:13)
    misses customer.number: "+15551" since it is "+15550"

reply
  {"assistantId":"asst-ada"}"#;
    assert_eq!(timeless(&ended.stdout), expected, "{}", timeless(&ended.stdout));
}

#[test]
fn programs_read_it_too() {
    let folder = Folder::with(&[("rules/a.yaml", RULES)]);
    let ended = explain(&folder, &["--set", "customer.name=Ada", "--format", "json"]);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told.pointer("/0/answered_by"), Some(&json!("everyone")));
    assert_eq!(told.pointer("/0/rules/0/outcome"), Some(&json!("failed")), "nobody was asked: {told:#}");
    let fault = told.pointer("/0/faults/0/message").unwrap().to_string();
    assert!(fault.contains("nobody was asked"), "{fault}");
}

#[test]
fn the_row_of_a_table_that_answered_is_named() {
    let rules = "rules:\n  - name: routing\n    on: assistant-request\n    table: routing\n";
    let table = "customer.number,=> assistantId\n+49*,asst-berlin\n+1*,asst-plain\n";
    let folder = Folder::with(&[("rules/a.yaml", rules), ("rules/tables/routing.csv", table)]);
    let ended = explain(&folder, &[]);
    let heading = "answered by routing, row 3 (rules/tables/routing.csv:3:";
    assert!(ended.stdout.starts_with(heading), "{}", ended.stdout);
    let told: Value = serde_json::from_str(&explain(&folder, &["--format", "json"]).stdout).unwrap();
    assert_eq!(told.pointer("/0/row/number"), Some(&json!(3)), "{told:#}");
    let none: Value =
        serde_json::from_str(&explain(&folder, &["--set", "customer.number=+4412", "--format", "json"]).stdout)
            .unwrap();
    assert_eq!(none.pointer("/0/row"), Some(&Value::Null), "{none:#}");
    assert_eq!(none.pointer("/0/nearest_miss"), Some(&json!("routing")), "{none:#}");
    let none = explain(&folder, &["--set", "customer.number=+4412"]);
    let heading =
        "no rule answered\nnearest miss: routing wants `table: routing` (rules/a.yaml:4:12), but no row of it fits\n";
    assert!(none.stdout.starts_with(heading), "{}", none.stdout);
}

#[test]
fn of_an_event_that_nobody_waits_for_it_is_said_who_acts() {
    let rules = "rules:\n  - { name: report, on: end-of-call-report, do: [ { log: a } ] }\n  \
                 - { name: more, on: end-of-call-report, do: [ { log: b } ] }\n  \
                 - { name: nudge, on: hang, when: { call.id: nope }, do: [ { log: c } ] }\n  \
                 - { name: status, on: status-update, do: [ { log: d } ] }\n";
    let folder = Folder::with(&[("rules/a.yaml", rules)]);
    for (kind, heading) in [
        ("end-of-call-report", "nobody waits for a reply to this; `report`, `more` act\n"),
        ("status-update", "nobody waits for a reply to this; `status` acts\n"),
        ("hang", "nobody waits for a reply to this, and no rule matches it\nnearest miss: nudge"),
        ("assistant-request", "no rule answered\n"),
    ] {
        let ended = Ended::of(switchhook(&folder).args(["explain", kind]));
        assert!(ended.stdout.starts_with(heading), "{kind}: {}", ended.stdout);
    }
}

#[test]
fn each_of_several_tool_calls_is_named() {
    let rules = "rules:\n  - { name: job, tool: findJob, respond: none }\n";
    let folder = Folder::with(&[("rules/a.yaml", rules)]);
    let run = |arguments: &[&str]| Ended::of(switchhook(&folder).arg("explain").args(arguments)).stdout;
    let text = run(&["tool-calls.two-calls"]);
    let heading = |text: &str, begin: &str| text.lines().any(|line| line.starts_with(begin));
    assert!(heading(&text, "tool call 1 of 2: bookRepair (call_"), "{text}");
    assert!(text.contains("tool call 2 of 2: findJob (call_") && text.contains(")\nanswered by job\n"), "{text}");
    assert!(!run(&["tool-calls"]).contains("tool call 1"), "of one alone there is nothing to tell apart");
    let told: Value = serde_json::from_str(&run(&["tool-calls.two-calls", "--format", "json"])).unwrap();
    assert_eq!(told.pointer("/1/tool_call/name"), Some(&json!("findJob")), "{told:#}");
}

#[test]
fn windows_are_told_with_what_clocks_in_their_zones_show() {
    let rules = "rules:\n  - name: open\n    on: assistant-request\n    when:\n      now:\n        \
                 - mon-fri 09:00-17:30 Europe/Berlin\n        - sat Europe/Berlin\n        - sun 10:00-12:00 Asia/Tokyo\n    \
                 respond: { assistantId: a }\n";
    let folder = Folder::with(&[("rules/a.yaml", rules)]);
    let ended = explain(&folder, &["--at", "2026-11-27T22:26:48.480509652Z"]);
    let miss = "nearest miss: open wants `now: - mon-fri 09:00-17:30 Europe/Berlin - sat Europe/Berlin - sun 10:00-12:00 \
                Asia/Tokyo` (rules/a.yaml:5:7), but it is \"Fri 2026-11-27 23:26 Europe/Berlin, Sat 2026-11-28 07:26 \
                Asia/Tokyo\"\n";
    assert!(ended.stdout.contains(miss), "{}", ended.stdout);
}

#[test]
fn what_actions_look_at_is_told_of_their_rule() {
    let rules = r#"
actions:
  note: { log: "of ${of}", when: { of: present } }
rules:
  - name: first
    on: end-of-call-report
    let: { who: "${customer.number}" }
    when: { call.id: present }
    do:
      - { log: "by ${who}", when: { any: [ { endedReason: nope }, { call.type: nope } ] } }
      - { use: note, when: { call.type: present }, with: { of: "${who}" }, name: of }
  - name: second
    on: end-of-call-report
    when: { customer.number: absent }
    do: [ { log: second } ]
"#;
    let folder = Folder::with(&[("rules/a.yaml", rules)]);
    let set = ["--set", "call.id=c1", "--set", "customer.number=+1555", "--set", "endedReason=hung-up"];
    let ended = Ended::of(switchhook(&folder).args(["explain", "end-of-call-report"]).args(set));
    let expected = r#"rules
  first matched (rules/a.yaml:5:11)
    holds  call.id: present since it is "c1"
    misses endedReason: nope since it is "hung-up", so action `1` is left out
    misses { endedReason: nope } since it is not so, so action `1` is left out
    misses call.type: nope since it is "inboundPhoneCall", so action `1` is left out
    misses { call.type: nope } since it is not so, so action `1` is left out
    misses any: [ { endedReason: nope }, { call.type: nope } ] since it is not so, so action `1` is left out
    holds  call.type: present since it is "inboundPhoneCall"
    holds  of: present since it is "+1555"
    who = "+1555"
  second missed (rules/a.yaml:12:11)
    misses customer.number: absent since it is "+1555"

reply"#;
    let told = timeless(&ended.stdout);
    assert!(told.contains(expected), "{told}{}", ended.stderr);
    let json = Ended::of(switchhook(&folder).args(["explain", "end-of-call-report", "--format", "json"]));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let actions = json.pointer("/0/rules/0/conditions").unwrap().as_array().unwrap();
    let actions: Vec<&Value> = actions.iter().map(|condition| &condition["action"]).collect();
    assert_eq!(actions.first(), Some(&&Value::Null), "{json:#}");
    assert_eq!((actions[1], actions.last()), (&json!("1"), Some(&&json!("of"))), "{json:#}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let folder = Folder::with(&[("rules/a.yaml", RULES), ("event.json", "{\"message\":"), ("list.json", "[]")]);
    let run = |arguments: &[&str]| Ended::of(switchhook(&folder).arg("explain").args(arguments));
    for (arguments, why) in [
        (&["assistent-request"][..], "did you mean `assistant-request`?"),
        (&["event.json"], "`event.json` holds no event: it is no JSON"),
        (&["list.json"], "`list.json` holds no event, which is a JSON object"),
        (&["nowhere.json"], "there is no `nowhere.json`: name a file with the event as Vapi posts it"),
        (&["events/nowhere"], "there is no `events/nowhere`: name a file"),
        (&["something"], "name a kind such as `tool-calls`, or a file with an event"),
        (
            &["hang", "--answers", "nowhere.yaml"],
            "`--answers`: there is no `nowhere.yaml`: name a YAML file that says what",
        ),
        (&["hang", "--set", "x"], "write it as `--set customer.number=+1555`"),
        (&["hang", "--at", "noon"], "`noon` is not a moment"),
        (&["hang", "--rules", "nowhere"], "there is no `nowhere`: name a project, a folder of rules or one rule file"),
        (&["hang", "--server", "/x"], "there is no server `/x`"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn the_daemon_explains_by_the_rules_in_force() {
    let daemon = Daemon::start(&[("rules/a.yaml", RULES)]);
    let mut client = Client::connect(daemon.admin);
    let wish = json!({
        "event": "assistant-request", "set": { "customer.number": "+15550", "customer.name": "Ada" },
        "answers": { "GET *": { "json": { "tier": "gold" } } },
    });
    let told = client.post("/api/explain", &[], wish.to_string());
    assert_eq!(told.status, 200, "{}", told.text());
    assert_eq!(told.json().pointer("/turns/0/answered_by"), Some(&json!("gold")), "{}", told.text());
    for (wish, why) in [
        ("{", "EOF"),
        ("{\"event\":\"nope\"}", "there is no sample of `nope`"),
        ("{\"event\":\"hang\",\"server\":\"/x\"}", "say which server is meant"),
    ] {
        let refused = client.post("/api/explain", &[], wish);
        assert_eq!(refused.status, 400, "{wish}");
        assert!(refused.text().contains(why), "{}", refused.text());
    }
}

/// What a decision comes to.
fn decided(engine: &Engine, body: &[u8], with: bool) -> Vec<Value> {
    let event = engine.read(body.to_vec()).unwrap();
    let host: Arc<dyn Host> = Arc::new(Unhurried);
    let nobody = |_: &Question| Fetched::failed("nobody listens there");
    let decide = |turn: Turn| {
        let mut facts = Facts { now: "2026-11-23T18:30:00Z".parse().unwrap(), seed: 7, ..Facts::default() };
        let plain = facts.answered(nobody, |facts| engine.decide(&event, turn, facts, Arc::clone(&host))).unwrap();
        let decision = if with { engine.explain(&event, turn, &facts, Arc::clone(&host)).unwrap().0 } else { plain };
        let actions: Vec<String> = decision.actions.iter().map(|action| format!("{action:?}")).collect();
        let logs: Vec<&str> = decision.logs.iter().map(|line| line.text.as_str()).collect();
        let faults: Vec<&str> = decision.faults.iter().map(|fault| fault.message.as_str()).collect();
        json!({
            "reply": String::from_utf8_lossy(&decision.reply.to_bytes()), "actions": actions, "logs": logs,
            "state": decision.state.as_deref(), "faults": faults,
            "by": decision.answered_by.map(|id| engine.rules().rule(id).unwrap().name.to_string()),
        })
    };
    Engine::turns(&event).into_iter().map(decide).collect()
}

#[test]
fn who_explains_decides_like_everybody_else() {
    let folders = ["rules", "examples/bistro/rules", "examples/clinic/rules/phone", "examples/leads/rules"];
    let decide = std::fs::read_dir(here("tests/it/decide")).unwrap().map(|entry| entry.unwrap().path());
    let decide = decide.filter(|path| path.is_dir());
    for folder in folders.iter().map(|folder| here(folder)).chain(decide) {
        let sources = load::rules(Path::new(&folder)).unwrap();
        let engine = compile(&sources, &Options::default()).unwrap().engine;
        for (name, body) in samples() {
            assert_eq!(decided(&engine, &body, false), decided(&engine, &body, true), "{name} by {}", folder.display());
        }
    }
}

/// Rules that answer some of each sort of event and leave others, and whose answers tell them apart.
const OF_EVERY_SORT: &str = r#"
rules:
  - name: by-number
    on: assistant-request
    respond: { assistantId: "asst-${customer.number}", assistantOverrides: { variableValues: { of: "${call.id}" } } }
  - { name: book, tool: bookRepair, respond: { for: "${args.name}", on: "${args.day}", again: [ 1, 2.5, null ] } }
  - { name: fails, tool: openingHours, script: "throw `closed, ${call.id}`" }
  - { name: transfer, on: transfer-destination-request, respond: { destination: { type: number, number: "+15550100" } } }
  - { name: knows, on: knowledge-base-request, respond: { documents: [ { content: "ü \u2028 \"x\"", similarity: 0.5 } ] } }
  - { name: eligible, on: campaign.predial, respond: { eligible: true } }
  - { name: speaks, on: voice-request, respond: { audio: AAECAw== } }
  - { name: counts, on: "*", script: "state::incr(\"seen\", 1); ()" }
"#;

#[test]
fn what_the_daemon_answers_is_what_is_explained_to_the_byte() {
    let daemon = Daemon::start(&[("rules/a.yaml", OF_EVERY_SORT)]);
    let (mut admin, mut answered) = (Client::connect(daemon.admin), 0);
    for (name, body) in samples() {
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        if let Some(call) = body.pointer_mut("/message/call").and_then(Value::as_object_mut) {
            // Lest the samples of one call count as one that is repeated.
            call.insert("id".to_owned(), json!(name));
        }
        let told = admin.post("/api/explain", &[], json!({ "event": body }).to_string());
        let told = told.json();
        let turns = told["turns"].as_array().unwrap_or_else(|| panic!("{name}: {told:#}"));
        let mut reply = turns[0]["reply"].clone();
        for turn in &turns[1..] {
            reply["results"]
                .as_array_mut()
                .unwrap()
                .extend(turn["reply"]["results"].as_array().unwrap().iter().cloned());
        }
        let answer = daemon.post("/", body.to_string());
        let expected = match reply["audio"].as_str() {
            Some(audio) => data_encoding::BASE64.decode(audio.as_bytes()).unwrap(),
            None => reply.to_string().into_bytes(),
        };
        assert_eq!((answer.status, &answer.body), (200, &expected), "{name}: {reply}");
        answered += usize::from(turns[0]["answered_by"].is_string());
    }
    assert!(answered > 15, "only {answered} samples are answered by a rule");
}

#[test]
fn the_command_names_itself() {
    let help = Ended::of(Command::new(env!("CARGO_BIN_EXE_switchhook")).args(["explain", "--help"]));
    assert!(help.stdout.contains("the name of a sample"), "{}", help.stdout);
}
