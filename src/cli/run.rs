//! `switchhook run`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{Outcome, could_not_run, show};
use crate::daemon::{self, Sockets};
use crate::reload::refused::Refused;
use crate::reload::report::Report;
use crate::reload::{Project, Start, server};
use crate::service_manager::{self, Inherited, Socket};
use crate::settings::{self, Flags};
use crate::telemetry;

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
    #[arg(long, env = "SWITCHHOOK_LISTEN", value_name = "ADDR", value_parser = settings::listening)]
    listen: Option<SocketAddr>,
    /// Where to listen for operators [default: 127.0.0.1:9090]
    #[arg(long, env = "SWITCHHOOK_ADMIN", value_name = "ADDR", value_parser = settings::operators)]
    admin: Option<SocketAddr>,
    /// Where to keep what must outlive the daemon [default: data]
    #[arg(long, env = "SWITCHHOOK_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// What to log: error, warn, info, debug, or target=level, separated by commas [default: info]
    #[arg(long, env = "SWITCHHOOK_LOG", value_name = "FILTER")]
    log: Option<String>,
}

impl Arguments {
    /// What is to be served. Where a socket is inherited, its address is a fact, and what that asks for must be kept.
    fn project(&self, inherited: &Inherited) -> Project {
        let address = |socket: &Option<Socket>| socket.as_ref().map(|socket| socket.address);
        Project {
            config: self.config.clone(),
            flags: Flags {
                rules: self.rules.clone(),
                listen: address(&inherited.public).or(self.listen),
                admin: address(&inherited.admin).or(self.admin),
                data: self.data.clone(),
                log: self.log.clone(),
            },
        }
    }
}

/// Runs the daemon until it is told to stop.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let inherited = match service_manager::inherited() {
        Ok(inherited) => inherited,
        Err(error) => return could_not_run(&error),
    };
    let start = match Start::read(arguments.project(&inherited)) {
        Ok(start) => start,
        Err(why) => return refused(&why),
    };
    show(&start.found().found, &start.found().sources);
    let settings = start.settings();
    if let Err(error) = telemetry::init(settings.log_format, &settings.log_filter) {
        return could_not_run(&error);
    }
    for site in settings.sites.iter().filter(|site| site.credentials.is_open()) {
        telemetry::open(&site.path);
    }
    let sockets = match Sockets::open(inherited, start.settings()) {
        Ok(sockets) => sockets,
        Err(why) => return could_not_run(&why),
    };
    let (reloader, report) = match start.begin() {
        Ok(begun) => begun,
        Err(why) => return refused(&why),
    };
    if let Some(outcome) = nothing_to_serve(&report) {
        reloader.abandon();
        return outcome;
    }
    reloader.tell_of_kept();
    match daemon::run(reloader, sockets) {
        Ok(()) => Outcome::Fine,
        Err(why) => could_not_run(&why),
    }
}

/// Shows what was found in the rules. A site whose files are broken leaves the others alone; only if nothing is in force
/// at any of them there is nothing to serve.
fn nothing_to_serve(report: &Report) -> Option<Outcome> {
    let outcomes = report.servers.iter().map(|server| match &server.outcome {
        server::Outcome::Refused(why) | server::Outcome::StillRefused(why) => refused(why),
        server::Outcome::Loaded(found) => show(&found.found, &found.sources),
        server::Outcome::Unchanged | server::Outcome::RolledBack => Outcome::Fine,
    });
    let worst = outcomes.max().unwrap_or(Outcome::Fine);
    let sound = |server: &crate::reload::report::ServerReport| server.snapshot.as_ref().is_some_and(|it| it.is_sound());
    // Whatever the reason, a daemon with nothing to serve has not run.
    (!report.servers.iter().any(sound)).then_some(if worst == Outcome::Fine { Outcome::CouldNotRun } else { worst })
}

/// Says why files are not put in force.
fn refused(why: &Refused) -> Outcome {
    match why.findings() {
        Some(findings) => show(&findings.found, &findings.sources),
        None => could_not_run(why),
    }
}
