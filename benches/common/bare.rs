//! What any server must do at least: hyper and nothing else.
//!
//! The benchmark starts itself as this server, so that it is built and run just as the daemon is.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Outcome;
use crate::common::process::{Cores, Running};

/// The argument that makes the benchmark be the server; the number of bytes to answer with follows it.
const ARGUMENT: &str = "--be-the-bare-server";

/// The bare server, running until this is dropped.
pub(crate) struct Bare {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl Bare {
    /// Starts a server that answers everything with `bytes` bytes.
    pub(crate) fn start(bytes: usize, cores: Cores) -> Outcome<Bare> {
        let this = std::env::current_exe()?;
        let mut command = cores.command(&this.to_string_lossy());
        command.args([ARGUMENT, &bytes.to_string()]).stdout(Stdio::piped());
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
    let bytes = arguments.next()?.parse().unwrap_or_default();
    Some(serve(bytes))
}

fn serve(bytes: usize) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let answer = Bytes::from(vec![b' '; bytes]);
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = answer.clone();
            let service = service_fn(move |request| respond(request, answer.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn respond(request: Request<Incoming>, answer: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    // A client that breaks off gets no answer anyway.
    let read = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    drop(read);
    Ok(Response::new(Full::new(answer)))
}
