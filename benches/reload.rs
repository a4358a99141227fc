//! Whether reloading is noticed by anybody: ten thousand reloads under load, and what one of a large set costs.
//!
//! Every answer names the set that made it, once from its YAML and once from its script, and is checked: no request may
//! fail, none may be answered by two sets, or by one that is broken or older than one that answered before.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use common::daemon::{Daemon, Project};
use common::figures::{Options, Target, line, median, micros, quantile};
use common::load::{self, Connection, Load, Round};
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

/// Requests a second while it reloads.
const STEADY: f64 = 2500.0;
const CONNECTIONS: usize = 16;
const RELOADS: usize = 10_000;
const RELOADS_SMOKE: usize = 60;
/// After so many reloads memory is looked at for the first time.
const WARM: usize = 100;
const ANSWERS_BYTES_MAX: usize = 64 << 10;
/// The large set.
const RULES: usize = 10_000;
const SCRIPTS: usize = 50;
/// How often the large set is loaded, and the small one noticed.
const TIMES: usize = 9;

fn main() -> Outcome<ExitCode> {
    let options = Options::given();
    let reloads = if options.rounds == 1 { RELOADS_SMOKE } else { RELOADS };
    let noticed = time_to_notice()?;
    line("a saved file is in force after", &[format!("{noticed:.0} ms")]);
    let (cpu, took) = cost_of_a_large_set()?;
    line("10,000 rules and 50 scripts", &[format!("{took:.0} ms"), format!("{cpu:.0} ms CPU")]);
    println!("  (from reading to swap; the CPU time also reads twice, keeps the set on disk and reports)");

    let stress = stress(reloads, options)?;
    println!("\nreload: {reloads} reloads, {CONNECTIONS} connections, {STEADY} requests/s asked for");
    line("", &["answers", "requests/s", "p50 us", "p99 us"].map(str::to_owned));
    report("without reloads", &stress.alone);
    report("while reloading", &stress.beside);
    println!("  {} sets put in force, {} refused; every answer was right", stress.loaded, stress.refused);
    let memory = stress.after / stress.warm;
    line("resident memory", &[format!("{:.1} MiB", stress.warm), format!("{:.1} MiB", stress.after)]);
    let p99 = |round: &Round| micros(quantile(&round.latencies, 0.99));
    let ratio = median(stress.beside.iter().map(p99)) / median(stress.alone.iter().map(p99));
    Ok(options.conclude(&[
        Target { what: "p99 while reloading", figure: ratio, at_most: 2.0, unit: "x alone" },
        Target { what: "memory after all reloads", figure: memory, at_most: 1.1, unit: "x after the first hundred" },
        Target { what: "10,000 rules and 50 scripts", figure: took, at_most: 150.0, unit: "ms from reading to swap" },
        Target { what: "a saved file is in force after", figure: noticed, at_most: 250.0, unit: "ms" },
    ]))
}

fn yaml(number: usize) -> String {
    format!(
        "vars: {{ set: {number} }}\nrules:\n  - name: find-slot\n    tool: find_slot\n    \
         script: 'import \"desk\" as desk; `set ${{vars.set}} ${{desk::set()}}.`'\n"
    )
}

fn script(number: usize) -> String {
    format!("fn set() {{ {number} }}\n")
}

/// The set that an answer names, if it names only one.
fn set(answer: &str) -> Outcome<usize> {
    let wrong = || format!("nobody should have said {answer}");
    let (said, _) = answer.split_once("set ").and_then(|(_, said)| said.split_once('.')).ok_or_else(wrong)?;
    let (yaml, script) = said.split_once(' ').ok_or_else(wrong)?;
    if yaml == script { Ok(yaml.parse()?) } else { Err(wrong().into()) }
}

/// Writes set `number` into a folder of its own.
fn prepare(project: &Path, number: usize) -> Outcome<()> {
    let folder = project.join(format!("set-{number}"));
    fs::create_dir_all(folder.join("scripts"))?;
    fs::write(folder.join("rules.yaml"), yaml(number))?;
    Ok(fs::write(folder.join("scripts/desk.rhai"), script(number))?)
}

/// Makes a prepared set the rules, at one stroke.
fn swap(project: &Path, number: usize) -> Outcome<()> {
    symlink(format!("set-{number}"), project.join("next"))?;
    Ok(fs::rename(project.join("next"), project.join("rules"))?)
}

/// How many milliseconds it takes from saving a file until an answer is made by it: the median, from a quiet state.
fn time_to_notice() -> Outcome<f64> {
    let project = Project::new(&[("rules/rules.yaml", &yaml(0)), ("rules/scripts/desk.rhai", &script(0))])?;
    let daemon = project.start(Cores::ANY)?;
    let mut connection = Connection::open(daemon.address, message::tool_call("find_slot", 0))?;
    let mut times = Vec::new();
    for number in 1..=TIMES {
        // One file: a set of two would be half old in between.
        let text = format!("rules:\n  - {{ name: a, tool: find_slot, respond: \"set {number} {number}.\" }}\n");
        fs::write(project.path().join("rules/rules.yaml"), text)?;
        let begun_at = Instant::now();
        for asked in 0_u64.. {
            if set(connection.ask(number as u64 * 1_000_000 + asked)?.0)? == number {
                break;
            }
        }
        times.push(begun_at.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

/// How many milliseconds of a core it takes to reload a large set, with all that comes before and after, and how many from
/// reading to swap, which one thread does: medians.
fn cost_of_a_large_set() -> Outcome<(f64, f64)> {
    let large = |turn: usize| {
        let rule = |number: usize| {
            format!(
                "  - name: line-{number}\n    tool: book_{number}\n    when: {{ customer.number: \"+1555{number:07}\" }}\n    \
                 respond: \"Table {number} is yours, ${{args.name}}, in turn {turn}.\"\n"
            )
        };
        "rules:\n".to_owned() + &(0..RULES).map(rule).collect::<String>()
    };
    let project = Project::new(&[("rules/rules.yaml", &large(0))])?;
    for number in 0..SCRIPTS {
        let body = "    let total = 0;\n    for price in args.prices { total += price; }\n    `That is ${total}.`\n";
        let text = format!("fn sum(args) {{\n{body}}}\nfn name(args) {{ `${{args.name}} ({number})` }}\n");
        fs::write(project.path().join(format!("rules/scripts/desk_{number}.rhai")), text)?;
    }
    let daemon = project.start(Cores::ANY)?;
    let (mut cpu, mut took) = (Vec::new(), Vec::new());
    for turn in 1..=TIMES {
        fs::write(project.path().join("rules/rules.yaml"), large(turn))?;
        let before = daemon.running.cpu_time()?;
        let (status, said) = daemon.reload()?;
        if status != 200 || !said.contains("\"loaded\"") {
            return Err(format!("the large set was not loaded: {said}").into());
        }
        cpu.push(micros(daemon.running.cpu_time()?.saturating_sub(before)) / 1e3);
        let (_, after) = said.split_once("\"took_ms\": ").ok_or("the daemon does not say how long it took")?;
        took.push(after.split(',').next().unwrap_or_default().parse()?);
    }
    Ok((median(cpu), median(took)))
}

/// What the stress came to.
struct Stress {
    alone: Vec<Round>,
    beside: Vec<Round>,
    loaded: usize,
    refused: usize,
    /// Resident memory, in MiB, after the first reloads and after all of them.
    warm: f64,
    after: f64,
}

fn stress(reloads: usize, options: Options) -> Outcome<Stress> {
    let project = Project::new(&[])?;
    // The answers to tool calls have a limit of their own; they must not pass for what reloading leaves behind.
    project.set(&format!("limits: {{ answers_bytes_max: {ANSWERS_BYTES_MAX} }}"))?;
    fs::remove_dir_all(project.path().join("rules"))?;
    prepare(project.path(), 0)?;
    swap(project.path(), 0)?;
    let daemon = project.start(Cores::ANY)?;
    let open = |_| Connection::open(daemon.address, message::tool_call("find_slot", 0));
    let mut connections = (0..CONNECTIONS).map(open).collect::<Outcome<Vec<_>>>()?;
    let (mut next, mut newest) = (0, [0; CONNECTIONS]);
    // Each connection asks one thing at a time, so that a set that answers it is never older than the one before.
    let mut check = |connection: usize, answer: &str| {
        let set = set(answer)?;
        match newest.get_mut(connection) {
            Some(newest) if *newest <= set => *newest = set,
            _ => return Err(format!("set {set} answered after a newer one").into()),
        }
        Ok(())
    };
    let mut round = |connections: &mut [Connection]| {
        load::put(Load::Steady(STEADY), connections, &mut next, options.round, &mut check)
    };
    let mut alone = Vec::new();
    for _ in 0..options.rounds {
        alone.push(round(&mut connections)?);
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            let outcome = reload_all(&daemon, project.path(), reloads);
            over.store(true, Ordering::Relaxed);
            outcome
        });
        let mut beside = Vec::new();
        while !over.load(Ordering::Relaxed) {
            beside.push(round(&mut connections)?);
        }
        let reloaded = reloading.join().map_err(|_| "the thread that reloads panicked")??;
        let Reloaded { loaded, refused, warm, after } = reloaded;
        Ok(Stress { alone, beside, loaded, refused, warm, after })
    })
}

/// What became of the sets.
#[derive(Default)]
struct Reloaded {
    loaded: usize,
    refused: usize,
    warm: f64,
    after: f64,
}

/// Good sets, broken ones, and good ones that are first half written.
fn reload_all(daemon: &Daemon, project: &Path, reloads: usize) -> Outcome<Reloaded> {
    let mut reloaded = Reloaded::default();
    let resident =
        || Ok::<f64, Box<dyn Error + Send + Sync>>(f64::from(daemon.running.resident()?) / f64::from(1 << 20));
    for number in 1..=reloads {
        prepare(project, number)?;
        let file = project.join(format!("set-{number}/rules.yaml"));
        let expected = match number % 3 {
            0 => 200,
            1 => {
                fs::write(&file, yaml(number).replace("tool:", "toll:"))?;
                422
            }
            _ => {
                let text = yaml(number);
                let most = text.get(..text.len() * 3 / 4).unwrap_or_default();
                fs::write(&file, most)?;
                422
            }
        };
        swap(project, number)?;
        let (status, said) = daemon.reload()?;
        if status != expected {
            return Err(format!("set {number} was to end in {expected}, but: {said}").into());
        }
        let count = if status == 200 { &mut reloaded.loaded } else { &mut reloaded.refused };
        *count += 1;
        fs::remove_dir_all(project.join(format!("set-{}", number - 1)))?;
        if number == WARM.min(reloads) {
            reloaded.warm = resident()?;
        }
    }
    reloaded.after = resident()?;
    Ok(reloaded)
}

fn report(what: &str, rounds: &[Round]) {
    let latency = |share| median(rounds.iter().map(|round| micros(quantile(&round.latencies, share))));
    let answers: usize = rounds.iter().map(|round| round.latencies.len()).sum();
    let per_second = median(rounds.iter().map(|round| round.requests() / round.took.as_secs_f64()));
    let figures = [
        answers.to_string(),
        format!("{per_second:.0}"),
        format!("{:.0}", latency(0.5)),
        format!("{:.0}", latency(0.99)),
    ];
    line(what, &figures);
}
