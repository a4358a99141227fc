//! Whether those who are slow hold up those who ask for something quick.
//!
//! One connection asks a plain rule at a steady, modest rate: alone; beside 32 that ask a rule whose script loops until the
//! daemon stops it; and beside 200 that ask a rule which waits two seconds for the answer of a service.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::daemon::{Daemon, Project};
use common::figures::{Options, Target, line, median, micros, quantile};
use common::load::Connection;
use common::message;
use common::process::Cores;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod daemon;
    pub(crate) mod figures;
    pub(crate) mod load;
    pub(crate) mod message;
    pub(crate) mod process;
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

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
  - name: slow-service
    tool: look_up
    fetch: { person: { get: "SERVICE/person", timeout: 10s } }
    respond: "It is ${person.text}."
"#;

const SCRIPT: &str = "fn for_ever(args) { let days = [args.day]; while true { days[0] = args.day; } days }";

/// How long the slow service takes.
const SERVICE_TAKES: Duration = Duration::from_secs(2);

/// Those who are slow.
struct Others {
    who: &'static str,
    connections: usize,
    tool: &'static str,
    /// What their answers hold.
    hear: &'static str,
}

const OTHERS: [Others; 2] = [
    Others { who: "endless scripts", connections: 32, tool: "book_slot", hear: "The book is closed." },
    Others { who: "slow fetches", connections: 200, tool: "look_up", hear: "It is Ada." },
];

fn main() -> Outcome<ExitCode> {
    let options = Options::given();
    let rules = RULES.replace("SERVICE", &format!("http://{}", slow_service()?));
    let project = Project::new(&[("rules/workshop.yaml", &rules), ("rules/scripts/workshop.rhai", SCRIPT)])?;
    project.set("outbound: { allow: [ 127.0.0.0/8 ] }\nlimits: { connections_per_address_max: 1000 }")?;
    // On one core, scripts and quick answers would have to take turns: not what this is about.
    let daemon = project.start(Cores::ANY)?;
    let numbers = AtomicU64::new(1);
    println!("\nbeside: a plain rule, 500 times a second, {} rounds of {:?}", options.rounds, options.round);
    line("", &["answers", "p50 us", "p99 us"].map(str::to_owned));
    let mut targets = Vec::new();
    for others in &OTHERS {
        let (mut alone, mut beside, mut ended) = (Vec::new(), Vec::new(), 0);
        for _ in 0..options.rounds {
            alone.push(plain(&daemon, &numbers, options.round)?);
            let (round, answered) = disturbed(&daemon, &numbers, options.round, others)?;
            beside.push(round);
            ended += answered;
        }
        report("alone", &alone);
        report(&format!("beside {} {}", others.connections, others.who), &beside);
        println!("  of these, answered meanwhile: {ended}");
        let figure = median(alone.iter().zip(&beside).map(|(alone, beside)| p99(beside) / p99(alone)));
        targets.push(Target { what: others.who, figure, at_most: 2.0, unit: "x p99 alone" });
    }
    Ok(options.conclude(&targets))
}

/// A service that is in no hurry. It takes one thread, whoever waits: what it costs is not what this is about.
fn slow_service() -> Outcome<SocketAddr> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        runtime.block_on(async {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_slowly(stream));
            }
        });
    });
    Ok(address)
}

async fn serve_slowly(stream: TcpStream) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (stream.read_line(&mut head).await.ok()? != 0).then_some(())?;
        }
        tokio::time::sleep(SERVICE_TAKES).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nAda").await.ok()?;
    }
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

/// The same beside others. Returns also how many of those were answered.
fn disturbed(daemon: &Daemon, numbers: &AtomicU64, time: Duration, others: &Others) -> Outcome<(Vec<Duration>, usize)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking: Vec<_> =
            (0..others.connections).map(|_| scope.spawn(|| ask_until(daemon, numbers, &over, others))).collect();
        // All of them have asked by then.
        thread::sleep(time / 10);
        let latencies = plain(daemon, numbers, time);
        over.store(true, Ordering::Relaxed);
        let mut ended = 0;
        for thread in asking {
            ended += thread.join().map_err(|_| "a thread of the load panicked")??;
        }
        Ok((latencies?, ended))
    })
}

fn ask_until(daemon: &Daemon, numbers: &AtomicU64, over: &AtomicBool, others: &Others) -> Outcome<usize> {
    let mut connection = Connection::open(daemon.address, message::tool_call(others.tool, 1))?;
    let mut ended = 0;
    while !over.load(Ordering::Relaxed) {
        let (answer, _) = connection.ask(numbers.fetch_add(1, Ordering::Relaxed))?;
        if !answer.contains(others.hear) {
            return Err(format!("`{}` said {answer}", others.tool).into());
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
