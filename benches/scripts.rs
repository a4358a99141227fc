//! Whether scripts that never end hold up those who ask for something quick.
//!
//! One connection asks a plain rule at a steady, modest rate. In every other round, 32 more ask a rule whose script loops
//! until the daemon stops it.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::daemon::{Daemon, Project};
use common::figures::{Options, Target, line, median, micros, quantile};
use common::load::Connection;
use common::message;
use common::process::Cores;

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod daemon;
    pub(crate) mod figures;
    pub(crate) mod load;
    pub(crate) mod message;
    pub(crate) mod process;
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const LOOPING_CONNECTIONS: usize = 32;
/// How often the plain rule is asked: 500 times a second.
const PERIOD: Duration = Duration::from_millis(2);

const RULES: &str = r#"
rules:
  - name: find-slot
    tool: find_slot
    when: { args.work: service }
    respond: "On ${args.day} there is a place for your ${args.bicycle} bicycle at ten."
  - name: for-ever
    tool: book_slot
    run: workshop::for_ever
    fallback: "The book is closed."
"#;

const SCRIPT: &str = "fn for_ever(args) { let days = [args.day]; while true { days[0] = args.day; } days }";

fn main() -> Outcome<ExitCode> {
    let options = Options::given();
    let project = Project::new(&[("rules/workshop.yaml", RULES), ("rules/scripts/workshop.rhai", SCRIPT)])?;
    // On one core, scripts and quick answers would have to take turns: not what this is about.
    let daemon = project.start(Cores::ANY)?;
    let numbers = AtomicU64::new(1);
    println!(
        "\nscripts: {LOOPING_CONNECTIONS} connections ask for a script that never ends, {} rounds of {:?}",
        options.rounds, options.round
    );

    let (mut alone, mut beside, mut ended) = (Vec::new(), Vec::new(), 0);
    for _ in 0..options.rounds {
        alone.push(plain(&daemon, &numbers, options.round)?);
        let (round, scripts) = disturbed(&daemon, &numbers, options.round)?;
        beside.push(round);
        ended += scripts;
    }
    line("", &["answers", "p50 us", "p99 us"].map(str::to_owned));
    report("a plain rule, alone", &alone);
    report("a plain rule, beside scripts", &beside);
    println!("  scripts stopped meanwhile: {ended}");
    let ratio = median(alone.iter().zip(&beside).map(|(alone, beside)| p99(beside) / p99(alone)));
    Ok(options.conclude(&[Target {
        what: "p99 of a plain rule beside scripts",
        figure: ratio,
        at_most: 2.0,
        unit: "x alone",
    }]))
}

/// Asks the plain rule for `time`; returns how long the answers took, in order of length.
fn plain(daemon: &Daemon, numbers: &AtomicU64, time: Duration) -> Outcome<Vec<Duration>> {
    let mut connection = Connection::open(daemon.address, message::tool_call("find_slot", 0))?;
    let mut latencies = Vec::new();
    let begun_at = Instant::now();
    let mut due = begun_at;
    while begun_at.elapsed() < time {
        due += PERIOD;
        let late = Instant::now().saturating_duration_since(due);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (answer, latency) = connection.ask(numbers.fetch_add(1, Ordering::Relaxed))?;
        if !answer.contains("at ten") {
            return Err(format!("the plain rule said {answer}").into());
        }
        // What had to wait for the answer before it has waited too.
        latencies.push(latency + late);
    }
    latencies.sort_unstable();
    Ok(latencies)
}

/// The same, while others loop. Returns also how many of those were answered.
fn disturbed(daemon: &Daemon, numbers: &AtomicU64, time: Duration) -> Outcome<(Vec<Duration>, usize)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let looping: Vec<_> =
            (0..LOOPING_CONNECTIONS).map(|_| scope.spawn(|| loop_until(daemon, numbers, &over))).collect();
        // All of them have asked by then.
        thread::sleep(time / 10);
        let latencies = plain(daemon, numbers, time);
        over.store(true, Ordering::Relaxed);
        let mut ended = 0;
        for thread in looping {
            ended += thread.join().map_err(|_| "a thread of the load panicked")??;
        }
        Ok((latencies?, ended))
    })
}

fn loop_until(daemon: &Daemon, numbers: &AtomicU64, over: &AtomicBool) -> Outcome<usize> {
    let mut connection = Connection::open(daemon.address, message::tool_call("book_slot", 1))?;
    let mut ended = 0;
    while !over.load(Ordering::Relaxed) {
        let (answer, _) = connection.ask(numbers.fetch_add(1, Ordering::Relaxed))?;
        if !answer.contains("The book is closed.") {
            return Err(format!("the looping rule said {answer}").into());
        }
        ended += 1;
    }
    Ok(ended)
}

fn p99(latencies: &[Duration]) -> f64 {
    micros(quantile(latencies, 0.99))
}

fn report(what: &str, rounds: &[Vec<Duration>]) {
    let answers: usize = rounds.iter().map(Vec::len).sum();
    let p50 = median(rounds.iter().map(|round| micros(quantile(round, 0.5))));
    let p99 = median(rounds.iter().map(|round| p99(round)));
    line(what, &[answers.to_string(), format!("{p50:.0}"), format!("{p99:.0}")]);
}
