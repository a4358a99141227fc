//! One server of the daemon: which rules of it are in force, and what becomes of other files.

use std::sync::Arc;

use super::reading::Files;
use super::refused::{Findings, Refused};
use super::shelf::Shelf;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::diagnostic::{Sources, has_errors};
use crate::engine::source::{Compiled, Options, compile};
use crate::live::hits::Hits;
use crate::live::snapshot::{Origin, Snapshot};
use crate::live::version::Version;
use crate::load::{self, RuleFiles};
use crate::server::site::Complaints;
use crate::settings::SiteSettings;
use crate::telemetry;
use crate::testing::coverage::Coverage;
use crate::testing::{Suite, events_among};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nobody: the files have changed.
    No,
    /// An operator.
    Yes,
    /// An operator who knows what else would be in the way at the server of this path.
    Force(String),
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
    files: RuleFiles,
    pub(super) options: Options,
    /// What is kept of its sound files; nothing where there is no place to keep it.
    shelf: Option<Shelf>,
    /// The files that somebody has rolled back from: they stay out until they change.
    shunned: Option<Version>,
    /// What was refused last, which need not be tried again.
    refused: Option<Attempt>,
}

/// Files that were refused.
struct Attempt {
    /// Which; nothing if they could not be read.
    version: Option<Version>,
    options: Options,
    why: Arc<Refused>,
}

/// A rule set that could be put in force.
struct Candidate {
    engine: Engine,
    version: Version,
    files: RuleFiles,
}

impl Server {
    /// A server of which nothing is in force yet.
    pub(super) fn new(index: usize, settings: &SiteSettings, shelf: Option<Shelf>) -> Server {
        Server {
            index,
            path: settings.path.clone(),
            snapshot: Arc::new(Snapshot::nothing(&settings.options, Clock::now())),
            complaints: Arc::default(),
            files: RuleFiles { folder: String::new(), files: Vec::new() },
            options: settings.options.clone(),
            shunned: shelf.as_ref().and_then(Shelf::rolled_back_from),
            shelf,
            refused: None,
        }
    }

    /// Puts the files in force, if they are sound and nothing else is against them. Where nothing is in force, what was
    /// kept of earlier ones is.
    pub(super) fn consider(&mut self, settings: &SiteSettings, files: &Files, asked: &Asked) -> Outcome {
        let outcome = self.consider_files(settings, files, asked);
        if self.snapshot.is_sound() {
            return if self.options == settings.options { outcome } else { self.serve_as(settings, outcome) };
        }
        self.fall_back(settings);
        if !self.snapshot.is_sound() && self.shunned.take().is_some() {
            // There is nothing any more to which somebody has rolled back.
            return self.consider_files(settings, files, asked);
        }
        outcome
    }

    fn consider_files(&mut self, settings: &SiteSettings, files: &Files, asked: &Asked) -> Outcome {
        let files = match files {
            Ok(files) => files,
            Err(why) => return self.unreadable(settings, why),
        };
        let version = Version::of(files.inside());
        if !self.is_forced(asked) && self.shunned.as_ref() == Some(&version) {
            return Outcome::RolledBack;
        }
        let in_force = (self.snapshot.origin, &self.snapshot.version, &self.options);
        if in_force == (Origin::Files, &version, &settings.options) {
            self.refused = None;
            return Outcome::Unchanged;
        }
        let tried =
            |attempt: &&Attempt| attempt.version.as_ref() == Some(&version) && attempt.options == settings.options;
        if let Some(attempt) = self.refused.as_ref().filter(|_| *asked == Asked::No).filter(tried) {
            return Outcome::StillRefused(Arc::clone(&attempt.why));
        }
        match self.try_out(settings, files, &version, asked) {
            Ok((candidate, found)) => {
                self.put_in_force(candidate, Origin::Files, settings);
                (self.refused, self.shunned) = (None, None);
                Outcome::Loaded(found)
            }
            Err(why) => self.refuse(Some(version), settings, why),
        }
    }

    fn is_forced(&self, asked: &Asked) -> bool {
        matches!(asked, Asked::Force(path) if *path == self.path)
    }

    fn unreadable(&mut self, settings: &SiteSettings, why: &str) -> Outcome {
        let same = |attempt: &&Attempt| matches!(&*attempt.why, Refused::Unreadable(before) if before == why);
        if let Some(attempt) = self.refused.as_ref().filter(same) {
            return Outcome::StillRefused(Arc::clone(&attempt.why));
        }
        self.refuse(None, settings, Refused::Unreadable(why.to_owned()))
    }

    fn refuse(&mut self, version: Option<Version>, settings: &SiteSettings, why: Refused) -> Outcome {
        let why = Arc::new(why);
        self.refused = Some(Attempt { version, options: settings.options.clone(), why: Arc::clone(&why) });
        Outcome::Refused(why)
    }

    /// Compiles the files, and holds them against what is in force.
    fn try_out(
        &self,
        settings: &SiteSettings,
        files: &RuleFiles,
        version: &Version,
        asked: &Asked,
    ) -> Result<(Candidate, Findings), Refused> {
        let (engine, found) = compiled(files, &settings.options).map_err(Refused::Broken)?;
        let (before, after) = (self.snapshot.rules(), engine.rules().rules().len());
        if !self.is_forced(asked) && after * 2 < before {
            return Err(Refused::Shrunk { before, after });
        }
        if !self.is_forced(asked) && settings.tests_required {
            passes(&engine, files)?;
        }
        Ok((Candidate { engine, version: version.clone(), files: files.clone() }, found))
    }

    fn put_in_force(&mut self, candidate: Candidate, origin: Origin, settings: &SiteSettings) {
        let Candidate { engine, version, files } = candidate;
        let before = (self.snapshot.engine.rules(), &self.snapshot.hits);
        let hits = Hits::of(engine.rules(), Some(before));
        let generation = self.snapshot.generation + 1;
        self.snapshot = Arc::new(Snapshot { engine, version, generation, origin, loaded_at: Clock::now(), hits });
        self.options.clone_from(&settings.options);
        self.files = files;
    }

    /// What is in force serves on under other options. If it cannot, it does so under those that it had.
    fn serve_as(&mut self, settings: &SiteSettings, outcome: Outcome) -> Outcome {
        match compiled(&self.files, &settings.options) {
            Ok((engine, _)) => {
                let (version, files) = (self.snapshot.version.clone(), self.files.clone());
                self.put_in_force(Candidate { engine, version, files }, self.snapshot.origin, settings);
                outcome
            }
            Err(found) => Outcome::Refused(Arc::new(Refused::Broken(found))),
        }
    }

    /// Puts in force what was kept of the last sound files.
    fn fall_back(&mut self, settings: &SiteSettings) {
        let origin = if self.shunned.is_some() { Origin::Rollback } else { Origin::LastGood };
        if let Some(candidate) = self.kept(settings, None) {
            self.put_in_force(candidate, origin, settings);
        }
    }

    /// Goes back to the rules before those in force, which stay until the files change.
    pub(super) fn roll_back(&mut self, settings: &SiteSettings, files: Option<&Files>) -> Result<(), NoEarlier> {
        if self.shelf.is_none() {
            return Err(NoEarlier::NotKept);
        }
        let in_force = self.snapshot.version.clone();
        let candidate = self.kept(settings, Some(&in_force)).ok_or(NoEarlier::First)?;
        self.shunned = files.and_then(|files| files.as_ref().ok()).map(|files| Version::of(files.inside()));
        if let Some(shelf) = &mut self.shelf
            && let Err(error) = shelf.roll_back(&candidate.version, self.shunned.as_ref())
        {
            telemetry::not_kept(&self.path, &error);
        }
        self.put_in_force(candidate, Origin::Rollback, settings);
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
    fn kept(&self, settings: &SiteSettings, before: Option<&Version>) -> Option<Candidate> {
        let kept = self.shelf.as_ref()?;
        kept.versions_before(before).find_map(|version| {
            let files = kept.take(&version, &load::folder(&settings.rules))?;
            let (engine, _) = compiled(&files, &settings.options).ok()?;
            Some(Candidate { engine, version, files })
        })
    }

    /// Keeps what is in force on disk.
    pub(super) fn keep(&mut self) {
        if let Some(shelf) = &mut self.shelf
            && let Err(error) = shelf.keep(&self.snapshot.version, self.files.inside())
        {
            telemetry::not_kept(&self.path, &error);
        }
    }
}

/// Runs the tests among the files.
fn passes(engine: &Engine, files: &RuleFiles) -> Result<(), Refused> {
    let sources = Sources::of(&files.files);
    let mut found = Vec::new();
    let suite = Suite::read(&sources, &events_among(&files.files), engine, &mut found);
    if has_errors(&found) {
        return Err(Refused::Broken(Findings { found, sources }));
    }
    let outcomes = suite.run(engine, "", &mut Coverage::default());
    let failed = outcomes.iter().filter(|outcome| !outcome.passed());
    match failed.clone().next() {
        None => Ok(()),
        Some(first) => Err(Refused::Failing {
            failed: failed.count(),
            tests: outcomes.len(),
            first: format!("{}: {}", first.place, first.name),
        }),
    }
}

/// An engine made of files, with what their author should know about them, or what is wrong with them.
fn compiled(files: &RuleFiles, options: &Options) -> Result<(Engine, Findings), Findings> {
    let sources = Sources::of(&files.files);
    match compile(&sources, options) {
        Ok(Compiled { engine, found }) => Ok((engine, Findings { found, sources })),
        Err(found) => Err(Findings { found, sources }),
    }
}
