//! The outbox in the daemon: it delivers what it finds, and operators see and change what there is.

use std::fs;

use serde_json::json;

use super::*;
use crate::support::{Client as Caller, Daemon, Destination, Ended, Folder, switchhook};

const SETTINGS: &str =
    "version_header: x-rules-version\nsecrets:\n  crm: { file: crm.key }\noutbound:\n  allow: [127.0.0.1]\n";

/// A folder in whose outbox these items are.
fn folder(items: Vec<Enqueued>) -> Folder {
    let rules = "rules:\n  - { name: a, tool: a, respond: b }\n";
    let secret = format!("{SECRET}\n");
    let folder = Folder::with(&[("switchhook.yaml", SETTINGS), ("rules/a.yaml", rules), ("crm.key", &secret)]);
    fs::create_dir(folder.path().join("data")).unwrap();
    let desk = Desk::closed();
    desk.enqueue(items).unwrap();
    copy(desk.close().path(), &folder.path().join("data"));
    folder
}

fn start(folder: Folder) -> Daemon {
    let mut command = switchhook(&folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    Daemon::of(folder, &mut command)
}

fn outbox(daemon: &Daemon, arguments: &[&str]) -> Ended {
    let mut command = switchhook(daemon.project());
    Ended::of(command.arg("outbox").args(arguments).args(["--admin", &daemon.admin.to_string()]))
}

fn operator(daemon: &Daemon, path: &str) -> Value {
    Caller::connect(daemon.admin).ask("GET", path).json()
}

fn secretive(key: &str, url: &str) -> Enqueued {
    let mut item = post(key, url);
    item.action.request.headers = vec![("authorization".to_owned(), asking_for("crm", Written::Plain))];
    item
}

#[test]
fn a_daemon_delivers_what_it_finds_and_operators_decide_about_the_rest() {
    let destination = Destination::open();
    let items = ["1", "2"].map(|key| secretive(key, &destination.url("/crm")));
    let mut daemon = start(folder(items.into()));
    for _ in 0..2 {
        let arrival = destination.next();
        assert_eq!(arrival.header("authorization"), Some(&*format!("<{SECRET}>")));
        let refused = arrival.header("idempotency-key") == Some("2");
        arrival.answer_with(if refused { 410 } else { 200 }, "", &format!("gone, {SECRET}"));
    }
    let line = daemon.logged("an action was given up");
    assert_eq!(
        (&line["action"], &line["cause"], &line["why"]),
        (&"rule/2".into(), &"refused".into(), &"it answered 410".into())
    );
    daemon.logged("delivered");
    let wait = |daemon: &Daemon, count: usize| {
        let deadline = Deadline::after(PATIENCE);
        while operator(daemon, "/api/outbox")["items"].as_array().unwrap().len() != count {
            assert!(!deadline.passed());
        }
    };
    wait(&daemon, 1);
    let listed = operator(&daemon, "/api/outbox?state=dead");
    let (id, numbers) = (&listed["items"][0]["id"], [&listed["waiting"], &listed["leased"], &listed["dead"]]);
    assert_eq!(numbers, [&json!(0), &json!(0), &json!(1)]);
    assert_eq!(listed["destinations"][0]["dead"], 1);
    assert_eq!(operator(&daemon, "/api/outbox?state=waiting")["items"], json!([]));

    let list = outbox(&daemon, &["list", "--state", "dead"]);
    assert!(list.stdout.contains("(rule/2) 1 attempt: it answered 410"), "{}{}", list.stdout, list.stderr);
    let show = outbox(&daemon, &["show", &id.to_string()]);
    assert!(show.stdout.contains("headers: authorization: <[secret crm]>"), "{}", show.stdout);
    assert!(show.stdout.contains("gone, [secret crm]"), "{}", show.stdout);
    let metrics = Caller::connect(daemon.admin).ask("GET", "/metrics").text();
    for line in [
        "switchhook_outbox_items{state=\"dead\"} 1",
        "switchhook_outbox_attempts_total{outcome=\"delivered\"} 1",
        "switchhook_outbox_attempts_total{outcome=\"refused\"} 1",
        "switchhook_outbox_buried_total 1",
        "switchhook_outbox_enqueue_failures_total 0",
        "switchhook_outbox_writable 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "no {line} in\n{metrics}");
    }

    let retried = outbox(&daemon, &["retry", "--dead"]);
    assert_eq!((retried.code, retried.stdout.as_str()), (Some(0), "1 item to be sent now\n"));
    destination.next().answer(410);
    wait(&daemon, 1);
    let dropped = outbox(&daemon, &["drop", &id.to_string(), "--format", "json"]);
    assert_eq!(
        serde_json::from_str::<Value>(&dropped.stdout).unwrap_or_default(),
        json!({ "items": 1 }),
        "{}",
        dropped.stderr
    );
    let gone = outbox(&daemon, &["show", &id.to_string()]);
    assert_eq!((gone.code, gone.stderr.as_str()), (Some(1), "switchhook: there is no such item\n"));
    assert_eq!(operator(&daemon, "/readyz")["outbox"]["trouble"], Value::Null);
    let shown = [list.stdout, show.stdout, listed.to_string(), metrics].concat();
    let log = format!("{:?}", daemon.stop());
    assert!(!shown.contains("correct-horse") && !log.contains("correct-horse"), "{shown}{log}");
}

#[test]
fn a_wish_that_cannot_be_met_is_explained() {
    let daemon = start(folder(Vec::new()));
    let mut caller = Caller::connect(daemon.admin);
    let query = caller.ask("GET", "/api/outbox?state=sent");
    assert!(query.status == 400 && query.text().contains("one of `waiting`, `leased`, `dead`"), "{}", query.text());
    assert_eq!(caller.ask("GET", "/api/outbox/7").status, 404);
    assert_eq!(caller.post("/api/outbox/7/retry", &[], "").status, 404);
    assert_eq!(caller.post("/api/outbox/dead/retry", &[], "").json(), json!({ "items": 0 }));
    assert_eq!(caller.ask("GET", "/api/outbox/7/drop").status, 405);
    assert_eq!(outbox(&daemon, &["drop"]).code, Some(2), "which one?");
}

#[test]
fn a_changed_secret_is_used_from_then_on() {
    let destination = Destination::open();
    let mut daemon = start(folder(vec![secretive("1", &destination.url("/"))]));
    let first = destination.next();
    fs::write(daemon.folder().join("crm.key"), "another\n").unwrap();
    daemon.next_logged("settings loaded");
    first.answer(503);
    assert_eq!(destination.next().header("authorization"), Some("<another>"));
    fs::write(daemon.folder().join("crm.key"), "\n").unwrap();
    daemon.next_logged("settings refused; those in force hold on");
}

#[test]
fn what_may_be_reached_changes_with_the_settings() {
    let destination = Destination::open();
    let mut item = post("1", &destination.url("/"));
    item.action.after = Duration::from_secs(3600);
    let mut daemon = start(folder(vec![item]));
    let settings = SETTINGS.replace("127.0.0.1", "10.0.0.0/8");
    fs::write(daemon.folder().join("switchhook.yaml"), settings).unwrap();
    daemon.next_logged("settings loaded");
    let id = operator(&daemon, "/api/outbox")["items"][0]["id"].clone();
    assert_eq!(outbox(&daemon, &["retry", &id.to_string()]).code, Some(0));
    let line = daemon.logged("an action was given up");
    assert!(line["why"].as_str().unwrap().contains("leads to 127.0.0.1, which is refused"), "{line}");
    assert!(destination.ready().is_none());
}

#[test]
fn a_daemon_that_stops_lets_attempts_end() {
    let destination = Destination::open();
    let daemon = start(folder(vec![post("1", &destination.url("/"))]));
    let under_way = destination.next();
    daemon.terminate();
    under_way.answer(200);
    let folder = daemon.stop_and_keep();
    let kept = tempfile::tempdir().unwrap();
    copy(&folder.path().join("data"), kept.path());
    let desk = Desk::at(kept, Bounds::default());
    assert!(desk.rows(None).is_empty(), "{:?}", desk.rows(None));
}
