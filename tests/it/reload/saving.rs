//! Every way in which files are saved.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{aside, check, folder, link, operator, plain, rules, said, until_said, write};
use crate::support::{Daemon, Folder, switchhook};

/// A folder with one file of rules that say `old`.
fn one_file() -> Folder {
    Folder::with(&[("switchhook.yaml", super::SETTINGS), ("rules/rules.yaml", &plain("old"))])
}

const TWICE: &[&str] = &["new", "newer"];

fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, folder: &Path) {
    let ended = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(ended.status.success(), "{program}: {}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn written_in_place() {
    check(one_file(), TWICE, |folder, word| fs::write(folder.join("rules/rules.yaml"), plain(word)).unwrap());
}

#[test]
fn truncated_and_written_in_pieces() {
    // Each beginning of the file is YAML that could be served, if anybody took it for the whole. The pauses are those of a
    // slow writer, not of the test: nothing is waited for.
    let long = |word: &str| plain(word) + "  - { name: b, tool: b, respond: b }\n" + &"# and so on\n".repeat(20);
    let files = [("switchhook.yaml", super::SETTINGS), ("rules/rules.yaml", &*long("old"))];
    check(Folder::with(&files), TWICE, |folder, word| {
        let mut file = OpenOptions::new().write(true).truncate(true).open(folder.join("rules/rules.yaml")).unwrap();
        for piece in long(word).as_bytes().chunks(40) {
            thread::sleep(Duration::from_millis(20));
            file.write_all(piece).unwrap();
        }
    });
}

#[test]
fn renamed_over() {
    check(one_file(), TWICE, |folder, word| {
        fs::write(folder.join("rules/.rules.yaml.new"), plain(word)).unwrap();
        fs::rename(folder.join("rules/.rules.yaml.new"), folder.join("rules/rules.yaml")).unwrap();
    });
}

#[test]
fn renamed_over_from_another_folder() {
    check(one_file(), TWICE, |folder, word| {
        fs::write(folder.join("elsewhere"), plain(word)).unwrap();
        fs::rename(folder.join("elsewhere"), folder.join("rules/rules.yaml")).unwrap();
    });
}

#[test]
fn edited_by_sed() {
    check(one_file(), &["new"], |folder, word| {
        run("sed", ["-i", &format!("s/old/{word}/g"), "rules/rules.yaml"], folder);
    });
}

#[test]
fn saved_by_vim() {
    // As strace shows it of `backupcopy=no`: a probe whether files can be made, the old file aside, a new one in its place.
    check(one_file(), TWICE, |folder, word| {
        let rules = folder.join("rules");
        drop(File::create(rules.join("4913")).unwrap());
        fs::remove_file(rules.join("4913")).unwrap();
        fs::rename(rules.join("rules.yaml"), rules.join("rules.yaml~")).unwrap();
        let mut file = File::create(rules.join("rules.yaml")).unwrap();
        file.write_all(plain(word).as_bytes()).unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::remove_file(rules.join("rules.yaml~")).unwrap();
    });
}

#[test]
fn saved_by_vim_through_a_backup() {
    // `backupcopy=yes`, which vim takes where a file is a link: a copy aside, then the file itself is overwritten.
    check(one_file(), TWICE, |folder, word| {
        let rules = folder.join("rules");
        fs::copy(rules.join("rules.yaml"), rules.join("rules.yaml~")).unwrap();
        fs::write(rules.join("rules.yaml"), plain(word)).unwrap();
        fs::remove_file(rules.join("rules.yaml~")).unwrap();
    });
}

#[test]
fn saved_by_vs_code() {
    // It overwrites the file from its beginning and then cuts off the rest.
    check(one_file(), &["new", "n"], |folder, word| {
        let mut file = OpenOptions::new().write(true).truncate(false).open(folder.join("rules/rules.yaml")).unwrap();
        let text = plain(word);
        file.write_all(text.as_bytes()).unwrap();
        file.set_len(text.len() as u64).unwrap();
    });
}

#[test]
fn files_and_folders_come_and_go() {
    let daemon = check(folder(), &["new"], |folder, word| {
        write(folder, &[("rules/deeper/still/more.yaml", plain(word))]);
        fs::remove_file(folder.join("rules/a.yaml")).unwrap();
    });
    assert_eq!(operator(&daemon, "/api/rules")["servers"][0]["rules"][0]["place"], "rules/deeper/still/more.yaml:2:13");
    fs::remove_dir_all(daemon.folder().join("rules/scripts")).unwrap();
    fs::rename(daemon.folder().join("rules/deeper"), daemon.folder().join("rules/other")).unwrap();
    write(daemon.folder(), &[("rules/other/still/more.yaml", plain("newest"))]);
    until_said(&daemon, "newest");
}

#[test]
fn the_folder_is_renamed_away_and_back() {
    let daemon = check(folder(), TWICE, |folder, word| {
        let (rules_here, away) = (folder.join("rules"), folder.join("away"));
        fs::rename(&rules_here, &away).unwrap();
        for (path, text) in rules(word) {
            fs::write(away.join(Path::new(path).strip_prefix("rules").unwrap()), text).unwrap();
        }
        fs::rename(away, rules_here).unwrap();
    });
    // Whatever is watched is watched still.
    write(daemon.folder(), &rules("newest"));
    until_said(&daemon, "newest");
}

#[test]
fn the_folder_is_replaced_by_another() {
    check(folder(), TWICE, |folder, word| {
        let fresh = aside(folder, word);
        fs::rename(folder.join("rules"), folder.join(format!("before-{word}"))).unwrap();
        fs::rename(fresh, folder.join("rules")).unwrap();
    });
}

#[test]
fn the_folder_is_a_link_that_is_swapped() {
    let folder = folder();
    fs::rename(folder.path().join("rules"), folder.path().join("of-old")).unwrap();
    link(Path::new("of-old"), &folder.path().join("rules"));
    check(folder, TWICE, |folder, word| {
        link(&aside(folder, word), &folder.join("rules.next"));
        fs::rename(folder.join("rules.next"), folder.join("rules")).unwrap();
    });
}

/// Mounts `files` at `volume` as Kubernetes mounts a `ConfigMap`: each is a link through the link `..data`, which is swapped.
fn mount(volume: &Path, word: &str, files: &[(&str, String)]) {
    let data = format!("..2026_{word}");
    fs::create_dir_all(volume.join(&data)).unwrap();
    for (name, text) in files {
        fs::write(volume.join(&data).join(name), text).unwrap();
    }
    link(Path::new(&data), &volume.join("..data_tmp"));
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    for (name, _) in files {
        if fs::symlink_metadata(volume.join(name)).is_err() {
            link(&Path::new("..data").join(name), &volume.join(name));
        }
    }
    for entry in fs::read_dir(volume).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("..2026_") && name != data {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

#[test]
fn a_config_map_is_swapped() {
    let files = |word: &str| {
        [("a.yaml", plain(word)), ("b.yaml", "rules:\n  - { name: other, tool: other, respond: b }\n".to_owned())]
    };
    let folder = Folder::with(&[("switchhook.yaml", super::SETTINGS)]);
    mount(&folder.path().join("rules"), "old", &files("old"));
    check(folder, TWICE, |folder, word| mount(&folder.join("rules"), word, &files(word)));
}

#[test]
fn a_checkout_touches_five_hundred_files() {
    // All of them say the word, and the answer is made of the first and the last: half a checkout would show.
    let write_all = |folder: &Path, word: &str| {
        for number in 0..500 {
            let text = format!("vars: {{ word_{number}: {word} }}\n");
            write(folder, &[(&format!("rules/part-{number:03}.yaml"), text)]);
        }
        let answer = "${vars.word_0} ${vars.word_250} ${vars.word_499}";
        let rule = format!("rules:\n  - {{ name: say, tool: say, respond: \"{answer}\" }}\n# {word}\n");
        write(folder, &[("rules/rule.yaml", rule)]);
    };
    let git = |folder: &Path, arguments: &[&str]| {
        let settings = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=old"];
        run("git", settings.iter().chain(arguments), folder);
    };
    let folder = folder();
    fs::remove_dir_all(folder.path().join("rules")).unwrap();
    write_all(folder.path(), "old");
    git(folder.path(), &["init", "-q"]);
    for word in ["old", "new"] {
        write_all(folder.path(), word);
        git(folder.path(), &["add", "rules"]);
        git(folder.path(), &["commit", "-q", "-m", word]);
        git(folder.path(), &["branch", "-f", &format!("b-{word}")]);
    }
    git(folder.path(), &["checkout", "-q", "b-old"]);
    check(folder, &["new"], |folder, word| git(folder, &["checkout", "-q", &format!("b-{word}")]));
}

#[test]
fn what_is_touched_without_a_change_is_not_loaded() {
    let daemon = check(one_file(), &["new"], |folder, word| {
        fs::write(folder.join("rules/rules.yaml"), plain(word)).unwrap();
    });
    let file = daemon.folder().join("rules/rules.yaml");
    for _ in 0..3 {
        fs::write(&file, plain("new")).unwrap();
        fs::rename(&file, daemon.folder().join("aside")).unwrap();
        fs::rename(daemon.folder().join("aside"), &file).unwrap();
    }
    // Only the last change counts.
    fs::write(&file, plain("newer")).unwrap();
    until_said(&daemon, "newer");
    assert_eq!(operator(&daemon, "/readyz")["servers"][0]["generation"], 3);
}

#[test]
fn changes_are_found_where_nobody_tells_of_them() {
    let settings = "version_header: x-rules-version\nreload: { watch: false, poll: 100ms }\n";
    let folder = || {
        let folder = folder();
        fs::write(folder.path().join("switchhook.yaml"), settings).unwrap();
        folder
    };
    check(folder(), TWICE, |folder, word| {
        let fresh = aside(folder, word);
        fs::rename(folder.join("rules"), folder.join(format!("before-{word}"))).unwrap();
        fs::rename(fresh, folder.join("rules")).unwrap();
    });
    check(folder(), &["new"], |folder, word| {
        fs::remove_file(folder.join("rules/b.yaml")).unwrap();
        fs::remove_dir_all(folder.join("rules/scripts")).unwrap();
        fs::write(folder.join("rules/a.yaml"), plain(word)).unwrap();
    });
}

#[test]
fn a_file_behind_a_link_is_found_by_looking() {
    // Nothing tells of what changes at the other end of a link.
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("rules.yaml");
    fs::write(&target, plain("old")).unwrap();
    let settings = "version_header: x-rules-version\nreload: { poll: 200ms }\n";
    let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/.keep", "")]);
    link(&target, &folder.path().join("rules/rules.yaml"));
    let daemon = check(folder, TWICE, |_, word| fs::write(&target, plain(word)).unwrap());
    assert_eq!(said(&mut daemon.connect()).0, "newer newer newer");
}

#[test]
fn a_folder_that_was_removed_and_made_again_is_watched() {
    // Nothing is found by looking here: only hints tell. The file system may give the new folder the number of the old one.
    let settings = "version_header: x-rules-version\nreload: { poll: 10m }\n";
    let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", &plain("old"))]);
    check(folder, &["new", "newer", "newest"], |folder, word| {
        fs::remove_dir_all(folder.join("rules")).unwrap();
        fs::create_dir(folder.join("rules")).unwrap();
        fs::write(folder.join("rules/rules.yaml"), plain("between")).unwrap();
        fs::write(folder.join("rules/rules.yaml"), plain(word)).unwrap();
    });
}

#[test]
fn the_rules_may_be_where_the_data_is() {
    let folder = Folder::with(&[
        ("switchhook.yaml", "version_header: x-rules-version\ndata: .\n"),
        ("rules/a/b.yaml", &plain("old")),
    ]);
    let daemon = check(folder, TWICE, |folder, word| fs::write(folder.join("rules/a/b.yaml"), plain(word)).unwrap());
    assert!(daemon.folder().join("rules/a/b.yaml").exists());
    let folder = Folder::with(&[("a.yaml", &plain("old"))]);
    let mut command = switchhook(&folder);
    let daemon =
        Daemon::of(folder, command.args(["run", "--rules", ".", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]));
    until_said(&daemon, "old");
    fs::write(daemon.folder().join("a.yaml"), plain("new")).unwrap();
    until_said(&daemon, "new");
}
