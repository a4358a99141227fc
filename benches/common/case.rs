//! One kind of request to one server, and what it costs beside others.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Outcome;
use crate::common::daemon::SECRET;
use crate::common::figures::{Options, line, median, micros, quantile};
use crate::common::load::{self, Connection, Load, Round};
use crate::common::message::Message;
use crate::common::process::Running;

pub(crate) const CONNECTIONS: usize = 16;
/// Telephone calls that the requests belong to.
const CALLS: usize = 4;
/// What [`Case::report`] prints.
pub(crate) const COLUMNS: [&str; 6] = ["us CPU", "x bare", "requests/s", "p50 us", "p99 us", "p99.9 us"];

/// One kind of request to one server, and what its rounds came to.
pub(crate) struct Case<'a> {
    what: &'static str,
    server: &'a Running,
    connections: Vec<Connection>,
    pub(crate) message_bytes: usize,
    pub(crate) answer_bytes: usize,
    costs: Vec<f64>,
    rounds: Vec<Round>,
}

impl<'a> Case<'a> {
    /// Opens the connections and asks once on each, which must be answered.
    pub(crate) fn new(
        server: &'a Running,
        address: SocketAddr,
        what: &'static str,
        message: impl Fn(usize) -> Message,
    ) -> Outcome<Case<'a>> {
        Case::with(server, address, what, message, &format!("x-vapi-secret: {SECRET}"))
    }

    /// The same with this header as the credential.
    pub(crate) fn with(
        server: &'a Running,
        address: SocketAddr,
        what: &'static str,
        message: impl Fn(usize) -> Message,
        credential: &str,
    ) -> Outcome<Case<'a>> {
        let open = |number| Connection::open_with(address, message(number % CALLS), credential);
        let mut connections = (0..CONNECTIONS).map(open).collect::<Outcome<Vec<_>>>()?;
        let mut answer_bytes = 0;
        // Each of them: a connection on which nothing is asked for some seconds does not live to see its turn.
        for connection in &mut connections {
            let (answer, _) = connection.ask(0)?;
            if answer.contains("error") {
                return Err(format!("{what}: {answer}").into());
            }
            answer_bytes = answer.len();
        }
        let message_bytes = message(0).body.len();
        Ok(Case { what, server, connections, message_bytes, answer_bytes, costs: Vec::new(), rounds: Vec::new() })
    }

    /// Puts load on the server for `time`, and says how many requests were answered.
    pub(crate) fn round(&mut self, load: Load, next: &mut u64, time: Duration) -> Outcome<f64> {
        let before = self.server.cpu_time()?;
        let round = load::put(load, &mut self.connections, next, time, &mut |_, _| Ok(()))?;
        let used = self.server.cpu_time()?.saturating_sub(before);
        self.costs.push(micros(used) / round.requests());
        let requests = round.requests();
        self.rounds.push(round);
        Ok(requests)
    }

    /// What a request costs, in microseconds of a core.
    pub(crate) fn cost(&self) -> f64 {
        median(self.costs.iter().copied())
    }

    /// How many requests a second are answered.
    pub(crate) fn per_second(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.requests() / round.took.as_secs_f64()))
    }

    /// How long all but one of so many answers take at most, in microseconds.
    pub(crate) fn latency(&self, share: f64) -> f64 {
        median(self.rounds.iter().map(|round| micros(quantile(&round.latencies, share))))
    }

    /// How much more a request costs than one of `other`, in the rounds that they had in turn.
    pub(crate) fn beside(&self, other: &Case<'_>) -> f64 {
        median(self.costs.iter().zip(&other.costs).map(|(cost, other)| cost / other))
    }

    /// Prints a line of the table, and returns how much this costs beside the same at the `bare` server.
    pub(crate) fn report(&self, bare: &Case<'_>) -> f64 {
        let ratio = self.beside(bare);
        let figures = [
            format!("{:.2}", self.cost()),
            format!("{ratio:.2}"),
            format!("{:.0}", self.per_second()),
            format!("{:.0}", self.latency(0.5)),
            format!("{:.0}", self.latency(0.99)),
            format!("{:.0}", self.latency(0.999)),
        ];
        line(self.what, &figures);
        ratio
    }
}

/// The cases take turns. The first round of each only warms it up.
pub(crate) fn measure(load: Load, cases: &mut [&mut Case<'_>], next: &mut u64, options: Options) -> Outcome<()> {
    for case in &mut *cases {
        case.round(load, next, options.round / 4)?;
        case.costs.clear();
        case.rounds.clear();
    }
    for _ in 0..options.rounds {
        for case in &mut *cases {
            case.round(load, next, options.round)?;
        }
    }
    Ok(())
}
