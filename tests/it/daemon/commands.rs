//! The command line: what flags and variables say, how commands end, and what they say when they cannot go on.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Daemon, Ended, Folder, switchhook};

const YES: &str = "rules:\n  - { name: predial, on: campaign.predial, respond: { eligible: true } }\n";
const NO: &str = "rules:\n  - { name: predial, on: campaign.predial, respond: { eligible: false } }\n";
const BROKEN: &str = "rules:\n  - { name: predial, on: campaign.predal }\n";
const FREE: &str = "127.0.0.1:0";

/// An address that this machine does not have.
const NOT_HERE: &str = "192.0.2.1:1";

/// Whether the daemon says that a contact is eligible, and what it says when nobody answers.
fn said(daemon: &Daemon) -> (bool, String) {
    let ask = |kind: &str| daemon.post("/", json!({ "message": { "type": kind } }).to_string()).json();
    (ask("campaign.predial")["eligible"] == true, ask("assistant-request")["error"].as_str().unwrap().to_owned())
}

#[test]
fn flags_win_over_variables_and_these_over_the_settings_file() {
    let sentence = "It said so in the file.".to_owned();
    let file = format!(
        "listen: {NOT_HERE}\nauth: none\nadmin: {{ listen: {NOT_HERE}, token: abc }}\nrules: ../yes\n\
         no_assistant: {sentence}\n"
    );
    let folder = || Folder::with(&[("desk/desk.yaml", &file), ("yes/rules.yaml", YES), ("no/rules.yaml", NO)]);

    let flags = ["run", "--config", "desk/desk.yaml", "--rules", "no", "--listen", FREE, "--admin", FREE];
    let by_flags = folder();
    let mut command = switchhook(&by_flags);
    command.args(flags).env("SWITCHHOOK_RULES", "nowhere").env("SWITCHHOOK_LISTEN", NOT_HERE);
    assert_eq!(said(&Daemon::of(by_flags, &mut command)), (false, sentence.clone()));

    let by_variables = folder();
    let mut command = switchhook(&by_variables);
    command.env("SWITCHHOOK_CONFIG", "desk/desk.yaml").env("SWITCHHOOK_LISTEN", FREE).env("SWITCHHOOK_ADMIN", FREE);
    assert_eq!(said(&Daemon::of(by_variables, &mut command)), (true, sentence.clone()));

    let without_command = Folder::with(&[("switchhook.yaml", &file), ("no/rules.yaml", NO)]);
    let mut command = switchhook(&without_command);
    command.args(["--listen", FREE, "--admin", FREE]).env("SWITCHHOOK_RULES", "no");
    assert_eq!(said(&Daemon::of(without_command, &mut command)), (false, sentence));
}

/// Checks that the program, in a folder with these files, ends with `code` and says these things.
#[track_caller]
fn ends(files: &[(&str, &str)], arguments: &[&str], code: i32, says: &[&str]) {
    let folder = Folder::with(files);
    let ended = Ended::of(switchhook(&folder).args(arguments).env_remove("NOT_SET"));
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {all}");
    for text in says {
        assert!(all.contains(text), "{arguments:?} does not say {text:?}: {all}");
    }
}

#[test]
fn a_daemon_that_cannot_run_says_why() {
    let run = ["run", "--listen", FREE, "--admin", FREE];
    let rules = ("rules/rules.yaml", YES);
    ends(&[], &run, 2, &["there is no `rules`: create it, or say where the rules are: with `--rules`"]);
    ends(&[("rules/notes.txt", "")], &run, 2, &["there are no rules in `rules`"]);
    ends(&[rules], &["--data", "rules/rules.yaml"], 2, &["the data folder `rules/rules.yaml` cannot be used"]);
    ends(&[rules], &["--rules", "no/such/folder"], 2, &["there is no `no/such/folder`"]);
    ends(&[rules], &["--config", "no.yaml"], 2, &["there is no `no.yaml`: name the settings file with `--config`"]);
    ends(&[rules], &["--listen", "here"], 2, &["'here'", "--listen"]);
    ends(&[rules], &["--listen", "8080"], 2, &["write `127.0.0.1:8080` for this machine alone"]);
    ends(&[rules], &["--admin", "localhost:19090"], 2, &["write `127.0.0.1:19090` for this machine alone"]);
    ends(&[], &["outbox", "retry"], 2, &["<ID|--dead>"]);
    ends(&[rules], &["rum"], 2, &["'rum'", "'run'"]);
    ends(&[rules], &["--listen", FREE, "--admin", "0.0.0.0:0"], 2, &["0.0.0.0:0", "needs a token"]);
    ends(
        &[rules],
        &["--listen", FREE, "--admin", FREE, "--log", "all=loud"],
        2,
        &["`all=loud` does not say what to log"],
    );
    ends(
        &[("rules/rules.yaml", BROKEN)],
        &run,
        1,
        &["rules/rules.yaml:2:26: error[", "did you mean `campaign.predial`?"],
    );

    let taken = TcpListener::bind(FREE).unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let why = format!("cannot listen on {taken}: another program has this address, perhaps another switchhook");
    let or = |flag: &str| format!("end that one, or choose another address with `{flag}`");
    ends(&[rules], &["--listen", &taken, "--admin", FREE], 2, &[&why, &or("--listen")]);
    ends(&[rules], &["--listen", FREE, "--admin", &taken], 2, &[&why, &or("--admin")]);
    let nowhere = format!("cannot listen on {NOT_HERE}: this machine has no such address; choose another address with");
    ends(&[("switchhook.yaml", "auth: none\n"), rules], &["--listen", NOT_HERE, "--admin", FREE], 2, &[&nowhere]);
}

#[test]
fn a_second_daemon_says_that_the_address_is_taken_and_no_more() {
    let daemon = Daemon::start(&[("rules/rules.yaml", YES)]);
    let mut second = switchhook(daemon.project());
    let ended = Ended::of(second.args(["run", "--listen", &daemon.address.to_string(), "--admin", FREE]));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("perhaps another switchhook"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("data folder"), "that follows from the same: {}", ended.stderr);
}

#[test]
fn a_daemon_with_nothing_to_serve_leaves_nothing_behind() {
    for files in [&[][..], &[("rules/rules.yaml", BROKEN)]] {
        let folder = Folder::with(files);
        let ended = Ended::of(switchhook(&folder).args(["run", "--listen", FREE, "--admin", FREE]));
        assert!(ended.code > Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("emptiest valid reply"), "no event gets any: {}", ended.stderr);
        assert!(!folder.path().join("data").exists(), "{}", ended.stderr);
        std::fs::create_dir(folder.path().join("data")).unwrap();
        Ended::of(switchhook(&folder).args(["run", "--listen", FREE, "--admin", FREE]));
        assert!(folder.path().join("data").exists(), "what was there stays");
    }
}

#[test]
fn a_path_means_the_same_to_every_command() {
    let commands = [&["check"][..], &["test"], &["tools"], &["explain", "hang"]];
    for command in commands {
        // A file of another program is no rule file of ours.
        let files = [("compose.yaml", "services: {}\n"), ("deep/down/rules.yaml", BROKEN)];
        ends(&files, command, 2, &["here is neither a folder `rules` nor a `switchhook.yaml`", "`switchhook init`"]);
    }
    let two = [("a/rules/a.yaml", YES), ("b/rules/b.yaml", NO)];
    ends(&two, &["check"], 0, &["a/rules/a.yaml:1:1: hint[", "b/rules/b.yaml:1:1: hint["]);
    ends(&two, &["check", "."], 0, &["a/rules/a.yaml:1:1: hint[", "b/rules/b.yaml:1:1: hint["]);
    ends(&two, &["tools"], 0, &["[]"]);
    let which = ["there are several projects, with rules in `a/rules`, `b/rules`: say which with `--rules`"];
    ends(&two, &["explain", "hang"], 2, &which);
    ends(&two, &["explain", "hang", "--rules", "a"], 0, &[]);

    let tests = [("rules/a.yaml", YES), ("rules/a.test.yaml", "tests: [ { name: a, event: hang } ]\n")];
    let says = ["`rules/a.test.yaml` holds tests", "`switchhook test rules/a.test.yaml`"];
    ends(&tests, &["check", "rules/a.test.yaml"], 2, &says);
    ends(&tests, &["explain", "hang", "--rules", "rules/a.test.yaml"], 2, &says);
    ends(&[("rules/a.csv", "a\n")], &["check", "rules/a.csv"], 2, &["`rules/a.csv` is no rule file"]);
    ends(&[("a.yaml", YES)], &["check"], 0, &["a.yaml:1:1: hint["]);
    ends(&[], &["check", "nowhere"], 2, &["there is no `nowhere`: name a project, a folder of rules or one rule file"]);
    let settings = [("switchhook.yaml", "rules: nowhere\n")];
    let says = ["there is no `nowhere`: create it, or correct `rules` in the settings file"];
    for command in commands {
        ends(&settings, command, 2, &says);
    }
}

#[test]
fn bad_settings_are_shown_with_place_and_remedy() {
    for (settings, says) in [
        ("lisen: 127.0.0.1:0\n", &["switchhook.yaml:1:1: error[unknown-field]", "did you mean `listen`?"][..]),
        ("listen: localhost\n", &["switchhook.yaml:1:9: error[bad-address]", "write `127.0.0.1:8080`"]),
        ("\ntimeout: 400s\n", &["switchhook.yaml:2:10: error[bad-timeout]", "from 1 to 300 seconds"]),
        ("limits: { idle: soon }\n", &["switchhook.yaml:1:17: error["]),
        ("auth: [ { secret: \"${env.NOT_SET}\" } ]\n", &["switchhook.yaml:1:19: error[unset-variable]", "`NOT_SET`"]),
        ("auth: [ { secret: \"\" } ]\n", &["switchhook.yaml:1:19: error[bad-credential]"]),
        ("auth: [ { secret: a, hmac: { key: b } } ]\n", &["error[bad-credential]", "a dash of its own"]),
        ("auth: all\n", &["switchhook.yaml:1:7: error[wrong-type]", "`auth: none`"]),
        ("servers:\n  desk: { rules: rules }\n", &["switchhook.yaml:2:3: error[bad-server-path]", "write `/desk`"]),
        ("decrypt: { file: no.pem }\n", &["switchhook.yaml:1:18: error[bad-key]", "no.pem"]),
        ("listen: 1\ntimeout: 0s\nlog: { format: xml }\n", &[":1:9: ", ":2:10: ", ":3:16: "]),
        ("listen: [\n", &["switchhook.yaml:", "error["]),
    ] {
        let files = [("switchhook.yaml", settings), ("rules/rules.yaml", YES)];
        ends(&files, &["run"], 1, says);
        ends(&files, &["check"], 1, says);
    }
}

#[test]
fn a_misspelt_level_of_the_log_is_no_target() {
    let rules = ("rules/rules.yaml", YES);
    let settings = |text| [("switchhook.yaml", text), rules];
    ends(&[rules], &["--listen", FREE, "--admin", FREE, "--log", "inof"], 2, &["`inof`", "did you mean `info`?"]);
    let says = ["switchhook.yaml:1:16: error[bad-filter]", "did you mean `info`?"];
    ends(&settings("log: { filter: inof }\n"), &["check"], 1, &says);
    ends(&settings("log: { filter: inof }\n"), &["run"], 1, &says);
}

#[test]
fn check_finds_what_run_would_not_serve() {
    for (settings, says) in [
        ("listen: 0.0.0.0:0\n", "switchhook.yaml:1:9: error[open-server]"),
        ("listen: \"[::]:0\"\n", "switchhook.yaml:1:9: error[open-server]"),
        ("admin: 0.0.0.0:0\n", "switchhook.yaml:1:8: error[open-admin]"),
        ("auth:\n", "switchhook.yaml:1:1: error[empty-field]"),
        ("auth: []\n", "switchhook.yaml:1:7: error[bad-credential]"),
        ("rules: rules\nservers: { /a: { rules: rules } }\n", "switchhook.yaml:1:8: error[unused-setting]"),
        ("limits: { scripts_waiting_max: 99999999999999999 }\n", "switchhook.yaml:1:32: error[invalid-value]"),
        ("limits: { idle: 0s }\n", "switchhook.yaml:1:17: error[invalid-value]"),
    ] {
        let files = [("switchhook.yaml", settings), ("rules/rules.yaml", YES)];
        ends(&files, &["run"], 1, &[says]);
        ends(&files, &["check"], 1, &[says]);
    }
}

#[test]
fn what_is_worth_knowing_of_settings_is_said_even_if_they_can_be_served() {
    let files = [("switchhook.yaml", "auth: [ { secret: hidden } ]\n"), ("rules/rules.yaml", YES)];
    ends(&files, &["check"], 0, &["switchhook.yaml:1:19: hint[literal-secret]"]);
    let folder = Folder::with(&files);
    let mut command = switchhook(&folder);
    command.args(["--listen", FREE, "--admin", FREE]);
    let log = Value::from(Daemon::of(folder, &mut command).stop()).to_string();
    assert!(log.contains("hint[literal-secret]") && !log.contains("hidden"), "{log}");
}

#[test]
fn what_the_settings_say_counts_for_rules() {
    let rules = "rules:\n  - name: a\n    on: hang\n    do:\n      - post: https://crm.example.com\n        retry: { within: 2h }\n";
    for (settings, says) in
        [("limits: { outbox_age_max: 1h }\n", "rules/rules.yaml:6:26: warning[invalid-value]"), ("auth: none\n", "")]
    {
        ends(&[("switchhook.yaml", settings), ("rules/rules.yaml", rules)], &["check"], 0, &[says]);
    }
}

/// A secret that the environment holds, where something else belongs.
#[test]
fn no_finding_quotes_a_secret() {
    for settings in [
        "auth: ${env.DESK_SECRET}\n",
        "auth:\n  - ${env.DESK_SECRET}\n",
        "auth:\n  - bearer: ${env.DESK_SECRET}\n",
        "auth:\n  - hmac: ${env.DESK_SECRET}\n",
        "auth:\n  - secret: [ \"${env.DESK_SECRET}\" ]\n",
        "auth:\n  - hmac: { key: \"${env.DESK_SECRET}\", key_is_base64: \"${env.DESK_SECRET}\" }\n",
        "decrypt: ${env.DESK_SECRET}\n",
        "decrypt: { key: \"${env.DESK_SECRET}\" }\n",
        "admin: { token: [ \"${env.DESK_SECRET}\" ] }\n",
    ] {
        let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", YES)]);
        let ended = Ended::of(switchhook(&folder).arg("check").env("DESK_SECRET", "hidden:value"));
        assert_eq!(ended.code, Some(1), "{settings}{}", ended.stdout);
        assert!(!ended.stdout.contains("hidden"), "{settings}{}", ended.stdout);
    }
}

#[test]
fn check_ends_by_what_it_found() {
    let fine = [("rules/rules.yaml", YES)];
    let broken = [("rules/rules.yaml", BROKEN), ("rules/scripts/desk.rhai", "fn a(args) {\n")];
    let doubtful = [("rules/rules.yaml", "rules:\n  - { name: hang, on: hang, respond: { a: 1 } }\n")];
    ends(&fine, &["check"], 0, &[]);
    ends(&fine, &["check", "rules/rules.yaml"], 0, &[]);
    ends(&doubtful, &["check"], 0, &["rules/rules.yaml:2:38: warning[reply-not-read]"]);
    ends(&doubtful, &["check", "--strict"], 1, &["warning[reply-not-read]"]);
    ends(&broken, &["check"], 1, &["rules/rules.yaml:2:26: error[", "rules/scripts/desk.rhai:", "2 errors in 2 files"]);
    ends(&fine, &["check", "nowhere"], 2, &["there is no `nowhere`"]);
    ends(&[], &["check", "--explain", "unknown-field"], 0, &["unknown-field"]);
    ends(&[], &["check", "--explain", "unknown-feld"], 2, &["did you mean `unknown-field`?"]);
    ends(&[], &["--help"], 0, &["Exit codes: 0 fine, 1 findings, 2 could not run"]);

    let folder = Folder::with(&broken);
    let ended = Ended::of(switchhook(&folder).args(["check", "--format", "json"]));
    let found: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    assert!(found.to_string().contains("rules/scripts/desk.rhai"), "{found}");
}
