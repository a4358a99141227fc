//! A project is made of what an organisation has at Vapi: it is sound, its tests pass, and no secret comes along.

use std::fs;
use std::path::Path;

use crate::golden;
use crate::support::{Ended, Folder, switchhook};

const EXPORTED: [&str; 3] = ["assistants.json", "tools.json", "numbers.json"];
const WRITTEN: [&str; 4] = ["numbers.yaml", "numbers.test.yaml", "tools.yaml", "tools.test.yaml"];

fn here() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/importing"))
}

fn imported() -> (Folder, Ended) {
    let folder = Folder::with(&[]);
    let files = EXPORTED.map(|name| here().join(name));
    let ended = Ended::of(switchhook(&folder).arg("import").args(files));
    (folder, ended)
}

#[test]
fn what_is_made_is_sound_and_passes_its_tests() {
    let (folder, ended) = imported();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("wrote a rule for 3 tools and 3 numbers"), "{}", ended.stdout);
    assert!(ended.stderr.contains("write a rule for `transfer-destination-request`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("of type `endCall` was left out"), "{}", ended.stderr);
    let written = |name: &&str| fs::read_to_string(folder.path().join("rules").join(name)).unwrap();
    let compared = |name: &&str| golden::difference(&here().join(name), &written(name));
    golden::assert_none(&WRITTEN.iter().filter_map(compared).collect::<Vec<_>>());
    assert!(WRITTEN.iter().all(|name| !written(name).contains("hunter")), "a secret came along");
    for command in ["check", "test"] {
        let ended = Ended::of(switchhook(&folder).arg(command));
        assert_eq!(ended.code, Some(0), "{command}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn no_file_that_is_there_is_touched() {
    let folder = Folder::with(&[("rules/tools.test.yaml", "tests: []\n")]);
    let ended = Ended::of(switchhook(&folder).arg("import").arg(here().join("tools.json")));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("tools.test.yaml` is there already"), "{}", ended.stderr);
    assert!(!folder.path().join("rules/tools.yaml").exists());
}

#[test]
fn what_is_no_export_is_refused() {
    let folder = Folder::with(&[("list.json", "[1, 2]"), ("broken.json", "[{"), ("deep.json", &"[".repeat(100_000))]);
    for (file, why) in [
        ("list.json", "`list.json` holds no assistant, no tool and no phone number"),
        ("broken.json", "cannot read `broken.json`: it is no JSON"),
        ("deep.json", "cannot read `deep.json`: it is no JSON"),
        ("none.json", "cannot read `none.json`"),
    ] {
        let ended = Ended::of(switchhook(&folder).args(["import", file]));
        assert_eq!(ended.code, Some(2), "{file}");
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
}

#[test]
fn tools_are_held_against_those_at_vapi() {
    let (folder, _) = imported();
    let compare = |file: &Path| Ended::of(switchhook(&folder).args(["tools", "--compare"]).arg(file));
    let ended = compare(&here().join("tools.json"));
    assert_eq!(ended.code, Some(1));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let [missing, hurried] = lines.as_slice() else { panic!("{}", ended.stdout) };
    assert_eq!(*missing, "`opening_hours` is declared, but Vapi has no such tool");
    assert!(hurried.starts_with("Vapi waits 10 s for `book_table`, and the rules count on 20 s"), "{hurried}");
    fs::write(folder.path().join("switchhook.yaml"), "timeout: 10s\n").unwrap();
    let both = folder.path().join("both.json");
    let texts = ["tools.json", "assistants.json"].map(|name| fs::read_to_string(here().join(name)).unwrap());
    fs::write(&both, format!("[{}]", texts.join(","))).unwrap();
    let ended = compare(&both);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
}
