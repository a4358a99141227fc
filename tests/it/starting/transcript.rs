//! The first ten minutes, as `docs/start.md` tells them: each command is run, each file saved, and what is printed is what
//! the page says. Nothing is left out but the building of the program, and what only Vapi could answer.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Daemon, Folder, switchhook};

/// Stands for whatever there is: as a line of its own for lines, within a line for a part of it.
const ANYTHING: &str = "…";

#[test]
fn the_first_ten_minutes_go_as_they_are_told() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/start.md")).unwrap();
    let folder = Folder::with(&[]);
    let mut shell = Shell { at: folder.path().to_owned(), daemon: None, ran: 0 };
    let mut folder = Some(folder);
    for (info, text) in blocks(&page) {
        match info.as_str() {
            "console serve" => {
                let mut command = switchhook(folder.as_ref().unwrap());
                command.current_dir(&shell.at).args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
                assert_eq!(text.trim(), "$ switchhook run");
                shell.daemon = Some(Daemon::of(folder.take().unwrap(), &mut command));
            }
            "console" => shell.console(&text),
            _ => shell.save(&text),
        }
    }
    assert!(8 < shell.ran, "only {} commands were found", shell.ran);
}

/// The blocks of a page, each with what it is said to be.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for line in page.lines() {
        match (line.strip_prefix("```"), is_open) {
            (Some(info), false) => blocks.push((info.to_owned(), String::new())),
            (Some(_), true) => {}
            (None, _) => {
                if let Some((_, text)) = blocks.last_mut().filter(|_| is_open) {
                    writeln!(text, "{line}").unwrap();
                }
                continue;
            }
        }
        is_open = !is_open;
    }
    blocks
}

/// Where the reader is, with the daemon in the other terminal.
struct Shell {
    at: PathBuf,
    daemon: Option<Daemon>,
    ran: usize,
}

impl Shell {
    /// Saves a block whose first line says where it belongs.
    fn save(&self, text: &str) {
        let first = text.lines().next().unwrap_or_default();
        let path = first.strip_prefix("# ").or_else(|| first.strip_prefix("// ")).filter(|path| path.contains('/'));
        if let Some(path) = path {
            fs::write(self.at.join(path), text).unwrap();
        }
    }

    /// Runs the commands of a block, and holds what they print against what stands behind them.
    fn console(&mut self, text: &str) {
        for command in text.split("$ ").skip(1) {
            let (command, expected) = command.split_once('\n').unwrap();
            match command.strip_prefix("cd ") {
                Some(folder) => self.at.push(folder),
                None => self.run(command, expected),
            }
        }
    }

    fn run(&mut self, command: &str, expected: &str) {
        let program = Path::new(env!("CARGO_BIN_EXE_switchhook")).parent().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("PATH=\"{}:$PATH\"; {command} 2>&1", program.display())]);
        shell.current_dir(&self.at).stdin(Stdio::null());
        if let Some(daemon) = &self.daemon {
            // The test cannot have the ports that the page speaks of.
            shell.env("SWITCHHOOK_LISTEN", daemon.address.to_string());
            shell.env("SWITCHHOOK_ADMIN", daemon.admin.to_string());
        }
        let printed = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        let (printed_lines, expected_lines) =
            (printed.lines().collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>());
        assert!(
            fits(&printed_lines, &expected_lines),
            "$ {command}\nprinted\n{printed}\nbut the page says\n{expected}"
        );
        self.ran += 1;
    }
}

/// Whether lines are as they are expected.
fn fits(printed: &[&str], expected: &[&str]) -> bool {
    match (printed, expected) {
        (printed, [first, rest @ ..]) if *first == ANYTHING => {
            (0..=printed.len()).any(|skipped| fits(&printed[skipped..], rest))
        }
        ([line, printed @ ..], [first, rest @ ..]) => fits_line(line, first) && fits(printed, rest),
        ([], []) => true,
        _ => false,
    }
}

fn fits_line(printed: &str, expected: &str) -> bool {
    let mut parts = expected.split(ANYTHING);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}
