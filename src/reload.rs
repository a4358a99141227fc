//! Changed files come in force while calls go on, and broken ones never do.
//!
//! One thread does all of it. It looks when the operating system hints at a change, when an operator asks, and now and
//! then in any case. To look is to read everything and compare it with what was read last; what has changed must read
//! the same twice before it counts, so that nothing half written is taken for whole. Each server's new rules are
//! compiled aside and held against what is in force; then one handle is swapped, and who has taken the old sites keeps
//! them until its request is answered.

mod reading;
pub mod refused;
pub mod report;
pub mod server;
pub mod shelf;
pub mod status;
mod watch;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use hyper::header::HeaderValue;
use secrecy::SecretString;
use tokio::sync::oneshot;

pub use self::reading::Project;
use self::reading::{Reading, SettingsText};
use self::refused::{Findings, Refused};
use self::report::{Report, ServerReport};
use self::server::{Asked, Outcome, Server};
use self::shelf::Store;
use self::status::Status;
use self::watch::{Hint, Unfinished, Watch};
use crate::clock::{Clock, Deadline};
use crate::live::Live;
use crate::outbox::Outbox;
use crate::outbox::client::Client;
use crate::secrets::Secrets;
use crate::server::answering::Answering;
use crate::server::limits::Limits;
use crate::server::site::{Site, Sites};
use crate::server::tls::Certificates;
use crate::settings::{Settings, SiteSettings};
use crate::telemetry;

/// How long nothing must have happened before the files are looked at.
const QUIET: Duration = Duration::from_millis(50);
/// The same while somebody has a file open and writes to it.
const QUIET_UNFINISHED: Duration = Duration::from_millis(150);
/// How long quiet is waited for.
const UNQUIET_MAX: Duration = Duration::from_secs(1);
/// How long after the first of two readings that must agree the second is made, where hints tell of writing.
const GAP: Duration = Duration::from_millis(40);
/// The same where an operator asks, who has most likely saved everything by then.
const GAP_ASKED: Duration = Duration::from_millis(10);
/// How often an operator's wish is tried while the files change.
const TRIES_MAX: usize = 100;
/// Compiling nests as deep as files may.
const STACK_BYTES: usize = 8 << 20;

/// What reloading puts in force.
#[derive(Clone)]
pub struct InForce {
    /// What answers where.
    pub sites: Live<Sites>,
    /// The bounds of the transport.
    pub limits: Live<Limits>,
    /// What operators must bring.
    pub admin_token: Live<Option<SecretString>>,
    /// What texts of actions can ask for.
    pub secrets: Live<Secrets>,
    /// What sends requests to others.
    pub client: Live<Client>,
    /// How reloading stands.
    pub status: Live<Status>,
}

/// What wakes the thread that reloads.
enum Wake {
    Hint(Hint),
    Reload { force: bool, done: oneshot::Sender<Report> },
    RollBack { server: Option<String>, done: oneshot::Sender<Report> },
    Stop,
}

/// A handle on the thread that reloads. Cheap to clone.
#[derive(Clone)]
pub struct Reloads(Sender<Wake>);

impl Reloads {
    /// Puts what the files say in force, and says what came of it; `force` also what a guard would keep out.
    ///
    /// Nothing is returned if the daemon is about to stop.
    pub async fn reload(&self, force: bool) -> Option<Report> {
        let (done, report) = oneshot::channel();
        self.0.send(Wake::Reload { force, done }).ok()?;
        report.await.ok()
    }

    /// Goes back to the rules before those in force, of one server or of the only one.
    ///
    /// Nothing is returned if the daemon is about to stop.
    pub async fn roll_back(&self, server: Option<String>) -> Option<Report> {
        let (done, report) = oneshot::channel();
        self.0.send(Wake::RollBack { server, done }).ok()?;
        report.await.ok()
    }

    /// Ends the thread. What it is at comes to its end.
    pub fn stop(&self) {
        // It may have ended already.
        let _ = self.0.send(Wake::Stop);
    }
}

/// Everything about reloading but the thread.
pub struct Reloader {
    project: Project,
    settings: Arc<Settings>,
    /// What the settings in force were read from.
    settings_text: SettingsText,
    /// What the daemon started with and keeps until it ends.
    started_with: Arc<Settings>,
    servers: Vec<Server>,
    /// The numbers of all paths that were ever served.
    numbers: HashMap<String, usize>,
    store: Option<Store>,
    /// What was read when files were last put in force or refused.
    seen: Arc<Reading>,
    /// What was read since, and must be read once more.
    candidate: Option<Reading>,
    in_force: InForce,
    status: Status,
}

/// The settings of a daemon that is about to start.
pub struct Start {
    project: Project,
    reading: Reading,
    settings: Arc<Settings>,
    found: Findings,
}

impl Start {
    /// Reads the settings.
    ///
    /// # Errors
    /// Why there are none.
    pub fn read(project: Project) -> Result<Start, Arc<Refused>> {
        let reading = Reading::take(&project, None);
        let (settings, found) = reading.settings.clone()?;
        Ok(Start { project, reading, settings, found })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What their author should know about them.
    #[must_use]
    pub fn found(&self) -> &Findings {
        &self.found
    }

    /// Puts the rules in force, or what was kept of the last sound ones.
    ///
    /// # Errors
    /// When the data folder cannot be used, and somebody asked for it.
    pub fn begin(self) -> Result<(Reloader, Report), Arc<Refused>> {
        let Start { project, reading, settings, .. } = self;
        let reading = Arc::new(reading);
        let in_force = InForce {
            sites: Live::new(Sites::ByPath(HashMap::new())),
            limits: Live::new(settings.limits),
            admin_token: Live::new(settings.admin_token.clone()),
            secrets: Live::new(settings.secrets.clone()),
            client: Live::new(client(&settings).map_err(|why| Arc::new(Refused::Unservable(why)))?),
            status: Live::new(Status::default()),
        };
        let mut reloader = Reloader {
            settings_text: reading.text.clone(),
            store: open_store(&settings)?,
            started_with: Arc::clone(&settings),
            project,
            settings,
            servers: Vec::new(),
            numbers: HashMap::new(),
            seen: Arc::clone(&reading),
            candidate: None,
            in_force,
            status: Status::default(),
        };
        let report = reloader.take_rules(&reading, Outcome::Unchanged, Asked::No);
        for server in &reloader.servers {
            server.tell_if_kept();
        }
        Ok((reloader, report))
    }
}

impl Reloader {
    /// What is in force, for those who serve it.
    #[must_use]
    pub fn in_force(&self) -> &InForce {
        &self.in_force
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The data folder, if there is one that can be used.
    #[must_use]
    pub fn data_folder(&self) -> Option<&Path> {
        self.store.as_ref().map(|_| self.started_with.data.folder.as_path())
    }

    /// Goes on in a thread of its own: for the address where the daemon listens, and the parts with bounds of their own.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(self, listening: SocketAddr, answering: Arc<Answering>, outbox: Outbox) -> io::Result<Reloads> {
        let (sender, wakes) = channel();
        let watch = if self.settings.reload.watch { Watch::start(sender.clone()) } else { Watch::blind() };
        let shell = Shell { listening, answering, outbox };
        let mut thread = Thread { reloader: self, wakes, watch, shell };
        thread::Builder::new().name("reload".to_owned()).stack_size(STACK_BYTES).spawn(move || thread.run())?;
        Ok(Reloads(sender))
    }

    /// Reads everything, and acts if it has changed and reads as it did the last time. Says whether it has to be read
    /// once more.
    fn look(&mut self, shell: &Shell) -> bool {
        let reading = Reading::take(&self.project, Some((&self.seen, &self.settings)));
        if reading.agrees_with(&self.seen) {
            self.candidate = None;
            return false;
        }
        if self.candidate.as_ref().is_some_and(|before| before.agrees_with(&reading)) {
            self.candidate = None;
            tell(&self.act(reading, Asked::No, shell));
            return false;
        }
        self.candidate = Some(reading);
        true
    }

    /// Does what an operator wants, whether anything has changed or not.
    fn obey(&mut self, force: bool, shell: &Shell) -> Report {
        let asked = if force { Asked::Force } else { Asked::Yes };
        let mut before = Reading::take(&self.project, Some((&self.seen, &self.settings)));
        for _ in 0..TRIES_MAX {
            thread::sleep(GAP_ASKED);
            let reading = Reading::take(&self.project, Some((&self.seen, &self.settings)));
            if reading.agrees_with(&before) {
                self.candidate = None;
                return self.act(reading, asked, shell);
            }
            before = reading;
        }
        let mut report = self.report(Vec::new());
        report.settings = Outcome::Refused(Arc::new(Refused::Unsettled));
        report
    }

    /// Puts in force what was read, as far as it is sound.
    fn act(&mut self, reading: Reading, asked: Asked, shell: &Shell) -> Report {
        let settings = self.take_settings(&reading, asked, shell);
        let reading = Arc::new(reading);
        self.seen = Arc::clone(&reading);
        self.take_rules(&reading, settings, asked)
    }

    /// Puts the rules in force, as far as they are sound; `settings` is what became of the settings.
    fn take_rules(&mut self, reading: &Reading, settings: Outcome, asked: Asked) -> Report {
        let (site_settings, now) = (Arc::clone(&self.settings), Clock::now());
        let mut servers = Vec::with_capacity(site_settings.sites.len());
        let mut outcomes = Vec::with_capacity(site_settings.sites.len());
        for site in &site_settings.sites {
            let mut server = self.server(site);
            if let Some(files) = reading.rules(&site.rules) {
                let outcome = server.consider(site, files, asked);
                self.status.note(&site.path, &outcome, now);
                outcomes.push((site.path.clone(), outcome));
            }
            servers.push(server);
        }
        self.servers = servers;
        self.status.settings.note(&settings, now);
        self.put_in_force();
        let mut report = self.report(outcomes);
        report.settings = settings;
        report
    }

    /// Takes over the settings that were read, if they can be served where the daemon listens.
    fn take_settings(&mut self, reading: &Reading, asked: Asked, shell: &Shell) -> Outcome {
        if reading.text == self.settings_text {
            return Outcome::Unchanged;
        }
        if asked == Asked::No
            && reading.text == self.seen.text
            && let Some(why) = &self.status.settings.refused
        {
            return Outcome::StillRefused(Arc::clone(why));
        }
        match self.try_settings(reading, shell) {
            Ok((settings, found)) => {
                self.settings_text = reading.text.clone();
                self.in_force.limits.replace(settings.limits);
                self.in_force.admin_token.replace(settings.admin_token.clone());
                self.in_force.secrets.replace(settings.secrets.clone());
                adopt(self.started_with.tls.as_ref(), settings.tls.as_ref());
                adopt(self.started_with.admin_tls.as_ref(), settings.admin_tls.as_ref());
                self.status.restart_for = settings.differ_until_restart(&self.started_with);
                self.settings = settings;
                Outcome::Loaded { found, took: Duration::ZERO }
            }
            Err(why) => Outcome::Refused(why),
        }
    }

    /// The settings that were read, with all parts of the daemon that have bounds of their own keeping them.
    fn try_settings(&self, reading: &Reading, shell: &Shell) -> Result<(Arc<Settings>, Findings), Arc<Refused>> {
        let unservable = |why| Arc::new(Refused::Unservable(why));
        let (settings, found) = reading.settings.clone()?;
        if self.settings_text.is_file() && !reading.text.is_file() {
            // Without it everything would be open to everybody who can reach the daemon.
            let why = "the settings file is gone; what it said holds on, and a restart would do without it";
            return Err(unservable(why.to_owned()));
        }
        let differs = settings.outbound != self.settings.outbound;
        let client = differs.then(|| client(&settings)).transpose().map_err(unservable)?;
        shell.take_over(&settings).map_err(unservable)?;
        if let Some(client) = client {
            self.in_force.client.replace(client);
        }
        Ok((settings, found))
    }

    /// The server at a path as it was, or a new one.
    fn server(&mut self, site: &SiteSettings) -> Server {
        if let Some(known) = self.servers.iter().position(|server| server.path == site.path) {
            return self.servers.swap_remove(known);
        }
        let next = self.numbers.len();
        let index = *self.numbers.entry(site.path.clone()).or_insert(next);
        Server::new(index, site, self.store.as_ref().map(|store| store.shelf(&site.path)))
    }

    /// Swaps the handle that all requests take their site from. Whoever sees the new sites sees the new status, too.
    fn put_in_force(&mut self) {
        let paths: Vec<&str> = self.servers.iter().map(|server| server.path.as_str()).collect();
        self.status.servers.retain(|(path, _)| paths.contains(&path.as_str()));
        self.in_force.status.replace(self.status.clone());
        let sites = self.settings.sites.iter().zip(&self.servers);
        let sites = sites.map(|(settings, server)| Arc::new(site(&self.settings, settings, server)));
        let sites = match sites.collect::<Vec<_>>().as_slice() {
            [only] if !self.settings.by_path => Sites::Everywhere(Arc::clone(only)),
            all => Sites::ByPath(all.iter().map(|site| (site.path.clone(), Arc::clone(site))).collect()),
        };
        self.in_force.sites.replace(sites);
    }

    fn roll_back(&mut self, server: Option<&str>) -> Report {
        let wanted = match (server, self.servers.as_slice()) {
            (None, [only]) => Some(only.path.clone()),
            (None, _) => None,
            (Some(path), servers) => servers.iter().find(|it| it.path == path).map(|it| it.path.clone()),
        };
        let Some(path) = wanted else {
            let known: Vec<&str> = self.servers.iter().map(|server| server.path.as_str()).collect();
            let why = format!("say which server: `--server` and one of `{}`", known.join("`, `"));
            return self.report(vec![(server.unwrap_or("*").to_owned(), refused(why))]);
        };
        let settings = Arc::clone(&self.settings);
        let settings = settings.sites.iter().find(|site| site.path == path);
        let server = self.servers.iter_mut().find(|server| server.path == path);
        let outcome = match (settings, server) {
            (Some(settings), Some(server)) => {
                let began = Clock::instant();
                match server.roll_back(settings, self.seen.rules(&settings.rules)) {
                    Ok(()) => Outcome::Loaded { found: Findings::default(), took: Clock::instant() - began },
                    Err(why) => refused(why.to_string()),
                }
            }
            _ => refused("there is no such server".to_owned()),
        };
        self.status.note(&path, &outcome, Clock::now());
        self.put_in_force();
        self.report(vec![(path, outcome)])
    }

    fn report(&self, outcomes: Vec<(String, Outcome)>) -> Report {
        let of = |(path, outcome): (String, Outcome)| {
            let snapshot = self.servers.iter().find(|server| server.path == path).map(|it| Arc::clone(&it.snapshot));
            ServerReport { path, outcome, snapshot }
        };
        Report {
            settings: Outcome::Unchanged,
            restart_for: self.status.restart_for.clone(),
            servers: outcomes.into_iter().map(of).collect(),
        }
    }
}

/// Shows from now on the certificate that was read, where there is one to show it instead of.
fn adopt(in_force: Option<&Certificates>, read: Option<&Certificates>) {
    if let (Some(in_force), Some(read)) = (in_force, read) {
        in_force.adopt(read);
    }
}

fn client(settings: &Settings) -> Result<Client, String> {
    Client::new(&settings.outbound).map_err(|error| format!("TLS cannot be set up for requests to others: {error}"))
}

fn refused(why: String) -> Outcome {
    Outcome::Refused(Arc::new(Refused::Unservable(why)))
}

/// The data folder; nothing where there is none to write to and nobody asked for one.
fn open_store(settings: &Settings) -> Result<Option<Store>, Arc<Refused>> {
    let folder = &settings.data.folder;
    let opened = Store::open(folder).and_then(|store| {
        store.forget_all_but(settings.sites.iter().map(|site| site.path.as_str()))?;
        Ok(store)
    });
    match opened {
        Ok(store) => Ok(Some(store)),
        Err(error) if settings.data.is_asked_for => {
            let why = format!("the data folder `{}` cannot be used: {error}", folder.display());
            Err(Arc::new(Refused::Unservable(why)))
        }
        Err(error) => {
            telemetry::no_data_folder(folder, &error);
            Ok(None)
        }
    }
}

fn site(all: &Settings, settings: &SiteSettings, server: &Server) -> Site {
    // A version is made of hexadecimal digits.
    let version = HeaderValue::from_str(server.snapshot.version.as_str()).ok();
    Site {
        index: server.index,
        path: settings.path.clone(),
        snapshot: Arc::clone(&server.snapshot),
        options: server.options.clone(),
        credentials: Arc::clone(&settings.credentials),
        credential_headers: settings.credential_headers.clone(),
        argument_key: settings.argument_key.clone(),
        version_header: all.version_header.clone().zip(version),
        complaints: Arc::clone(&server.complaints),
    }
}

/// What of the running daemon must be told of other settings.
struct Shell {
    /// Where it listens.
    listening: SocketAddr,
    answering: Arc<Answering>,
    outbox: Outbox,
}

impl Shell {
    /// Makes the parts that have bounds of their own keep other ones.
    fn take_over(&self, settings: &Settings) -> Result<(), String> {
        settings.refuse_open(self.listening).map_err(|why| why.to_string())?;
        self.answering.rebound(settings.bounds).map_err(|error| format!("there are no more threads: {error}"))?;
        self.outbox.rebound(settings.outbox);
        telemetry::refilter(&settings.log_filter).map_err(|error| error.to_string())
    }
}

/// The thread that reloads.
struct Thread {
    reloader: Reloader,
    wakes: Receiver<Wake>,
    watch: Watch,
    shell: Shell,
}

impl Thread {
    fn run(&mut self) {
        let mut pause = self.poll();
        loop {
            self.watch.follow(self.reloader.seen.places());
            let wake = match self.wakes.recv_timeout(pause) {
                Ok(Wake::Hint(hint)) => self.settle(hint),
                Ok(wake) => Some(wake),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if matches!(wake, Some(Wake::Stop)) {
                return;
            }
            // No panic is known; should there be one, the next files may fare better. The panic hook has logged it.
            let again = catch_unwind(AssertUnwindSafe(|| self.serve(wake))).unwrap_or(false);
            pause = if again { self.gap() } else { self.poll() };
        }
    }

    fn serve(&mut self, wake: Option<Wake>) -> bool {
        let (report, done) = match wake {
            Some(Wake::Reload { force, done }) => (self.reloader.obey(force, &self.shell), done),
            Some(Wake::RollBack { server, done }) => (self.reloader.roll_back(server.as_deref()), done),
            Some(Wake::Hint(_) | Wake::Stop) | None => return self.reloader.look(&self.shell),
        };
        tell(&report);
        // Whoever asked may have gone.
        let _ = done.send(report);
        false
    }

    /// Waits until nothing happens any more; returns early with what is no hint.
    fn settle(&mut self, hint: Hint) -> Option<Wake> {
        let mut unfinished = Unfinished::default();
        unfinished.note(hint);
        let until = Deadline::after(UNQUIET_MAX);
        while !until.passed() {
            let quiet = if unfinished.is_empty() { QUIET } else { QUIET_UNFINISHED };
            match self.wakes.recv_timeout(quiet.min(until.remaining())) {
                Ok(Wake::Hint(hint)) => unfinished.note(hint),
                Ok(wake) => return Some(wake),
                Err(_) => break,
            }
        }
        None
    }

    /// How long until everything is looked at in any case. Without hints two looks must agree within that time.
    fn poll(&self) -> Duration {
        let poll = self.reloader.settings.reload.poll;
        if self.watch.sees() { poll } else { poll / 2 }
    }

    /// How long until what has changed is looked at once more.
    fn gap(&self) -> Duration {
        if self.watch.sees() { GAP } else { self.poll() }
    }
}

/// Tells the log what came of a reload.
fn tell(report: &Report) {
    telemetry::settings_reloaded(&report.settings, &report.restart_for);
    for server in &report.servers {
        telemetry::rules_reloaded(server);
    }
}
