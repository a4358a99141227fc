//! `switchhook run`: the daemon.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Outcome, could_not_run, show};
use crate::engine::Engine;
use crate::engine::script::STACK_BYTES;
use crate::engine::source::{Compiled, compile};
use crate::load;
use crate::server::admin::Admin;
use crate::server::answering::Answering;
use crate::server::limits::Limits;
use crate::server::service::{Service, Sites};
use crate::server::site::{Complaints, Site};
use crate::server::{Answer, Server};
use crate::service_manager::{self, Inherited, Notifier, Socket};
use crate::settings::{self, Settings, SiteSettings};
use crate::telemetry;

/// How long the admin address may take to end: longer than a connection rests that is to end.
const ADMIN_DRAIN_MAX: Duration = Duration::from_secs(2);

/// The command's arguments; each wins over the settings file.
#[derive(Debug, Args)]
#[group(id = "run")]
pub struct Arguments {
    /// The settings file [default: switchhook.yaml, if there is one]
    #[arg(long, env = "SWITCHHOOK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of rules [default: rules]
    #[arg(long, env = "SWITCHHOOK_RULES", value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Where to listen for Vapi [default: 127.0.0.1:8080]
    #[arg(long, env = "SWITCHHOOK_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where to listen for operators [default: 127.0.0.1:9090]
    #[arg(long, env = "SWITCHHOOK_ADMIN", value_name = "ADDR")]
    admin: Option<SocketAddr>,
    /// Where to keep what must outlive the daemon: not available yet, nothing is kept on disk
    #[arg(long, env = "SWITCHHOOK_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// What to log: error, warn, info, debug, or target=level, separated by commas [default: info]
    #[arg(long, env = "SWITCHHOOK_LOG", value_name = "FILTER")]
    log: Option<String>,
}

/// Runs the daemon until it is told to stop.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    if arguments.data.is_some() {
        return could_not_run(&"`--data` is not available yet: so far nothing is kept on disk, so leave it out");
    }
    let inherited = match service_manager::inherited() {
        Ok(inherited) => inherited,
        Err(error) => return could_not_run(&error),
    };
    let settings = match settings::load(arguments.config.as_deref()) {
        Ok(settings::Loaded { settings, found, sources }) => {
            show(&found, &sources);
            settings
        }
        Err(settings::Trouble::Unreadable(error)) => return could_not_run(&error),
        Err(settings::Trouble::Found(found, sources)) => return show(&found, &sources),
    };
    // Where it is inherited, the address is a fact, and what it asks for must be kept.
    let listen = inherited.public.as_ref().map(|socket| socket.address).or(arguments.listen);
    let admin = inherited.admin.as_ref().map(|socket| socket.address).or(arguments.admin);
    let settings = match settings.with(arguments.rules.clone(), listen, admin, arguments.log.as_deref()) {
        Ok(settings) => settings,
        Err(why) => return could_not_run(&why),
    };
    if let Err(error) = telemetry::init(settings.log_format, &settings.log_filter) {
        return could_not_run(&error);
    }
    let sites = match sites(&settings) {
        Ok(sites) => sites,
        Err(outcome) => return outcome,
    };
    // Short scripts run where requests are read. Of a stack only what is used costs memory.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = match runtime.enable_all().thread_stack_size(STACK_BYTES).build() {
        Ok(runtime) => runtime,
        Err(error) => return could_not_run(&format!("cannot start its threads: {error}")),
    };
    runtime.block_on(serve(settings, sites, inherited))
}

/// Compiles the rules of every site. What is found is shown for all of them; a site whose files are broken leaves
/// the others alone, and only if none is sound there is nothing to serve.
fn sites(settings: &Settings) -> Result<Vec<Site>, Outcome> {
    let compiled: Vec<Result<Engine, Outcome>> = settings.sites.iter().map(engine).collect();
    if let Some(worst) = compiled.iter().filter_map(|engine| engine.as_ref().err()).max()
        && compiled.iter().all(Result::is_err)
    {
        return Err(*worst);
    }
    let sites = settings.sites.iter().zip(compiled).enumerate();
    Ok(sites.map(|(index, (settings, engine))| site(index, settings, engine.ok())).collect())
}

fn engine(site: &SiteSettings) -> Result<Engine, Outcome> {
    let sources = load::rules(&site.rules).map_err(|error| could_not_run(&error))?;
    let Compiled { engine, found } = compile(&sources, &site.options).map_err(|found| show(&found, &sources))?;
    show(&found, &sources);
    Ok(engine)
}

fn site(index: usize, settings: &SiteSettings, engine: Option<Engine>) -> Site {
    if engine.is_none() {
        telemetry::broken(&settings.path);
    }
    if settings.credentials.is_open() {
        telemetry::open(&settings.path);
    }
    Site {
        index,
        path: settings.path.clone(),
        sound: engine.is_some(),
        engine: engine.unwrap_or_else(|| Engine::without_rules(&settings.options)),
        options: settings.options.clone(),
        credentials: Arc::clone(&settings.credentials),
        credential_headers: settings.credential_headers.clone(),
        argument_key: settings.argument_key.clone(),
        complaints: Complaints::default(),
    }
}

async fn serve(settings: Settings, sites: Vec<Site>, inherited: Inherited) -> Outcome {
    let rules = sites.iter().map(|site| site.engine.rules().rules().len()).sum();
    let answering = match Answering::start(settings.bounds) {
        Ok(answering) => Arc::new(answering),
        Err(error) => return could_not_run(&format!("cannot start its threads: {error}")),
    };
    let sites = sites.into_iter().map(Arc::new);
    let sites = if settings.by_path {
        Sites::ByPath(sites.map(|site| (site.path.clone(), site)).collect())
    } else {
        match sites.into_iter().next() {
            Some(site) => Sites::Everywhere(site),
            None => return could_not_run(&"there is no server in the settings"),
        }
    };
    let service = Service::new(sites, Arc::clone(&answering));
    let server = match open(inherited.public, settings.listen, settings.limits, service) {
        Ok(server) => server.secured_by(settings.tls.as_ref()),
        Err(error) => return could_not_run(&format!("cannot listen on {}: {error}", settings.listen)),
    };
    let admin = match Admin::new(settings.admin, settings.admin_token.clone()) {
        Ok(admin) => admin,
        Err(error) => return could_not_run(&error),
    };
    let admin = match open(inherited.admin, settings.admin, settings.limits, admin) {
        Ok(admin) => admin.secured_by(settings.admin_tls.as_ref()),
        Err(error) => return could_not_run(&format!("cannot listen on {}: {error}", settings.admin)),
    };
    let shutdown = CancellationToken::new();
    if let Err(error) = stop_on_signals(&shutdown) {
        return could_not_run(&format!("cannot listen for signals: {error}"));
    }
    telemetry::listening(server.local_addr(), admin.local_addr(), rules);
    tell_manager(&format!("{rules} rules on {}", server.local_addr()), &shutdown);
    let drain_max = settings.drain_max();
    // Health is told until the last call is answered.
    let (drained, admin_stop) = (shutdown.clone(), CancellationToken::new());
    let admin = tokio::spawn(admin.run(admin_stop.clone(), ADMIN_DRAIN_MAX));
    let cut_off = server.run(drained, drain_max).await;
    drop(tokio::time::timeout(drain_max, answering.settle()).await);
    admin_stop.cancel();
    drop(admin.await);
    telemetry::stopped(cut_off);
    Outcome::Fine
}

/// Serves on the socket that was inherited, or listens at the address.
fn open<A: Answer>(inherited: Option<Socket>, address: SocketAddr, limits: Limits, answer: A) -> io::Result<Server<A>> {
    match inherited {
        Some(socket) => Server::adopt(socket.listener, limits, answer),
        None => Server::bind(address, limits, answer),
    }
}

/// Tells the service manager that the daemon serves, that it is alive, and when it stops.
fn tell_manager(status: &str, shutdown: &CancellationToken) {
    Notifier.ready(status);
    Notifier.keep_watch();
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        shutdown.cancelled().await;
        Notifier.stopping();
    });
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
