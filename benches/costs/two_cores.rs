//! Whether two cores do twice what one does.
//!
//! The load needs as much of them as the daemon, and where there are but two it has none for itself: all share one core,
//! then all share two. The load on each connection sleeps until it is answered and has nothing in common with that on
//! another, so what is lost on the way from one core to two, the daemon loses. Judged is what a request costs the daemon:
//! as long as no core rests, twice the cores do twice as much less what each request costs more.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Outcome;
use crate::common::daemon::{Daemon, Project};
use crate::common::figures::{Options, Target, line, median, micros};
use crate::common::load::{self, Connection, Load};
use crate::common::message;
use crate::common::process::Cores;

/// The argument that makes the benchmark put load on a daemon; its address, a number and milliseconds follow.
const ARGUMENT: &str = "--be-the-load";
/// Processes that put load on it, each over so many connections.
const LOADS: u64 = 2;
const CONNECTIONS: usize = 16;
/// So far apart are the numbers of their messages.
const NUMBERS: u64 = 10_000_000;

/// What one round came to.
struct Round {
    per_second: f64,
    cost: f64,
}

/// Measures a daemon of `project` on one core and on two, in turn.
pub(crate) fn measure(project: &Project, [one, two]: [Cores; 2], options: Options) -> Outcome<Target> {
    let (on_one, on_two) = (project.start(one)?, project.start(two)?);
    let (mut ones, mut twos) = (Vec::new(), Vec::new());
    let mut first = 0;
    for _ in 0..=options.rounds {
        ones.push(round(&on_one, one, &mut first, options.round)?);
        twos.push(round(&on_two, two, &mut first, options.round)?);
    }
    let of = |rounds: &[Round], figure: fn(&Round) -> f64| median(rounds.iter().skip(1).map(figure));
    println!();
    line("declarative rule, with its load", &["us CPU", "requests/s"].map(str::to_owned));
    for (what, rounds) in [("on one core", &ones), ("on two cores", &twos)] {
        let (cost, per_second) = (of(rounds, |round| round.cost), of(rounds, |round| round.per_second));
        line(what, &[format!("{cost:.2}"), format!("{per_second:.0}")]);
    }
    let rounds = ones.iter().zip(&twos).skip(1);
    let dearer = median(rounds.map(|(one, two)| two.cost / one.cost));
    println!("\nso two cores do {:.2} times what one does", 2.0 / dearer);
    Ok(Target { what: "a request costs on two cores", figure: dearer, at_most: 2.0 / 1.9, unit: "x on one" })
}

/// Puts load on the daemon from as many processes as there are, all on `cores`.
fn round(daemon: &Daemon, cores: Cores, first: &mut u64, time: Duration) -> Outcome<Round> {
    let before = daemon.running.cpu_time()?;
    let loads = (0..LOADS).map(|_| {
        *first += NUMBERS;
        let mut command: Command = cores.command(&std::env::current_exe()?.to_string_lossy());
        command.args([ARGUMENT, &daemon.address.to_string(), &first.to_string(), &time.as_millis().to_string()]);
        Ok(command.stdout(Stdio::piped()).spawn()?)
    });
    let mut per_second = 0.0;
    let mut requests = 0.0;
    for load in loads.collect::<Outcome<Vec<_>>>()? {
        let said = String::from_utf8(load.wait_with_output()?.stdout)?;
        let (count, seconds) = said.trim().split_once(' ').ok_or("a load said nothing")?;
        let count: f64 = count.parse()?;
        requests += count;
        per_second += count / seconds.parse::<f64>()?;
    }
    let used = daemon.running.cpu_time()?.saturating_sub(before);
    Ok(Round { per_second, cost: micros(used) / requests })
}

/// Is the load, if this process was started to be it.
pub(crate) fn be_it() -> Option<Outcome<()>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != ARGUMENT).skip(1);
    let (address, first, time) = (arguments.next()?, arguments.next()?, arguments.next()?);
    Some(put(&address, &first, &time))
}

fn put(address: &str, first: &str, time: &str) -> Outcome<()> {
    let (address, mut next): (SocketAddr, u64) = (address.parse()?, first.parse()?);
    let open = |call| Connection::open(address, message::tool_call("find_slot", call));
    let mut connections = (0..CONNECTIONS).map(open).collect::<Outcome<Vec<_>>>()?;
    // More than can be answered, so that no connection rests; but whoever waits sleeps.
    let load = Load::Steady(f64::MAX);
    let time = Duration::from_millis(time.parse()?);
    let round = load::put(load, &mut connections, &mut next, time, &mut |_, _| Ok(()))?;
    println!("{} {}", round.latencies.len(), round.took.as_secs_f64());
    Ok(())
}
