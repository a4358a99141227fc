//! Whether a destination that never answers and one that always fails hold up the others, or the callers.
//!
//! Ten destinations get requests evenly, one for each tool call that the daemon answers. In every other round, two of them
//! are unwell. A round has a daemon and a disk of its own, since what could not be delivered would go on in the next. What
//! counts is how long it takes from a tool call's arrival until its action arrives at one of the other eight. An attempt at
//! the one that hangs is given up so soon that its breaker opens and closes within a round.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::common::daemon::Project;
use crate::common::figures::{Options, Target, line, median, quantile};
use crate::common::load::{self, Connection, Load};
use crate::common::message;
use crate::common::process::Cores;

const DESTINATIONS: usize = 10;
/// The last two of them can be unwell.
const WELL: usize = 8;
const CONNECTIONS: usize = 2 * DESTINATIONS;
/// Tool calls a second, each with one action.
const STEADY: f64 = 500.0;
/// How many rounds there are for one of other benchmarks: the p99 of two rounds differs by far more than what is looked for,
/// and only the middle of many quotients says something.
const TIMES: usize = 3;
/// How long what is on its way at the end may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// Which header says when the tool call came.
const CAME_AT: &str = "x-came-at";

/// How a destination takes what it gets.
#[derive(Clone, Copy)]
enum Manner {
    Answers,
    Fails,
    Hangs,
}

/// Somebody to whom requests go.
struct Destination {
    address: SocketAddr,
    /// How long each that arrived was on its way.
    delays: Arc<Mutex<Vec<Duration>>>,
}

/// What one round came to.
struct Round {
    /// For each destination that is always well.
    delays: Vec<Vec<Duration>>,
    replies: Vec<Duration>,
}

/// Measures, prints, and returns what is aimed at.
pub(crate) fn measure(options: Options) -> Outcome<[Target; 2]> {
    let (mut well, mut unwell) = (Vec::new(), Vec::new());
    let rounds = options.rounds * TIMES;
    for _ in 0..rounds {
        well.push(round([Manner::Answers; DESTINATIONS - WELL], options.round)?);
        unwell.push(round([Manner::Hangs, Manner::Fails], options.round)?);
    }
    println!(
        "\n{DESTINATIONS} destinations: {STEADY} actions a second, {rounds} rounds of {:?}, all well and with one that hangs \
         and one that fails",
        options.round
    );
    line("p99 from event to arrival", &["deliveries", "all well, ms", "two not, ms"].map(str::to_owned));
    for number in 0..WELL {
        let (well, unwell) = (delays(&well, number..=number), delays(&unwell, number..=number));
        line(&format!("destination {}", number + 1), &[unwell.len().to_string(), p99(&well), p99(&unwell)]);
    }
    let (all_well, all_unwell) = (delays(&well, 0..=WELL - 1), delays(&unwell, 0..=WELL - 1));
    line("the eight together", &[all_unwell.len().to_string(), p99(&all_well), p99(&all_unwell)]);
    line("half of them", &[String::new(), millis(&all_well, 0.5), millis(&all_unwell, 0.5)]);
    line("p99 of replies", &[String::new(), p99(&replies(&well)), p99(&replies(&unwell))]);
    let (deliveries, answers) = (ratio(&well, &unwell, |it| delays(it, 0..=WELL - 1)), ratio(&well, &unwell, replies));
    Ok([
        Target { what: "p99 of deliveries beside two that are unwell", figure: deliveries, at_most: 2.0, unit: "x" },
        Target { what: "p99 of replies beside two that are unwell", figure: answers, at_most: 1.25, unit: "x" },
    ])
}

/// How the rounds with two that are unwell compare with those before each, in the middle.
fn ratio(well: &[Round], unwell: &[Round], times: impl Fn(&[Round]) -> Vec<Duration>) -> f64 {
    let p99 = |round: &Round| quantile(&times(std::slice::from_ref(round)), 0.99).as_secs_f64();
    median(well.iter().zip(unwell).map(|(well, unwell)| p99(unwell) / p99(well)))
}

/// How long deliveries took to these destinations in all rounds, in order of length.
fn delays(rounds: &[Round], destinations: std::ops::RangeInclusive<usize>) -> Vec<Duration> {
    let (first, count) = (*destinations.start(), destinations.count());
    let of = |round: &Round| round.delays.iter().skip(first).take(count).flatten().copied().collect::<Vec<_>>();
    sorted(rounds.iter().flat_map(of).collect())
}

fn replies(rounds: &[Round]) -> Vec<Duration> {
    sorted(rounds.iter().flat_map(|round| round.replies.iter().copied()).collect())
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn p99(times: &[Duration]) -> String {
    millis(times, 0.99)
}

fn millis(times: &[Duration], share: f64) -> String {
    format!("{:.2}", quantile(times, share).as_secs_f64() * 1e3)
}

/// One round, in which the last destinations are of these manners.
fn round(last: [Manner; DESTINATIONS - WELL], time: Duration) -> Outcome<Round> {
    let runtime = Runtime::new()?;
    let manners = std::iter::repeat_n(Manner::Answers, WELL).chain(last);
    let destinations =
        manners.map(|manner| runtime.block_on(Destination::open(manner))).collect::<Outcome<Vec<_>>>()?;
    let (project, data) = (Project::new(&[("rules/desks.yaml", &rules(&destinations))])?, crate::folder()?);
    project.set(&format!("outbound: {{ allow: [ 127.0.0.0/8 ] }}\ndata: {}", data.path().display()))?;
    // On one core, everything would have to take turns: not what this is about.
    let daemon = project.start(Cores::ANY)?;
    let open = |number| {
        let tool = format!("desk_{}", number % DESTINATIONS);
        Connection::open(daemon.address, message::tool_call(&tool, number))
    };
    let mut connections = (0..CONNECTIONS).map(open).collect::<Outcome<Vec<_>>>()?;
    let mut due = [0; DESTINATIONS];
    let mut count = |index: usize, answer: &str| {
        due.get_mut(index % DESTINATIONS).map(|due| *due += 1).ok_or("no such connection")?;
        if answer.contains("noted") { Ok(()) } else { Err(format!("the daemon said {answer}").into()) }
    };
    let replies = load::put(Load::Steady(STEADY), &mut connections, &mut 0, time, &mut count)?.latencies;
    if destinations.iter().skip(WELL).any(|unwell| unwell.so_far().is_empty()) {
        return Err("those that are unwell were never asked".into());
    }
    let arrived = |(destination, due): (&Destination, &usize)| destination.all(*due);
    let delays = destinations.iter().zip(&due).take(WELL).map(arrived).collect::<Outcome<Vec<_>>>()?;
    Ok(Round { delays, replies })
}

fn rules(destinations: &[Destination]) -> String {
    let rule = |(number, destination): (usize, &Destination)| {
        format!(
            "  - name: desk-{number}\n    tool: desk_{number}\n    respond: noted\n    do:\n      - post: http://{}/\n        \
             headers: {{ {CAME_AT}: \"${{now}}\" }}\n        json: {{ wanted: \"${{args}}\" }}\n        timeout: 500ms\n",
            destination.address
        )
    };
    format!("rules:\n{}", destinations.iter().enumerate().map(rule).collect::<String>())
}

impl Destination {
    async fn open(manner: Manner) -> Outcome<Destination> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, delays) = (listener.local_addr()?, Arc::default());
        tokio::spawn(serve(listener, manner, Arc::clone(&delays)));
        Ok(Destination { address, delays })
    }

    fn so_far(&self) -> Vec<Duration> {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `due` requests have arrived; returns how long each was on its way.
    fn all(&self, due: usize) -> Outcome<Vec<Duration>> {
        let begun_at = Instant::now();
        loop {
            let delays = self.so_far();
            if delays.len() == due {
                return Ok(delays);
            }
            if PATIENCE < begun_at.elapsed() {
                return Err(format!("of {due} deliveries {} arrived", delays.len()).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn serve(listener: TcpListener, manner: Manner, delays: Arc<Mutex<Vec<Duration>>>) -> Outcome<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let delays = Arc::clone(&delays);
        let service = service_fn(move |request| take(request, manner, Arc::clone(&delays)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn take(
    request: Request<Incoming>,
    manner: Manner,
    delays: Arc<Mutex<Vec<Duration>>>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let came_at = request.headers().get(CAME_AT).and_then(|at| at.to_str().ok()?.parse::<Timestamp>().ok());
    // Who breaks off gets no answer anyway.
    drop(request.into_body().collect().await);
    let delay = came_at.map(|came_at| Timestamp::now().duration_since(came_at).unsigned_abs());
    delays.lock().unwrap_or_else(PoisonError::into_inner).extend(delay);
    let mut response = Response::new(Empty::new());
    match manner {
        Manner::Answers => {}
        Manner::Fails => *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR,
        Manner::Hangs => std::future::pending().await,
    }
    Ok(response)
}
