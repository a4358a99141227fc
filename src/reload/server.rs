//! One server of the daemon: which rules of it are in force, and what becomes of other files.

use std::sync::Arc;

use super::reading::Files;
use super::refused::{Findings, Refused};
use super::shelf::Shelf;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::diagnostic::{SourceFile, Sources};
use crate::engine::source::{Compiled, Options, compile};
use crate::live::hits::Hits;
use crate::live::snapshot::{Origin, Snapshot};
use crate::live::version::Version;
use crate::load;
use crate::server::site::Complaints;
use crate::settings::SiteSettings;
use crate::telemetry;

/// What became of files that were looked at.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// They say what is in force already.
    Unchanged,
    /// They were put in force; what their author should know about them.
    Loaded(Findings),
    /// They were not; what was in force serves on.
    Refused(Arc<Refused>),
    /// They are those that were refused before, and need not be tried again.
    StillRefused(Arc<Refused>),
    /// They are those that somebody has rolled back from, and stay out until they change.
    RolledBack,
}

/// Who wants files to be looked at, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nobody: the files have changed.
    No,
    /// An operator.
    Yes,
    /// An operator who knows what else would be in the way.
    Force,
}

/// There is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEarlier {
    /// Nothing is kept.
    #[error("nothing is kept of earlier rules: the daemon has no data folder that it can write to")]
    NotKept,
    /// Nothing came before.
    #[error("nothing is kept of any rules before those in force")]
    First,
}

/// One server.
pub(super) struct Server {
    pub(super) index: usize,
    pub(super) path: String,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) complaints: Arc<Complaints>,
    /// What the snapshot was compiled of, and for.
    files: Vec<SourceFile>,
    pub(super) options: Options,
    /// What is kept of its sound files; nothing where there is no place to keep it.
    shelf: Option<Shelf>,
    /// The files that somebody has rolled back from: they stay out until they change.
    shunned: Option<Version>,
    /// What was refused last, which need not be tried again, and why.
    refused: Option<(Option<Version>, Options, Arc<Refused>)>,
}

impl Server {
    /// A server of which nothing is in force yet.
    pub(super) fn new(index: usize, settings: &SiteSettings, shelf: Option<Shelf>) -> Server {
        Server {
            index,
            path: settings.path.clone(),
            snapshot: Arc::new(Snapshot::nothing(&settings.options, Clock::now())),
            complaints: Arc::default(),
            files: Vec::new(),
            options: settings.options.clone(),
            shunned: shelf.as_ref().and_then(Shelf::rolled_back_from),
            shelf,
            refused: None,
        }
    }

    /// Puts the files in force, if they are sound and nothing else is against them.
    pub(super) fn consider(&mut self, settings: &SiteSettings, files: &Files, asked: Asked) -> Outcome {
        let outcome = match files {
            Ok(files) => self.consider_files(settings, files, asked),
            Err(why) => self.refuse(None, settings, Refused::Unreadable(why.clone())),
        };
        if !self.snapshot.is_sound() {
            self.fall_back(settings);
        } else if self.options != settings.options {
            self.serve_as(settings);
        }
        outcome
    }

    fn consider_files(&mut self, settings: &SiteSettings, files: &[SourceFile], asked: Asked) -> Outcome {
        let version = version(settings, files);
        if asked != Asked::Force && self.shunned.as_ref() == Some(&version) {
            return Outcome::RolledBack;
        }
        let in_force = (self.snapshot.origin, &self.snapshot.version, &self.options);
        if in_force == (Origin::Files, &version, &settings.options) {
            self.refused = None;
            return Outcome::Unchanged;
        }
        if let Some((refused, options, why)) = &self.refused
            && (asked, refused, options) == (Asked::No, &Some(version.clone()), &settings.options)
        {
            return Outcome::StillRefused(Arc::clone(why));
        }
        match self.try_out(settings, files, asked) {
            Ok((compiled, sources)) => {
                let found = Findings { found: compiled.found, sources };
                self.put_in_force(compiled.engine, version, Origin::Files, settings, files.to_vec());
                Outcome::Loaded(found)
            }
            Err(why) => self.refuse(Some(version), settings, why),
        }
    }

    fn refuse(&mut self, version: Option<Version>, settings: &SiteSettings, why: Refused) -> Outcome {
        let known = self.refused.as_ref().filter(|(known, ..)| version.is_none() && known.is_none());
        if let Some((.., before)) = known.filter(|(.., before)| before.to_string() == why.to_string()) {
            return Outcome::StillRefused(Arc::clone(before));
        }
        let why = Arc::new(why);
        self.refused = Some((version, settings.options.clone(), Arc::clone(&why)));
        Outcome::Refused(why)
    }

    /// Compiles the files, and holds them against what is in force.
    fn try_out(
        &self,
        settings: &SiteSettings,
        files: &[SourceFile],
        asked: Asked,
    ) -> Result<(Compiled, Sources), Refused> {
        let sources = Sources::of(files);
        let compiled = match compile(&sources, &settings.options) {
            Ok(compiled) => compiled,
            Err(found) => return Err(Refused::Broken(Findings { found, sources })),
        };
        let (before, after) = (self.snapshot.rules(), compiled.engine.rules().rules().len());
        if asked != Asked::Force && after * 2 < before {
            return Err(Refused::Shrunk { before, after });
        }
        Ok((compiled, sources))
    }

    fn put_in_force(
        &mut self,
        engine: Engine,
        version: Version,
        origin: Origin,
        settings: &SiteSettings,
        files: Vec<SourceFile>,
    ) {
        let before = (self.snapshot.engine.rules(), &self.snapshot.hits);
        let hits = Hits::of(engine.rules(), Some(before));
        let generation = self.snapshot.generation + 1;
        self.snapshot = Arc::new(Snapshot { engine, version, generation, origin, loaded_at: Clock::now(), hits });
        self.options.clone_from(&settings.options);
        self.files = files;
        self.refused = None;
        self.shunned = None;
    }

    /// What is in force serves on under other options. If it cannot, it does so under those that it had.
    fn serve_as(&mut self, settings: &SiteSettings) {
        let Ok(compiled) = compile(&Sources::of(&self.files), &settings.options) else { return };
        let (files, shunned) = (std::mem::take(&mut self.files), self.shunned.take());
        let refused = self.refused.take();
        self.put_in_force(compiled.engine, self.snapshot.version.clone(), self.snapshot.origin, settings, files);
        (self.shunned, self.refused) = (shunned, refused);
    }

    /// Puts in force what was kept of the last sound files.
    fn fall_back(&mut self, settings: &SiteSettings) {
        let origin = if self.shunned.is_some() { Origin::Rollback } else { Origin::LastGood };
        let Some((version, files, compiled)) = self.kept(settings, None) else { return };
        let (shunned, refused) = (self.shunned.take(), self.refused.take());
        self.put_in_force(compiled.engine, version, origin, settings, files);
        (self.shunned, self.refused) = (shunned, refused);
    }

    /// Goes back to the rules before those in force, which stay until the files change.
    pub(super) fn roll_back(&mut self, settings: &SiteSettings, files: Option<&Files>) -> Result<(), NoEarlier> {
        if self.shelf.is_none() {
            return Err(NoEarlier::NotKept);
        }
        let in_force = self.snapshot.version.clone();
        let (version, kept, compiled) = self.kept(settings, Some(&in_force)).ok_or(NoEarlier::First)?;
        let shunned = files.and_then(|files| files.as_ref().ok()).map(|files| self::version(settings, files));
        if let Some(shelf) = &mut self.shelf
            && let Err(error) = shelf.roll_back(&version, shunned.as_ref())
        {
            telemetry::not_kept(&self.path, &error);
        }
        self.put_in_force(compiled.engine, version, Origin::Rollback, settings, kept);
        self.shunned = shunned;
        Ok(())
    }

    /// Tells the log if what is in force is not what the files say.
    pub(super) fn tell_if_kept(&self) {
        let Snapshot { origin, version, .. } = &*self.snapshot;
        match origin {
            Origin::Files => {}
            Origin::Nothing => telemetry::broken(&self.path),
            Origin::LastGood | Origin::Rollback => telemetry::serves_kept(&self.path, version, *origin),
        }
    }

    /// The newest of the files kept that are still sound; of those before `before`, if that is given.
    fn kept(&self, settings: &SiteSettings, before: Option<&Version>) -> Option<(Version, Vec<SourceFile>, Compiled)> {
        let kept = self.shelf.as_ref()?;
        kept.versions_before(before).find_map(|version| {
            let files = kept.take(&version, &load::folder(&settings.rules))?;
            let compiled = compile(&Sources::of(&files), &settings.options).ok()?;
            Some((version, files, compiled))
        })
    }

    /// Keeps what is in force on disk, if it came from the files.
    pub(super) fn keep(&mut self, settings: &SiteSettings) {
        let (version, folder) = (&self.snapshot.version, load::folder(&settings.rules));
        if let Some(shelf) = &mut self.shelf
            && let Err(error) = shelf.keep(version, inside(&folder, &self.files))
        {
            telemetry::not_kept(&self.path, &error);
        }
    }
}

/// The name of the files; it does not depend on where they lie.
fn version(settings: &SiteSettings, files: &[SourceFile]) -> Version {
    Version::of(inside(&load::folder(&settings.rules), files))
}

/// Each file's path inside of `folder`, and what it holds.
fn inside<'a>(folder: &'a str, files: &'a [SourceFile]) -> impl Iterator<Item = (&'a str, &'a str)> {
    files.iter().map(move |file| (file.path.strip_prefix(folder).unwrap_or(&file.path), &*file.text))
}
