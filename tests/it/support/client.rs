//! An HTTP/1.1 client that does what it is told, right or wrong, and keeps its connection.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::PATIENCE;

/// One connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        Client::try_connect(address).unwrap()
    }

    /// Fails if nobody listens there.
    pub(crate) fn try_connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Ok(Client(BufReader::new(stream)))
    }

    /// Posts `body` and waits for the answer.
    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let head = head("POST", path, headers, body.as_ref().len());
        self.send([head.as_bytes(), body.as_ref()].concat());
        self.answer()
    }

    /// Posts `body` to a server that may be killed at any moment; says its status, if it could answer.
    pub(crate) fn try_post(&mut self, path: &str, body: &str) -> Option<u16> {
        let request = head("POST", path, &[], body.len()) + body;
        self.0.get_mut().write_all(request.as_bytes()).ok()?;
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut bytes = 0;
        while line != "\r\n" {
            line.clear();
            (self.0.read_line(&mut line).ok()? != 0).then_some(())?;
            let length = line.to_ascii_lowercase();
            bytes = length.strip_prefix("content-length:").map_or(bytes, |length| length.trim().parse().unwrap());
        }
        self.0.read_exact(&mut vec![0; bytes]).ok()?;
        Some(status)
    }

    /// Sends a request without a body and waits for the answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str) -> Answer {
        self.send(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
        self.answer()
    }

    /// Sends the header of a request whose body, of `bytes` bytes, is still to come.
    pub(crate) fn begin(&mut self, method: &str, path: &str, headers: &[(&str, &str)], bytes: usize) {
        self.send(head(method, path, headers, bytes));
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) fn say_no_more(&mut self) {
        self.0.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Reads one answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && !head.ends_with("\n\n") {
            let read = self.0.read_line(&mut head).unwrap_or_else(|error| panic!("{error} after {head:?}"));
            assert_ne!(read, 0, "the connection was closed after {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        if !(100..200).contains(&status) {
            let bytes = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            answer.body.resize(bytes, 0);
            self.0.read_exact(&mut answer.body).unwrap();
        }
        answer
    }

    /// Waits until the server closes the connection, and checks that it says nothing more.
    pub(crate) fn closed(mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

fn head(method: &str, path: &str, headers: &[(&str, &str)], bytes: usize) -> String {
    let mut lines =
        vec![format!("{method} {path} HTTP/1.1"), "host: localhost".into(), format!("content-length: {bytes}")];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.join("\r\n") + "\r\n\r\n"
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name, value.trim()))
            .find(|(it, _)| it.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
