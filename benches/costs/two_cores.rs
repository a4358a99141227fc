//! Whether two cores do twice what one does.
//!
//! The load needs as much of them as the daemon, and where there are but two it has none for itself: all share one core,
//! then all share two. The load on each connection sleeps until it is answered and has nothing in common with that on
//! another, so what is lost on the way from one core to two, the daemon loses. Judged is what a request costs the daemon:
//! as long as no core rests, twice the cores do twice as much less what each request costs more. Some of that is the kernel's:
//! it charges the daemon for waking a load that sleeps on the other core, which no load on another machine costs. So it is
//! told apart what the program itself costs.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Outcome;
use crate::common::bare::{Bare, Work};
use crate::common::daemon::Project;
use crate::common::figures::{Options, Target, line, median, micros};
use crate::common::load::{self, Connection, Load};
use crate::common::message;
use crate::common::process::{Cores, Running};

/// The argument that makes the benchmark put load on a daemon; its address, a number and milliseconds follow.
const ARGUMENT: &str = "--be-the-load";
/// Processes that put load on it, each over so many connections.
const LOADS: u64 = 2;
const CONNECTIONS: usize = 16;
/// Where a request costs so many times what it costs on one core, two cores do 1.9 times what one does.
const TWO_CORES_AT_MOST: f64 = 1.053;
/// So far apart are the numbers of their messages.
const NUMBERS: u64 = 10_000_000;

/// What one round came to.
struct Round {
    per_second: f64,
    cost: f64,
    /// What of the cost was in the program itself, not in the kernel.
    own: f64,
}

/// A server on one core, the same on two, and what their rounds came to.
struct Pair<'a> {
    what: &'static str,
    servers: [(&'a Running, SocketAddr); 2],
    rounds: Vec<[Round; 2]>,
}

/// Measures a daemon of `project` on one core and on two, and so a server that does nothing, all in turn.
pub(crate) fn measure(project: &Project, cores: [Cores; 2], options: Options) -> Outcome<Target> {
    let [one, two] = cores;
    let (daemon, daemon_on_two) = (project.start(one)?, project.start(two)?);
    let (bare, bare_on_two) = (Bare::start(200, Work::Nothing, one)?, Bare::start(200, Work::Nothing, two)?);
    let daemons = [(&daemon.running, daemon.address), (&daemon_on_two.running, daemon_on_two.address)];
    let bares = [(&bare.running, bare.address), (&bare_on_two.running, bare_on_two.address)];
    let mut pairs = [("declarative rule", daemons), ("bare hyper", bares)].map(|(what, servers)| Pair {
        what,
        servers,
        rounds: Vec::new(),
    });
    let mut first = 0;
    // The first round only warms it up.
    for _ in 0..=options.rounds {
        for pair in &mut pairs {
            pair.round(cores, &mut first, options.round)?;
        }
    }
    println!();
    line("with its load", &["us CPU", "requests/s", "on two", "requests/s", "own", "on two"].map(str::to_owned));
    let [[dearer, own_dearer], [bare_dearer, _]] = pairs.map(|pair| pair.report());
    println!(
        "\nso two cores do {:.2} times what one does, without the kernel's part {:.2}; of a server that does nothing {:.2}",
        2.0 / dearer,
        2.0 / own_dearer,
        2.0 / bare_dearer
    );
    Ok(Target { what: "a request costs on two cores", figure: dearer, at_most: TWO_CORES_AT_MOST, unit: "x on one" })
}

impl Pair<'_> {
    fn round(&mut self, cores: [Cores; 2], first: &mut u64, time: Duration) -> Outcome<()> {
        let [(one, address), (two, address_of_two)] = self.servers;
        let on_one = round(one, address, cores[0], first, time)?;
        self.rounds.push([on_one, round(two, address_of_two, cores[1], first, time)?]);
        Ok(())
    }

    /// Prints a line of the table, and returns how much more a request costs on two cores, and so the program itself.
    fn report(&self) -> [f64; 2] {
        let of = |figure: fn(&[Round; 2]) -> f64| median(self.rounds.iter().skip(1).map(figure));
        let figures = [
            format!("{:.2}", of(|[one, _]| one.cost)),
            format!("{:.0}", of(|[one, _]| one.per_second)),
            format!("{:.2}", of(|[_, two]| two.cost)),
            format!("{:.0}", of(|[_, two]| two.per_second)),
            format!("{:.2}", of(|[one, _]| one.own)),
            format!("{:.2}", of(|[_, two]| two.own)),
        ];
        line(self.what, &figures);
        [of(|[one, two]| two.cost / one.cost), of(|[one, two]| two.own / one.own)]
    }
}

/// Puts load on a server from as many processes as there are, all on `cores`.
fn round(server: &Running, address: SocketAddr, cores: Cores, first: &mut u64, time: Duration) -> Outcome<Round> {
    let (before, ticks_before) = (server.cpu_time()?, server.ticks()?);
    let loads = (0..LOADS).map(|_| {
        *first += NUMBERS;
        let mut command: Command = cores.command(&std::env::current_exe()?.to_string_lossy());
        command.args([ARGUMENT, &address.to_string(), &first.to_string(), &time.as_millis().to_string()]);
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
    let cost = micros(server.cpu_time()?.saturating_sub(before)) / requests;
    let [[user_before, system_before], [user, system]] = [ticks_before, server.ticks()?];
    let (user, system) = (user - user_before, system - system_before);
    Ok(Round { per_second, cost, own: cost * user / (user + system) })
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
