//! The first thing that a newcomer tries does what the README says.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Daemon, Folder, here, switchhook};

/// The text of the first block in `language` that holds `what`, and what follows it.
fn block<'t>(text: &'t str, language: &str, what: &str) -> Option<(&'t str, &'t str)> {
    let fence = format!("```{language}\n");
    let mut blocks =
        text.match_indices(&fence).filter_map(|(at, _)| text.split_at(at + fence.len()).1.split_once("```\n"));
    blocks.find(|(block, _)| block.contains(what))
}

#[test]
fn the_request_of_the_readme_gets_its_answer() {
    let readme = fs::read_to_string(here("README.md")).unwrap();
    let (request, after) = block(&readme, "sh", "curl").expect("the README shows a request");
    let (answer, _) = block(after, "json", "").expect("the README shows the answer");
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    assert!(request.contains("localhost:8080"), "{request}");

    let folder = Folder::with(&[]);
    let mut command = switchhook(&folder);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--rules"]).arg(here("rules"));
    let daemon = Daemon::of(folder, &mut command);
    let request = request.replace("localhost:8080", &daemon.address.to_string());
    let output = Command::new("sh").args(["-c", &request]).env("no_proxy", "*").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), answer.trim());
    assert!(output.status.success());
}
