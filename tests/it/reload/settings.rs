//! `switchhook.yaml` reloads, too.

use std::fs;

use serde_json::{Value, json};

use super::{folder, operator, plain, said, start, until_said};
use crate::support::{Client, Daemon, Folder};

fn with(settings: &str, files: &[(&str, &str)]) -> Daemon {
    let files: Vec<(&str, &str)> = [("switchhook.yaml", settings)].iter().chain(files).copied().collect();
    start(Folder::with(&files))
}

/// Writes other settings and waits until they hold.
fn change(daemon: &mut Daemon, settings: &str) {
    fs::write(daemon.folder().join("switchhook.yaml"), settings).unwrap();
    daemon.next_logged("settings loaded");
}

fn status(daemon: &Daemon, path: &str, secret: &str) -> u16 {
    daemon.connect().post(path, &[("x-vapi-secret", secret)], super::ASK).status
}

#[test]
fn credentials_and_servers_change() {
    let old = plain("old");
    let mut daemon = with(
        "servers:\n  /a: { rules: a, auth: [ { secret: one } ] }\n",
        &[("a/rules.yaml", &old), ("b/rules.yaml", &old)],
    );
    assert_eq!((status(&daemon, "/a", "one"), status(&daemon, "/b", "two")), (200, 404));
    change(
        &mut daemon,
        "servers:\n  /a: { rules: a, auth: [ { secret: two }, { secret: three } ] }\n  /b: { rules: b, auth: none }\n",
    );
    let statuses = [("/a", "one"), ("/a", "two"), ("/a", "three"), ("/b", "")];
    let statuses = statuses.map(|(path, secret)| status(&daemon, path, secret));
    assert_eq!(statuses, [401, 200, 200, 200]);
    let versions: Vec<Value> = operator(&daemon, "/readyz")["servers"].as_array().unwrap().clone();
    assert_eq!(versions[0]["generation"], 1, "its rules are the same");
    change(&mut daemon, "servers:\n  /b: { rules: b, auth: none }\n");
    assert_eq!((status(&daemon, "/a", "two"), status(&daemon, "/b", "")), (404, 200));
}

#[test]
fn limits_and_words_change() {
    let mut daemon = with("", &[("rules/rules.yaml", "rules:\n  - { name: say, tool: say, respond: a }\n")]);
    let request = r#"{"message":{"type":"assistant-request"}}"#;
    assert_eq!(daemon.post("/", super::ASK).status, 200);
    change(
        &mut daemon,
        "no_assistant: Closed.\nlimits: { body_bytes_max: 60, script_threads: 3 }\nlog: { filter: debug }\n",
    );
    assert_eq!(daemon.post("/", super::ASK).status, 413);
    assert_eq!(daemon.post("/", request).json(), json!({ "error": "Closed." }));
    daemon.next_logged("a connection ended");
}

#[test]
fn what_needs_a_restart_is_said() {
    let mut daemon = with("", &[("rules/rules.yaml", &plain("old"))]);
    change(&mut daemon, "data: elsewhere\nlog: { format: pretty }\n");
    let line = daemon.next_logged("some settings have changed and need a restart");
    assert_eq!(line["settings"], "data, log.format");
    assert_eq!(operator(&daemon, "/readyz")["restart_for"], json!(["data", "log.format"]));
    let report = Client::connect(daemon.admin).post("/api/reload", &[("accept", "text/plain")], "").text();
    assert!(report.contains("settings: restart the daemon to change data, log.format"), "{report}");
    change(&mut daemon, "# as before\n");
    assert_eq!(operator(&daemon, "/readyz")["restart_for"], json!([]));
}

#[test]
fn broken_settings_hold_nothing_up() {
    let mut daemon = start(folder());
    let file = daemon.folder().join("switchhook.yaml");
    fs::write(&file, "lisen: 127.0.0.1:1\n").unwrap();
    daemon.next_logged("settings refused; those in force hold on");
    let found = daemon.next_logged("the settings file has no field `lisen`");
    assert_eq!(found["place"], "switchhook.yaml:1:1");
    super::write(daemon.folder(), &super::rules("new"));
    until_said(&daemon, "new");
    assert_ne!(said(&mut daemon.connect()).1, "", "the header that the settings asked for is still there");
    fs::remove_file(&file).unwrap();
    let line = daemon.next_logged("settings refused; those in force hold on");
    assert!(line["why"].as_str().unwrap().starts_with("the settings file is gone"), "{line}");
    assert_eq!(operator(&daemon, "/readyz")["settings"]["refused"], line["why"]);
}

#[test]
fn a_daemon_that_others_can_reach_does_not_lose_its_credentials() {
    let settings = "listen: 0.0.0.0:0\nauth: [ { secret: one } ]\n";
    let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", &plain("old"))]);
    let mut command = crate::support::switchhook(&folder);
    let mut daemon = Daemon::of(folder, command.args(["run", "--admin", "127.0.0.1:0"]));
    daemon.address.set_ip([127, 0, 0, 1].into());
    // These would be fine for a daemon that is started with them, but this one listens elsewhere.
    fs::write(daemon.folder().join("switchhook.yaml"), "listen: 127.0.0.1:0\n").unwrap();
    let line = daemon.next_logged("settings refused; those in force hold on");
    assert!(line["why"].as_str().unwrap().contains("has no `auth`"), "{line}");
    assert_eq!((status(&daemon, "/", ""), status(&daemon, "/", "one")), (401, 200));
}

#[test]
fn a_key_beside_the_settings_counts_as_well() {
    let (first, second) = (openssl_key(), openssl_key());
    let mut daemon = with("decrypt: { file: key.pem }\n", &[("key.pem", &first), ("rules/rules.yaml", &plain("old"))]);
    fs::write(daemon.folder().join("key.pem"), "no key").unwrap();
    daemon.next_logged("settings refused; those in force hold on");
    fs::write(daemon.folder().join("key.pem"), second).unwrap();
    daemon.next_logged("settings loaded");
}

/// A private key, as the one that the tests of decryption use.
fn openssl_key() -> String {
    crate::support::Key::new(aws_lc_rs::rsa::KeySize::Rsa2048).pem()
}

#[test]
fn an_emptied_file_opens_nothing_to_everybody() {
    let settings = "auth: [ { secret: one } ]\n";
    let mut daemon = with(settings, &[("rules/rules.yaml", &plain("old"))]);
    fs::write(daemon.folder().join("switchhook.yaml"), "").unwrap();
    let line = daemon.next_logged("settings refused; those in force hold on");
    assert!(line["why"].as_str().unwrap().contains("has no `auth` any more"), "{line}");
    assert_eq!((status(&daemon, "/", ""), status(&daemon, "/", "one")), (401, 200));
    change(&mut daemon, "auth: none\n");
    daemon.logged("this server accepts every sender");
    assert_eq!(status(&daemon, "/", ""), 200);
}

#[test]
fn operators_do_not_lose_their_token() {
    let settings = "admin: { listen: 0.0.0.0:0, token: sesame }\n";
    let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", &plain("old"))]);
    let mut command = crate::support::switchhook(&folder);
    let mut daemon = Daemon::of(folder, command.args(["run", "--listen", "127.0.0.1:0"]));
    daemon.admin.set_ip([127, 0, 0, 1].into());
    for settings in ["admin: 127.0.0.1:9090\n", ""] {
        fs::write(daemon.folder().join("switchhook.yaml"), settings).unwrap();
        let line = daemon.next_logged("settings refused; those in force hold on");
        assert!(line["why"].as_str().unwrap().contains("token"), "{line}");
        assert_eq!(Client::connect(daemon.admin).ask("GET", "/readyz").status, 401);
    }
}

#[test]
fn what_comes_from_the_environment_is_not_shown() {
    let key = openssl_key();
    for settings in [
        "decrypt: { file: \"${env.HIDDEN}\" }\n",
        "admin: \"${env.HIDDEN}\"\n",
        "listen: \"${env.HIDDEN}\"\n",
        "auth: [ { secret: a, addresses: [ \"${env.HIDDEN}\" ] } ]\n",
        "auth: [ { hmac: { key: a, algorithm: \"${env.HIDDEN}\" } } ]\n",
    ] {
        let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", &plain("old"))]);
        for hidden in [key.as_str(), "s3cr3t-token"] {
            let ended =
                crate::support::Ended::of(crate::support::switchhook(&folder).arg("check").env("HIDDEN", hidden));
            assert_eq!(ended.code, Some(1), "{settings}");
            let said = ended.stdout + &ended.stderr;
            assert!(!said.contains("s3cr3t") && !said.contains("PRIVATE"), "{settings}: {said}");
        }
    }
}

#[test]
fn a_key_that_became_a_pipe_holds_up_nothing() {
    let mut daemon =
        with("decrypt: { file: key.pem }\n", &[("key.pem", &openssl_key()), ("rules/rules.yaml", &plain("old"))]);
    fs::remove_file(daemon.folder().join("key.pem")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(daemon.folder().join("key.pem")).status().unwrap();
    assert!(made.success());
    daemon.next_logged("settings refused; those in force hold on");
    fs::write(daemon.folder().join("rules/rules.yaml"), plain("new")).unwrap();
    until_said(&daemon, "new");
}
