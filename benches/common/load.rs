//! Requests over connections that are kept, made by as little work as possible.
//!
//! One thread writes requests on the connections that have none under way, and looks at the others in turn. At a steady
//! load it sleeps until an answer comes, as the usual load programs do. At full load it does not, because the kernel lets
//! whoever answers pay for waking whoever sleeps, some microseconds where cores are virtual: a server that is quicker
//! than the load would never pay that, and one that is slower for every answer. No client on another machine costs it.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Outcome;
use crate::common::daemon::SECRET;
use crate::common::message::Message;

/// How long an answer is waited for before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 4096;
/// How long it sleeps at most.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that asks one kind of question.
pub(crate) struct Connection {
    stream: TcpStream,
    message: Message,
    header: String,
    request: Vec<u8>,
    answer: Vec<u8>,
    /// How much of the answer has come.
    answered: usize,
    sent_at: Instant,
    under_way: bool,
}

/// What one round of load came to.
pub(crate) struct Round {
    pub(crate) took: Duration,
    /// How long each answer took, in order of length.
    pub(crate) latencies: Vec<Duration>,
}

impl Round {
    /// How many requests were answered.
    #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
    pub(crate) fn requests(&self) -> f64 {
        self.latencies.len() as f64
    }
}

impl Connection {
    /// Connects, to ask `message`.
    pub(crate) fn open(server: SocketAddr, message: Message) -> Outcome<Connection> {
        Connection::open_with(server, message, &format!("x-vapi-secret: {SECRET}"))
    }

    /// The same with this header as the credential.
    pub(crate) fn open_with(server: SocketAddr, message: Message, credential: &str) -> Outcome<Connection> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let header = format!(
            "POST /vapi HTTP/1.1\r\nhost: {server}\r\nuser-agent: axios/1.8.4\r\naccept: application/json, text/plain, */*\r\n\
             accept-encoding: gzip, compress, deflate, br\r\ncontent-type: application/json\r\n{credential}\r\n\
             traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ncontent-length: {}\r\n\r\n",
            message.body.len()
        );
        let answer = vec![0; ANSWER_BYTES_MAX];
        Ok(Connection {
            stream,
            message,
            header,
            request: Vec::new(),
            answer,
            answered: 0,
            sent_at: Instant::now(),
            under_way: false,
        })
    }

    /// Sends the message, as number `number`.
    pub(crate) fn send(&mut self, number: u64) -> Outcome<()> {
        self.message.number(number);
        self.request.clear();
        self.request.extend_from_slice(self.header.as_bytes());
        self.request.extend_from_slice(&self.message.body);
        self.answered = 0;
        self.under_way = true;
        self.sent_at = Instant::now();
        let mut rest = self.request.as_slice();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether a request is under way.
    fn waits(&self) -> bool {
        self.under_way
    }

    /// Looks whether the answer has come, which must be a 200. Returns where its body is, and how long it took.
    fn look(&mut self) -> Outcome<Option<(Range<usize>, Duration)>> {
        match self.stream.read(self.answer.get_mut(self.answered..).unwrap_or_default()) {
            Ok(0) => return Err("a connection ended within an answer".into()),
            Ok(read) => self.answered += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let seen = std::str::from_utf8(self.answer.get(..self.answered).unwrap_or_default())?;
        let body = body(seen)?;
        self.under_way = body.is_none();
        Ok(body.map(|body| (body, self.sent_at.elapsed())))
    }

    /// Waits for the answer. Returns its body and how long it took.
    fn receive(&mut self) -> Outcome<(&str, Duration)> {
        loop {
            if let Some((body, latency)) = self.look()? {
                return Ok((std::str::from_utf8(self.answer.get(body).unwrap_or_default())?, latency));
            }
        }
    }

    /// Sends one message and waits for its answer.
    pub(crate) fn ask(&mut self, number: u64) -> Outcome<(&str, Duration)> {
        self.send(number)?;
        self.receive()
    }
}

/// Where the body of an answer stands that has come whole.
fn body(seen: &str) -> Outcome<Option<Range<usize>>> {
    let Some((header, rest)) = seen.split_once("\r\n\r\n") else { return Ok(None) };
    if !header.starts_with("HTTP/1.1 200 ") {
        return Err(format!("the server refused: {seen}").into());
    }
    let mut lines = header.lines().filter_map(|line| line.split_once(": "));
    let (_, length) =
        lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length")).ok_or("an answer has no length")?;
    let length: usize = length.parse()?;
    let start = seen.len() - rest.len();
    Ok((length <= rest.len()).then_some(start..start + length))
}

/// Sleeps until something has come on one of the connections, but no longer than `time`.
fn wait(connections: &[Connection], time: Duration) -> Outcome<()> {
    let mut polled: Vec<PollFd<'_>> = connections
        .iter()
        .map(|connection| PollFd::from_borrowed_fd(connection.stream.as_fd(), PollFlags::IN))
        .collect();
    poll(&mut polled, Some(&Timespec::try_from(time)?))?;
    Ok(())
}

/// How much is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// As much as is answered: every connection always has a request under way.
    All,
    /// So many requests a second in all, evenly, as long as they are answered.
    Steady(f64),
}

impl Load {
    /// How long it is until request `number` is due, `elapsed` after the first.
    fn due(self, number: usize, elapsed: Duration) -> Duration {
        match self {
            Load::All => Duration::ZERO,
            #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
            Load::Steady(per_second) => Duration::from_secs_f64(number as f64 / per_second).saturating_sub(elapsed),
        }
    }

    /// How long to sleep at most before looking for answers again, or until request `number` if a connection is free.
    fn pause(self, all_busy: bool, number: usize, elapsed: Duration) -> Duration {
        match self {
            Load::All => Duration::ZERO,
            Load::Steady(_) if all_busy => PAUSE,
            Load::Steady(_) => self.due(number, elapsed).min(PAUSE),
        }
    }
}

/// Puts `load` on the connections for `time`. The first request is number `next`, which counts on. `check` looks at each
/// answer, of the connection with that number.
pub(crate) fn put(
    load: Load,
    connections: &mut [Connection],
    next: &mut u64,
    time: Duration,
    check: &mut dyn FnMut(usize, &str) -> Outcome<()>,
) -> Outcome<Round> {
    let mut latencies = Vec::new();
    let mut idle: VecDeque<usize> = (0..connections.len()).collect();
    for connection in &mut *connections {
        connection.stream.set_nonblocking(true)?;
    }
    let (begun_at, mut sent) = (Instant::now(), 0);
    while begun_at.elapsed() < time {
        while !idle.is_empty() && load.due(sent, begun_at.elapsed()).is_zero() {
            if let Some(connection) = idle.pop_front().and_then(|index| connections.get_mut(index)) {
                *next += 1;
                sent += 1;
                connection.send(*next)?;
            }
        }
        let before = idle.len();
        for (index, connection) in connections.iter_mut().enumerate().filter(|(_, connection)| connection.waits()) {
            if let Some((body, latency)) = connection.look()? {
                check(index, std::str::from_utf8(connection.answer.get(body).unwrap_or_default())?)?;
                latencies.push(latency);
                idle.push_back(index);
            }
        }
        if idle.len() == before {
            wait(connections, load.pause(idle.is_empty(), sent, begun_at.elapsed()))?;
        }
    }
    for (index, connection) in connections.iter_mut().enumerate() {
        connection.stream.set_nonblocking(false)?;
        if connection.waits() {
            let (body, latency) = connection.receive()?;
            check(index, body)?;
            latencies.push(latency);
        }
    }
    let took = begun_at.elapsed();
    latencies.sort_unstable();
    Ok(Round { took, latencies })
}
