//! What an answer costs: the daemon beside a server that does nothing.
//!
//! Both are processes of their own, get the same requests over the same connections, and take turns, because the machine
//! may be quicker in one minute than in the next. What counts is the quotient of the time that they spend on a core.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::process::ExitCode;

use common::bare::{self, Bare, Work};
use common::case::{self, CONNECTIONS, Case};
use common::daemon::Project;
use common::figures::{Options, Target, line, median, micros};
use common::load::Load;
use common::message;
use common::process::Cores;
use common::workshop::{RULES, SCRIPT};

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

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Requests a second of the steady load: a few thousand telephone calls at the same time.
const STEADY: f64 = 4000.0;
const STARTS: usize = 21;

fn main() -> Outcome<ExitCode> {
    if let Some(served) = bare::be_it() {
        return served.map(|()| ExitCode::SUCCESS);
    }
    let options = Options::given();
    let project = Project::new(&[("rules/workshop.yaml", RULES), ("rules/scripts/workshop.rhai", SCRIPT)])?;

    let starts = (0..STARTS).map(|_| project.time_to_ready()).collect::<Outcome<Vec<_>>>()?;
    let ready = median(starts.iter().map(|time| micros(*time) / 1000.0));
    let cores = Cores::apart();
    let daemon = project.start(cores)?;
    let resident = f64::from(daemon.running.resident()?) / f64::from(1 << 20);
    println!(
        "\nstart: ready after {ready:.1} ms (median of {STARTS}), {resident:.1} MiB resident before the first request"
    );

    let mut asked =
        Case::new(&daemon.running, daemon.address, "declarative rule", |call| message::tool_call("find_slot", call))?;
    let mut scripted =
        Case::new(&daemon.running, daemon.address, "Rhai handler", |call| message::tool_call("book_slot", call))?;
    let mut told = Case::new(&daemon.running, daemon.address, "informational event", |_| message::speech_update())?;
    let bare = Bare::start(asked.answer_bytes, Work::Nothing, cores)?;
    let mut bare_asked =
        Case::new(&bare.running, bare.address, "bare hyper, tool call", |call| message::tool_call("find_slot", call))?;
    let mut bare_told = Case::new(&bare.running, bare.address, "bare hyper, event", |_| message::speech_update())?;

    println!(
        "\nanswer: {CONNECTIONS} connections, {} rounds of {:?} each in turn, {cores}",
        options.rounds, options.round
    );
    println!("        tool calls of {} bytes, events of {} bytes", asked.message_bytes, told.message_bytes);
    // Every tool call has an id of its own, so that none is answered from memory.
    let (mut ratios, mut next) = (Vec::new(), 0);
    for (load, what) in [(Load::Steady(STEADY), "4000 requests/s"), (Load::All, "as many as it can")] {
        let cases = &mut [&mut bare_asked, &mut asked, &mut scripted, &mut bare_told, &mut told];
        case::measure(load, cases, &mut next, options)?;
        println!();
        line(what, &case::COLUMNS.map(str::to_owned));
        bare_asked.report(&bare_asked);
        ratios.push((asked.report(&bare_asked), scripted.report(&bare_asked)));
        bare_told.report(&bare_told);
        told.report(&bare_told);
    }
    let grown = f64::from(daemon.running.resident()?) / f64::from(1 << 20);
    println!("\nafter all of this: {grown:.1} MiB resident");
    let (steady, scripted) = ratios.first().copied().unwrap_or_default();
    let (busy, busy_scripted) = ratios.last().copied().unwrap_or_default();
    Ok(options.conclude(&[
        Target { what: "a declarative rule at 4000 requests/s costs", figure: steady, at_most: 2.0, unit: "x bare" },
        Target { what: "a Rhai handler at 4000 requests/s costs", figure: scripted, at_most: 2.5, unit: "x bare" },
        Target { what: "a declarative rule at full load costs", figure: busy, at_most: 2.0, unit: "x bare" },
        Target { what: "a Rhai handler at full load costs", figure: busy_scripted, at_most: 2.5, unit: "x bare" },
        Target { what: "memory after start", figure: resident, at_most: 15.0, unit: "MiB" },
        Target { what: "memory after all of this", figure: grown, at_most: 25.0, unit: "MiB" },
        Target { what: "ready after", figure: ready, at_most: 50.0, unit: "ms" },
    ]))
}
