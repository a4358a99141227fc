//! Puts the parts of the daemon together, and takes them apart again in the right order.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::clock::Deadline;
use crate::engine::script;
use crate::outbox::{Outbox, StoreError};
use crate::reload::{InForce, Parts, Reloader, Reloads, Wish};
use crate::server::answering::Answering;
use crate::server::asking::Asking;
use crate::server::later::Later;
use crate::server::service::Service;
use crate::server::{Answer, Server, socket};
use crate::service_manager::{Inherited, Notifier, Socket};
use crate::settings::Settings;
use crate::telemetry;

/// How long the admin address may take to end: longer than a connection rests that is to end.
const ADMIN_DRAIN_MAX: Duration = Duration::from_secs(2);

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Unable {
    /// There are no threads.
    #[error("cannot start its threads: {0}")]
    Threads(#[source] io::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}choose another address with `{flag}`", hindrance(.source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What says another.
        flag: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A socket that listens cannot be served on.
    #[error("cannot serve on a socket: {0}")]
    Socket(#[source] io::Error),
    /// The outbox cannot be opened.
    #[error(transparent)]
    Outbox(#[from] StoreError),
    /// Signals cannot be received.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
}

/// Why an address cannot be listened on, and what else could be done than to choose another.
fn hindrance(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program has this address, perhaps another switchhook; end that one, or ".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; ".to_owned(),
        _ => format!("{error}; "),
    }
}

/// What the daemon listens on.
#[derive(Debug)]
pub struct Sockets {
    public: TcpListener,
    admin: TcpListener,
}

impl Sockets {
    /// Takes the sockets that were inherited, and opens those that were not. It comes before anything else is touched:
    /// who finds an address taken has most likely started a second daemon, and its data folder is that of the first.
    ///
    /// # Errors
    /// Which address cannot be listened on.
    pub fn open(inherited: Inherited, settings: &Settings) -> Result<Sockets, Unable> {
        Ok(Sockets {
            public: listening(inherited.public, settings.listen, "--listen")?,
            admin: listening(inherited.admin, settings.admin, "--admin")?,
        })
    }
}

fn listening(inherited: Option<Socket>, address: SocketAddr, flag: &'static str) -> Result<TcpListener, Unable> {
    match inherited {
        Some(socket) => Ok(socket.listener),
        None => socket(address).map_err(|source| Unable::Listen { address, flag, source }),
    }
}

/// Serves until the process is told to stop.
///
/// # Errors
/// Why it cannot.
pub fn run(reloader: Reloader, sockets: Sockets) -> Result<(), Unable> {
    // Short scripts run where requests are read. Of a stack only what is used costs memory.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().thread_stack_size(script::STACK_BYTES).build().map_err(Unable::Threads)?;
    runtime.block_on(serve(reloader, sockets))
}

async fn serve(reloader: Reloader, sockets: Sockets) -> Result<(), Unable> {
    let (settings, in_force) = (Arc::clone(reloader.settings()), reloader.in_force().clone());
    let outbox = open_outbox(&reloader)?;
    let asking = Asking::new(in_force.client.clone(), in_force.secrets.clone(), settings.asking);
    let answering = Answering::start(settings.bounds, asking.clone(), outbox.clone()).map_err(Unable::Threads)?;
    let answering = Arc::new(answering);
    let service = Service::new(in_force.sites.clone(), Arc::clone(&answering));
    let server = open(sockets.public, &in_force, service)?.secured_by(settings.tls.as_ref());
    let listening = server.local_addr();
    let parts = Parts { answering: Arc::clone(&answering), asking, outbox: outbox.clone() };
    let reloads = reloader.spawn(parts).map_err(Unable::Threads)?;
    let shutdown = CancellationToken::new();
    let admin = Admin::new(in_force.clone(), reloads.clone(), outbox.clone(), shutdown.clone());
    let admin = open(sockets.admin, &in_force, admin)?.secured_by(settings.admin_tls.as_ref());
    let manager = Manager { listening, in_force: in_force.clone() };
    stop_on_signals(&shutdown)
        .and_then(|()| reload_on_signal(reloads.clone(), manager.clone()))
        .map_err(Unable::Signals)?;

    telemetry::listening(listening, admin.local_addr(), rules(&in_force));
    manager.ready();
    Notifier.keep_watch();
    let later = Later::new(in_force.sites.clone(), answering.clone());
    outbox.deliver(in_force.client.clone(), in_force.secrets.clone(), Arc::new(later));
    stopping(shutdown.clone(), outbox.clone());

    // Operators are answered until the last call is.
    let admin_stop = CancellationToken::new();
    let admin = tokio::spawn(admin.run(admin_stop.clone(), || ADMIN_DRAIN_MAX));
    let drain_max = || drain_max(&in_force);
    let cut_off = server.run(shutdown, drain_max).await;
    let rest = Deadline::after(drain_max());
    drop(tokio::time::timeout(rest.remaining(), answering.settle()).await);
    // Nothing is decided any more that could be enqueued. Until it is closed, nobody else may have the data folder.
    outbox.close(rest.remaining()).await;
    reloads.stop().await;
    admin_stop.cancel();
    drop(admin.await);
    telemetry::stopped(cut_off);
    Ok(())
}

/// Serves on the socket.
fn open<A: Answer>(socket: TcpListener, in_force: &InForce, answer: A) -> Result<Server<A>, Unable> {
    Server::adopt(socket, in_force.limits.clone(), answer).map_err(Unable::Socket)
}

/// How many rules are in force in all.
fn rules(in_force: &InForce) -> usize {
    in_force.sites.current().all().iter().map(|site| site.snapshot.rules()).sum()
}

/// What the service manager is told.
#[derive(Clone)]
struct Manager {
    listening: SocketAddr,
    in_force: InForce,
}

impl Manager {
    fn ready(&self) {
        Notifier.ready(&format!("{} rules on {}", rules(&self.in_force), self.listening));
    }
}

/// The outbox in the data folder; where there is none, it ends with the daemon.
fn open_outbox(reloader: &Reloader) -> Result<Outbox, StoreError> {
    let folder = reloader.data_folder();
    if folder.is_none() {
        telemetry::outbox_in_memory();
    }
    Outbox::open(folder, reloader.settings().outbox)
}

/// Tells the service manager when the daemon begins to stop. Then nothing is sent any more but what is under way.
fn stopping(shutdown: CancellationToken, outbox: Outbox) {
    tokio::spawn(async move {
        shutdown.cancelled().await;
        outbox.stop();
        Notifier.stopping();
    });
}

/// How long what is in flight may take when the daemon stops: as long as the longest deadline.
fn drain_max(in_force: &InForce) -> Duration {
    let longest = in_force.sites.current().all().iter().map(|site| site.options.timeout).max();
    longest.unwrap_or_default() + in_force.limits.current().request_read
}

fn stop_on_signals(shutdown: &CancellationToken) -> io::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            signals.recv().await;
            shutdown.cancel();
        });
    }
    Ok(())
}

/// A service manager asks for a reload with SIGHUP. What came of it is told by the log.
fn reload_on_signal(reloads: Reloads, manager: Manager) -> io::Result<()> {
    let mut signals = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            Notifier.reloading();
            reloads.reload(Wish::default()).await;
            manager.ready();
        }
    });
    Ok(())
}
