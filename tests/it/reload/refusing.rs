//! What is broken, half written or half gone never serves.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{SETTINGS, folder, operator, plain, said, start, until_said};
use crate::support::{Client, Daemon, Ended, Folder, switchhook};

/// A file of `count` rules, the first of which says `word`.
fn several(word: &str, count: usize) -> String {
    let more = (1..count).map(|n| format!("  - {{ name: r{n}, tool: t{n}, respond: r }}\n"));
    plain(word) + &more.collect::<String>()
}

fn one_file(text: &str) -> Daemon {
    start(Folder::with(&[("switchhook.yaml", SETTINGS), ("rules/rules.yaml", text)]))
}

/// Waits until the daemon has refused its rules, and returns why.
fn refused(daemon: &mut Daemon) -> String {
    let line = daemon.next_logged("rules refused; those in force serve on");
    line["why"].as_str().unwrap().to_owned()
}

fn server(daemon: &Daemon) -> Value {
    operator(daemon, "/readyz")["servers"][0].clone()
}

#[test]
fn the_old_set_serves_on_until_the_files_are_mended() {
    let mut daemon = start(folder());
    let before = server(&daemon);
    let file = daemon.folder().join("rules/a.yaml");
    fs::write(&file, "rules:\n  - name: say\n    tool: say\n    respnd: \"no\"\n").unwrap();
    let found = daemon.next_logged("a rule has no field `respnd`");
    assert_eq!((&found["place"], &found["slug"]), (&"rules/a.yaml:4:5".into(), &"unknown-field".into()));
    assert_eq!(found["help"], "did you mean `respond`?");
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    let after = server(&daemon);
    assert_eq!((&after["version"], &after["generation"]), (&before["version"], &before["generation"]));
    assert_eq!(after["refused"], "1 error in 1 file");
    for broken in ["rules: [", "rules:\n  - {}\n", "", "\u{feff}{{{", "rules:\n\t- a\n"] {
        fs::write(&file, broken).unwrap();
        refused(&mut daemon);
        assert_eq!(said(&mut daemon.connect()).0, "old old old", "{broken:?}");
    }
    fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    assert!(refused(&mut daemon).contains("is not UTF-8 text"));
    fs::write(daemon.folder().join("rules/b.yaml"), "vars: { word: new }\n").unwrap();
    fs::write(daemon.folder().join("rules/scripts/desk.rhai"), "fn word() { \"new\" }\n").unwrap();
    fs::write(&file, super::yaml("new")).unwrap();
    until_said(&daemon, "new");
    assert_eq!(server(&daemon)["refused"], Value::Null);
}

#[test]
fn what_was_broken_and_is_as_before_is_fine_again() {
    let mut daemon = one_file(&plain("old"));
    let generation = server(&daemon)["generation"].clone();
    fs::write(daemon.folder().join("rules/rules.yaml"), "rules: [").unwrap();
    refused(&mut daemon);
    fs::write(daemon.folder().join("rules/rules.yaml"), plain("old")).unwrap();
    let mut client = Client::connect(daemon.admin);
    let report = client.post("/api/reload", &[], "").json();
    assert_eq!(report["servers"][0]["outcome"], "unchanged");
    let server = server(&daemon);
    assert_eq!((&server["refused"], &server["generation"]), (&Value::Null, &generation));
}

#[test]
fn a_set_that_lost_more_than_half_of_its_rules_is_refused() {
    let mut daemon = one_file(&several("old", 5));
    let file = daemon.folder().join("rules/rules.yaml");
    fs::write(&file, several("new", 2)).unwrap();
    let why = refused(&mut daemon);
    assert_eq!(why, "of 5 rules only 2 would be left; if that is meant, say `switchhook reload --force`");
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    // Half of them are enough.
    fs::write(&file, several("new", 3)).unwrap();
    until_said(&daemon, "new");
    fs::write(&file, "rules: []\n").unwrap();
    refused(&mut daemon);
    fs::write(&file, several("newer", 1)).unwrap();
    refused(&mut daemon);
    assert_eq!(said(&mut daemon.connect()).0, "new new new");
    let mut client = Client::connect(daemon.admin);
    let still = client.post("/api/reload", &[], "");
    assert_eq!((still.status, &still.json()["servers"][0]["outcome"]), (422, &"refused".into()));
    let forced = client.post("/api/reload", &[], r#"{"force":true}"#);
    assert_eq!((forced.status, &forced.json()["servers"][0]["outcome"]), (200, &"loaded".into()));
    assert_eq!(said(&mut daemon.connect()).0, "newer newer newer");
}

#[test]
fn a_set_that_fails_its_own_tests_is_refused_where_that_is_required() {
    let tests = "tests:\n  - name: it says old\n    event: tool-calls\n    set: { tool: say, args: {} }\n    \
                 expect: { respond: { result: old old old } }\n";
    let settings = format!("{SETTINGS}reload: {{ require: [tests] }}\n");
    let files = [("switchhook.yaml", &*settings), ("rules/rules.yaml", &plain("old")), ("rules/a.test.yaml", tests)];
    let mut daemon = start(Folder::with(&files));
    let file = daemon.folder().join("rules/rules.yaml");
    fs::write(&file, plain("new")).unwrap();
    let why = refused(&mut daemon);
    assert!(why.starts_with("1 of 1 tests failed, the first is rules/a.test.yaml:2:11: it says old;"), "{why}");
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    // The same rules with other tests are another set.
    fs::write(daemon.folder().join("rules/a.test.yaml"), tests.replace("old", "new")).unwrap();
    until_said(&daemon, "new");
    fs::write(daemon.folder().join("rules/a.test.yaml"), "tests: [ { nmae: x } ]\n").unwrap();
    assert!(refused(&mut daemon).contains("2 errors"));
}

#[test]
fn a_folder_that_is_gone_changes_nothing() {
    let mut daemon = start(folder());
    fs::rename(daemon.folder().join("rules"), daemon.folder().join("away")).unwrap();
    assert!(refused(&mut daemon).contains("there is no `rules`"));
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    fs::create_dir(daemon.folder().join("rules")).unwrap();
    assert!(refused(&mut daemon).contains("there are no rules in `rules`"));
    fs::write(daemon.folder().join("rules/rules.yaml"), plain("new")).unwrap();
    until_said(&daemon, "new");
}

const SERVERS: &str = "version_header: x-rules-version\nservers:\n  /a: { rules: a }\n  /b: { rules: b }\n";

#[test]
fn one_servers_broken_folder_leaves_the_others_alone() {
    let old = plain("old");
    let mut daemon =
        start(Folder::with(&[("switchhook.yaml", SERVERS), ("a/rules.yaml", &old), ("b/rules.yaml", &old)]));
    fs::write(daemon.folder().join("a/rules.yaml"), "rules: [").unwrap();
    refused(&mut daemon);
    fs::write(daemon.folder().join("b/rules.yaml"), plain("new")).unwrap();
    daemon.next_logged("rules loaded");
    let say = |path| daemon.post(path, super::ASK).json()["results"][0]["result"].clone();
    assert_eq!((say("/a"), say("/b")), ("old old old".into(), "new new new".into()));
    let servers = operator(&daemon, "/readyz")["servers"].clone();
    assert!(servers[0]["refused"].is_string());
    assert_eq!(servers[1]["refused"], Value::Null);
}

/// Runs `reload` against the daemon.
fn reload(daemon: &Daemon, arguments: &[&str]) -> Ended {
    let mut command = switchhook(daemon.project());
    Ended::of(command.args(["reload", "--admin", &daemon.admin.to_string()]).args(arguments))
}

#[test]
fn the_findings_are_those_of_check() {
    let mut daemon = start(folder());
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/check/ten-mistakes");
    for entry in fs::read_dir(broken).unwrap().map(|entry| entry.unwrap()) {
        if entry.path().is_file() {
            fs::copy(entry.path(), daemon.folder().join("rules").join(entry.file_name())).unwrap();
        }
    }
    refused(&mut daemon);
    let check = Ended::of(switchhook(daemon.project()).args(["check"]));
    let reloaded = reload(&daemon, &[]);
    assert_eq!((check.code, reloaded.code), (Some(1), Some(1)));
    assert!(check.stdout.matches("error[").count() >= 5, "{}", check.stdout);
    assert!(reloaded.stdout.starts_with(&check.stdout), "{}\n---\n{}", reloaded.stdout, check.stdout);
    let check = Ended::of(switchhook(daemon.project()).args(["check", "--format", "json"])).stdout;
    let reloaded: Value = serde_json::from_str(&reload(&daemon, &["--format", "json"]).stdout).unwrap();
    assert_eq!(reloaded["servers"][0]["findings"], serde_json::from_str::<Value>(&check).unwrap());
}

#[test]
fn forcing_one_server_forces_no_other() {
    let several = several("old", 5);
    let mut daemon =
        start(Folder::with(&[("switchhook.yaml", SERVERS), ("a/rules.yaml", &several), ("b/rules.yaml", &several)]));
    for server in ["a", "b"] {
        fs::write(daemon.folder().join(server).join("rules.yaml"), plain("new")).unwrap();
        refused(&mut daemon);
    }
    let which = reload(&daemon, &["--force"]);
    assert_eq!(which.code, Some(1));
    assert!(which.stdout.contains("say which server"), "{}", which.stdout);
    assert_eq!(reload(&daemon, &["--force", "--server", "/a"]).code, Some(1), "the other one is refused still");
    let say = |path| daemon.post(path, super::ASK).json()["results"][0]["result"].clone();
    assert_eq!((say("/a"), say("/b")), ("new new new".into(), "old old old".into()));
}

#[test]
fn a_folder_that_never_rests_holds_up_nobody_else() {
    let old = plain("old");
    let mut daemon =
        start(Folder::with(&[("switchhook.yaml", SERVERS), ("a/rules.yaml", &old), ("b/rules.yaml", &old)]));
    let (over, busy) = (std::sync::atomic::AtomicBool::new(false), daemon.folder().join("a"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0_u64.. {
                if over.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                fs::write(busy.join("next"), format!("{}# {number}\n", plain("old"))).unwrap();
                fs::rename(busy.join("next"), busy.join("rules.yaml")).unwrap();
            }
        });
        fs::write(daemon.folder().join("b/rules.yaml"), plain("new")).unwrap();
        let line = daemon
            .logged_where("rules loaded at /b", |line| line["message"] == "rules loaded" && line["server"] == "/b");
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(line["rules"], 1);
    });
}

#[test]
fn what_an_editor_has_open_is_not_taken_for_whole() {
    use std::io::Write as _;
    let daemon = one_file(&several("old", 4));
    let path = daemon.folder().join("rules/rules.yaml");
    let whole = several("new", 4);
    let (first, rest) = whole.split_at(whole.rfind("  - ").unwrap());
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    file.write_all(first.as_bytes()).unwrap();
    // Three of four rules are no reason to refuse them; the pause is the writer's own.
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    until_said(&daemon, "new");
    assert_eq!(server(&daemon)["generation"], 2);
}
