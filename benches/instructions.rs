//! How many instructions the parts of an answer take, against what they took before.
//!
//! Time is no measure on a machine that others share; instructions are the same from one run to the next, nearly. Valgrind
//! counts them: this program starts itself under it, once to do a part a few times and once to do it more often, and the
//! difference is what it takes. `instructions.txt` holds what that was. A part that has grown by more than a twentieth
//! fails the run, and so does one that has shrunk by as much, so that what was gained is not lost unseen; `--write` writes
//! the file anew, which belongs into the commit that changed the figures.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::message::{self, Message};
use common::workshop;
use switchhook::engine::event::Event;
use switchhook::engine::facts::{Facts, Unhurried};
use switchhook::engine::{Engine, Turn};

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod message;
    pub(crate) mod workshop;
}

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The argument that makes the program do a part: its name and how often follow.
const DO: &str = "--do";
const FEW: u64 = 20;
const MORE: u64 = 120;
/// By how much a figure may differ from what is written.
const TOLERANCE: f64 = 0.05;
const RULES_MANY: u64 = 10_000;

const RULES: &str = r#"
rules:
  - name: find-slot
    tool: find_slot
    when: { args.work: service, args.name: { matches: "^[A-Z]" }, args.bicycle: [ city, cargo ] }
    respond: "On ${args.day} there is a place for your ${args.bicycle} bicycle at ten."
  - name: book-slot
    tool: book_slot
    run: workshop::book_slot
  - name: report
    on: end-of-call-report
    when: { endedReason: { contains: customer } }
    do:
      - post: https://crm.example.com/calls
        json: { call: "${call.id}", why: "${endedReason}", summary: "${analysis.summary}" }
"#;

/// A part of an answer, by the name that it has in the file.
struct Part {
    name: &'static str,
    message: fn() -> Message,
    work: fn(&Engine, &Message),
    rules: u64,
}

const PARTS: &[Part] = &[
    Part { name: "scan, 16 KB tool call", message: || message::tool_call("find_slot", 0), work: scan, rules: 0 },
    Part { name: "scan, 204 KB report", message: message::report, work: scan, rules: 0 },
    Part { name: "scan, event that no rule wants", message: message::speech_update, work: scan, rules: 0 },
    Part { name: "match and render", message: || message::tool_call("find_slot", 0), work: decide, rules: 0 },
    Part { name: "script", message: || message::tool_call("book_slot", 0), work: decide, rules: 0 },
    Part { name: "report with an action", message: message::report, work: decide, rules: 0 },
    Part { name: "match among 10,000 rules", message: message::numbered_tool, work: decide, rules: RULES_MANY },
];

fn main() -> Outcome<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == DO) {
        let (name, times) = (arguments.get(at + 1).ok_or("which part?")?, arguments.get(at + 2).ok_or("how often?")?);
        do_it(name, times.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let figures = PARTS.iter().map(|part| Ok((part.name, instructions(part)?))).collect::<Outcome<Vec<_>>>()?;
    if arguments.iter().any(|argument| argument == "--write") {
        fs::write(file(), written(&figures))?;
    }
    Ok(if compare(&figures, &baseline()?) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a part takes.
fn instructions(part: &Part) -> Outcome<u64> {
    let (few, more) = (count(part.name, FEW)?, count(part.name, MORE)?);
    Ok(more.saturating_sub(few) / (MORE - FEW))
}

/// How many instructions the program takes that does a part so often.
fn count(name: &str, times: u64) -> Outcome<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe()?);
    let output = command.args([DO, name, &times.to_string()]).output();
    let output = output.map_err(|error| format!("valgrind counts the instructions, and cannot be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    let count = collected.filter(|_| output.status.success());
    Ok(count.ok_or_else(|| format!("`{name}` ended in {}:\n{said}", output.status))?.parse()?)
}

/// Prints the table, and says whether all is as it is written.
fn compare(figures: &[(&str, u64)], baseline: &BTreeMap<String, u64>) -> bool {
    println!("\n  {:<34}{:>14}{:>14}{:>9}", "instructions", "now", "before", "x");
    let mut all_is_well = true;
    for (name, now) in figures {
        let before = baseline.get(*name).copied().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a quotient of counts below 2^52")]
        let ratio = *now as f64 / before.max(1) as f64;
        let differs = TOLERANCE < (ratio - 1.0).abs();
        all_is_well &= !differs;
        println!("  {name:<34}{now:>14}{before:>14}{ratio:>9.3}{}", if differs { "  DIFFERS" } else { "" });
    }
    if !all_is_well {
        println!(
            "\n  If that is meant, or another compiler has made it, write it anew and commit it with the change:\n    \
             cargo bench --bench instructions -- --write"
        );
    }
    all_is_well
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
}

fn written(figures: &[(&str, u64)]) -> String {
    let mut text = "# Instructions that each part takes: `cargo bench --bench instructions -- --write`.\n".to_owned();
    for (name, count) in figures {
        // A text has room for everything.
        let _ = writeln!(text, "{name}: {count}");
    }
    text
}

fn baseline() -> Outcome<BTreeMap<String, u64>> {
    let text = fs::read_to_string(file())?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let line = |line: &str| -> Outcome<(String, u64)> {
        let (name, count) = line.rsplit_once(": ").ok_or("a line of the baseline is no name and count")?;
        Ok((name.to_owned(), count.parse()?))
    };
    lines.map(line).collect()
}

fn do_it(name: &str, times: u64) -> Outcome<()> {
    let part = PARTS.iter().find(|part| part.name == name).ok_or("there is no such part")?;
    let (engine, message) = (workshop::engine(RULES, &workshop::numbered_rules(part.rules))?, (part.message)());
    for _ in 0..times {
        (part.work)(&engine, &message);
    }
    Ok(())
}

fn read(engine: &Engine, message: &Message) -> Option<Event> {
    engine.read(message.body.clone()).ok()
}

fn scan(engine: &Engine, message: &Message) {
    black_box(read(engine, message));
}

/// From body to reply.
fn decide(engine: &Engine, message: &Message) {
    let Some(event) = read(engine, message) else { return };
    let turn = Engine::turns(&event).first().copied().unwrap_or(Turn::Whole);
    let decision = engine.decide(&event, turn, &Facts::default(), Arc::new(Unhurried));
    black_box(decision.map(|decision| decision.reply.to_bytes()).ok());
}
