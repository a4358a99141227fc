//! Changed files come in force while calls go on, and nothing else ever does.
//!
//! Real files are changed the way that people, editors and tools change them, under a daemon that is asked all the while.
//! No test sleeps to wait for an outcome: it asks until the answer is the new one, or reads the log.

mod holding;
mod operating;
mod refusing;
mod saving;
mod settings;
mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use switchhook::clock::Deadline;

use crate::support::{Client, Daemon, Folder, PATIENCE, switchhook};

/// Settings under which each reply names the version of the rules that made it.
const SETTINGS: &str = "version_header: x-rules-version\n";
const ASK: &str =
    r#"{"message":{"type":"tool-calls","toolCallList":[{"id":"t","function":{"name":"say","arguments":{}}}]}}"#;

/// Rules that say `word`: in the YAML itself, in a variable of another file and in a script. Only if all of it comes from
/// one set is the answer the same word three times.
fn rules(word: &str) -> Vec<(&'static str, String)> {
    vec![
        ("rules/a.yaml", yaml(word)),
        ("rules/b.yaml", format!("vars: {{ word: {word} }}\n")),
        ("rules/scripts/desk.rhai", format!("fn word() {{ \"{word}\" }}\n")),
    ]
}

fn yaml(word: &str) -> String {
    format!(
        "rules:\n  - name: say\n    tool: say\n    script: 'import \"desk\" as desk; `{word} ${{vars.word}} ${{desk::word()}}`'\n"
    )
}

/// One rule that says `word`.
fn plain(word: &str) -> String {
    format!("rules:\n  - {{ name: say, tool: say, respond: \"{word} {word} {word}\" }}\n")
}

/// A folder whose daemon says `old`.
fn folder() -> Folder {
    let files = rules("old");
    let mut files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    files.push(("switchhook.yaml", SETTINGS));
    Folder::with(&files)
}

fn start(folder: Folder) -> Daemon {
    let mut command = switchhook(&folder);
    command.args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    Daemon::of(folder, &mut command)
}

/// What the daemon says, and the version that says it.
fn said(client: &mut Client) -> (String, String) {
    let answer = client.post("/", &[], ASK);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let version = answer.header("x-rules-version").unwrap_or_default().to_owned();
    let json = answer.json();
    let result = &json["results"][0];
    (result["result"].as_str().map_or_else(|| result.to_string(), str::to_owned), version)
}

/// Asks a daemon without a pause from several threads, and remembers all that it says.
struct Crowd {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<(String, String)>>>,
}

impl Crowd {
    fn around(daemon: &Daemon) -> Crowd {
        let over = Arc::new(AtomicBool::new(false));
        let ask = |_| {
            let (mut client, over) = (daemon.connect(), Arc::clone(&over));
            // Each hears what is said first, and what is said when it is over.
            let mut heard = vec![said(&mut client)];
            thread::spawn(move || {
                let mut last = false;
                while !last {
                    last = over.load(Ordering::Relaxed);
                    let next = said(&mut client);
                    if heard.last() != Some(&next) {
                        heard.push(next);
                    }
                }
                heard
            })
        };
        Crowd { threads: (0..3).map(ask).collect(), over }
    }

    /// What each of them heard, one thing after the other.
    fn leave(self) -> Vec<Vec<(String, String)>> {
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

/// Waits until the daemon says `word` from one set alone; returns that, with the version that says it.
fn until_said(daemon: &Daemon, word: &str) -> (String, String) {
    let (mut client, deadline) = (daemon.connect(), Deadline::after(PATIENCE));
    let wanted = [word; 3].join(" ");
    loop {
        let said = said(&mut client);
        if said.0 == wanted {
            return said;
        }
        assert!(!deadline.passed(), "{wanted} is never said, but {said:?}");
    }
}

/// Checks that `change`, which is given the folder, makes the daemon say `words` one after the other, and that nobody who
/// asks meanwhile hears anything else, nor an older one after a newer one.
fn check(folder: Folder, words: &[&str], change: impl Fn(&Path, &str)) -> Daemon {
    let daemon = start(folder);
    let crowd = Crowd::around(&daemon);
    let mut expected = vec![until_said(&daemon, "old")];
    for word in words {
        change(daemon.folder(), word);
        expected.push(until_said(&daemon, word));
    }
    let mut versions: BTreeSet<_> = expected.iter().cloned().collect();
    for heard in crowd.leave() {
        let said: Vec<_> = heard.iter().map(|(said, _)| said).collect();
        let in_order: Vec<_> = expected.iter().map(|(word, _)| word).filter(|word| said.contains(word)).collect();
        assert_eq!(said, in_order, "each heard one set after the other and nothing else");
        versions.extend(heard);
    }
    assert_eq!(versions.len(), expected.len(), "each set has one version: {versions:?}");
    daemon
}

/// What the daemon says of itself at `path` of its admin address.
fn operator(daemon: &Daemon, path: &str) -> Value {
    let answer = Client::connect(daemon.admin).ask("GET", path);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn write(folder: &Path, files: &[(&str, String)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Puts the rules of `word` aside, in a folder of that name.
fn aside(folder: &Path, word: &str) -> PathBuf {
    let aside = folder.join(format!("of-{word}"));
    write(&aside, &rules(word));
    aside.join("rules")
}

fn link(to: &Path, from: &Path) {
    symlink(to, from).unwrap();
}
