//! How a daemon begins: with its settings, before there is a log, then with its rules.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::InForce;
use super::parts::client;
use super::reading::{Project, Reading};
use super::refused::{Findings, Refused};
use super::reloader::Reloader;
use super::report::Report;
use super::server::{Asked, Outcome};
use super::shelf::Store;
use super::status::Status;
use crate::clock::Clock;
use crate::live::Live;
use crate::server::site::Sites;
use crate::settings::Settings;
use crate::telemetry;

/// The settings of a daemon that is about to start.
pub struct Start {
    project: Project,
    reading: Reading,
    settings: Arc<Settings>,
    found: Findings,
    began: Instant,
}

impl Start {
    /// Reads the settings.
    ///
    /// # Errors
    /// Why there are none.
    pub fn read(project: Project) -> Result<Start, Arc<Refused>> {
        let began = Clock::instant();
        let reading = Reading::take(&project, None);
        let (settings, found) = reading.settings.clone()?;
        Ok(Start { project, reading, settings, found, began })
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
        let Start { project, reading, settings, began, .. } = self;
        let reading = Arc::new(reading);
        let in_force = InForce {
            sites: Live::new(Sites::ByPath(HashMap::new())),
            limits: Live::new(settings.limits),
            admin_token: Live::new(settings.admin_token.clone()),
            secrets: Live::new(settings.secrets.clone()),
            client: Live::new(client(&settings, None).map_err(|why| Arc::new(Refused::Unservable(why)))?),
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
            unsteady_since: None,
            unrest_told: false,
        };
        let report = reloader.take_rules(&reading, Outcome::Unchanged, &Asked::No, began);
        Ok((reloader, report))
    }
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
