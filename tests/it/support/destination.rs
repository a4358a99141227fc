//! Somebody to whom requests go: a server that hands each request to the test and answers what the test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::PATIENCE;

/// A server on a port of its own, for as long as the process lives.
pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    arrivals: Receiver<Arrival>,
}

/// A request that waits for its answer. If it is dropped, the connection is closed instead.
#[derive(Debug)]
pub(crate) struct Arrival {
    head: String,
    pub(crate) body: String,
    answer: Sender<String>,
}

impl Destination {
    pub(crate) fn open() -> Destination {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, arrivals) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                thread::spawn(move || serve(stream, &sender));
            }
        });
        Destination { address, arrivals }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits for the next request.
    pub(crate) fn next(&self) -> Arrival {
        self.arrivals.recv_timeout(PATIENCE).expect("a request should have come")
    }

    /// A request that is there already, if there is one.
    pub(crate) fn ready(&self) -> Option<Arrival> {
        self.arrivals.try_recv().ok()
    }
}

impl Arrival {
    /// The path that is asked for, with its query.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The first word of the request.
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(crate) fn answer(self, status: u16) {
        self.answer_with(status, "", "");
    }

    /// Answers with header lines, each of which ends in a line break, and a body.
    pub(crate) fn answer_with(self, status: u16, headers: &str, body: &str) {
        let headers = headers.replace('\n', "\r\n");
        let answer = format!("HTTP/1.1 {status} .\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        // The other side may have given up.
        drop(self.answer.send(answer));
    }
}

fn serve(stream: TcpStream, arrivals: &Sender<Arrival>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (stream.read_line(&mut head).ok()? != 0).then_some(())?;
        }
        let (answer, answers) = channel();
        let mut arrival = Arrival { head, body: String::new(), answer };
        let length = arrival.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        arrival.body = String::from_utf8(body).unwrap();
        arrivals.send(arrival).ok()?;
        stream.get_mut().write_all(answers.recv().ok()?.as_bytes()).ok()?;
    }
}
