//! Puts the parts of the daemon together, and takes them apart again in the right order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::engine::script;
use crate::reload::{InForce, Reloader, Reloads};
use crate::server::Server;
use crate::server::answering::Answering;
use crate::server::service::Service;
use crate::telemetry;

/// How long operators are still answered once the last call is.
const ADMIN_DRAIN_MAX: Duration = Duration::from_secs(1);

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Unable {
    /// There are no threads.
    #[error("cannot start its threads: {0}")]
    Threads(#[source] io::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Signals cannot be received.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
}

/// Serves until the process is told to stop.
///
/// # Errors
/// Why it cannot.
pub fn run(reloader: Reloader) -> Result<(), Unable> {
    // Short scripts run where requests are read. Of a stack only what is used costs memory.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().thread_stack_size(script::STACK_BYTES).build().map_err(Unable::Threads)?;
    runtime.block_on(serve(reloader))
}

async fn serve(reloader: Reloader) -> Result<(), Unable> {
    let (settings, in_force) = (Arc::clone(reloader.settings()), reloader.in_force().clone());
    let answering = Arc::new(Answering::start(settings.bounds).map_err(Unable::Threads)?);
    let service = Service::new(in_force.sites.clone(), Arc::clone(&answering));
    let server = bind(settings.listen, &in_force, service)?;
    let listening = server.local_addr();
    let reloads = reloader.spawn(listening, Arc::clone(&answering)).map_err(Unable::Threads)?;
    let shutdown = CancellationToken::new();
    let admin = bind(settings.admin, &in_force, Admin::new(in_force.clone(), reloads.clone(), shutdown.clone()))?;
    stop_on_signals(&shutdown).and_then(|()| reload_on_signal(reloads.clone())).map_err(Unable::Signals)?;

    let sites = in_force.sites.current();
    let rules = sites.all().iter().map(|site| site.snapshot.rules()).sum();
    drop(sites);
    telemetry::listening(listening, admin.local_addr(), rules);

    // Operators are answered until the last call is.
    let admin_stop = CancellationToken::new();
    let admin = tokio::spawn(admin.run(admin_stop.clone(), || ADMIN_DRAIN_MAX));
    let drain_max = || drain_max(&in_force);
    let cut_off = server.run(shutdown, drain_max).await;
    reloads.stop();
    drop(tokio::time::timeout(drain_max(), answering.settle()).await);
    admin_stop.cancel();
    drop(admin.await);
    telemetry::stopped(cut_off);
    Ok(())
}

fn bind<A: crate::server::Answer>(address: SocketAddr, in_force: &InForce, answer: A) -> Result<Server<A>, Unable> {
    Server::bind(address, in_force.limits.clone(), answer).map_err(|source| Unable::Listen { address, source })
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
fn reload_on_signal(reloads: Reloads) -> io::Result<JoinHandle<()>> {
    let mut signals = signal(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        while signals.recv().await.is_some() {
            reloads.reload(false).await;
        }
    }))
}
