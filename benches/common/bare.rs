//! What any server must do at least: hyper and nothing else; or hyper and the one look at a body without which no rule can
//! be found; or hyper and what it takes to have an action on disk.
//!
//! The benchmark starts itself as this server, so that it is built and run just as the daemon is.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use switchhook::engine::Engine;
use tokio::net::TcpListener;

use crate::Outcome;
use crate::common::appender::Appender;
use crate::common::process::{Cores, Running};
use crate::common::workshop;

/// The argument that makes the benchmark be the server; the number of bytes to answer with and the word for its work follow.
const ARGUMENT: &str = "--be-the-bare-server";

/// What a server does besides reading requests and answering with the same bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Nothing,
    /// Goes over each body, as the daemon does to find what its rules look for.
    Scan,
    /// Puts an action into an outbox for each body.
    Append,
}

impl Work {
    const ALL: [Work; 3] = [Work::Nothing, Work::Scan, Work::Append];

    fn word(self) -> &'static str {
        match self {
            Work::Nothing => "nothing",
            Work::Scan => "scan",
            Work::Append => "append",
        }
    }
}

/// What it takes to do that.
enum Workshop {
    Empty,
    Scanning(Box<Engine>),
    Appending(Box<Appender>),
}

/// The bare server, running until this is dropped.
pub(crate) struct Bare {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl Bare {
    /// Starts a server that answers everything with `bytes` bytes, and does this for it.
    pub(crate) fn start(bytes: usize, work: Work, cores: Cores) -> Outcome<Bare> {
        let this = std::env::current_exe()?;
        let mut command = cores.command(&this.to_string_lossy());
        command.args([ARGUMENT, &bytes.to_string(), work.word()]).stdout(Stdio::piped());
        let mut running = Running(command.spawn()?);
        let said = running.0.stdout.take().ok_or("the bare server says nothing")?;
        let mut address = String::new();
        BufReader::new(said).read_line(&mut address)?;
        Ok(Bare { running, address: address.trim().parse()? })
    }
}

/// Is the server, if this process was started to be it.
pub(crate) fn be_it() -> Option<Outcome<()>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != ARGUMENT).skip(1);
    let (bytes, what) = (arguments.next()?.parse().unwrap_or_default(), arguments.next()?);
    let work = Work::ALL.into_iter().find(|work| work.word() == what)?;
    Some(serve(bytes, work))
}

impl Workshop {
    fn of(work: Work) -> Outcome<Workshop> {
        Ok(match work {
            Work::Nothing => Workshop::Empty,
            Work::Scan => Workshop::Scanning(workshop::engine(workshop::RULES, workshop::REPORT)?.into()),
            Work::Append => Workshop::Appending(Appender::new()?.into()),
        })
    }

    async fn work(&self, body: Bytes) -> Outcome<()> {
        match self {
            Workshop::Empty => drop(body),
            Workshop::Scanning(engine) => drop(black_box(engine.read(body))),
            Workshop::Appending(appender) => appender.append().await?,
        }
        Ok(())
    }
}

fn serve(bytes: usize, work: Work) -> Outcome<()> {
    let workshop = Arc::new(Workshop::of(work)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let answer = Bytes::from(vec![b' '; bytes]);
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (answer, workshop) = (answer.clone(), Arc::clone(&workshop));
            let service = service_fn(move |request| respond(request, answer.clone(), Arc::clone(&workshop)));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn respond(request: Request<Incoming>, answer: Bytes, workshop: Arc<Workshop>) -> Outcome<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    workshop.work(body).await?;
    Ok(Response::new(Full::new(answer)))
}
