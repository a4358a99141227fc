//! What each kind of request costs, as a table: large bodies, ten thousand rules, signatures, memory after a million.
//!
//! As in `answer`, the daemon and a server that does nothing run on a core, the load on another, and all cases take turns;
//! what counts is the quotient of the time that they spend on their core.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use common::bare::{self, Bare};
use common::case::{self, Case};
use common::daemon::{Daemon, Project};
use common::figures::{Options, Target, line, median, micros};
use common::load::Load;
use common::message::{self, Message};
use common::process::Cores;
use common::workshop::{RULES, SCRIPT};
use data_encoding::HEXLOWER;

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod bare;
    pub(crate) mod case;
    pub(crate) mod daemon;
    pub(crate) mod figures;
    pub(crate) mod load;
    pub(crate) mod message;
    pub(crate) mod process;
    pub(crate) mod workshop;
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const RULES_MANY: u64 = 10_000;
const STARTS: usize = 11;
const REQUESTS: f64 = 1_000_000.0;

const REPORT: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    when: { endedReason: { contains: customer } }
    do: [ { set: { id: "${call.id}", why: "${endedReason}", summary: "${analysis.summary}" } } ]
"#;

/// The four kinds of request, at one server.
struct Cases<'a> {
    asked: Case<'a>,
    scripted: Case<'a>,
    told: Case<'a>,
    reported: Case<'a>,
}

impl<'a> Cases<'a> {
    fn of(daemon: &'a Daemon, names: [&'static str; 4]) -> Outcome<Cases<'a>> {
        let [asked, scripted, told, reported] = names;
        let case = |name, message: &dyn Fn(usize) -> Message| Case::new(&daemon.running, daemon.address, name, message);
        Ok(Cases {
            asked: case(asked, &|call| message::tool_call("find_slot", call))?,
            scripted: case(scripted, &|call| message::tool_call("book_slot", call))?,
            told: case(told, &|_| message::speech_update())?,
            reported: case(reported, &|_| message::report())?,
        })
    }
}

fn main() -> Outcome<ExitCode> {
    if let Some(served) = bare::be_it() {
        return served.map(|()| ExitCode::SUCCESS);
    }
    let (options, cores) = (Options::given(), Cores::apart());
    let project_of_few = project("")?.0;
    let (many, many_ready) = project(&numbered_rules()?)?;
    let signed = Project::new(&[("rules/workshop.yaml", RULES), ("rules/scripts/workshop.rhai", SCRIPT)])?;
    signed.authenticate("hmac: { key: \"a-key-of-the-benchmarks\", include_timestamp: false }")?;
    let (few, many, signed) = (project_of_few.start(cores)?, many.start(cores)?, signed.start(cores)?);

    let mut ten = Cases::of(&few, ["declarative rule", "Rhai handler", "event that no rule wants", "report, 204 KB"])?;
    let mut lots = Cases::of(&many, ["  with 10,000 rules"; 4])?;
    let bare = Bare::start(ten.asked.answer_bytes, cores)?;
    let bare_case = |name, message: fn() -> Message| Case::new(&bare.running, bare.address, name, |_| message());
    let mut bare_asked = bare_case("bare hyper, tool call", || message::tool_call("find_slot", 0))?;
    let mut bare_told = bare_case("bare hyper, event", message::speech_update)?;
    let mut bare_reported = bare_case("bare hyper, report", message::report)?;
    let credential = signature(&message::speech_update());
    let mut hmac =
        Case::with(&signed.running, signed.address, "event, signed", |_| message::speech_update(), &credential)?;

    println!(
        "\ncost: {} connections, {} rounds of {:?} each in turn, {cores}\n      tool calls of {} bytes, events of {}, \
         reports of {}\n",
        case::CONNECTIONS,
        options.rounds,
        options.round,
        ten.asked.message_bytes,
        ten.told.message_bytes,
        ten.reported.message_bytes
    );
    let mut next = 0;
    {
        let cases = &mut [
            &mut bare_asked,
            &mut ten.asked,
            &mut lots.asked,
            &mut ten.scripted,
            &mut lots.scripted,
            &mut bare_told,
            &mut ten.told,
            &mut lots.told,
            &mut hmac,
            &mut bare_reported,
            &mut ten.reported,
            &mut lots.reported,
        ];
        case::measure(Load::All, cases, &mut next, options)?;
    }
    line("as many as it can", &case::COLUMNS.map(str::to_owned));
    bare_asked.report(&bare_asked);
    let asked = ten.asked.report(&bare_asked);
    lots.asked.report(&bare_asked);
    let scripted = ten.scripted.report(&bare_asked);
    lots.scripted.report(&bare_asked);
    bare_told.report(&bare_told);
    let told = ten.told.report(&bare_told);
    lots.told.report(&bare_told);
    hmac.report(&bare_told);
    bare_reported.report(&bare_reported);
    let reported = ten.reported.report(&bare_reported);
    lots.reported.report(&bare_reported);
    let of_rules = [
        lots.asked.beside(&ten.asked),
        lots.scripted.beside(&ten.scripted),
        lots.told.beside(&ten.told),
        lots.reported.beside(&ten.reported),
    ];
    let hash = hashing(&message::speech_update());
    let beyond_hash = (hmac.cost() - hash) / ten.told.cost();
    println!("\nthe hash of a signed event takes {hash:.2} us by itself");

    let half = at_half(&few, ten.asked.per_second() / 2.0, &mut next, options)?;
    let resident = after_a_million(&project_of_few.start(cores)?, &mut next, options)?;
    let binary = f64::from(u32::try_from(fs::metadata(env!("CARGO_BIN_EXE_switchhook"))?.len())?) / 1e6;
    Ok(options.conclude(&[
        Target { what: "a declarative rule costs", figure: asked, at_most: 1.5, unit: "x bare" },
        Target { what: "a Rhai handler costs", figure: scripted, at_most: 1.8, unit: "x bare" },
        Target { what: "an event that no rule wants costs", figure: told, at_most: 1.2, unit: "x bare" },
        Target { what: "a report of 204 KB costs", figure: reported, at_most: 1.6, unit: "x bare" },
        Target {
            what: "ten thousand rules cost",
            figure: of_rules.into_iter().fold(0.0, f64::max),
            at_most: 1.15,
            unit: "x ten",
        },
        Target { what: "a signature costs beyond its hash", figure: beyond_hash, at_most: 1.05, unit: "x secret" },
        Target { what: "p99 at half the peak", figure: half / 1000.0, at_most: 1.0, unit: "ms" },
        Target { what: "memory after a million requests", figure: resident, at_most: 25.0, unit: "MB" },
        Target { what: "ready with ten thousand rules after", figure: many_ready, at_most: 200.0, unit: "ms" },
        Target { what: "the stripped binary has", figure: binary, at_most: 16.0, unit: "MB" },
    ]))
}

/// A project with these rules and more, and after how many milliseconds its daemon is ready.
fn project(more: &str) -> Outcome<(Project, f64)> {
    let mut files =
        vec![("rules/workshop.yaml", RULES), ("rules/scripts/workshop.rhai", SCRIPT), ("rules/report.yaml", REPORT)];
    if !more.is_empty() {
        files.push(("rules/more.yaml", more));
    }
    let project = Project::new(&files)?;
    let starts = (0..STARTS).map(|_| project.time_to_ready()).collect::<Outcome<Vec<_>>>()?;
    Ok((project, median(starts.iter().map(|time| micros(*time) / 1000.0))))
}

fn numbered_rules() -> Outcome<String> {
    let mut text = "rules:\n".to_owned();
    for number in 0..RULES_MANY {
        writeln!(text, "  - {{ name: rule-{number}, tool: tool_{number:08}, respond: \"On ${{args.day}}.\" }}")?;
    }
    Ok(text)
}

/// The header that signs a message.
fn signature(message: &Message) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a-key-of-the-benchmarks");
    format!("x-signature: {}", HEXLOWER.encode(hmac::sign(&key, &message.body).as_ref()))
}

/// How many microseconds it takes to make the hash that a signature needs: the least of some batches, since others use the
/// machine, too.
fn hashing(message: &Message) -> f64 {
    const BATCHES: u32 = 50;
    const TIMES: u32 = 500;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a-key-of-the-benchmarks");
    let batch = || {
        let begun_at = Instant::now();
        for _ in 0..TIMES {
            black_box(hmac::sign(&key, black_box(&message.body)));
        }
        micros(begun_at.elapsed()) / f64::from(TIMES)
    };
    (0..BATCHES).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

/// The p99 at a steady load, in microseconds.
fn at_half(daemon: &Daemon, per_second: f64, next: &mut u64, options: Options) -> Outcome<f64> {
    let message = |call| message::tool_call("find_slot", call);
    let mut case = Case::new(&daemon.running, daemon.address, "declarative rule", message)?;
    case::measure(Load::Steady(per_second), &mut [&mut case], next, options)?;
    println!();
    line(&format!("{per_second:.0} requests/s, half the peak"), &case::COLUMNS.map(str::to_owned));
    case.report(&case);
    Ok(case.latency(0.99))
}

/// How much memory the daemon occupies after a million requests more, in MB; fewer in a short run.
fn after_a_million(daemon: &Daemon, next: &mut u64, options: Options) -> Outcome<f64> {
    let message = |call| message::tool_call("book_slot", call);
    let mut case = Case::new(&daemon.running, daemon.address, "Rhai handler", message)?;
    let (mut sent, wanted) = (0.0, if options.rounds == 1 { REQUESTS / 100.0 } else { REQUESTS });
    while sent < wanted {
        sent += case.round(Load::All, next, Duration::from_secs(1).min(options.round))?;
    }
    Ok(f64::from(daemon.running.resident()?) / 1e6)
}
