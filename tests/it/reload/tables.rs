//! Tables come in force and are refused just as rules are.

use std::fs;

use super::{SETTINGS, check, said, start, until_said};
use crate::support::Folder;

const RULES: &str = "rules:\n  - name: say\n    tool: say\n    let: { row: '${lookup(\"words\", \"said\")}' }\n    \
                     respond: \"${row.word} ${row.word} ${row.word}\"\n";

fn words(word: &str) -> String {
    format!("name,word\nsaid,{word}\n")
}

fn folder() -> Folder {
    Folder::with(&[
        ("switchhook.yaml", SETTINGS),
        ("rules/rules.yaml", RULES),
        ("rules/tables/words.csv", &words("old")),
    ])
}

#[test]
fn a_saved_table_comes_in_force() {
    check(folder(), &["new", "newer"], |folder, word| {
        fs::write(folder.join("rules/tables/words.csv"), words(word)).unwrap();
    });
}

#[test]
fn a_table_beside_a_single_rule_file_comes_in_force() {
    let settings = SETTINGS.to_owned() + "rules: rules/rules.yaml\n";
    let files =
        [("switchhook.yaml", &*settings), ("rules/rules.yaml", RULES), ("rules/tables/words.csv", &words("old"))];
    check(Folder::with(&files), &["new"], |folder, word| {
        fs::write(folder.join("rules/tables/words.csv"), words(word)).unwrap();
    });
}

#[test]
fn a_broken_table_leaves_the_old_one_in_force() {
    let mut daemon = start(folder());
    until_said(&daemon, "old");
    let file = daemon.folder().join("rules/tables/words.csv");
    fs::write(&file, "name,word\nsaid,new\nasked,\"or not\n").unwrap();
    let found = daemon.next_logged("in row 3 nothing closes this quote");
    assert_eq!((&found["place"], &found["slug"]), (&"rules/tables/words.csv:3:7".into(), &"table-quotes".into()));
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    fs::write(&file, words("new")).unwrap();
    until_said(&daemon, "new");
}

#[test]
fn a_cell_that_breaks_the_contract_is_named_by_row_and_column() {
    let rules =
        "rules:\n  - { name: say, tool: say, table: says }\n  - { name: who, on: assistant-request, table: who }\n";
    let says = |word: &str| format!("args.loud,=>\ntrue,loud\n,{word} {word} {word}\n");
    let who = "customer.number,=> assistantId,=> assistantOverrides.maxDurationSeconds\n+49*,asst-berlin,600\n";
    let mut daemon = start(Folder::with(&[
        ("switchhook.yaml", SETTINGS),
        ("rules/rules.yaml", rules),
        ("rules/tables/says.csv", &says("old")),
        ("rules/tables/who.csv", who),
    ]));
    until_said(&daemon, "old");
    let tables = daemon.folder().join("rules/tables");
    fs::write(tables.join("who.csv"), who.to_owned() + "+44*,asst-london,long\n").unwrap();
    let found = daemon.next_logged(
        "`assistantOverrides.maxDurationSeconds` is a text, but must be a number (reply to `assistant-request`) (row 3, \
         column `=> assistantOverrides.maxDurationSeconds`)",
    );
    assert_eq!(found["place"], "rules/tables/who.csv:3:18");
    assert_eq!(said(&mut daemon.connect()).0, "old old old");
    fs::write(tables.join("who.csv"), who.to_owned() + "+44*,asst-london,300\n").unwrap();
    fs::write(tables.join("says.csv"), says("new")).unwrap();
    until_said(&daemon, "new");
}
