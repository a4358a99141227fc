//! Events that nobody waits for, and that cannot be decided at once: what is asked again, and what is not; and that nothing
//! of them is lost.

use std::fs;
use std::thread;

use serde_json::{Value, json};

use super::{answer_json, arrivals, asking, report, start, status};
use crate::support::{Client, Daemon, Destination};

const SLOW: &str = r#"
rules:
  - name: slow
    on: end-of-call-report
    do: [ { post: CRM/reports, json: { call: "${call.id}", sum: "${shop::sum()}" } } ]
"#;

const SUM: &str = "fn sum() { let sum = 0; for n in 0..150000 { sum += n; } sum }";

#[test]
fn what_finds_no_thread_in_time_is_done_later() {
    let service = Destination::open();
    let daemon = start(SLOW, SUM, "limits: { script_threads: 1, scripts_waiting_max: 1 }\n", &service);
    let reports: Vec<_> = (0..12).map(|n| asking(&daemon, report(&format!("c{n}")))).collect();
    let statuses: Vec<u16> = reports.into_iter().map(|report| report.join().unwrap().status).collect();
    assert_eq!(statuses, [200; 12]);
    let mut told: Vec<String> = (0..12)
        .map(|_| {
            let arrival = service.next();
            let told: Value = serde_json::from_str(&arrival.body).unwrap();
            arrival.answer(200);
            assert_eq!(told["sum"], json!(11_249_925_000_u64));
            told["call"].as_str().unwrap().to_owned()
        })
        .collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 12, "a report is missing: {told:?}");
}

/// Four rules that ask one who never answers, and behind them one that asks another, and one that asks nobody.
fn beside_the_silent() -> String {
    let silent = (0..4).map(|n| {
        format!(
            "  - name: silent-{n}\n    on: end-of-call-report\n    fetch: {{ x: {{ get: \"CRM/silent/{n}\", timeout: 1s }} }}\n    \
             when: {{ x.json.yes: true }}\n    do: [ {{ post: CRM/never, json: {{}} }} ]\n"
        )
    });
    let sound = r#"  - name: sound
    on: end-of-call-report
    timeout: 900ms
    fetch: { x: { get: "CRM/sound", timeout: 500ms } }
    when: { x.json.yes: true }
    do: [ { post: CRM/told, json: { sum: "${shop::sum()}" } } ]
  - name: alone
    on: end-of-call-report
    if: shop::sum() > 0
    do: [ { post: CRM/alone, json: {} } ]
"#;
    format!("rules:\n{}{sound}", silent.collect::<String>())
}

#[test]
fn who_is_silent_does_not_keep_others_from_being_asked() {
    let service = Destination::open();
    let sum = SUM.replace("150000", "1000");
    let daemon = start(&beside_the_silent(), &sum, "timeout: 4s\n", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let (mut silent, mut done) = (Vec::new(), Vec::new());
    while done.len() < 2 {
        let arrival = service.next();
        match arrival.path() {
            "/sound" => answer_json(arrival, &json!({ "yes": true })),
            "/told" | "/alone" => {
                done.push(arrival.path().to_owned());
                arrival.answer(200);
            }
            _ => silent.push(arrival),
        }
    }
    done.sort();
    assert_eq!(done, ["/alone", "/told"]);
    // All were asked at once, so it took one try.
    assert_eq!(silent.len(), 4, "it took more than one try");
}

const TWICE: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    script: |
      let made = http::post("CRM/create", #{ call: call.id });
      let found = http::get("CRM/find");
      act::post("CRM/told", #{ made: made.json.id, found: found.json.id });
"#;

fn reloaded(daemon: &Daemon, rules: &str) {
    fs::write(daemon.folder().join("rules/more.yaml"), rules).unwrap();
    assert_eq!(Client::connect(daemon.admin).ask("POST", "/api/reload").status, 200);
}

#[test]
fn who_has_given_an_answer_is_not_asked_again_by_other_rules() {
    let service = Destination::open();
    let daemon = start(TWICE, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let made = service.next();
    assert_eq!(made.path(), "/create");
    answer_json(made, &json!({ "id": 7 }));
    let find = service.next();
    assert_eq!(find.path(), "/find");
    reloaded(&daemon, "rules: [ { name: other, tool: other, respond: yes } ]\n");
    find.answer(503);
    let find = service.next();
    assert_eq!(find.path(), "/find", "what was made is made again");
    answer_json(find, &json!({ "id": 8 }));
    let told = service.next();
    assert_eq!((told.path(), &*told.body), ("/told", "{\"found\":8,\"made\":7}"));
    told.answer(200);
}

const DONE: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    fetch:
      visits: { get: CRM/visits, optional: true }
      person: { get: CRM/people }
    do:
      - { post: CRM/first, json: { visits: "${visits.json.count}" } }
      - { post: CRM/second, json: { name: "${person.json.name}" } }
"#;

#[test]
fn what_is_done_needs_no_answer_any_more() {
    let service = Destination::open();
    let daemon = start(DONE, "", "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let [person, visits] = arrivals(&service);
    assert_eq!((person.path(), visits.path()), ("/people", "/visits"));
    // The first action does without the visits, the second one cannot do without the person.
    visits.answer(503);
    person.answer(503);
    let [first, person] = arrivals(&service);
    assert_eq!((first.path(), person.path()), ("/first", "/people"));
    first.answer(200);
    answer_json(person, &json!({ "name": "Ada" }));
    let second = service.next();
    assert_eq!((second.path(), &*second.body), ("/second", "{\"name\":\"Ada\"}"), "somebody was asked for nothing");
    second.answer(200);
}

const ALERT: &str = r"
rules:
  - name: alert
    on: status-update
    when: { status: ringing }
    do: [ { post: CRM/alert, json: {}, after: 1s, unless_by: { kind: status-update, within: 1s } } ]
";

#[test]
fn what_comes_again_calls_off_nothing_that_a_later_one_wants() {
    let service = Destination::open();
    let daemon = start(ALERT, "", "", &service);
    for status in ["queued", "ringing", "queued"].map(|it| status("c1", it)) {
        assert_eq!(daemon.post("/", status).status, 200);
    }
    let alert = service.next();
    assert_eq!(alert.path(), "/alert");
    alert.answer(200);
    // Several copies at once are one event.
    let copies = (0..60).map(|n| status(&format!("d{}", n % 20), "ringing"));
    let sent: Vec<thread::JoinHandle<_>> = copies.map(|copy| asking(&daemon, copy)).collect();
    for copy in sent {
        assert_eq!(copy.join().unwrap().status, 200);
    }
    for _ in 0..20 {
        service.next().answer(200);
    }
}

const HEADERS: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    fetch: { person: { get: CRM/people } }
    do: [ { post: CRM/told, json: { name: "${person.json.name}" } } ]
"#;

#[test]
fn rules_of_later_see_the_headers_of_an_event_that_was_put_off() {
    let service = Destination::open();
    let daemon = start(HEADERS, "", "", &service);
    assert_eq!(daemon.connect().post("/", &[("x-tenant", "north")], report("c1")).status, 200);
    let person = service.next();
    let seeing = r#"
rules:
  - name: tenant
    on: end-of-call-report
    do: [ { post: TENANT, json: { tenant: "${headers.x-tenant}" } } ]
"#;
    reloaded(&daemon, &seeing.replace("TENANT", &service.url("/tenant")));
    person.answer(503);
    let [person, tenant] = arrivals(&service);
    assert_eq!((person.path(), tenant.path(), &*tenant.body), ("/people", "/tenant", "{\"tenant\":\"north\"}"));
    tenant.answer(200);
    answer_json(person, &json!({ "name": "Ada" }));
    service.next().answer(200);
}

const INC: &str = r#"fn inc() { http::post("CRM/inc", #{ add: 1 }).json.n }"#;

const ALIKE: &str = r#"
rules:
  - name: a
    on: end-of-call-report
    script: |
      let made = http::post("CRM/inc", #{ add: 1 });
      act::post("CRM/told-a", #{ n: made.json.n });
  - name: b
    on: end-of-call-report
    do: [ { post: CRM/told-b, json: { n: "${shop::inc()}" } } ]
"#;

#[test]
fn what_two_rules_post_is_posted_twice_also_once_one_of_them_is_done() {
    let service = Destination::open();
    let daemon = start(ALIKE, INC, "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    for answer in [Some(1), None] {
        let inc = service.next();
        assert_eq!(inc.path(), "/inc");
        match answer {
            Some(n) => answer_json(inc, &json!({ "n": n })),
            None => inc.answer(503),
        }
    }
    let [inc, told] = arrivals(&service);
    assert_eq!((inc.path(), told.path(), &*told.body), ("/inc", "/told-a", "{\"n\":1}"), "one got the other's answer");
    told.answer(200);
    answer_json(inc, &json!({ "n": 2 }));
    let told = service.next();
    assert_eq!((told.path(), &*told.body), ("/told-b", "{\"n\":2}"));
    told.answer(200);
}

const SHARED: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    let: { made: "${shop::inc()}" }
    fetch: { person: { get: CRM/people } }
    do:
      - { post: CRM/first, json: { made: "${made}" } }
      - { post: CRM/second, json: { made: "${made}", name: "${person.json.name}" } }
"#;

#[test]
fn what_a_name_stands_for_is_posted_once_whoever_looks_at_it() {
    let service = Destination::open();
    let daemon = start(SHARED, INC, "", &service);
    assert_eq!(daemon.post("/", report("c1")).status, 200);
    let (mut bodies, mut numbers, mut people) = (Vec::new(), 1.., [None, Some("Ada")].into_iter());
    while bodies.len() < 2 {
        let arrival = service.next();
        match arrival.path() {
            "/inc" => answer_json(arrival, &json!({ "n": numbers.next() })),
            "/people" => match people.next().unwrap() {
                Some(name) => answer_json(arrival, &json!({ "name": name })),
                None => arrival.answer(503),
            },
            _ => {
                bodies.push(arrival.body.clone());
                arrival.answer(200);
            }
        }
    }
    assert_eq!(bodies, ["{\"made\":1}", "{\"made\":1,\"name\":\"Ada\"}"]);
}

const SERVERS: &str = "servers: { /a: { rules: rules }, /b: { rules: rules } }\n";

#[test]
fn an_event_outlives_that_the_settings_leave_out_its_server_for_a_while() {
    let service = Destination::open();
    let mut daemon = start(HEADERS, "", SERVERS, &service);
    let settings = daemon.folder().join("switchhook.yaml");
    let whole = fs::read_to_string(&settings).unwrap();
    let put_in_force = |daemon: &Daemon, text: &str| {
        fs::write(&settings, text).unwrap();
        assert_eq!(Client::connect(daemon.admin).ask("POST", "/api/reload").status, 200);
    };
    assert_eq!(daemon.post("/a", report("c1")).status, 200);
    let person = service.next();
    put_in_force(&daemon, &whole.replace("/a: { rules: rules }, ", ""));
    person.answer(503);
    daemon.logged_where("that the server is missing", |line| line.to_string().contains("there is no server `/a`"));
    put_in_force(&daemon, &whole);
    answer_json(service.next(), &json!({ "name": "Ada" }));
    let told = service.next();
    assert_eq!((told.path(), &*told.body), ("/told", "{\"name\":\"Ada\"}"));
    told.answer(200);
}
