//! What the thread that reloads does: reads, compares, puts in force, and says what came of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hyper::header::HeaderValue;

use super::parts::{Parts, client};
use super::reading::{Project, Reading, SettingsText};
use super::refused::{Findings, Refused};
use super::report::{Report, ServerReport};
use super::server::{Asked, Outcome, Server};
use super::shelf::Store;
use super::status::Status;
use super::{InForce, Wish};
use crate::clock::Clock;
use crate::server::site::{Site, Sites};
use crate::server::tls::Certificates;
use crate::settings::{Settings, SiteSettings};
use crate::telemetry;

/// How long after the first of two readings that must agree the second is made for an operator, who has most likely saved
/// everything by then.
const GAP_ASKED: Duration = Duration::from_millis(10);
/// How often an operator's wish is tried while the files change.
const TRIES_MAX: usize = 100;
/// How long files may change all the time before the log is told.
const UNREST: Duration = Duration::from_secs(10);

/// Everything about reloading but the thread.
pub struct Reloader {
    pub(super) project: Project,
    pub(super) settings: Arc<Settings>,
    /// What the settings in force were read from.
    pub(super) settings_text: SettingsText,
    /// What the daemon started with and keeps until it ends.
    pub(super) started_with: Arc<Settings>,
    pub(super) servers: Vec<Server>,
    /// The numbers of all paths that were ever served.
    pub(super) numbers: HashMap<String, usize>,
    pub(super) store: Option<Store>,
    /// What was read when files were last put in force or refused.
    pub(super) seen: Arc<Reading>,
    /// What was read since, and must be read once more.
    pub(super) candidate: Option<Reading>,
    pub(super) in_force: InForce,
    pub(super) status: Status,
    /// Since when something changes each time that it is read, and whether the log was told.
    pub(super) unsteady_since: Option<Instant>,
    pub(super) unrest_told: bool,
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

    /// Tells the log of the servers whose rules are not those of the files.
    pub fn tell_of_kept(&self) {
        self.servers.iter().for_each(Server::tell_if_kept);
    }

    /// Leaves nothing behind where there was nothing to serve.
    pub fn abandon(self) {
        self.store.into_iter().for_each(Store::abandon);
    }

    /// Reads everything, and acts on what has changed and reads as it did the last time. Says whether something has to be
    /// read once more.
    pub(super) fn look(&mut self, parts: &Parts) -> bool {
        let began = Clock::instant();
        let reading = self.read();
        let (steady, unsteady) = reading.steady(&self.seen, self.candidate.as_ref());
        if !steady.agrees_with(&self.seen) {
            self.act(steady, &Asked::No, began, parts).tell();
        }
        self.note_unrest(unsteady);
        self.candidate = unsteady.then_some(reading);
        unsteady
    }

    /// Does what an operator wants, whether anything has changed or not.
    pub(super) fn obey(&mut self, wish: &Wish, parts: &Parts) -> Report {
        let asked = match self.forced(wish) {
            Ok(asked) => asked,
            Err(report) => return report,
        };
        let mut before = self.read();
        for _ in 0..TRIES_MAX {
            thread::sleep(GAP_ASKED);
            let began = Clock::instant();
            let reading = self.read();
            if reading.agrees_with(&before) {
                self.candidate = None;
                return self.act(reading, &asked, began, parts);
            }
            before = reading;
        }
        Report { settings: Outcome::Refused(Arc::new(Refused::Unsettled)), ..self.report(Vec::new()) }
    }

    fn read(&self) -> Reading {
        Reading::take(&self.project, Some((&self.seen, &self.settings)))
    }

    /// Who is to be forced: one server, which must be named where there are several.
    fn forced(&self, wish: &Wish) -> Result<Asked, Report> {
        if !wish.force {
            return Ok(Asked::Yes);
        }
        self.named(wish.server.as_deref()).map(Asked::Force)
    }

    /// The path of the server that an operator means.
    fn named(&self, server: Option<&str>) -> Result<String, Report> {
        let known: Vec<&str> = self.servers.iter().map(|server| server.path.as_str()).collect();
        match (server, known.as_slice()) {
            (None, [only]) => Ok((*only).to_owned()),
            (Some(path), _) if known.contains(&path) => Ok(path.to_owned()),
            _ => {
                let why = format!("say which server: `--server` and one of `{}`", known.join("`, `"));
                let outcome = Outcome::Refused(Arc::new(Refused::NotDone(why)));
                Err(self.report(vec![(server.unwrap_or("*").to_owned(), outcome)]))
            }
        }
    }

    /// Tells the log once if something has not rested for long.
    fn note_unrest(&mut self, unsteady: bool) {
        let since = self.unsteady_since.filter(|_| unsteady);
        match since {
            None => self.unsteady_since = unsteady.then(Clock::instant),
            Some(since) if !self.unrest_told && UNREST < Clock::instant().saturating_duration_since(since) => {
                self.unrest_told = true;
                telemetry::unsteady();
            }
            Some(_) => {}
        }
        self.unrest_told &= unsteady;
    }

    /// Puts in force what was read since `began`, as far as it is sound.
    fn act(&mut self, reading: Reading, asked: &Asked, began: Instant, parts: &Parts) -> Report {
        let settings = self.take_settings(&reading, asked, parts);
        let reading = Arc::new(reading);
        self.seen = Arc::clone(&reading);
        self.take_rules(&reading, settings, asked, began)
    }

    /// Puts the rules in force, as far as they are sound; `settings` is what became of the settings.
    pub(super) fn take_rules(&mut self, reading: &Reading, settings: Outcome, asked: &Asked, began: Instant) -> Report {
        let (site_settings, now) = (Arc::clone(&self.settings), Clock::now());
        let mut servers = Vec::with_capacity(site_settings.sites.len());
        let mut outcomes = Vec::with_capacity(site_settings.sites.len());
        for site in &site_settings.sites {
            let mut server = self.take_server(site);
            if let Some(files) = reading.rules(&site.rules) {
                let outcome = server.consider(site, files, asked);
                self.status.note(&site.path, &outcome, now);
                outcomes.push((site.path.clone(), outcome));
            }
            servers.push(server);
        }
        self.servers = servers;
        self.status.settings.note(&settings, now);
        let before = self.put_in_force();
        let took = Clock::instant().saturating_duration_since(began);
        drop(before);
        self.keep(&outcomes);
        Report { settings, took, ..self.report(outcomes) }
    }

    /// Keeps on disk what has come in force. It serves already: nobody waits for the disk.
    fn keep(&mut self, outcomes: &[(String, Outcome)]) {
        let loaded =
            |path: &str| outcomes.iter().any(|(it, outcome)| it == path && matches!(outcome, Outcome::Loaded(_)));
        self.servers.iter_mut().filter(|server| loaded(&server.path)).for_each(Server::keep);
    }

    /// Takes over the settings that were read, if they can be served where the daemon listens.
    fn take_settings(&mut self, reading: &Reading, asked: &Asked, parts: &Parts) -> Outcome {
        if reading.text == self.settings_text {
            return Outcome::Unchanged;
        }
        if *asked == Asked::No
            && reading.text == self.seen.text
            && let Some(why) = &self.status.settings.refused
        {
            return Outcome::StillRefused(Arc::clone(why));
        }
        match self.try_settings(reading, parts) {
            Ok((settings, found)) => {
                self.settings_text = reading.text.clone();
                settings.tell_of_open(&self.settings);
                self.in_force.limits.replace(settings.limits);
                self.in_force.admin_token.replace(settings.admin_token.clone());
                self.in_force.secrets.replace(settings.secrets.clone());
                adopt(self.started_with.tls.as_ref(), settings.tls.as_ref());
                adopt(self.started_with.admin_tls.as_ref(), settings.admin_tls.as_ref());
                self.status.restart_for = settings.differ_until_restart(&self.started_with);
                self.settings = settings;
                Outcome::Loaded(found)
            }
            Err(why) => Outcome::Refused(why),
        }
    }

    /// The settings that were read, with all parts of the daemon that have bounds of their own keeping them.
    fn try_settings(&self, reading: &Reading, parts: &Parts) -> Result<(Arc<Settings>, Findings), Arc<Refused>> {
        let unservable = |why| Arc::new(Refused::Unservable(why));
        let (settings, found) = reading.settings.clone()?;
        if self.settings_text.is_file() && !reading.text.is_file() {
            // Without it everything would be open to everybody who can reach the daemon.
            let why = "the settings file is gone; what it said holds on, and a restart would do without it";
            return Err(unservable(why.to_owned()));
        }
        // The addresses are those that it was started with, whatever the file says now.
        settings.refuse_open(self.started_with.listen).map_err(|why| unservable(why.to_string()))?;
        settings.refuse_open_admin(self.started_with.admin).map_err(|why| unservable(why.to_string()))?;
        settings.keep_protection_of(&self.settings).map_err(|why| unservable(why.to_string()))?;
        let differs = settings.outbound != self.settings.outbound;
        let before = self.in_force.client.current();
        let client = differs.then(|| client(&settings, Some(&before))).transpose().map_err(unservable)?;
        parts.rebound(&settings).map_err(unservable)?;
        if let Some(client) = client {
            self.in_force.client.replace(client);
        }
        Ok((settings, found))
    }

    /// Takes out the server at a path as it was, or makes a new one.
    fn take_server(&mut self, site: &SiteSettings) -> Server {
        if let Some(known) = self.servers.iter().position(|server| server.path == site.path) {
            return self.servers.swap_remove(known);
        }
        let next = self.numbers.len();
        let index = *self.numbers.entry(site.path.clone()).or_insert(next);
        Server::new(index, site, self.store.as_ref().map(|store| store.shelf(&site.path)))
    }

    /// Swaps the handle that all requests take their site from, and returns what was in force. Whoever sees the new sites
    /// sees the new status, too.
    fn put_in_force(&mut self) -> Arc<Sites> {
        let paths: Vec<&str> = self.servers.iter().map(|server| server.path.as_str()).collect();
        self.status.servers.retain(|(path, _)| paths.contains(&path.as_str()));
        self.in_force.status.replace(self.status.clone());
        let sites = self.settings.sites.iter().zip(&self.servers);
        let sites = sites.map(|(settings, server)| Arc::new(site(&self.settings, settings, server)));
        let sites = match sites.collect::<Vec<_>>().as_slice() {
            [only] if !self.settings.by_path => Sites::Everywhere(Arc::clone(only)),
            all => Sites::ByPath(all.iter().map(|site| (site.path.clone(), Arc::clone(site))).collect()),
        };
        self.in_force.sites.replace(sites)
    }

    /// Goes back to the rules before those in force. How the files stand is not changed by that.
    pub(super) fn roll_back(&mut self, server: Option<&str>) -> Report {
        let began = Clock::instant();
        let path = match self.named(server) {
            Ok(path) => path,
            Err(report) => return report,
        };
        let (settings, seen) = (Arc::clone(&self.settings), Arc::clone(&self.seen));
        let site = settings.sites.iter().find(|site| site.path == path);
        let server = self.servers.iter_mut().find(|server| server.path == path);
        let done = site.zip(server).map(|(site, server)| server.roll_back(site, seen.rules(&site.rules)));
        let outcome = match done {
            Some(Err(why)) => Outcome::Refused(Arc::new(Refused::NotDone(why.to_string()))),
            Some(Ok(())) | None => Outcome::Loaded(Findings::default()),
        };
        drop(self.put_in_force());
        Report { took: Clock::instant().saturating_duration_since(began), ..self.report(vec![(path, outcome)]) }
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
            took: Duration::ZERO,
        }
    }
}

/// Shows from now on the certificate that was read, where there is one to show it instead of.
fn adopt(in_force: Option<&Certificates>, read: Option<&Certificates>) {
    if let (Some(in_force), Some(read)) = (in_force, read) {
        in_force.adopt(read);
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
