//! What operators ask of a daemon, and what it keeps for them.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{SETTINGS, folder, operator, plain, said, start, until_said};
use crate::support::{Client, Daemon, Ended, Folder, switchhook};

fn server(daemon: &Daemon) -> Value {
    operator(daemon, "/readyz")["servers"][0].clone()
}

/// Settings under which nothing is noticed for ten minutes unless somebody asks.
const ASLEEP: &str = "version_header: x-rules-version\nreload: { watch: false, poll: 10m }\n";

fn asleep(word: &str) -> Folder {
    Folder::with(&[("switchhook.yaml", ASLEEP), ("rules/rules.yaml", &plain(word))])
}

fn command(daemon: &Daemon, arguments: &[&str]) -> Ended {
    Ended::of(switchhook(daemon.project()).args(arguments).args(["--admin", &daemon.admin.to_string()]))
}

#[test]
fn a_reload_is_asked_for_in_three_ways() {
    let mut daemon = start(asleep("old"));
    let file = daemon.folder().join("rules/rules.yaml");
    fs::write(&file, plain("one")).unwrap();
    daemon.signal(Signal::HUP);
    daemon.next_logged("rules loaded");
    assert_eq!(said(&mut daemon.connect()).0, "one one one");

    fs::write(&file, plain("two")).unwrap();
    let answer = Client::connect(daemon.admin).post("/api/reload", &[], "");
    assert_eq!(answer.status, 200);
    let report = &answer.json()["servers"][0];
    assert_eq!((&report["server"], &report["outcome"], &report["rules"]), (&"*".into(), &"loaded".into(), &1.into()));
    let (now, version) = said(&mut daemon.connect());
    assert_eq!((now.as_str(), &json!(version)), ("two two two", &report["version"]));

    fs::write(&file, plain("three")).unwrap();
    let ended = command(&daemon, &["reload"]);
    let (now, version) = said(&mut daemon.connect());
    assert_eq!(now, "three three three");
    let expected = format!("*: loaded: version {version} with 1 rule is in force (generation 4)\n");
    assert!(ended.code == Some(0) && ended.stdout.ends_with(&expected), "{}", ended.stdout);
    assert!(command(&daemon, &["reload"]).stdout.starts_with("*: unchanged: version "));
}

/// Who asks the default address because of a variable that he lacks, asks another daemon.
#[test]
fn commands_read_what_is_said_of_the_admin_address_and_nothing_else() {
    let daemon = start(asleep("old"));
    let file = daemon.folder().join("switchhook.yaml");
    let run = |settings: &str, arguments: &[&str]| {
        fs::write(&file, settings.replace("ADMIN", &daemon.admin.to_string())).unwrap();
        Ended::of(switchhook(daemon.project()).args(arguments).env_remove("NOT_SET"))
    };
    let elsewhere = "auth: [ { secret: \"${env.NOT_SET}\" } ]\nno_field: 1\nsecrets: { crm: { env: NOT_SET } }\n";
    let asked = run(&format!("{elsewhere}admin: ADMIN\n"), &["outbox", "list"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    let token = format!("{elsewhere}admin: {{ listen: ADMIN, token: \"${{env.NOT_SET}}\" }}\n");
    assert_eq!(run(&token, &["outbox", "list", "--token", "x"]).code, Some(0), "the token need not be read");

    for (settings, says) in [
        (token.as_str(), "the environment variable `NOT_SET` is not set"),
        ("admin: nowhere\n", "`nowhere` is not an address with a port"),
        ("admni: ADMIN\n", "did you mean `admin`?"),
        ("admin: ADMIN\nadmin: 127.0.0.1:1\n", "the key `admin` comes twice"),
        ("listen: [\n", "switchhook.yaml:"),
    ] {
        for command in [&["reload"][..], &["rollback"], &["outbox", "list"]] {
            let ended = run(settings, command);
            assert_eq!(ended.code, Some(2), "{settings}: {}{}", ended.stdout, ended.stderr);
            assert!(ended.stderr.contains(says), "{settings}: {}", ended.stderr);
            assert!(ended.stderr.contains("with `--admin`"), "{settings}: {}", ended.stderr);
            assert_eq!(ended.stderr.matches("error[").count(), 1, "{settings}: {}", ended.stderr);
        }
    }
    for settings in ["listen: [\n", "admni: nowhere\n", "admin: nowhere\n"] {
        let asked = run(settings, &["outbox", "list", "--admin", &daemon.admin.to_string()]);
        assert_eq!(asked.code, Some(0), "what is said on the command line need not be read: {}", asked.stderr);
    }
    let missing = run("", &["reload", "--config", "nope.yaml"]);
    assert!(missing.stderr.contains("there is no `nope.yaml`: name the settings file"), "{}", missing.stderr);
}

#[test]
fn what_operators_cannot_be_told_is_explained() {
    let daemon = start(asleep("old"));
    let mut client = Client::connect(daemon.admin);
    let unknown = client.post("/api/reload", &[], r#"{"forse":true}"#);
    assert_eq!(unknown.status, 400);
    assert!(unknown.text().contains("unknown field `forse`"), "{}", unknown.text());
    assert_eq!(client.ask("GET", "/api/reload").status, 405);
    assert_eq!(client.ask("GET", "/api").status, 404);
    let foreign = client.post("/api/reload", &[("origin", "https://evil.example")], "");
    assert_eq!(foreign.status, 403);
    let nobody = Ended::of(switchhook(daemon.project()).args(["reload", "--admin", "127.0.0.1:1"]));
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.stderr.contains("no daemon answers on 127.0.0.1:1"), "{}", nobody.stderr);
}

#[test]
fn a_token_opens_the_admin_address() {
    let settings = format!("{SETTINGS}admin: {{ token: \"${{env.ADMIN}}\" }}\n");
    let folder = Folder::with(&[("switchhook.yaml", &settings), ("rules/rules.yaml", &plain("old"))]);
    let mut command = switchhook(&folder);
    command.env("ADMIN", "open-sesame").args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let daemon = Daemon::of(folder, &mut command);
    let reload = |token: Option<&str>| {
        let mut command = switchhook(daemon.project());
        command.args(["reload", "--admin", &daemon.admin.to_string()]);
        if let Some(token) = token {
            command.env("ADMIN", token);
        }
        Ended::of(&mut command)
    };
    assert_eq!(reload(Some("open-sesame")).code, Some(0));
    for (token, why) in [(None, "the environment variable `ADMIN` is not set"), (Some("wrong"), "wants its token")] {
        let ended = reload(token);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
}

#[test]
fn the_rules_in_force_are_listed_with_their_hits() {
    let daemon = start(folder());
    let rule = || operator(&daemon, "/api/rules")["servers"][0]["rules"][0].clone();
    assert_eq!(rule(), json!({ "name": "say", "place": "rules/a.yaml:2:11", "hits": 0, "last_hit_at": null }));
    said(&mut daemon.connect());
    said(&mut daemon.connect());
    assert_eq!(rule()["hits"], 2);
    let last = rule()["last_hit_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    super::write(daemon.folder(), &super::rules("new"));
    until_said(&daemon, "new");
    assert!(3 <= rule()["hits"].as_u64().unwrap(), "a rule of the same name goes on counting");
    assert!(last <= rule()["last_hit_at"].as_str().unwrap().parse().unwrap());
}

/// The value of a metric, the labels of which are written as in the text.
fn metric(daemon: &Daemon, name: &str) -> String {
    let text = Client::connect(daemon.admin).ask("GET", "/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
}

#[test]
fn log_health_and_metrics_agree() {
    let mut daemon = start(asleep("old"));
    let mut client = Client::connect(daemon.admin);
    let agree = |daemon: &Daemon, line: &Value, refused: bool| {
        let ready = server(daemon);
        let version = ready["version"].as_str().unwrap();
        assert_eq!(line["version"], version);
        assert_eq!(line["generation"], ready["generation"]);
        assert_eq!(ready["refused"].is_string(), refused);
        let info = format!("switchhook_rules_in_force{{server=\"*\",version=\"{version}\",origin=\"files\"}}");
        assert_eq!(metric(daemon, &info), "1");
        let of_server = |name: &str| metric(daemon, &format!("switchhook_{name}{{server=\"*\"}}"));
        assert_eq!(of_server("reload_generation"), ready["generation"].to_string());
        assert_eq!(of_server("reload_refused"), u8::from(refused).to_string());
        for (name, at) in [("success", "last_success_at"), ("failure", "last_failure_at")] {
            let seconds: f64 = of_server(&format!("reload_last_{name}_timestamp_seconds")).parse().unwrap();
            let told = ready[at].as_str().map_or(jiff::Timestamp::UNIX_EPOCH, |at| at.parse().unwrap());
            let told = told.as_duration().as_secs_f64();
            assert!((seconds - told).abs() < 0.01, "{at}: {seconds} {told}");
        }
    };
    fs::write(daemon.folder().join("rules/rules.yaml"), plain("new")).unwrap();
    client.post("/api/reload", &[], "");
    let line = daemon.next_logged("rules loaded");
    agree(&daemon, &line, false);
    fs::write(daemon.folder().join("rules/rules.yaml"), "rules: [").unwrap();
    client.post("/api/reload", &[], "");
    let line = daemon.next_logged("rules refused; those in force serve on");
    agree(&daemon, &line, true);
    said(&mut daemon.connect());
    assert_eq!(daemon.next_logged("answered")["version"], line["version"]);
    assert_eq!(metric(&daemon, "switchhook_rule_hits_total{server=\"*\",rule=\"say\"}"), "1");
}

/// Starts the daemon again in the same folder.
fn restart(daemon: Daemon) -> Daemon {
    let folder = daemon.stop_and_keep();
    start(folder)
}

#[test]
fn a_daemon_that_starts_beside_broken_files_serves_the_last_good_ones() {
    let daemon = start(folder());
    let version = server(&daemon)["version"].clone();
    super::write(daemon.folder(), &[("rules/a.yaml", "rules: [".to_owned())]);
    let mut daemon = restart(daemon);
    let line = daemon.logged("the rules in force are not those in the files, but what was kept");
    assert_eq!((&line["origin"], &line["version"]), (&"last-good".into(), &version));
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    let ready = server(&daemon);
    assert_eq!((&ready["origin"], &ready["refused"]), (&"last-good".into(), &"1 error in 1 file".into()));
    super::write(daemon.folder(), &super::rules("new"));
    until_said(&daemon, "new");
    assert_eq!(server(&daemon)["origin"], "files");
    // Where not even the files are there any more, too.
    fs::remove_dir_all(daemon.folder().join("rules")).unwrap();
    let daemon = restart(daemon);
    assert_eq!(said(&mut daemon.connect()).0, "new new new");
}

#[test]
fn a_rollback_stays_until_the_files_change() {
    let daemon = start(folder());
    for word in ["new", "newer"] {
        super::write(daemon.folder(), &super::rules(word));
        until_said(&daemon, word);
    }
    let newer = server(&daemon)["version"].clone();
    let ended = command(&daemon, &["rollback"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("*: loaded: version "), "{}", ended.stdout);
    assert_eq!(said(&mut daemon.connect()).0, "new new new");
    assert_eq!(server(&daemon)["origin"], "rollback");
    // What is touched has not changed, and a plain reload is no change either.
    super::write(daemon.folder(), &super::rules("newer"));
    let reloaded = command(&daemon, &["reload"]);
    assert!(reloaded.stdout.starts_with("*: unchanged since they were rolled back from"), "{}", reloaded.stdout);
    assert_eq!(said(&mut daemon.connect()).0, "new new new");
    // Nor is a restart.
    let daemon = restart(daemon);
    assert_eq!(said(&mut daemon.connect()).0, "new new new");
    assert_eq!(server(&daemon)["origin"], "rollback");
    // One can go back further, but not beyond the first.
    assert_eq!(command(&daemon, &["rollback"]).code, Some(0));
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    let ended = command(&daemon, &["rollback"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("nothing is kept of any rules before those in force"), "{}", ended.stdout);
    assert_eq!(server(&daemon)["refused"], Value::Null, "the files have nothing to do with it");
    // By force, or changed, the files serve again.
    let forced = command(&daemon, &["reload", "--force"]);
    assert_eq!(forced.code, Some(0), "{}", forced.stdout);
    assert_eq!((said(&mut daemon.connect()).0.as_str(), &server(&daemon)["version"]), ("newer newer newer", &newer));
    assert_eq!(command(&daemon, &["rollback"]).code, Some(0));
    super::write(daemon.folder(), &super::rules("newest"));
    until_said(&daemon, "newest");
}

#[test]
fn one_of_several_servers_is_rolled_back_by_its_path() {
    let settings = "servers:\n  /a: { rules: a }\n  /b: { rules: b }\n";
    let old = plain("old");
    let mut daemon =
        start(Folder::with(&[("switchhook.yaml", settings), ("a/rules.yaml", &old), ("b/rules.yaml", &old)]));
    super::write(daemon.folder(), &[("a/rules.yaml", plain("new")), ("b/rules.yaml", plain("new"))]);
    daemon.next_logged("rules loaded");
    daemon.next_logged("rules loaded");
    let which = command(&daemon, &["rollback"]);
    assert_eq!(which.code, Some(1));
    assert!(which.stdout.contains("say which server: `--server` and one of `/a`, `/b`"), "{}", which.stdout);
    assert_eq!(command(&daemon, &["rollback", "--server", "/b"]).code, Some(0));
    let say = |path| daemon.post(path, super::ASK).json()["results"][0]["result"].clone();
    assert_eq!((say("/a"), say("/b")), ("new new new".into(), "old old old".into()));
}

#[test]
fn two_daemons_do_not_share_a_data_folder() {
    let daemon = start(folder());
    let data = daemon.folder().join("data");
    let run = ["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data"];
    let second = Ended::of(switchhook(daemon.project()).args(run).arg(&data));
    assert_eq!(second.code, Some(2));
    assert!(second.stderr.contains("another daemon uses it"), "{}", second.stderr);
}

#[test]
fn readiness_ends_when_the_daemon_drains() {
    let mut daemon = start(folder());
    // A request that has begun keeps the daemon up.
    let mut busy = daemon.connect();
    busy.begin("POST", "/", &[], super::ASK.len());
    let (first, rest) = super::ASK.split_at(10);
    busy.send(first);
    until_said(&daemon, "old");
    daemon.terminate();
    daemon.next_logged("draining");
    let mut client = Client::connect(daemon.admin);
    let ready = client.ask("GET", "/readyz");
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &false.into()));
    assert_eq!(client.ask("GET", "/healthz").status, 200);
    busy.send(rest);
    assert_eq!(busy.answer().status, 200);
    drop((busy, client));
    daemon.stop();
}

#[test]
fn without_what_one_has_gone_back_to_the_files_serve() {
    let daemon = start(folder());
    super::write(daemon.folder(), &super::rules("new"));
    until_said(&daemon, "new");
    assert_eq!(command(&daemon, &["rollback"]).code, Some(0));
    let folder = daemon.stop_and_keep();
    fs::remove_dir_all(folder.path().join("data/.rules/all")).unwrap();
    let mut daemon = start(folder);
    assert_eq!(said(&mut daemon.connect()).0, "new new new");
    // A set that is damaged is none either.
    super::write(daemon.folder(), &super::rules("newer"));
    until_said(&daemon, "newer");
    assert_eq!(command(&daemon, &["rollback"]).code, Some(0));
    let version = daemon.next_logged("rules loaded")["version"].clone();
    assert_eq!(server(&daemon)["origin"], "rollback", "{version}");
    let folder = daemon.stop_and_keep();
    for set in fs::read_dir(folder.path().join("data/.rules/all")).unwrap().map(|entry| entry.unwrap().path()) {
        if set.is_dir() {
            fs::write(set.join("a.yaml"), "# damaged\n").unwrap();
        }
    }
    let daemon = start(folder);
    assert_eq!(said(&mut daemon.connect()).0, "newer newer newer");
}

#[test]
fn a_change_beside_a_rollback_is_not_forgotten() {
    let settings = "version_header: x-rules-version\nreload: { poll: 10m }\n";
    let daemon = start(Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", &plain("old"))]));
    for word in ["one", "two", "three", "four"] {
        fs::write(daemon.folder().join("rules/rules.yaml"), plain(word)).unwrap();
        command(&daemon, &["rollback"]);
        until_said(&daemon, word);
    }
}
