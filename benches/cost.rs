//! What each kind of request costs, as a table: large bodies, ten thousand rules, signatures, actions, a second core, memory
//! after a million.
//!
//! As in `answer`, the daemon and a server that does nothing run on a core, the load on another, and all cases take turns;
//! what counts is the quotient of the time that they spend on their core. A third server does nothing but scan each body:
//! that is the floor for whoever decides by what is in it.
//!
//! `cargo bench --bench cost -- appending` measures that part alone; so with `requests`, `cores` and `size`.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use common::bare::{self, Bare, Work};
use common::case::{self, Case};
use common::daemon::{Daemon, Project};
use common::figures::{Options, Target, includes, line, median, micros};
use common::load::Load;
use common::message::{self, Message};
use common::process::{Cores, Running};
use common::workshop::{self, REPORT, RULES, SCRIPT};
use costs::{appending, two_cores};
use data_encoding::HEXLOWER;

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod appender;
    pub(crate) mod bare;
    pub(crate) mod case;
    pub(crate) mod daemon;
    pub(crate) mod figures;
    pub(crate) mod load;
    pub(crate) mod message;
    pub(crate) mod process;
    pub(crate) mod workshop;
}

mod costs {
    pub(crate) mod appending;
    pub(crate) mod two_cores;
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const RULES_MANY: u64 = 10_000;
const STARTS: usize = 11;
const REQUESTS: f64 = 1_000_000.0;

/// The four kinds of request, at one server.
struct Cases<'a> {
    asked: Case<'a>,
    scripted: Case<'a>,
    told: Case<'a>,
    reported: Case<'a>,
}

impl<'a> Cases<'a> {
    fn of(server: &'a Running, address: SocketAddr, names: [&'static str; 4]) -> Outcome<Cases<'a>> {
        let [asked, scripted, told, reported] = names;
        let case = |name, message: &dyn Fn(usize) -> Message| Case::new(server, address, name, message);
        Ok(Cases {
            asked: case(asked, &|call| message::tool_call("find_slot", call))?,
            scripted: case(scripted, &|call| message::tool_call("book_slot", call))?,
            told: case(told, &|_| message::speech_update())?,
            reported: case(reported, &|_| message::report())?,
        })
    }

    fn of_daemon(daemon: &'a Daemon, names: [&'static str; 4]) -> Outcome<Cases<'a>> {
        Cases::of(&daemon.running, daemon.address, names)
    }

    fn of_bare(bare: &'a Bare, names: [&'static str; 4]) -> Outcome<Cases<'a>> {
        Cases::of(&bare.running, bare.address, names)
    }

    fn all<'c>(&'c self) -> [&'c Case<'a>; 4] {
        [&self.asked, &self.scripted, &self.told, &self.reported]
    }

    fn all_mut<'c>(&'c mut self) -> [&'c mut Case<'a>; 4] {
        [&mut self.asked, &mut self.scripted, &mut self.told, &mut self.reported]
    }

    /// How many times each costs what it costs at `others`.
    fn beside(&self, others: &Cases<'_>) -> [f64; 4] {
        let [asked, scripted, told, reported] = self.all();
        [
            asked.beside(&others.asked),
            scripted.beside(&others.scripted),
            told.beside(&others.told),
            reported.beside(&others.reported),
        ]
    }
}

fn main() -> Outcome<ExitCode> {
    if let Some(done) = bare::be_it().or_else(two_cores::be_it) {
        return done.map(|()| ExitCode::SUCCESS);
    }
    // Before this process keeps to one of them.
    let one_and_two = Cores::one_and_two();
    let (options, cores) = (Options::given(), Cores::apart());
    let mut next = 0;
    let mut targets = Vec::new();
    if includes("requests") {
        targets.extend(requests(cores, &mut next, options)?);
    }
    if includes("appending") {
        targets.push(appending::measure(cores, &mut next, options)?);
    }
    if let Some(cores) = one_and_two
        && includes("cores")
    {
        targets.push(two_cores::measure(&project("")?, cores, options)?);
    }
    if includes("size") {
        targets.extend(size(cores, &mut next, options)?);
    }
    Ok(options.conclude(&targets))
}

/// How large it is and becomes, and how long it takes to start among many rules.
fn size(cores: Cores, next: &mut u64, options: Options) -> Outcome<[Target; 3]> {
    let ready = ready(&project(&workshop::numbered_rules(RULES_MANY))?)?;
    let resident = after_a_million(&project("")?.start(cores)?, next, options)?;
    let binary = f64::from(u32::try_from(fs::metadata(env!("CARGO_BIN_EXE_switchhook"))?.len())?) / 1e6;
    Ok([
        Target { what: "memory after a million requests", figure: resident, at_most: 25.0, unit: "MB" },
        Target { what: "ready with ten thousand rules after", figure: ready, at_most: 200.0, unit: "ms" },
        Target { what: "the stripped binary has", figure: binary, at_most: 16.0, unit: "MB" },
    ])
}

/// What each kind of request costs beside a server that does nothing, and one that does nothing but scan.
fn requests(cores: Cores, next: &mut u64, options: Options) -> Outcome<[Target; 7]> {
    let (few, many) = (project("")?, project(&workshop::numbered_rules(RULES_MANY))?);
    let signed = Project::new(&[("rules/workshop.yaml", RULES), ("rules/scripts/workshop.rhai", SCRIPT)])?;
    signed.authenticate("hmac: { key: \"a-key-of-the-benchmarks\", include_timestamp: false }")?;
    let (few, many, signed) = (few.start(cores)?, many.start(cores)?, signed.start(cores)?);
    let mut ten =
        Cases::of_daemon(&few, ["declarative rule", "Rhai handler", "event that no rule wants", "report, 204 KB"])?;
    let mut lots = Cases::of_daemon(&many, ["  with 10,000 rules"; 4])?;
    let bytes = ten.asked.answer_bytes;
    let (bare, scanning) = (Bare::start(bytes, Work::Nothing, cores)?, Bare::start(bytes, Work::Scan, cores)?);
    let mut bare = Cases::of_bare(
        &bare,
        ["bare hyper, tool call", "bare hyper, tool call", "bare hyper, event", "bare hyper, report"],
    )?;
    let mut floor = Cases::of_bare(&scanning, ["  reading and scanning alone"; 4])?;
    let credential = signature(&message::speech_update());
    let mut hmac = Case::with(&signed.running, signed.address, "  signed", |_| message::speech_update(), &credential)?;
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
    let mut cases: Vec<&mut Case<'_>> = Vec::new();
    for kind in [&mut bare, &mut floor, &mut ten, &mut lots] {
        cases.extend(kind.all_mut());
    }
    cases.push(&mut hmac);
    case::measure(Load::All, &mut cases, next, options)?;

    line("as many as it can", &case::COLUMNS.map(str::to_owned));
    let kinds = bare.all().into_iter().zip(floor.all()).zip(ten.all()).zip(lots.all());
    for (((bare, floor), ten), lots) in kinds {
        for case in [bare, floor, ten, lots] {
            case.report(bare);
        }
    }
    hmac.report(&bare.told);
    let hash = hashing(&message::speech_update());
    let beyond_hash = (hmac.cost() - hash) / ten.told.cost();
    println!("\nthe hash of a signed event takes {hash:.2} us by itself");
    let [asked, scripted, told, reported] = ten.beside(&floor);
    println!("beside reading and scanning alone: {asked:.2}, {scripted:.2}, {told:.2}, {reported:.2}");

    let half = at_half(&few, ten.asked.per_second() / 2.0, next, options)?;
    let [asked, scripted, told, reported] = ten.beside(&bare);
    let of_rules = lots.beside(&ten).into_iter().fold(0.0, f64::max);
    Ok([
        Target { what: "a declarative rule costs", figure: asked, at_most: 1.5, unit: "x bare" },
        Target { what: "a Rhai handler costs", figure: scripted, at_most: 1.8, unit: "x bare" },
        Target { what: "an event that no rule wants costs", figure: told, at_most: 1.2, unit: "x bare" },
        Target { what: "a report of 204 KB costs", figure: reported, at_most: 1.6, unit: "x bare" },
        Target { what: "ten thousand rules cost", figure: of_rules, at_most: 1.15, unit: "x ten" },
        Target { what: "a signature costs beyond its hash", figure: beyond_hash, at_most: 1.05, unit: "x secret" },
        Target { what: "p99 at half the peak", figure: half / 1000.0, at_most: 1.0, unit: "ms" },
    ])
}

/// A project with the rules of the workshop and more.
fn project(more: &str) -> Outcome<Project> {
    let mut files =
        vec![("rules/workshop.yaml", RULES), ("rules/scripts/workshop.rhai", SCRIPT), ("rules/report.yaml", REPORT)];
    if !more.is_empty() {
        files.push(("rules/more.yaml", more));
    }
    Project::new(&files)
}

/// After how many milliseconds a daemon of `project` is ready.
fn ready(project: &Project) -> Outcome<f64> {
    let starts = (0..STARTS).map(|_| project.time_to_ready()).collect::<Outcome<Vec<_>>>()?;
    Ok(median(starts.iter().map(|time| micros(*time) / 1000.0)))
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
