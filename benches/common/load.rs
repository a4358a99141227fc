//! Requests over connections that are kept, made by as little work as possible.
//!
//! One thread writes a request on each connection, then looks at them in turn and sends the next request where an answer
//! has come. It never sleeps: to wake it would be work for the server, which no real client asks for.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::common::daemon::SECRET;
use crate::common::message::Message;

/// How long an answer is waited for before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 4096;

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
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let header = format!(
            "POST /vapi HTTP/1.1\r\nhost: {server}\r\nuser-agent: axios/1.8.4\r\naccept: application/json, text/plain, */*\r\n\
             accept-encoding: gzip, compress, deflate, br\r\ncontent-type: application/json\r\nx-vapi-secret: {SECRET}\r\n\
             traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ncontent-length: {}\r\n\r\n",
            message.body.len()
        );
        let answer = vec![0; ANSWER_BYTES_MAX];
        Ok(Connection { stream, message, header, request: Vec::new(), answer, answered: 0, sent_at: Instant::now() })
    }

    /// Sends the message, as number `number`.
    pub(crate) fn send(&mut self, number: u64) -> Outcome<()> {
        self.message.number(number);
        self.request.clear();
        self.request.extend_from_slice(self.header.as_bytes());
        self.request.extend_from_slice(&self.message.body);
        self.answered = 0;
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

    /// Looks whether the answer has come, which must be a 200. Returns where its body is, and how long it took.
    fn look(&mut self) -> Outcome<Option<(Range<usize>, Duration)>> {
        match self.stream.read(self.answer.get_mut(self.answered..).unwrap_or_default()) {
            Ok(0) => return Err("a connection ended within an answer".into()),
            Ok(read) => self.answered += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let seen = std::str::from_utf8(self.answer.get(..self.answered).unwrap_or_default())?;
        Ok(body(seen)?.map(|body| (body, self.sent_at.elapsed())))
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

/// Keeps all connections busy for `time`. The first request is number `next`, which counts on.
pub(crate) fn busy(connections: &mut [Connection], next: &mut u64, time: Duration) -> Outcome<Round> {
    let mut number = || {
        *next += 1;
        *next
    };
    let mut latencies = Vec::new();
    let begun_at = Instant::now();
    for connection in &mut *connections {
        connection.stream.set_nonblocking(true)?;
        connection.send(number())?;
    }
    while begun_at.elapsed() < time {
        for connection in &mut *connections {
            if let Some((_, latency)) = connection.look()? {
                latencies.push(latency);
                connection.send(number())?;
            }
        }
    }
    for connection in connections {
        connection.stream.set_nonblocking(false)?;
        latencies.push(connection.receive()?.1);
    }
    let took = begun_at.elapsed();
    latencies.sort_unstable();
    Ok(Round { took, latencies })
}
