//! What a test can say, and in which words it is told what is not so.

use crate::support::{Ended, Folder, samples, switchhook};

const RULES: &str = r#"
actions:
  tell-crm: { post: https://crm.example.com/calls, json: { id: "${id}" } }
rules:
  - name: book
    tool: book
    respond: { table: 4, for: { name: "${args.name}", seats: [ 1, 2 ] } }
    do:
      - log: "Done."
      - set: { booked: true, by: "${args.name}" }
      - mute: assistant
      - say: "One moment, ${args.name}."
      - add_message: The caller has booked.
      - send_transport_message: { digits: "12" }
      - say_first_message: true
      - transfer: { destination: { type: number, number: "+15550100" } }
      - end_call: true
      - put: https://hooks.example.com/x?k=${secrets.crm}&name=${args.name}
        headers: { Authorization: "Bearer ${secrets.crm}" }
        form: { name: "${args.name}", seats: 3, key: "${secrets.crm}" }
        after: 10m
        unless_by: { kind: end-of-call-report, within: 1h }
        retry: { attempts: 3 }
        timeout: 2s
        order: call
        sign: { key: "${secrets.hook}" }
      - { name: note, patch: https://hooks.example.com/y, body: "${args.name} & co" }
      - { use: tell-crm, with: { id: "${call.id}" } }
      - vapi: { path: "/call/${call.id}", json: { name: "${secrets.crm}" } }
  - { name: plain, tool: plain, respond: "Booked for ${args.name}." }
  - { name: count, tool: count, script: args.by + 1 }
  - { name: chance, tool: chance, script: "crypto::uuid()" }
  - name: numbers
    tool: numbers
    do:
      - log: "${args.n}"
      - { post: "https://a.example/", headers: { x-n: "${args.n}" }, body: "${args.n}" }
  - { name: adds, tool: adds, script: "state::incr(`sum`, args.by)", do: [ { set: { last: "${args.by}" } } ] }
  - { name: headed, on: status-update, do: [ { log: "${headers.x-caller} ${now}" } ] }
  - name: keyed
    tool: keyed
    fetch: { it: { get: "https://crm.example.com/${args.of}?key=${secrets.crm}" } }
    respond: "${it.json.name}"
  - { name: asks, tool: asks, script: "http::get(`https://crm.example.com/${args.name}`).json.name", fallback: Sorry. }
  - name: gold
    on: assistant-request
    fetch: { person: { get: "https://crm.example.com/me" } }
    when: { customer.name: Ada, person.json.tier: gold }
    respond: { assistantId: asst-gold }
  - { name: first, on: assistant-request, respond: { assistantId: asst-first } }
  - { name: second, on: assistant-request, respond: { assistantId: asst-second } }
  - { name: third, on: assistant-request, respond: { assistantId: asst-third }, do: [ { log: third } ] }
  - name: twice
    tool: twice
    do: [ { post: "https://a.example/", json: { by: "${args.name}" } }, { say: Bye., after: 90s } ]
    respond: Done.
  - { name: silent, on: assistant-request, do: [ { log: seen } ] }
"#;

fn run(tests: &str) -> Ended {
    let settings = "secrets: { crm: { env: CRM }, hook: { env: HOOK }, vapi: { env: VAPI } }\n";
    let files = [("rules/a.yaml", RULES), ("rules/a.test.yaml", tests), ("switchhook.yaml", settings)];
    Ended::of(switchhook(&Folder::with(&files)).arg("test"))
}

fn passes(tests: &str) {
    let ended = run(tests);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

/// What is told of the only test, which fails.
fn failure(test: &str) -> String {
    let ended = run(&format!("tests:\n  - name: it\n{test}"));
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stderr, "");
    let lines: Vec<&str> = ended.stdout.lines().skip(1).map_while(|line| line.strip_prefix("     ")).collect();
    lines.join("\n")
}

const BOOKED: &str = r#"
tests:
  - name: as the rule has it
    event: tool-calls
    set: { tool: book, args: { name: Ada B } }
    expect:
      respond: { for: { name: Ada B } }
      do:
        - log: Done.
        - set: { booked: true }
        - mute: assistant
        - say: One moment, Ada B.
        - add_message: The caller has booked.
        - send_transport_message: { digits: "12" }
        - say_first_message: true
        - transfer: { destination: { type: number, number: "+15550100" } }
        - end_call: true
        - put: https://hooks.example.com/x?k=${secrets.crm}&name=Ada%20B
          headers: { Authorization: "Bearer ${secrets.crm}" }
          form: { name: Ada B, seats: 3, key: "${secrets.crm}" }
          after: 600s
          unless_by: { kind: end-of-call-report, within: 60m }
          retry: { attempts: 3 }
          timeout: 2000ms
          order: call
          sign: { key: "${secrets.hook}" }
        - { name: note, patch: https://hooks.example.com/y, body: Ada B & co }
        - { name: book/tell-crm, post: https://crm.example.com/calls, timeout: 10s }
        - vapi: { method: POST, json: { name: "${secrets.crm}" } }
  - name: numbers are written without quotes
    event: tool-calls
    set: { tool: numbers, args.n: 7 }
    expect: { rule: none, do: [ { log: 7 }, { post: "https://a.example/", headers: { X-N: 7 }, body: 7 } ] }
  - name: in as many words
    event: tool-calls
    set: { tool: book, args.name: Ada B }
    expect:
      do:
        - {}
        - { say: { content: "One moment, Ada B." } }
        - add_message: { role: system }
        - { name: 6 }
        - {}
        - {}
        - {}
        - {}
        - {}
        - {}
        - {}
"#;

#[test]
fn actions_are_expected_in_the_words_of_the_rule() {
    passes(BOOKED);
}

#[test]
fn what_was_done_is_told_in_the_words_of_the_rule() {
    let told = failure(
        "    event: tool-calls
    set: { tool: book, args.name: Ada }
    expect:
      do:
        - log: Nothing.
        - set: { booked: false }
        - unmute: assistant
        - say: One moment.
        - add_message: { role: user }
        - {}
        - {}
        - {}
        - {}
        - { put: https://hooks.example.com/x, after: 1m, form: { name: Bob }, sign: { key: x } }
        - { name: noted, body: no }
        - { post: https://crm.example.com/call }
        - vapi: { method: delete }
",
    );
    let expected = r#"do[2]
  expected {"unmute":"assistant"}
  but was  {"mute":"assistant","name":"book/3"}
do[3].say.content
  expected "One moment."
  but was  "One moment, Ada."
do[4].add_message.role
  expected "user"
  but was  "system"
do[9].put
  expected "https://hooks.example.com/x"
  but was  "https://hooks.example.com/x?k=${secrets.crm}&name=Ada"
do[9].after
  expected "1m"
  but was  "10m"
do[9].form.name
  expected "Bob"
  but was  "Ada"
do[9].sign.key
  expected "x"
  but was  "${secrets.hook}"
do[10].name
  expected "noted"
  but was  "book/note"
do[10].body
  expected "no"
  but was  "Ada & co"
do[11].post
  expected "https://crm.example.com/call"
  but was  "https://crm.example.com/calls"
do[12].vapi.method
  expected "delete"
  but was  "post"
do[0].log
  expected "Nothing."
  but was  "Done."
do[1].set.booked
  expected false
  but was  true"#;
    assert_eq!(told, expected, "{told}");
}

#[test]
fn too_many_actions_are_told_one_by_one() {
    let told = failure(
        "    event: tool-calls
    set: { tool: twice, args.name: Ada }
    expect: { do: [ { log: Done. }, { say: Hello. } ] }
",
    );
    let expected = r#"do
  expected 1: {"say":"Hello."}
  but was  2:
    {"post":"https://a.example/","json":{"by":"Ada"},"name":"twice/1"}
    {"say":"Bye.","name":"twice/2","after":"90s"}
do[0].log
  expected "Done."
  but was  none"#;
    assert_eq!(told, expected, "{told}");
}

#[test]
fn a_result_is_expected_as_the_rule_writes_it() {
    passes(
        r#"
tests:
  - name: results
    event: tool-calls
    set: { tool: book, args: { name: Ada } }
    steps:
      - expect: { respond: { result: { for: { seats: [ 1, 2 ] } } } }
      - expect: { exactly: { result: { table: 4, for: { name: Ada, seats: [ 1, 2 ] } } } }
      - expect: { respond: { result: '{"table":4,"for":{"name":"Ada","seats":[1,2]}}' } }
      - { set: { tool: plain }, expect: { exactly: Booked for Ada. } }
      - { set: { tool: count, args.by: 2 }, expect: { respond: 3 } }
      - { event: function-call, set: { args.name: Ada }, expect: { respond: { result: { table: 4 } } } }
      - { event: tool-calls.with-tool-only, set: { args.name: Ada }, expect: { respond: { table: 4 } } }
      - { event: tool-calls.arguments-text, set: { args.name: Ada }, expect: { respond: { for: { name: Ada } } } }
      - event: tool-calls.two-calls
        set: { "toolCallList[1].function.name": plain }
        expect: { respond: { results: [ { result: { table: 4 } }, {} ] } }
"#,
    );
    let told = failure(
        "    event: tool-calls\n    set: { tool: book, args.name: Ada }\n    expect: { exactly: { for: { name: Bob } } }\n",
    );
    let expected = "respond.result.for.name\n  expected \"Bob\"\n  but was  \"Ada\"\nrespond.result.for.seats\n  \
                    expected nothing\n  but was  [1,2]\nrespond.result.table\n  expected nothing\n  but was  4";
    assert_eq!(told, expected, "{told}");
}

#[test]
fn chance_time_headers_and_state_come_from_the_test() {
    passes(
        r#"
tests:
  - name: what is known of the world
    event: tool-calls
    set: { tool: chance, args: {} }
    seed: 7
    at: 2026-11-23T18:30:00-05:00
    headers: { X-Caller: me }
    steps:
      - expect: { respond: UUID }
      - { expect: { respond: UUID } }
      - { event: status-update, expect: { logs: [ "me 2026-11-23T23:30:00Z" ] } }
      - { event: status-update, headers: { x-caller: you }, at: 2026-11-23T23:31:00Z, expect: { logs: [ "you 2026-11-23T23:31:00Z" ] } }
"#
        .replace("UUID", &uuid(7))
        .as_str(),
    );
    assert_ne!(uuid(7), uuid(8));
}

#[test]
fn there_is_a_sample_of_every_kind_to_try_rules_with() {
    let expect = "expect: { rule: none, do: [ { log: seen } ] }";
    let test = |(name, _): (String, Vec<u8>)| format!("  - {{ name: {name}, event: {name}, {expect} }}");
    let tests: Vec<String> = samples().into_iter().map(test).collect();
    let tests = format!("tests:\n{}\n", tests.join("\n"));
    let rules = "rules: [ { name: all, on: \"*\", do: [ { log: seen } ] } ]";
    let folder = Folder::with(&[("rules/a.yaml", rules), ("rules/a.test.yaml", &tests)]);
    let ended = Ended::of(switchhook(&folder).arg("test"));
    let all = format!("{} tests, all passed; ", samples().len());
    assert!(ended.stdout.contains(&all), "{}{}", ended.stdout, ended.stderr);
}

/// The name that chance gives with this seed.
fn uuid(seed: u64) -> String {
    let test = format!(
        "    event: tool-calls\n    set: {{ tool: chance, args: {{}} }}\n    seed: {seed}\n    expect: {{ respond: none }}\n"
    );
    failure(&test).rsplit('"').nth(1).unwrap().to_owned()
}

#[test]
fn state_is_given_once_and_goes_from_step_to_step() {
    passes(
        r"
tests:
  - name: a call goes on
    event: tool-calls
    set: { tool: adds, args.by: 2 }
    state: { sum: 10 }
    steps:
      - expect: { respond: 12, state: { sum: 12 }, do: [ { set: { last: 2 } } ] }
      - { set: { args.by: 3 }, expect: { respond: 15, do: [ { set: { last: 3 } } ] } }
      - { state: { sum: 1 }, expect: { respond: 3 } }
      - { expect: { respond: 5 } }
",
    );
}

#[test]
fn scripts_are_answered_from_the_test() {
    passes(
        r#"
tests:
  - name: a script asks
    event: tool-calls
    set: { tool: asks, args.name: ada }
    answers: { "get https://crm.example.com/a*": { json: { name: Ada } }, "* *": { json: { name: Bob } } }
    steps:
      - expect: { respond: Ada }
      - { set: { args.name: bob }, expect: { respond: Bob } }
      - { answers: { "GET *": { error: nobody there } }, expect: { respond: Sorry., error: nobody there } }
"#,
    );
}

#[test]
fn what_is_asked_with_a_secret_is_named_as_in_the_rule() {
    let test = "    event: tool-calls
    set: { tool: keyed, args.of: a }
    answers: { \"GET https://crm.example.com/b?key=${secrets.crm}\": { json: { name: Ada } } }
    steps:
      - { set: { args.of: OF }, expect: { respond: Ada } }
";
    passes(&format!("tests:\n  - name: it\n{}", test.replace("OF", "b")));
    let told = failure(&test.replace("OF", "c"));
    assert!(told.starts_with("step 1: `GET https://crm.example.com/c?key=${secrets.crm}` is asked"), "{told}");
}

#[test]
fn a_missing_answer_is_told_once_and_alone() {
    let told = failure(
        "    event: assistant-request
    set: { customer.name: Ada }
    steps:
      - expect: { rule: gold, respond: { assistantId: asst-gold } }
      - expect: { rule: gold }
      - { event: tool-calls, set: { tool: asks, args.name: ada }, expect: { respond: Ada } }
",
    );
    let expected = "step 1: `GET https://crm.example.com/me` is asked, and the test has no answer to it\n  \
                    write it below `answers`: `\"GET https://crm.example.com/me\": { json: { … } }`\n\
                    step 3: `GET https://crm.example.com/ada` is asked, and the test has no answer to it\n  \
                    write it below `answers`: `\"GET https://crm.example.com/ada\": { json: { … } }`";
    assert_eq!(told, expected, "{told}");
}

#[test]
fn what_kept_the_rule_from_answering_is_told() {
    let answers = "answers: { \"GET *\": { json: { tier: silver } } }";
    for (event, rule, since) in [
        (
            "set: { customer.name: Bob }",
            "gold",
            "`gold` wants `customer.name: Ada` (rules/a.yaml:48:13), but it is \"Bob\"",
        ),
        (
            "unset: [ customer.name ]",
            "gold",
            "`gold` wants `customer.name: Ada` (rules/a.yaml:48:13), but it is absent",
        ),
        (
            "set: { customer.name: Ada }",
            "gold",
            "`gold` wants `person.json.tier: gold` (rules/a.yaml:48:33), but it is \"silver\"",
        ),
        ("seed: 1", "plain", "`plain` is not for `assistant-request` events"),
        ("seed: 1", "second", "`first` comes before `second`, and answers"),
        ("seed: 1", "third", "`third` matches too, but `first` comes before it"),
        ("seed: 1", "silent", "`silent` matches, but it has no answer of its own"),
    ] {
        let told = failure(&format!(
            "    event: assistant-request\n    {event}\n    {answers}\n    expect: {{ rule: {rule} }}\n"
        ));
        assert_eq!(told, format!("rule\n  expected `{rule}`\n  but was  `first`\n  since    {since}"), "{told}");
    }
}
